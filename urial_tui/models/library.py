"""The models on this machine: the app's own folder, the user's folders, and where other tools keep GGUFs.

Files are found where they are, listed under short names, and never moved, opened or changed by the
scan. A split model is one entry; a file that is reachable in several ways, or a copy of one, is one entry.
"""

import difflib
import itertools
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from urial_tui.errors import ModelError
from urial_tui.models import hashes, places
from urial_tui.models.gguf.open import open_gguf
from urial_tui.models.naming import says_nothing
from urial_tui.models.places import Found, Place
from urial_tui.settings import Settings
from urial_tui.sides import DEMO

MAX_PARTS: Final = 1000
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
    """Other paths of the same file, or of a copy: by hash where it is known, else by name and size."""
    aliases: tuple[str, ...] = field(default=(), repr=False)
    """The names of those, as far as they differ."""
    repo: str = ""
    """`OWNER/REPO` on the hub, where its folder says so."""
    sha256: str | None = None
    """Of its first part: computed here before, else as the store that it lies in names it."""


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

    def look_in(self, settings: Settings) -> None:
        """Search the places of other settings from now on."""
        self._where = places.known_places(settings)
        self._entries = None

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
        for entry in self.entries():
            if any(alias.casefold() == wanted for alias in entry.aliases):
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


def entry_at(path: Path) -> LibraryEntry:
    """An entry for a file that need not be in the library; of a split model, with the parts beside it.

    Raises ModelError for what is no file.
    """
    with open_gguf(path) as file:
        size = os.fstat(file.fileno()).st_size
    part = _PART.fullmatch(path.stem)
    count = int(part["count"]) if part else 1
    if part is None or int(part["no"]) != 1 or not 1 < count <= MAX_PARTS:
        return LibraryEntry(str(path), path, "a file", size, (path,))
    named = [
        path.with_name(f"{part['name']}-{no:05d}-of-{count:05d}.gguf") for no in range(1, count + 1)
    ]
    there = tuple(one for one in named if one.is_file())
    size = sum(one.stat().st_size for one in there)
    return LibraryEntry(str(path), path, "a file", size, there, count - len(there))


def _hint(close: list[str], names: list[str]) -> str:
    if close:
        return f"Did you mean {' or '.join(close)}?"
    if not names:
        return "No models were found besides `demo`. Give the path of a GGUF file."
    shown = ", ".join(["demo", *names[:8]]) + (", ..." if len(names) > 8 else "")
    return f"There are: {shown}. Or give the path of a GGUF file."


def _entries(found: Iterable[Found]) -> tuple[LibraryEntry, ...]:
    """One entry a model, in the order in which they were found, then named and sorted."""
    entries: list[LibraryEntry] = []
    known: dict[object, int] = {}
    for entry, identity in _joined(found):
        keys: list[object] = [identity]
        if entry.sha256:
            keys.append((entry.sha256, entry.size))
        keys.append((_telling(entry).casefold(), entry.size))
        same = next((known[key] for key in keys if key in known), None)
        if same is not None and not _differ(entries[same], entry):
            entries[same] = _merged(entries[same], entry)
        else:
            same = len(entries)
            entries.append(entry)
        for key in keys:
            known.setdefault(key, same)
    return tuple(sorted(_unique_names(entries), key=lambda entry: entry.name.casefold()))


def _telling(entry: LibraryEntry) -> str:
    """The name, with its folder in front where it says nothing: `model.gguf` of one size may be anything."""
    if not says_nothing(entry.name):
        return entry.name
    return f"{entry.repo or entry.path.parent.name}/{entry.name}"


def _differ(one: LibraryEntry, other: LibraryEntry) -> bool:
    """Whether two entries that look alike are known to be different files."""
    return bool(one.sha256 and other.sha256 and one.sha256 != other.sha256)


def _merged(kept: LibraryEntry, other: LibraryEntry) -> LibraryEntry:
    """`kept` with `other`'s places and name; the other way round when only `other` has all of its parts."""
    if other.missing_parts < kept.missing_parts:
        kept, other = other, kept
    places_of = [kept.path, *kept.also, other.path, *other.also]
    names_of = [*kept.aliases, other.name, *other.aliases]
    return replace(
        kept,
        also=tuple(dict.fromkeys(path for path in places_of if path != kept.path)),
        aliases=tuple(dict.fromkeys(name for name in names_of if name != kept.name)),
        repo=kept.repo or other.repo,
        sha256=kept.sha256 or other.sha256,
    )


def _joined(found: Iterable[Found]) -> list[tuple[LibraryEntry, tuple[int, int]]]:
    """One entry a file, or a set of parts in one folder, with the identity of its first file."""
    hashed = hashes.kept_hashes()
    whole: list[tuple[LibraryEntry, tuple[int, int]]] = []
    sets: dict[tuple[Path, str, int], dict[int, Found]] = {}
    for file in found:
        part = _PART.fullmatch(file.name)
        if part:
            key = (file.path.parent, part["name"], int(part["count"]))
            sets.setdefault(key, {})[int(part["no"])] = file
        else:
            whole.append((_entry(file.name, [file], 0, hashed), file.identity))
    for (_, name, count), parts in sets.items():
        ordered = [parts[no] for no in sorted(parts)]
        missing = max(count - len(ordered), 0)
        whole.append((_entry(name, ordered, missing, hashed), ordered[0].identity))
    return whole


def _entry(
    name: str, parts: Sequence[Found], missing: int, hashed: Mapping[str, Any]
) -> LibraryEntry:
    first = parts[0]
    return LibraryEntry(
        name=name.replace('"', "'"),  # a SIDE has no way to write a double quote
        path=first.path,
        source=first.source,
        size=sum(part.size for part in parts),
        parts=tuple(part.path for part in parts),
        missing_parts=missing,
        repo=first.repo,
        sha256=hashes.known_sha256(first.path, hashed) or first.named_sha256,
    )


def _unique_names(entries: list[LibraryEntry]) -> list[LibraryEntry]:
    """A name that says nothing, or that another file has, gets its repository or folder in front, then a number."""
    taken: set[str] = {DEMO}
    named: list[LibraryEntry] = []
    for entry in entries:
        folder = entry.repo.rpartition("/")[2] or entry.path.parent.name
        longer = [f"{folder}/{entry.name}"] + ([f"{entry.repo}/{entry.name}"] if entry.repo else [])
        plain = [] if says_nothing(entry.name) and ":" not in entry.name else [entry.name]
        numbered = (f"{entry.name}-{number}" for number in itertools.count(2))
        name = next(
            name
            for name in itertools.chain(plain, longer, numbered)
            if name.casefold() not in taken
        )
        taken.add(name.casefold())
        others = dict.fromkeys((entry.name, *entry.aliases))
        aliases = tuple(other for other in others if other not in (name, DEMO))
        named.append(replace(entry, name=name, aliases=aliases))
    return named
