"""Copying text out of the program: the terminal's clipboard (OSC 52) and, always, a private file
beside the logs.

A program cannot ask a terminal whether OSC 52 worked, so the text is also kept in one file (mode
0600, overwritten by the next copy), and the user is told where. Control characters never leave: a
pasted escape sequence could act.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from urial_tui import files
from urial_tui.errors import UrialError
from urial_tui.paths import ensure_private_dir

CLIPBOARD_FILE = "clipboard.txt"
MAX_OSC52_BYTES = 74_000
"""xterm and most others take no more than 100,000 base64 characters in one sequence."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FENCE = re.compile(
    r"^ {0,3}(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Copied:
    """Where a copy went. `sentence` says it to the user; `ok` is False when it went nowhere."""

    ok: bool
    sentence: str


def plain(text: str) -> str:
    """`text` without control characters, newline and tab kept."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))


def last_code_block(texts: list[str]) -> str | None:
    """The last fenced code block in the last of `texts` that has one, without its fences. None:
    there is none.
    """
    for text in reversed(texts):
        blocks = [match[2] for match in _FENCE.finditer(text)]
        if blocks:
            return blocks[-1].rstrip("\n")
    return None


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path`, readable by the user alone. Raises UrialError (kind `paths`).

    A new file takes the place of what is there, whole or not at all. A symbolic link is replaced,
    never followed.
    """
    ensure_private_dir(path.parent)
    try:
        files.write_private(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise UrialError(
            f"cannot write {path}: {error.strerror or error}",
            hint="Check the permissions and the free space.",
            kind="paths",
        ) from error


def export_name(title: str, session_id: str, when: datetime) -> str:
    """A file name that no other conversation has: time, end of the session's id, title in ASCII."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_title.lower())[:40].strip("-")
    short = re.sub(r"[^A-Za-z0-9]", "", session_id)[-8:]
    parts = (f"{when:%Y-%m-%d-%H%M%S}", short, slug or "conversation")
    return "-".join(filter(None, parts)) + ".md"


def copy_out(
    text: str,
    what: str,
    to_terminal: Callable[[str], None],
    state_dir: Path | None,
    environ: Mapping[str, str] = os.environ,
) -> Copied:
    """Copy `text` (named `what` in the sentence, such as "the answer") everywhere it can go."""
    text = plain(text)
    size = len(text.encode("utf-8"))
    by_terminal = size <= MAX_OSC52_BYTES and environ.get("TERM_PROGRAM") != "Apple_Terminal"
    if by_terminal:
        to_terminal(text)
    file, trouble = None, ""
    if state_dir is not None:
        file = state_dir / CLIPBOARD_FILE
        try:
            write_private(file, text)
        except UrialError as error:
            file, trouble = None, error.message
    count = f"{len(text):,} character{'' if len(text) == 1 else 's'}"
    if by_terminal and file is not None:
        return Copied(
            True,
            f"Copied {what} ({count}) to the clipboard through the terminal. Also kept in {shown_path(file)}",
        )
    if by_terminal:
        return Copied(True, f"Copied {what} ({count}) to the clipboard through the terminal.")
    why = (
        "it is too long for a terminal's clipboard"
        if size > MAX_OSC52_BYTES
        else "this terminal has no clipboard access"
    )
    if file is not None:
        return Copied(True, f"Wrote {what} ({count}) to {shown_path(file)}, because {why}.")
    return Copied(False, f"Could not copy {what}: {why}" + (f", and {trouble}" if trouble else "."))


def shown_path(path: Path) -> str:
    try:
        return "~/" + str(path.relative_to(Path.home()))
    except ValueError:
        return str(path)
