"""Writing the files of an export: all of them or none, mode 0600, through no link, whole or not there."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from urial_tui import files, paths
from urial_tui.errors import ExchangeError, UrialError
from urial_tui.exchange.exports import Document, Export

_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


@dataclass(frozen=True)
class Written:
    """A file that is there now."""

    path: Path
    rows: int
    about: dict[str, Any]
    unit: str = "row"


def write_export(made: Export, place: Path, *, one_file: bool, force: bool) -> list[Written]:
    """Write an export at `place`: a file, or a folder of files. Raises as `write`."""
    if one_file:
        return [write_file(place, made.documents[0], force=force)]
    return write(place, made.documents, force=force)


def write(folder: Path, documents: Sequence[Document], *, force: bool = False) -> list[Written]:
    """Write the files into `folder`, which is made when it is not there.

    Raises ExchangeError: `exists` for files that are there, without `force`; `unwritable`; and what making the content
    raises.
    """
    with _told(folder):
        if folder.is_symlink():
            raise ExchangeError(
                f"{folder} is a link, which is not followed",
                hint="Name the folder that it leads to.",
                kind="unwritable",
            )
        if folder.exists() and not folder.is_dir():
            raise ExchangeError(
                f"{folder} is not a folder", hint="Choose another one with -o.", kind="unwritable"
            )
        targets = [folder.joinpath(*document.name.split("/")) for document in documents]
        inner = _folders_in(folder, targets)
        for path in inner:
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise ExchangeError(
                    f"{path} is not a folder", hint="Move it away.", kind="unwritable"
                )
        _check(targets, folder, force=force)
        made = [path for path in (folder, *inner) if not path.exists()]
        try:
            for path in (folder, *inner):
                paths.ensure_private_dir(path)
            return _write(targets, documents)
        except BaseException:
            for path in reversed(made):
                with contextlib.suppress(OSError):  # not empty: somebody else's
                    path.rmdir()
            raise


def write_file(path: Path, document: Document, *, force: bool = False) -> Written:
    """Write one file at `path`; in a folder that is there it gets its own name. Raises as `write`."""
    with _told(path.parent):
        if path.is_dir():
            path /= document.name
        elif not path.parent.is_dir():
            raise ExchangeError(
                f"there is no folder {path.parent}",
                hint="Make it, or choose another.",
                kind="unwritable",
            )
        _check([path], path.parent, force=force)
        return _write([path], [document])[0]


def write_to(file: IO[bytes], document: Document) -> int:
    """Write the content to an open file; how many rows it had."""
    if isinstance(document.content, bytes):
        file.write(document.head + document.content)
        return document.rows or 0
    file.write(document.head)
    n = 0
    for n, part in enumerate(document.content, 1):  # noqa: B007 - counted
        file.write(part)
    return n - document.unlisted if document.rows is None else document.rows


def _check(targets: Sequence[Path], folder: Path, *, force: bool) -> None:
    for target in targets:
        if files.is_special(target):
            raise ExchangeError(
                f"{target} is {files.NOT_REGULAR}",
                hint="Write to standard output with `-o -`."
                if str(target) in _STDOUT
                else "Choose another place with -o.",
                kind="unwritable",
            )
    present = [target for target in targets if target.exists() or target.is_symlink()]
    blocked = [target for target in present if target.is_dir() and not target.is_symlink()]
    if blocked:
        raise ExchangeError(f"{blocked[0]} is a folder", hint="Move it away.", kind="unwritable")
    if present and not force:
        names = ", ".join(target.name for target in present[:3])
        raise ExchangeError(
            f"there already are files of these names in {folder}: {names}"
            + (", ..." if len(present) > 3 else ""),
            hint="Replace them with --force, or choose another place with -o.",
            kind="exists",
        )


def _folders_in(folder: Path, targets: Sequence[Path]) -> list[Path]:
    """The folders between `folder` and the files, the outer ones first."""
    found = {inner for target in targets for inner in target.parents if folder in inner.parents}
    return sorted(found, key=lambda path: len(path.parts))


def _write(targets: Sequence[Path], documents: Sequence[Document]) -> list[Written]:
    """All are on the disk before the first gets its name."""
    written: list[Written] = []
    parts: list[Path] = []
    try:
        for target, document in zip(targets, documents, strict=True):
            handle, part = files.new_part(target)
            parts.append(part)
            with os.fdopen(handle, "wb") as file:
                rows = write_to(file, document)
                file.flush()
                os.fsync(file.fileno())
            written.append(Written(target, rows, document.about, document.unit))
        for target, part in zip(targets, parts, strict=True):
            part.replace(target)
    except BaseException:
        for part in parts:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        raise
    return written


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Raises ExchangeError (`unwritable`) for what the system refuses."""
    try:
        yield
    except OSError as error:
        why = f"cannot write to {folder}: {error.strerror or error}"
        raise _unwritable(why) from error
    except UrialError as error:
        if error.kind != "paths":
            raise
        raise _unwritable(error.message) from error


def _unwritable(why: str) -> ExchangeError:
    hint = "Check the permissions and the free space, or choose another place with -o."
    return ExchangeError(why, hint=hint, kind="unwritable")
