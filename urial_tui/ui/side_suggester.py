"""Suggests how a SIDE goes on while it is typed: the models, adapters and styles that the app knows."""

from collections.abc import Sequence

from textual.suggester import Suggester

from urial_tui.errors import UrialError
from urial_tui.sides import Side, complete_side, parse_side


class SideSuggester(Suggester):
    """`sides` are those of the model list; `know` adds to them when they are found."""

    def __init__(self, styles: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._styles = tuple(styles)
        self._sides: list[Side] = []

    def know(self, sides: Sequence[str]) -> None:
        """Offer these models, and their adapters behind them."""
        for text in sides:
            try:
                self._sides.append(parse_side(text))
            except UrialError:
                continue

    async def get_suggestion(self, value: str) -> str | None:
        """The first longer SIDE that begins with `value`."""
        if not value:
            return None
        models = [side.model for side in self._sides if side.adapter is None]
        written = value.partition("+")[0]
        adapters = [
            side.adapter
            for side in self._sides
            if side.adapter is not None and str(Side(side.model)) == written
        ]
        for found in complete_side(value, models, adapters, self._styles):
            if found.startswith(value) and found != value:
                return found
        return None
