"""The footer: the keys of what can be done now. What matters least gives way until the rest fits
the line.

Textual's own footer runs off the screen at 80 columns; this one always keeps the way out, help and
the palette.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from urial_tui.ui.command import real_keys
from urial_tui.ui.commands import FOOTER_ORDER

GAP = 2


@dataclass(frozen=True)
class Hint:
    """One key and what it does. `id` is the binding's."""

    id: str
    key: str
    shown_key: str
    label: str

    @property
    def width(self) -> int:
        return cell_len(self.shown_key) + 1 + cell_len(self.label)


def rank(hint: Hint) -> int:
    """Smaller is more important. What only the focused widget offers comes before the rest."""
    if hint.id in FOOTER_ORDER:
        return FOOTER_ORDER.index(hint.id)
    return FOOTER_ORDER.index("*")


def fitting(hints: Sequence[Hint], width: int) -> list[Hint]:
    """The hints that fit `width` cells, in their order; one label is never shown twice."""
    kept: list[Hint] = []
    for hint in hints:
        if all(hint.label != other.label for other in kept):
            kept.append(hint)
    while kept and sum(hint.width for hint in kept) + GAP * (len(kept) - 1) > width:
        kept.remove(max(reversed(kept), key=rank))
    return kept


class HintBar(Widget):
    """One line of hints; a click on one presses its key."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    HintBar {
        dock: bottom;
        height: 1;
        padding: 0 1;
        background: $footer-background;
        color: $footer-description-foreground;
    }
    """

    def __init__(self, hide: Callable[[str], bool], *, id: str | None = None) -> None:
        """`hide` says of a binding id that its key does nothing useful now."""
        super().__init__(id=id)
        self._hide = hide
        self.hints: list[Hint] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._collect)
        self._collect(self.screen)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _collect(self, screen: Screen[object]) -> None:
        found: list[Hint] = []
        seen: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if not (binding.show and active.enabled and real_keys(binding.key)):
                continue
            if binding.action in seen:
                continue
            if self._hide(binding.id or ""):
                continue
            seen.add(binding.action)
            shown_key = self.app.get_key_display(binding)
            found.append(Hint(binding.id or "", binding.key, shown_key, binding.description))
        if found != self.hints:
            self.hints = found
            self.refresh()

    def _shown(self) -> list[Hint]:
        return fitting(self.hints, self.content_size.width)

    def render(self) -> Content:
        pieces = [
            Content.assemble((hint.shown_key, "bold $footer-key-foreground"), f" {hint.label}")
            for hint in self._shown()
        ]
        return Content(" " * GAP).join(pieces)

    def on_click(self, event: events.Click) -> None:
        x = event.get_content_offset(self)
        if x is None:
            return
        start = 0
        for hint in self._shown():
            if start <= x.x < start + hint.width:
                self.app.simulate_key(hint.key)
                return
            start += hint.width + GAP
