"""The `chat` style: a chat template, rendered by a short-lived process with limits, cut into scaffold and content.

A template is code that came with a model, so this process neither imports Jinja nor compiles anything; what comes
back is text and nothing else. What was rendered is kept for a while, so that a prompt is paid for once (about 0.1 s).
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from urial_tui.errors import PromptError
from urial_tui.prompts.render import check_turns
from urial_tui.prompts.types import Rendered, Span, Turn
from urial_tui.safetext import sanitize_line

MAX_TEMPLATE: Final = 256 * 1024
"""Characters of a chat template; the longest of today have about 20,000."""
WALL_S: Final = 5.0
MAX_REPLY: Final = 64 * 1024 * 1024
"""Bytes that are taken from the process at most."""

TOKEN_NAMES: Final = ("eos_token", "pad_token", "unk_token")
"""Variables of a template that stand for the literal text of a token. `bos_token` is empty: the engine adds BOS."""

_UNUSED_CLOCK: Final = datetime(2000, 1, 1)
_START: Final = (
    "import sys; sys.path += sys.argv[1:]; "
    "from urial_tui.prompts.template_process import main; main()"
)
_ENVIRONMENT: Final = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_SPECIAL: Final = re.compile(r"<[^<>\s]+>|\[/?[A-Z_]+\]")

_HINTS: Final = {
    "template-broken": "Its author has to mend it. Meanwhile use another style, such as raw, or a pack.",
    "template-refused": "The template itself says so. Use another style, such as raw, or a pack.",
    "template-time": "It may loop without end. Use another style, such as raw, or a pack.",
    "template-memory": "It may be made to do harm. Use another style, such as raw, or a pack.",
    "template-output": "It may loop without end. Use another style, such as raw, or a pack.",
}


def mentioned_tokens(template: str) -> tuple[str, ...]:
    """Which of TOKEN_NAMES the template's text has, so that only those are looked up."""
    return tuple(name for name in TOKEN_NAMES if name in template)


