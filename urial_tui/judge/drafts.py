"""Ratings that are begun and not saved: a small state file, so that leaving, quitting or a crash loses none of them.

What is in it is a convenience: a file that is missing, broken or not ours counts as nothing, and one that cannot be
written is told once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from urial_tui import paths
from urial_tui.errors import JudgeError, UrialError
from urial_tui.files import write_private

MAX_BYTES: Final = 1024 * 1024
MAX_DRAFTS: Final = 200
"""The oldest go first."""


@dataclass(frozen=True)
class Draft:
    """Marks (or choices) by aspect, and the note so far."""

    marks: Mapping[str, int | str] = field(default_factory=dict)
    note: str = ""


def drafts_file() -> Path:
    return paths.state_dir() / "rating-drafts.json"


class Drafts:
    """The drafts of one file, by key. The file is read each time: another program may rate, too. Not safe in two
    threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Draft | None:
        return _drafts(self._path).get(key)

    def keep(self, key: str, draft: Draft | None) -> None:
        """Keep a draft, or with None forget it; the file is replaced in one step. Raises JudgeError."""
        kept = _drafts(self._path)
        if kept.get(key) == draft:
            return
        kept.pop(key, None)
        if draft is not None:
            kept[key] = draft
        while len(kept) > MAX_DRAFTS:
            del kept[next(iter(kept))]
        text = json.dumps({k: {"marks": dict(d.marks), "note": d.note} for k, d in kept.items()})
        try:
            paths.ensure_private_dir(self._path.parent)
            write_private(self._path, text + "\n", sync=False)
        except (OSError, UrialError) as error:
            why = error.message if isinstance(error, UrialError) else error.strerror or str(error)
            raise JudgeError(
                f"what is rated and not saved cannot be kept in {self._path}: {why}",
                hint="Save before you leave.",
                kind="state-unwritable",
            ) from error


def _drafts(path: Path) -> dict[str, Draft]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        found = json.loads(data) if len(data) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    kept = {}
    for key, value in list(found.items())[-MAX_DRAFTS:]:
        draft = _draft(value)
        if draft is not None:
            kept[key] = draft
    return kept


def _draft(value: Any) -> Draft | None:
    if not isinstance(value, dict):
        return None
    marks, note = value.get("marks"), value.get("note")
    if not isinstance(marks, dict) or not isinstance(note, str):
        return None
    usable = all(type(mark) in (int, str) for mark in marks.values())
    return Draft(marks, note) if usable else None
