"""One notice above the composer that stays until its cause is gone: a full context, a history that
cannot be written, a session that another program holds.
"""

from typing import Literal

from textual.content import Content
from textual.widgets import Static

from urial_tui.safetext import sanitize_line

Kind = Literal["context", "store", "startup", "locked", "layout"]
_ORDER: tuple[Kind, ...] = ("startup", "store", "locked", "context", "layout")


class Banner(Static):
    """Shows the most important of the notices that it was given; hidden when there is none."""

    DEFAULT_CSS = """
    Banner {
        display: none;
        height: auto;
        max-height: 5;
        padding: 0 1;
        color: $text-warning;
        background: $warning 12%;
        border-left: outer $warning;
    }
    Banner.-on { display: block; }
    Banner.-bad { color: $text-error; background: $error 12%; border-left: outer $error; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._notices: dict[Kind, str] = {}

    @property
    def text(self) -> str:
        """What is shown now, empty when nothing is."""
        kind = self._first()
        return self._notices[kind] if kind else ""

    def _first(self) -> Kind | None:
        return next((kind for kind in _ORDER if kind in self._notices), None)

    def show(self, kind: Kind, text: str) -> None:
        """Set the notice of this kind; an empty text takes it away."""
        if text:
            self._notices[kind] = sanitize_line(text, 400)
        else:
            self._notices.pop(kind, None)
        first = self._first()
        self.set_class(first is not None, "-on")
        self.set_class(first in ("startup", "store"), "-bad")
        self.update(Content(self._notices[first]) if first else Content(""))