@dataclass(frozen=True)
class ChatTemplate:
    """A template's text, the literals of the tokens that it mentions, and the time that `strftime_now` tells.

    PromptError (kind `template-broken`) for a text that is too long.
    """

    text: str = field(repr=False)
    tokens: tuple[tuple[str, str], ...] = ()
    now: datetime = _UNUSED_CLOCK

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEMPLATE:
            raise _error("template-broken", f"it is longer than {MAX_TEMPLATE >> 10} kB")

    @classmethod
    def of(cls, text: str, tokens: Mapping[str, str], now: datetime) -> "ChatTemplate":
        """The same template always gives an equal object: a clock that it does not ask for is left out."""
        clock = now if "strftime_now" in text else _UNUSED_CLOCK
        return cls(text, tuple(sorted(tokens.items())), clock)

    @property
    def hash(self) -> str:
        """sha256 of the text, in hex."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def constant(self) -> Rendered:
        """What stands before the first query. Raises PromptError as `render`."""
        made = _rendered(self, ())
        spans = (Span(made.constant),) if made.constant else ()
        return Rendered(spans, constant=len(spans), stops=self._stops(made))

    def render(self, turns: Sequence[Turn], prefill: str = "") -> Rendered:
        """The prompt for the next answer; blocks for about 0.1 s, at most WALL_S.

        Raises PromptError, kinds: `prompt` (turns do not alternate), template-broken, template-refused (with the
        template's own words), template-time, template-memory, template-output.
        """
        check_turns(turns)
        made = _rendered(self, tuple(turns))
        spans = list(made.spans)
        constant = 0
        first = spans[0] if spans else Span("", user=True)
        if made.constant and not first.user and first.text.startswith(made.constant):
            rest = first.text[len(made.constant) :]
            spans[:1] = [Span(made.constant), *([Span(rest)] if rest else [])]
            constant = 1
        if prefill:
            spans.append(Span(prefill, user=True))
        return Rendered(tuple(spans), constant=constant, stops=self._stops(made))

    def _stops(self, made: "_Made") -> tuple[str, ...]:
        """The first line that follows an answer, as "### Instruction:", where it is text and not a special token:
        those end an answer by their ids."""
        head = made.between.strip().partition("\n")[0].strip()
        ended = dict(self.tokens).get("eos_token")
        if len(head) < 3 or _SPECIAL.match(head) or (ended and head.startswith(ended)):
            return ()
        return (head,)


@dataclass(frozen=True)
class _Made:
    """What the process answered."""

    spans: tuple[Span, ...]
    constant: str
    between: str


@lru_cache(maxsize=32)
def _rendered(template: ChatTemplate, turns: tuple[Turn, ...]) -> _Made:
    request = {
        "template": template.text,
        "tokens": dict(template.tokens) | {"bos_token": ""},
        "now": template.now.isoformat(),
        "messages": [{"role": turn.role, "content": turn.text} for turn in turns],
    }
    reply = _run(json.dumps(request).encode("ascii"))
    try:
        if "error" in reply:
            raise _error(str(reply["error"]["kind"]), str(reply["error"]["message"]))
        spans = tuple(Span(str(text), bool(user)) for text, user in reply["spans"])
        return _Made(spans, str(reply["constant"]), str(reply["between"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _error("template-broken", "its renderer gave nothing that can be read") from error


def _run(request: bytes) -> Any:
    """Start the process, give it the request, take its reply, and see it end, whatever happens."""
    late = threading.Event()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", _START, *_folders()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            cwd=Path(sys.executable).anchor or None,
            start_new_session=os.name != "nt",
        )
    except OSError as error:
        raise PromptError(
            f"cannot start the process that renders chat templates: {error.strerror or error}",
            hint="Check the installation: urial-tui doctor",
            kind="installation",
        ) from error

    def end() -> None:
        late.set()
        process.kill()

    clock = threading.Timer(WALL_S, end)
    clock.daemon = True
    clock.start()
    try:
        assert process.stdin is not None and process.stdout is not None
        # It reads everything before it writes; when it has died, its exit code says why.
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(request)
        with process.stdout as pipe:
            reply = pipe.read(MAX_REPLY + 1)
        if len(reply) > MAX_REPLY:
            raise _error("template-output", "it wrote too much")
        process.wait()
    finally:
        clock.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise _death(process.returncode, late.is_set())
    try:
        return json.loads(reply)
    except ValueError as error:
        raise _error("template-broken", "its renderer gave nothing that can be read") from error


def _death(code: int, late: bool) -> PromptError:
    spent = (-getattr(signal, "SIGXCPU", 0), -getattr(signal, "SIGKILL", 0))
    if late or (code < 0 and code in spent):
        return _error("template-time", "")
    return _error("template-broken", f"it ended its renderer (exit code {code})")


def _folders() -> list[str]:
    """Where the process finds our package and Jinja's, behind the standard library."""
    folders = [str(Path(__file__).resolve().parents[2])]
    for package in ("jinja2", "markupsafe"):
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise PromptError(
                f"chat templates need the package {package}, which is not installed",
                hint="Install urial-tui again.",
                kind="installation",
            )
        folders.append(str(Path(found.origin).resolve().parents[1]))
    return list(dict.fromkeys(folders))


def _error(kind: str, words: str) -> PromptError:
    said = {
        "template-refused": "the chat template refuses this conversation",
        "template-time": f"the chat template takes more than {WALL_S:g} s, or too much processor time",
        "template-memory": "the chat template takes too much memory",
        "template-output": "the chat template writes too much text",
    }.get(kind, "the chat template cannot be used")
    detail = sanitize_line(words, 400)
    return PromptError(
        f"{said}: {detail}" if detail else said,
        hint=_HINTS.get(kind, _HINTS["template-broken"]),
        kind=kind if kind in _HINTS else "template-broken",
    )
