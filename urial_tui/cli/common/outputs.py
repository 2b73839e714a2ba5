"""Files that a command writes where the user says: pages and other outputs, whole or not at all, mode 0600.

A page has a mark in its first bytes by which the same command knows it again and may replace it; nothing else that is
there is ever replaced unasked, and no symbolic link is followed.
"""

from pathlib import Path
from typing import Final

from urial_tui import files
from urial_tui.errors import UrialError, UsageError
from urial_tui.exchange.pages import mark

_MARK_WITHIN: Final = 1024
_BEGINNING: Final = b"<!doctype html>"
"""Without it the mark may be anything, the name in a model's header perhaps."""


def check_page(path: Path, kind: str) -> None:
    """Refuse early what `write_page` could not write. `kind` is the command's name. Raises UsageError."""
    _check_place(path, "page")
    if path.exists() and not _is_page(path, kind):
        raise UsageError(
            f"{path} is there and is no page of this command",
            hint="It stays as it is. Choose another name for the page, or move the file away.",
        )


def _is_page(path: Path, kind: str) -> bool:
    """Whether the file is empty or was written by `write_page`: anything else is somebody's, a model perhaps."""
    try:
        with path.open("rb") as file:
            head = file.read(_MARK_WITHIN)
    except OSError:
        return False
    return not head or (head.startswith(_BEGINNING) and mark(kind).encode() in head)


def write_page(path: Path, text: str, kind: str) -> None:
    """Write a page that has the mark of `kind`. Raises UrialError when it cannot be written."""
    check_page(path, kind)
    _write(path, text)


def check_output(path: Path, *, force: bool) -> None:
    """Refuse early what `write_output` could not write. Raises UsageError."""
    _check_place(path, "file")
    if path.exists() and not force:
        raise UsageError(
            f"{path} is there", hint="Replace it with --force, or choose another.", kind="exists"
        )


def write_output(path: Path, text: str, *, force: bool) -> None:
    """Write a text in place of nothing, or with `force` of a file. Raises UrialError."""
    check_output(path, force=force)
    _write(path, text)


def _check_place(path: Path, what: str) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(
            f"{path} is not a regular file", hint=f"Choose another name for the {what}."
        )
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="Make it, or choose another.")


def _write(path: Path, text: str) -> None:
    try:
        files.write_private(path, text)
    except OSError as error:
        raise UrialError(
            f"cannot write {path}: {error.strerror or error}",
            hint="Check the permissions and the free space.",
            kind="output",
        ) from error
