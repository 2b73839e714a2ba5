"""What is being fetched: FILE.part.json, written before the first byte and removed after the last.

It has everything that going on needs, so that an interrupted download can be found on disk and resumed by another run
of the program. Read with the same care as a listing of the hub: every name in it is checked again before it is used.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec

from urial_tui.models.hub.names import PART, is_repo, problem_of
from urial_tui.models.hub.origin import Sha256, write_private
from urial_tui.models.hub.types import HubFile, Quant, RepoListing

SUFFIX: Final = PART + ".json"
_MAX_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 6

Size = Annotated[int, msgspec.Meta(gt=0, le=2**60)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]


class TicketFile(msgspec.Struct, frozen=True):
    path: Text
    size: Size
    sha256: Sha256 | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model. `files` are all files of the model, in order; `etag` the hub's tag of this one, once known;
    `pid` the process that fetched it last.
    """

    repo: Text
    commit: Text
    label: Text
    path: Text
    files: tuple[TicketFile, ...]
    etag: Text = ""
    license: Text = ""
    base_model: Text = ""
    gated: bool = False
    pid: int = 0

    @property
    def file(self) -> TicketFile:
        return next(file for file in self.files if file.path == self.path)

    @property
    def quant(self) -> Quant:
        found = tuple(HubFile(file.path, file.size, file.sha256) for file in self.files)
        return Quant(self.label, found)

    @property
    def listing(self) -> RepoListing:
        """As much of the repository's listing as going on needs."""
        return RepoListing(
            self.repo, self.commit, (self.quant,), self.gated, self.license, self.base_model
        )


def tickets_for(listing: RepoListing, quant: Quant) -> list[Ticket]:
    """One ticket for each file of `quant`, in order."""
    files = tuple(TicketFile(file.path, file.size, file.sha256) for file in quant.files)
    return [
        Ticket(
            repo=listing.id,
            commit=listing.commit,
            label=quant.label,
            path=file.path,
            files=files,
            license=listing.license[:1000],
            base_model=listing.base_model[:1000],
            gated=listing.gated,
            pid=os.getpid(),
        )
        for file in files
    ]


def ticket_file(target: Path) -> Path:
    return target.with_name(target.name + SUFFIX)


def read_ticket(path: Path) -> Ticket | None:
    """The ticket in the file `path`; None when it cannot be read or has names that are not safe."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(_MAX_BYTES), type=Ticket)
    except (OSError, ValueError, RecursionError):
        return None
    paths = [file.path for file in found.files]
    safe = is_repo(found.repo) and not any(problem_of(name) for name in paths)
    return found if safe and found.path in paths else None


def write_ticket(target: Path, ticket: Ticket) -> None:
    """Put `ticket` beside `target`. Raises ModelError."""
    write_private(ticket_file(target), msgspec.json.format(msgspec.json.encode(ticket), indent=2))


def is_same(before: Ticket, now: Ticket) -> bool:
    """Whether both are about the same bytes."""
    old, new = before.file, now.file
    if (before.repo, before.path, old.size) != (now.repo, now.path, new.size):
        return False
    if old.sha256 and new.sha256:
        return old.sha256 == new.sha256
    return before.commit == now.commit


def found_in(folder: Path) -> Iterator[tuple[Path, Ticket | None]]:
    """The tickets below `folder`, links not entered: (its file, the ticket or None when it cannot be used)."""
    pending = [(folder, 0)]
    while pending:
        here, depth = pending.pop()
        try:
            with os.scandir(here) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                if depth < _MAX_DEPTH:
                    pending.append((Path(entry.path), depth + 1))
            elif entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path), read_ticket(Path(entry.path))
