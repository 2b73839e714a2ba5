"""What importers share: how a file was read, what was asked for, and what came of it."""

import hashlib
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from urial_tui.store.exchange.lossless_parts import Kind
from urial_tui.store.store import Store


@dataclass
class Tally:
    """What an import wrote. `there` counts what the history had already, with the same content; `grown` are sessions
    that were there and have more messages now; `empty` counts chats without messages, which are left out."""

    path: Path
    format: str
    sessions: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    judgements: int = 0
    comparisons: int = 0
    there: int = 0
    grown: list[str] = field(default_factory=list)
    empty: int = 0
    notes: list[str] = field(default_factory=list)

    def count(self, kind: Kind, id_: str, there: bool) -> None:
        if there:
            self.there += 1
        elif kind == "session":
            self.sessions.append(id_)
        elif kind == "run":
            self.runs.append(id_)
        else:
            self.comparisons += 1

    def as_dict(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "format": self.format,
            "sessions": self.sessions,
            "runs": self.runs,
            "judgements": self.judgements,
            "comparisons": self.comparisons,
            "there": self.there,
            "grown": self.grown,
            "empty": self.empty,
            "notes": self.notes,
        }

    def tell(self, n: int, one: str, more: str) -> None:
        """Note what there is any of: `one` for one, else `more` with the number in its `{}`."""
        if n:
            self.notes.append(one if n == 1 else more.format(n))


@dataclass(frozen=True)
class Options:
    """`run` is the run to attach judgements to, as a person names it; `questions` the file of MT-Bench's questions."""

    as_new: bool = False
    run: str | None = None
    questions: Path | None = None


@dataclass(frozen=True)
class Row:
    """An object of a file; `where` says which, in words: "row 3", "line 3"."""

    where: str
    value: dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """A file that was read. `rows` are its objects where it is JSON; `text` is all of it."""

    path: Path
    data: bytes
    text: str
    rows: tuple[Row, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """Of the whole file, computed once: each row of some formats asks for it."""
        return hashlib.sha256(self.data).hexdigest()

    def keys(self) -> set[str]:
        """The keys that its first row has."""
        return set(self.rows[0].value) if self.rows else set()


JUDGED: Final = frozenset(("run",))
"""What a file uses whose rows are attached to answers."""
NOTHING: Final[frozenset[str]] = frozenset()
Write = Callable[[Store, Tally], None]
"""Writes what a file has, inside the caller's transaction."""


@dataclass(frozen=True)
class Importer:
    """One format: what it is, whether a file is in it, by its content, and what it makes of one. `make` raises
    ExchangeError for a file with rows that cannot be used. `accepts`: whether a file may be in it that is said to be;
    None: one that it recognises. `uses`: which of the options `run` and `questions` make a difference for a file."""

    about: str
    recognises: Callable[[Loaded], bool]
    make: Callable[[Loaded, Options], Write]
    accepts: Callable[[Loaded], bool] | None = None
    uses: Callable[[Loaded], Set[str]] = lambda _: NOTHING

    def takes(self, loaded: Loaded) -> bool:
        """Whether a file may be in this format, which a person named."""
        return (self.accepts or self.recognises)(loaded)
