"""A data set of the hub as one file on this machine: fetched once, with its commit, and read from here ever after.

Called by `urial-tui run` with the name of a data set. The files are small beside models: one is fetched in a go, held
in memory until it is whole, and kept in the cache folder with a record of where it came from.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from urial_tui import paths
from urial_tui.errors import ModelError, UsageError
from urial_tui.models.hub import origin, session, words
from urial_tui.models.hub.names import DATA, DATASETS, check_way, is_repo, problem_of, target_of
from urial_tui.models.hub.types import DataFile, HubFile
from urial_tui.models.hub.words import HubError

OnBytes = Callable[[int, int], None]
"""(bytes that are here, bytes in all)."""

MAX_BYTES: Final = 256 * 1024 * 1024
_NOT_DATA: Final = frozenset(
    ("dataset_infos.json", "config.json", "metadata.json", "requirements.txt")
)
_HINT: Final = "Give the file itself: --input FILE."


class _Default(msgspec.Struct, frozen=True):
    path: str


def dataset_name(text: str) -> tuple[str, str] | None:
    """OWNER/NAME[:FILE] of a data set, FILE "" without one; None for a text that is no such name.

    A text that ends like a file of data is a path that is not there, and no data set.
    """
    repo, _, file = (
        text.removeprefix("https://huggingface.co/").removeprefix(DATASETS).partition(":")
    )
    if not is_repo(repo) or repo.lower().endswith(DATA):
        return None
    return repo, file


def dataset_file(
    repo: str, file: str = "", *, refresh: bool = False, on_bytes: OnBytes | None = None
) -> DataFile:
    """The file of the data set: the kept one, or one that is fetched now. `refresh` always asks the hub.

    Raises HubError as `Hub.listing` does, offline with the hint to give a file; UsageError (`dataset-file`) when it is
    not clear which file is meant; ModelError (`disk-full`, `unwritable`, `in-the-way`).
    """
    if not refresh and (kept := kept_file(repo, file)) is not None:
        return kept
    try:
        return _fetched(repo, file, on_bytes or (lambda _done, _total: None))
    except HubError as error:
        if error.kind in ("hub-offline", "hub-unreachable"):
            raise HubError(
                f"{repo} is not on this machine, and {error.message}",
                hint=f"{_HINT} Or fetch it once while online.",
                kind=error.kind,
            ) from error
        raise


def kept_file(repo: str, file: str = "") -> DataFile | None:
    """The file as it was fetched before; None when it is not here, or not as it came."""
    path = file or _default_of(repo)
    if not path or problem_of(path, DATA):
        return None
    target = target_of(folder(), repo, path, DATA)
    known = origin.read_origin(target)
    if known is None or (known.repo, known.path) != (repo, path):
        return None
    try:
        sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    except OSError:
        return None
    return DataFile(repo, known.commit, path, target, sha256) if sha256 == known.sha256 else None


def folder() -> Path:
    """Where data sets are kept."""
    return paths.cache_dir() / "datasets"


def chosen(repo: str, files: Iterable[HubFile], wanted: str = "") -> HubFile:
    """The file that `wanted` names, or the one to answer: with tags, then of tests, then named as the data set.

    Raises UsageError (`dataset-file`) when there is none, or several are as good.
    """
    usable = {
        file.path: file
        for file in files
        if not problem_of(file.path, DATA) and PurePosixPath(file.path).name not in _NOT_DATA
    }
    if wanted:
        if wanted not in usable:
            raise _unclear(repo, usable, f"{repo} has no file {wanted!r} that can be read")
        return usable[wanted]
    best: list[HubFile] = []
    for rule in _rules(repo):
        best = [file for path, file in usable.items() if rule(path.lower())]
        if len(best) == 1:
            return best[0]
        if best:
            break
    if not usable:
        raise _unclear(repo, usable, f"{repo} has no file that can be read ({', '.join(DATA)})")
    raise _unclear(repo, {f.path: f for f in best}, f"{repo} has several files")


def _rules(repo: str) -> tuple[Callable[[str], bool], ...]:
    name = repo.partition("/")[2].lower()
    return (
        lambda path: "test" in path and "tags" in path,
        lambda path: "test_all" in path,
        lambda path: PurePosixPath(path).stem == name,
        lambda path: PurePosixPath(path).stem in ("test", "question", "questions"),
        lambda path: "test" in path,
        lambda _path: True,
    )


def _unclear(repo: str, usable: Iterable[str], message: str) -> UsageError:
    listed = sorted(usable)
    named = ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
    return UsageError(
        message + (f": {named}" if named else ""),
        hint=f"Name one: --input {repo}:FILE." if named else _HINT,
        kind="dataset-file",
    )


def _fetched(repo: str, file: str, on_bytes: OnBytes) -> DataFile:
    from urial_tui.models.hub.client import Hub  # with the library that it needs: seldom

    listing = Hub().dataset(repo)
    found = chosen(repo, listing.files, file)
    if not 0 < found.size <= MAX_BYTES:
        raise ModelError(
            f"{found.path} of {repo} has {found.size:,} bytes; a data set may have {MAX_BYTES:,}",
            hint=_HINT,
            kind="dataset-size",
        )
    target = target_of(folder(), repo, found.path, DATA)
    check_way(folder(), target)
    content = _content(repo, listing.commit, found, on_bytes)
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) != found.size or found.sha256 not in (None, sha256):
        raise HubError(
            f"{found.path} of {repo}, as it came, is not what {session.host()} says it is",
            hint=f"Try again over another connection. {_HINT}",
            kind="hub-damaged",
        )
    paths.ensure_private_dir(target.parent)
    origin.write_private(target, content)
    origin.write_origin(
        target,
        origin.Origin(
            repo=repo,
            commit=listing.commit,
            path=found.path,
            size=found.size,
            sha256=sha256,
            checked=found.sha256 is not None,
            fetched=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        ),
    )
    if not file:
        origin.write_private(_default_file(repo), msgspec.json.encode(_Default(found.path)))
    return DataFile(repo, listing.commit, found.path, target, sha256, fetched=True)


def _content(repo: str, commit: str, file: HubFile, on_bytes: OnBytes) -> bytes:
    """All bytes of the file; a connection that breaks off is taken up again a few times. Raises HubError."""
    from urial_tui.models.hub.fetch import DELAYS_S, PATIENT_S
    from urial_tui.models.hub.incoming import Incoming, RangeRefused

    content = bytearray()
    never = threading.Event()
    failure: HubError | None = None
    for delay in (0.0, *DELAYS_S):
        if delay:
            time.sleep(max(delay, (failure.after_s if failure else None) or 0.0))
        incoming = Incoming(f"{DATASETS}{repo}", commit, file.path, len(content))
        try:
            answer = incoming.answer(never)
            if answer.start != len(content):
                content.clear()
                if answer.start:
                    raise words.unreadable(session.host())
            for block in incoming.blocks(never):
                content += block
                if len(content) > file.size:
                    return bytes(content)
                on_bytes(len(content), file.size)
        except RangeRefused:
            content.clear()
        except HubError as error:
            if not error.again or (error.after_s or 0.0) > PATIENT_S:
                raise
            failure = error
        finally:
            incoming.close()
        if len(content) == file.size:
            return bytes(content)
    raise failure or words.unreadable(session.host())


def _default_file(repo: str) -> Path:
    return folder().joinpath(*repo.split("/"), ".default")


def _default_of(repo: str) -> str:
    try:
        with _default_file(repo).open("rb") as file:
            return msgspec.json.decode(file.read(64 * 1024), type=_Default).path
    except (OSError, ValueError, RecursionError):
        return ""
