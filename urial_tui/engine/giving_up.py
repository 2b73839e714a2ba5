"""When work of many answers stops trying: the engine has failed for several in a row, so the next will fare no better.

Runs, judging and `shift` each do one answer after the other, and stop by this one rule.
"""

from typing import Final

from urial_tui.errors import EngineError, UrialError

GIVE_UP_AFTER: Final = 3
_OF_THE_ITEM: Final = frozenset({"context-full", "empty-answer", "prompt", "vocabulary"})
"""Kinds of EngineError that come from what was asked: the next answer may well be made."""


class Patience:
    """Counts the engine's failures since something was made."""

    def __init__(self) -> None:
        self._failures = 0

    def restored(self) -> None:
        """Something was made, or another model begins."""
        self._failures = 0

    def ended_by(self, error: UrialError) -> bool:
        """Count a failure; whether it was one too many. What failed because of its own item is not counted."""
        if not isinstance(error, EngineError) or error.kind in _OF_THE_ITEM:
            return False
        self._failures += 1
        return self._failures >= GIVE_UP_AFTER
