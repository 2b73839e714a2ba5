"""Where a fetched model came from: FILE.gguf.hub.json, written beside it when its sha256 had been checked.

The library reads it for the licence, the base model and the expected hash. Nothing of the hub is imported here, and
nothing in a record is trusted further than to be shown and compared.
"""

import errno
from pathlib import Path
from typing import Annotated, Final

import msgspec

from urial_tui import files
from urial_tui.errors import ModelError

SUFFIX: Final = ".hub.json"
_MAX_BYTES: Final = 64 * 1024

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """One file's origin. `path` is its name in the repository, `size` in bytes, `fetched` an ISO time (UTC)."""

    repo: str
    commit: str
    path: str
    size: int
    sha256: Sha256
    checked: bool
    """Whether the hub told the hash and it was this one; otherwise it was only computed here."""
    license: str = ""
    base_model: str = ""
    fetched: str = ""


def origin_file(path: Path) -> Path:
    """The record of the model file `path`, whether it is there or not."""
    return path.with_name(path.name + SUFFIX)


def read_origin(path: Path) -> Origin | None:
    """The record of the model file `path`; None when there is none, or it cannot be read, or is of another file."""
    try:
        with origin_file(path).open("rb") as file:
            found = msgspec.json.decode(file.read(_MAX_BYTES), type=Origin)
        return found if found.size == path.stat().st_size else None
    except (OSError, ValueError, RecursionError):
        return None


def write_origin(path: Path, origin: Origin) -> None:
    """Put the record beside `path`, atomically, for the user alone. Raises ModelError."""
    write_private(origin_file(path), msgspec.json.format(msgspec.json.encode(origin), indent=2))


def write_private(target: Path, content: bytes) -> None:
    """Write a small file whole or not at all, mode 0600. Raises ModelError (`disk-full`, `unwritable`)."""
    try:
        files.write_private(target, content)
    except OSError as error:
        raise unwritable(target, error) from error


def unwritable(path: Path, error: OSError) -> ModelError:
    """What it means that writing `path` failed."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return ModelError(
            f"the disk is full: {path} could not be written ({reason})",
            hint="Make room, and go on: what was fetched is kept.",
            kind="disk-full",
        )
    if error.errno == errno.EFBIG:
        return ModelError(
            f"the file system cannot hold a file as large as {path.name}",
            hint="FAT32 ends at 4 GB. Choose a smaller quantisation, or set URIAL_TUI_HOME to another disk.",
            kind="unwritable",
        )
    return ModelError(
        f"cannot write {path}: {reason}",
        hint="Check the permissions of its folder, or set URIAL_TUI_HOME to one that is writable.",
        kind="unwritable",
    )
