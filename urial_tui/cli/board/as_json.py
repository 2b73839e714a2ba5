"""A board for programs: everything that is on it as one JSON object."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Final

from urial_tui.judge.board.types import (
    Board,
    BoardJudge,
    BoardRow,
    Cell,
    DuelCell,
    PublishedTable,
    ShiftCell,
)

Json = dict[str, Any]

_DERIVED: Final[dict[type, tuple[str, ...]]] = {
    BoardRow: ("length_share",),
    ShiftCell: ("n_tokens", "ratios"),
    Cell: ("n", "n_judged"),
    DuelCell: ("n", "rates", "longer"),
}
"""Properties that are written as if they were fields."""
_COMPATIBLE = {"compatible", "average_compatible"}


def board_dict(
    board: Board, *, compatible: bool = False, published: Sequence[PublishedTable] = ()
) -> Json:
    """The board as JSON values. Judges are written out once, and named by their key elsewhere."""
    found: Json = {
        name: _plain(getattr(board, name), compatible)
        for name in ("runs", "rows", "panels", "duels", "breakdown", "agreement", "notes")
    }
    found["judges"] = [
        {field.name: _plain(getattr(judge, field.name), compatible) for field in fields(judge)}
        for judge in board.judges
    ]
    found["published"] = _plain(list(published), compatible)
    return found


def _plain(value: Any, compatible: bool) -> Any:
    if isinstance(value, BoardJudge):
        return value.key
    if is_dataclass(value):
        names = [field.name for field in fields(value)] + list(_DERIVED.get(type(value), ()))
        return {
            name: _plain(getattr(value, name), compatible)
            for name in names
            if compatible or name not in _COMPATIBLE
        }
    if isinstance(value, dict):
        return {str(key): _plain(entry, compatible) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry, compatible) for entry in value]
    return value
