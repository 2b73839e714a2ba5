"""Official URIAL prompt files (`*.txt`): read, parsed for display, and the tail that the official runner adds.

What is sent is always the file's text as it is; parsing serves display, editing and `packs import` only and repairs
nothing. Which tail follows depends on the file's NAME, as in the official runner. Rendering itself is `render`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from urial_tui.prompts.files import decode, read_bytes
from urial_tui.prompts.types import Role

MAX_BYTES = 1024 * 1024

OFFICIAL_DEFAULTS: dict[str, float | int] = {
    "temperature": 0.3,
    "top_p": 1.0,
    "repeat_penalty": 1.1,
    "max_tokens": 2048,
}
"""The authors' settings."""

Body = Literal["inline", "block", "bare"]


@dataclass(frozen=True)
class Tail:
    """What the runner puts around the conversation: `query_open` q `close` `answer_open` a `close`, and so on."""

    name: str
    query_heading: str
    answer_heading: str
    query_open: str
    answer_open: str
    close: str
    stop: str
    fence: str | None


BACKTICKS = Tail(
    name="urial_backticks",
    query_heading="# Query:",
    answer_heading="# Answer:",
    query_open="\n# Query:\n```\n",
    answer_open="\n# Answer:\n```\n",
    close="\n```\n",
    stop="# Query",
    fence="```",
)
V5 = Tail(
    name="urial_v5",
    query_heading="# User:",
    answer_heading="# Assistant:",
    query_open="\n# User:\n\n",
    answer_open="\n# Assistant:\n\n",
    close="\n\n",
    stop="# User",
    fence=None,
)
V6 = Tail(
    name="urial_v6",
    query_heading="# User:",
    answer_heading="# Assistant:",
    query_open="\n\n# User:\n",
    answer_open="\n\n# Assistant:\n",
    close="\n",
    stop="# User",
    fence=None,
)


@dataclass(frozen=True)
class OfficialTurn:
    """One turn of the file: `text` without its fences; `heading` as written; `line` is the heading's, from 1."""

    role: Role
    heading: str
    text: str
    body: Body
    line: int


@dataclass(frozen=True)
class OfficialPrompt:
    """A file: `text` is what is sent, the rest is for people. `hash` is the sha256 of the bytes."""

    name: str
    text: str
    hash: str
    tail: Tail
    heading: str
    preamble: str
    turns: tuple[OfficialTurn, ...]
    warnings: tuple[str, ...]
    path: Path | None = None

    def differences(self) -> list[str]:
        """Why a conversation in the tail's form would look different from the file's own examples."""
        found = []
        headings = sorted({turn.heading for turn in self.turns})
        other = [
            h for h in headings if h not in (self.tail.query_heading, self.tail.answer_heading)
        ]
        if other:
            found.append(
                f"its turns are headed {', '.join(other)}; the official runner goes on with "
                f"{self.tail.query_heading} and {self.tail.answer_heading}"
            )
        bodies = {turn.body for turn in self.turns}
        if self.tail.fence and "bare" in bodies:
            found.append("its turns have no fences; the official runner goes on with fenced ones")
        if self.tail.fence is None and bodies - {"bare"}:
            found.append("its turns are fenced; the official runner goes on without fences")
        return found


def load_official(path: Path) -> OfficialPrompt:
    """Read and parse one file. PromptError when it cannot be read or is not UTF-8."""
    path = Path(path)
    data = read_bytes(path, "an official prompt", MAX_BYTES)
    text = decode(data, path)
    return parse_official(text, path.name, hashlib.sha256(data).hexdigest(), path)


def tail_for(name: str) -> Tail:
    """The tail by file name, as the official runner chooses it."""
    if "inst_help_v5" in name:
        return V5
    if "inst_help_v6" in name:
        return V6
    return BACKTICKS


_ROLE = re.compile(r"(?:# (?:Query|Answer|User|Assistant)|User|Assistant):[ \t\r]*")
_HEADING = re.compile(r"(?:# )?Instruction[ \t\r]*")
_FENCE_LINE = re.compile(r"```[ \t\r]*")
_INLINE = re.compile(r"```(.*?)```[ \t\r]*")


