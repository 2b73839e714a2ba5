"""Pairs of a base model and one aligned from it to begin with, read from the data file beside this module.

Called by `models starters`, `models pull starter:ID` and the first screen. The file is checked to the last key, because
its names are shown and fetched; nothing is looked up on the hub here.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from urial_tui.errors import ModelError
from urial_tui.models.hub.names import is_repo

PREFIX: Final = "starter:"
"""What an id has in front where a repository may stand, too."""
FILE: Final = Path(__file__).with_name("starters.toml")

RamGb = Literal[8, 16, 32]
_RAM: Final[tuple[RamGb, ...]] = (8, 16, 32)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class StarterModel:
    """One side of a pair: a quantisation in a repository. `size` in bytes, about."""

    name: str
    repo: str
    quant: str
    size: int
    license: str


@dataclass(frozen=True)
class Starter:
    """A pair that runs in `ram_gb` GB of memory with both models loaded."""

    id: str
    title: str
    ram_gb: RamGb
    base: StarterModel
    aligned: StarterModel
    license: str
    why: str
    note: str = ""

    @property
    def size(self) -> int:
        """Bytes to fetch, about."""
        return self.base.size + self.aligned.size


def starters() -> tuple[Starter, ...]:
    """The pairs, in the file's order. Raises ModelError (`starters`) that names the entry and the key."""
    try:
        return parse(FILE.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read {FILE}: {error}", kind="starters") from error


def find_starter(name: str) -> Starter:
    """The pair with the id `name`, with or without `starter:`. Raises ModelError that lists the ids."""
    found = {starter.id: starter for starter in starters()}
    wanted = name.removeprefix(PREFIX).strip().casefold()
    if wanted not in found:
        raise ModelError(
            f"there is no starting point {wanted!r}",
            hint=f"There are: {', '.join(found)}.",
            kind="unknown-starter",
        )
    return found[wanted]


def parse(text: str) -> tuple[Starter, ...]:
    """The pairs in the text of such a file. Raises ModelError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"it is not TOML: {error}") from error
    entries = data.get("starter")
    if set(data) != {"starter"} or not isinstance(entries, list) or not entries:
        raise _wrong("it has [[starter]] tables and nothing else")
    found: dict[str, Starter] = {}
    for number, entry in enumerate(entries, 1):
        starter = _starter(entry, number)
        if starter.id in found:
            raise _wrong(f"{starter.id}: there is another entry with this id")
        found[starter.id] = starter
    return tuple(found.values())


def _starter(entry: Any, number: int) -> Starter:
    where = f"entry {number}"
    if not isinstance(entry, dict):
        raise _wrong(f"{where} is not a table")
    id = _text(entry, "id", where)
    if not _ID.fullmatch(id):
        raise _wrong(f"{where}: id {id!r} is not made of lower-case letters, digits and . _ -")
    _only(entry, {"id", "title", "ram_gb", "license", "why", "note", "base", "aligned"}, id)
    ram_gb = next((size for size in _RAM if entry.get("ram_gb") == size), None)
    if ram_gb is None or isinstance(entry["ram_gb"], bool):
        raise _wrong(f"{id}: ram_gb is one of {', '.join(map(str, _RAM))}")
    return Starter(
        id=id,
        title=_text(entry, "title", id),
        ram_gb=ram_gb,
        base=_model(entry, "base", id),
        aligned=_model(entry, "aligned", id),
        license=_text(entry, "license", id),
        why=_text(entry, "why", id),
        note=_text(entry, "note", id) if "note" in entry else "",
    )


def _model(entry: Mapping[str, Any], side: str, id: str) -> StarterModel:
    where = f"{id}.{side}"
    table = entry.get(side)
    if not isinstance(table, dict):
        raise _wrong(f"{where} is missing, or not a table")
    _only(table, {"name", "repo", "quant", "size", "license"}, where)
    repo, size = _text(table, "repo", where), table.get("size")
    if not is_repo(repo):
        raise _wrong(f"{where}.repo is not OWNER/NAME: {repo!r}")
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        raise _wrong(f"{where}.size is a number of bytes, above 0")
    return StarterModel(
        name=_text(table, "name", where),
        repo=repo,
        quant=_text(table, "quant", where),
        size=size,
        license=_text(table, "license", where),
    )


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(f"{where}.{key} is missing, or not a text")
    return value


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise _wrong(f"{where}.{unknown[0]} is not known")


def _wrong(what: str) -> ModelError:
    return ModelError(f"the list of starting points is wrong: {what}", kind="starters")
