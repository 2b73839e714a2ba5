"""The process that renders one chat template: limits first, then Jinja's immutable sandbox, JSON in and JSON out.

`prompts.templates` starts it for one request and ends it. A chat template is code from a model file: the sandbox keeps
it away from Python, the limits keep it from taking the machine. The parent never imports this module.
"""

import contextlib
import json
import random
import secrets
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from urial_tui.prompts.template_spans import align

MEMORY = 512 * 1024 * 1024
"""Bytes of address space beyond what the interpreter has taken when the limit is set."""
CPU_S = 2
OPEN_FILES = 16
MAX_OUTPUT = 1024 * 1024
"""Characters that a template may write, besides the messages themselves."""
MAX_MESSAGE = 500

Message = dict[str, str]


class Refused(Exception):
    """What the parent turns into a PromptError; `kind` is that error's."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Raised(TemplateError):
    """`raise_exception` was called by the template."""


class _Generation(Extension):
    """`{% generation %}` marks an assistant's text for training; here it renders what it encloses."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def limit() -> None:
    """Cap memory, processor time, files and processes of this process. Where there is no `resource` (Windows), and
    for limits that a system does not have, the parent's clock alone is left."""
    try:
        import resource
    except ImportError:
        return
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded here
            taken = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        taken = MEMORY
    for name, soft, hard in (
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_CPU", CPU_S, CPU_S + 1),
        ("RLIMIT_FSIZE", 0, 0),
        ("RLIMIT_NOFILE", OPEN_FILES, OPEN_FILES),
        ("RLIMIT_NPROC", 0, 0),
        ("RLIMIT_AS", taken + MEMORY, taken + MEMORY),
    ):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (soft, hard))


class Renderer:
    """One compiled template. Raises Refused, here and in `render`."""

    def __init__(self, template: str, tokens: dict[str, str], now: datetime) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", _Generation],
        )
        environment.filters["tojson"] = _tojson
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = now.strftime
        self._tokens = tokens
        self._template = environment.from_string(template)

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt for the next answer."""
        room = MAX_OUTPUT + sum(len(message["content"]) for message in messages)
        random.seed(0)  # a template that draws lots gives the same text each time
        pieces: list[str] = []
        values = {
            "messages": [dict(message) for message in messages],
            "add_generation_prompt": True,
            "tools": None,
            "documents": None,
        }
        for piece in self._template.generate(**values, **self._tokens):
            room -= len(piece)
            if room < 0:
                raise Refused("template-output", f"it wrote more than {MAX_OUTPUT >> 20} MB")
            pieces.append(piece)
        text = "".join(pieces)
        text.encode("utf-8")
        return text


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """As Hugging Face's: no escaping for HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise(message: object = "") -> None:
    raise _Raised(str(message))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """`spans` of the conversation ([] without one), the `constant` text before the first user's message, and the text
    `between` an answer and the user's next message ("" where the template takes only one question)."""
    messages: list[Message] = request["messages"]
    now = datetime.fromisoformat(request["now"])
    renderer = Renderer(request["template"], request["tokens"], now)
    nonce = secrets.token_hex(8)
    marks = [f"mark{nonce}n{number}end" for number in range(max(len(messages), 3))]
    probe = [
        {"role": "assistant" if number % 2 else "user", "content": mark}
        for number, mark in enumerate(marks[:3])
    ]
    opening, found, _ = renderer.render(probe[:1]).partition(marks[0])
    if not found:
        raise Refused("template-broken", "it leaves the user's message out, or rewrites it")
    spans = _aligned(renderer, messages, marks)
    between = ""
    with contextlib.suppress(TemplateError):
        _, _, rest = renderer.render(probe).partition(marks[1])
        between, found, _ = rest.partition(marks[2])
        between = between if found else ""
    return {"spans": spans, "constant": opening, "between": between}


def _aligned(
    renderer: Renderer, messages: Sequence[Message], marks: Sequence[str]
) -> list[tuple[str, bool]]:
    if not messages:
        return []
    contents = [message["content"] for message in messages]
    # A template may ask whether a message is empty, so an empty one is not replaced.
    chosen = [mark if text.strip() else None for mark, text in zip(marks, contents, strict=False)]
    replaced = [
        message | {"content": mark or message["content"]}
        for message, mark in zip(messages, chosen, strict=True)
    ]
    spans = align(renderer.render(messages), renderer.render(replaced), contents, chosen)
    if spans is None:
        raise Refused(
            "template-broken",
            "it changes the messages so that they cannot be told from its own text",
        )
    return spans


def reply(request: dict[str, Any]) -> dict[str, Any]:
    """`answer`, or what went wrong as `error`: a kind and the words."""
    try:
        return answer(request)
    except Refused as error:
        return _error(error.kind, str(error))
    except _Raised as error:
        return _error("template-refused", error.message or "")
    except SecurityError as error:
        return _error("template-broken", f"it tries what templates may not do: {error.message}")
    except TemplateSyntaxError as error:
        return _error("template-broken", f"line {error.lineno}: {error.message}")
    except MemoryError:
        return _error("template-memory", "")
    except RecursionError:
        return _error("template-broken", "it calls itself without end, or is nested too deeply")
    except UnicodeEncodeError:
        return _error("template-broken", "it writes half of a surrogate pair, which is not text")
    except Exception as error:  # noqa: BLE001 - a template can raise anything that Python has
        return _error("template-broken", f"{type(error).__name__}: {error}")


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message[:MAX_MESSAGE]}}


def main() -> None:
    """Serve one request."""
    limit()
    out = json.dumps(reply(json.load(sys.stdin.buffer)))
    sys.stdout.buffer.write(out.encode("ascii"))
    sys.stdout.buffer.flush()