def parse_official(
    text: str, name: str, digest: str = "", path: Path | None = None
) -> OfficialPrompt:
    """Split a file's text for display. Any text parses; oddities become warnings."""
    lines = text.split("\n")
    warnings: list[str] = []
    if text.startswith("\ufeff"):
        warnings.append("the file begins with a byte order mark, which is sent too")
    if "\r" in text:
        warnings.append("the file has carriage returns (Windows line ends), which are sent too")
    heads = _role_lines(lines)
    front = lines[: heads[0]] if heads else lines
    heading, preamble = _front(front)
    turns = []
    for number, head in enumerate(heads):
        end = heads[number + 1] if number + 1 < len(heads) else len(lines)
        label = lines[head].rstrip()
        body, kind, note = _body(lines[head + 1 : end])
        if note:
            warnings.append(f"line {head + 1}: {note}")
        role: Role = "user" if label.strip("# :") in ("Query", "User") else "assistant"
        turns.append(OfficialTurn(role, label, body, kind, head + 1))
    warnings += _order_warnings(turns)
    return OfficialPrompt(
        name, text, digest, tail_for(name), heading, preamble, tuple(turns), tuple(warnings), path
    )


def _role_lines(lines: list[str]) -> list[int]:
    """Indices of the role lines; what stands inside a block fence is text, not a role."""
    found: list[int] = []
    at = 0
    while at < len(lines):
        if found and _FENCE_LINE.fullmatch(lines[at]) and not _has_text(lines[found[-1] + 1 : at]):
            close = next(
                (n for n in range(at + 1, len(lines)) if _FENCE_LINE.fullmatch(lines[n])), None
            )
            if close is not None:
                at = close + 1
                continue
        if _ROLE.fullmatch(lines[at]):
            found.append(at)
        at += 1
    return found


def _front(lines: list[str]) -> tuple[str, str]:
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return "", ""
    if _HEADING.fullmatch(lines[first].removeprefix("\ufeff")):
        return lines[first].removeprefix("\ufeff").strip(), _trimmed(lines[first + 1 :])
    return "", _trimmed(lines[first:])


def _body(lines: list[str]) -> tuple[str, Body, str]:
    """A turn's text, its form, and what is odd about it."""
    first = next((n for n, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return "", "bare", "the turn is empty"
    inline = _INLINE.fullmatch(lines[first])
    if inline and not _has_text(lines[first + 1 :]):
        return inline[1], "inline", ""
    if _FENCE_LINE.fullmatch(lines[first]):
        closes = [n for n in range(first + 1, len(lines)) if _FENCE_LINE.fullmatch(lines[n])]
        if not closes:
            return _trimmed(lines[first + 1 :]), "block", "the fence is never closed"
        # Text after the closing fence: the body has fences of its own, and the last one closes it.
        close = closes[-1] if _has_text(lines[closes[0] + 1 :]) else closes[0]
        rest = _has_text(lines[close + 1 :])
        note = "there is text after the closing fence" if rest else ""
        return "\n".join(lines[first + 1 : close]), "block", note
    return _trimmed(lines), "bare", ""


def _order_warnings(turns: list[OfficialTurn]) -> list[str]:
    """One warning for each place where roles do not alternate, and one for an open end."""
    found = []
    expected: Role = "user"
    for turn in turns:
        if turn.role != expected:
            wanted = "a query" if expected == "user" else "an answer"
            found.append(
                f"line {turn.line}: {turn.heading} where {wanted} is due; the bytes are kept"
            )
        expected = "assistant" if turn.role == "user" else "user"
    if turns and turns[-1].role == "user":
        found.append(f"line {turns[-1].line}: the last query has no answer; the bytes are kept")
    return found


def _has_text(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)


def _trimmed(lines: list[str]) -> str:
    """The lines without surrounding blank ones."""
    kept = list(lines)
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    return "\n".join(kept)
