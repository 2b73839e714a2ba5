"""The models on this machine: the app's own folder, the user's folders, and where other tools keep GGUFs.

Files are found where they are, listed under short names, and never moved, opened or changed by the
scan. A split model is one entry; a file that is reachable in several ways is one entry.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from urial_tui.errors import ModelError
from urial_tui.models import places
from urial_tui.models.places import Found, Place
from urial_tui.settings import Settings

_PART: Final = re.compile(r"(?P<name>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})$")


@dataclass(frozen=True)
class LibraryEntry:
    """One model or adapter on disk. `path` is the first part of a split model."""

    name: str
    """Unique in the library; what SIDE notation calls it."""
    path: Path
    source: str
    """Where it was found, in words: `models folder`, `Hugging Face cache`, ..."""
    size: int
    """Bytes, all parts together."""
    parts: tuple[Path, ...] = ()
    missing_parts: int = 0
    also: tuple[Path, ...] = field(default=(), repr=False)
    """Other paths of the same file, or of a copy with the same name and size."""


class Library:
    """What `places` hold, scanned on first use and again by `refresh`."""

    def __init__(self, where: Sequence[Place]) -> None:
        self._where = tuple(where)
        self._entries: tuple[LibraryEntry, ...] | None = None
        self.problems: tuple[str, ...] = ()
        """What the scan could not read or left out, in words."""

    @classmethod
    def from_settings(cls, settings: Settings) -> "Library":
        return cls(places.known_places(settings))

    @property
    def places(self) -> tuple[Place, ...]:
        return self._where

    def refresh(self) -> None:
        found, self.problems = places.scan(self._where)
        self._entries = _entries(found)

    def entries(self) -> tuple[LibraryEntry, ...]:
        """Everything that was found, by name."""
        if self._entries is None:
            self.refresh()
        return self._entries or ()

    def find(self, name: str) -> LibraryEntry:
        """The entry called `name`, with or without `.gguf`, in any case.

        Raises ModelError (kind `unknown-model`) that lists close names and what there is.
        """
        wanted = name.removesuffix(".gguf").casefold()
        for entry in self.entries():
            if entry.name.casefold() == wanted:
                return entry
        names = [entry.name for entry in self.entries()]
        lower = {known.casefold(): known for known in names}
        close = difflib.get_close_matches(wanted, lower, n=3, cutoff=0.5)
        close += [key for key in lower if wanted in key and key not in close][:3]
        raise ModelError(
            f"there is no model called {name!r}",
            hint=_hint([lower[key] for key in close], names),
            kind="unknown-model",
        )


def _hint(close: list[str], names: list[str]) -> str:
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not names:
        return "No models were found besides `demo`. Give the path of a GGUF file."
    shown = ", ".join(["demo", *names[:8]]) + (", ..." if len(names) > 8 else "")
    return f"There are: {shown}. Or give the path of a GGUF file."


def _entries(found: Iterable[Found]) -> tuple[LibraryEntry, ...]:
    entries: list[LibraryEntry] = []
    by_file: dict[tuple[int, int], int] = {}
    by_content: dict[tuple[str, int], int] = {}
    for entry, identity in _joined(found):
        same = by_file.get(identity)
        if same is None:
            same = by_content.get((entry.name.casefold(), entry.size))
        if same is not None:
            if entry.path not in (entries[same].path, *entries[same].also):
                entries[same] = replace(entries[same], also=(*entries[same].also, entry.path))
            continue
        by_file[identity] = by_content[entry.name.casefold(), entry.size] = len(entries)
        entries.append(entry)
    return tuple(sorted(_unique_names(entries), key=lambda entry: entry.name.casefold()))


def _joined(found: Iterable[Found]) -> list[tuple[LibraryEntry, tuple[int, int]]]:
    """One entry a file, or a set of parts in one folder, with the identity of its first file."""
    whole: list[tuple[LibraryEntry, tuple[int, int]]] = []
    sets: dict[tuple[Path, str, int], dict[int, Found]] = {}
    for file in found:
        part = _PART.fullmatch(file.name)
        if part:
            key = (file.path.parent, part["name"], int(part["count"]))
            sets.setdefault(key, {})[int(part["no"])] = file
        else:
            entry = LibraryEntry(file.name, file.path, file.source, file.size, (file.path,))
            whole.append((entry, file.identity))
    for (_, name, count), parts in sets.items():
        ordered = [parts[no] for no in sorted(parts)]
        entry = LibraryEntry(
            name=name,
            path=ordered[0].path,
            source=ordered[0].source,
            size=sum(part.size for part in ordered),
            parts=tuple(part.path for part in ordered),
            missing_parts=max(count - len(ordered), 0),
        )
        whole.append((entry, ordered[0].identity))
    return whole


def _unique_names(entries: list[LibraryEntry]) -> list[LibraryEntry]:
    """Different files of one name get their folder's name in front, then a number."""
    taken: set[str] = {"demo"}
    named: list[LibraryEntry] = []
    for entry in entries:
        name = entry.name
        if name.casefold() in taken:
            name = f"{entry.path.parent.name}/{entry.name}"
        number = 2
        while name.casefold() in taken:
            name, number = f"{entry.name}-{number}", number + 1
        taken.add(name.casefold())
        named.append(replace(entry, name=name))
    return named
