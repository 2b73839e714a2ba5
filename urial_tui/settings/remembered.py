"""The sides that were used last: a small state file, so that the next start goes on with them.

`urial_tui.launch` reads it before the interface starts, the interface writes it when the user chooses another side or
other references. What is in it is a convenience: a file that is missing, broken or not ours counts as nothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from urial_tui import files, paths
from urial_tui.errors import SettingsError, UrialError

MAX_BYTES: Final = 64 * 1024
MAX_REFERENCES: Final = 16
MAX_LENGTH: Final = 4096


@dataclass(frozen=True)
class LastSides:
    """In SIDE notation. `references` None: what suits the side, nobody chose any."""

    side: str
    references: tuple[str, ...] | None = None


def last_sides_file() -> Path:
    return paths.state_dir() / "last-sides.json"


def read_last_sides(path: Path) -> LastSides | None:
    """What was used last; None where nothing usable is written."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        found = json.loads(data) if len(data) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    side, references = found.get("side"), found.get("references")
    if not isinstance(side, str) or not _is_side(side):
        return None
    if references is None:
        return LastSides(side)
    if not isinstance(references, list) or not all(map(_is_side, references)):
        return LastSides(side)
    return LastSides(side, tuple(references[:MAX_REFERENCES]))


def _is_side(value: object) -> bool:
    """Whether it may be SIDE notation; whether it is, and whether its files are there, others find out."""
    return isinstance(value, str) and len(value.strip()) > 0 and len(value) <= MAX_LENGTH


def write_last_sides(path: Path, sides: LastSides) -> None:
    """Replace the file in one step, mode 0600, its folder 0700. Raises SettingsError; the file is as it was then."""
    references = None if sides.references is None else list(sides.references)
    text = json.dumps({"side": sides.side, "references": references}, indent=2) + "\n"
    try:
        paths.ensure_private_dir(path.parent)
        files.write_private(path, text, sync=False)
    except (OSError, UrialError) as error:
        why = error.message if isinstance(error, UrialError) else error.strerror or str(error)
        raise SettingsError(
            f"cannot remember the sides in {path}: {why}",
            hint="Check the permissions and the free space.",
            kind="state-unwritable",
        ) from error
