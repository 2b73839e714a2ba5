"""Jump mode: a letter beside everything on the screen that can have the focus; the letter, or a click, goes there.

It lies over the screen that it was opened from and changes nothing of it; the app puts the focus where its answer says.
"""

from collections.abc import Iterable, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import ModalScreen, Screen
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Static

from urial_tui.ui.screens.leaving import LeavesOnce

PREFERRED = {"composer": "c", "transcript": "t", "sessions": "s", "begin": "b", "filter": "f"}
"""Letters by the id of a widget or of what it is in, so that they are the same whatever else is on the screen."""
LETTERS = ascii_lowercase + "0123456789" + ascii_uppercase
WIDTH = len("[a]")


def on_screen(screen: Screen[object]) -> list[Widget]:
    """What can have the focus and is in sight, in the order of Tab."""
    return [widget for widget in screen.focus_chain if _in_sight(screen, widget).area]


def _in_sight(screen: Screen[object], widget: Widget) -> Region:
    """The part of the widget that is drawn; an empty region where nothing is."""
    try:
        return screen.find_widget(widget).visible_region.intersection(screen.size.region)
    except NoWidget:
        return Region()


def lettered(widgets: Iterable[Widget]) -> dict[str, Widget]:
    """A letter for each; those that there are none for are left out."""
    found: dict[str, Widget] = {}
    others = []
    for widget in widgets:
        ids = [node.id for node in widget.ancestors_with_self if node.id in PREFERRED]
        letter = PREFERRED[str(ids[0])] if ids else None
        if letter is None or letter in found:
            others.append(widget)
        else:
            found[letter] = widget
    free = [letter for letter in LETTERS if letter not in found]
    return found | dict(zip(free, others, strict=False))


def places(regions: Sequence[Region], width: int) -> list[tuple[int, int]]:
    """Where each label goes: at the upper left of its region, beside another that is there already."""
    taken: set[tuple[int, int]] = set()
    found = []
    for region in regions:
        x, y = min(region.x, max(width - WIDTH, 0)), region.y
        while any((x + step, y) in taken for step in range(-WIDTH + 1, WIDTH)):
            x += WIDTH
        taken.add((x, y))
        found.append((x, y))
    return found


class JumpLabel(Static):
    """One letter."""

    ALLOW_SELECT = False

    def __init__(self, letter: str, target: Widget) -> None:
        super().__init__(Content(f"[{letter}]"), markup=False)
        self.letter, self.target = letter, target


class JumpScreen(ModalScreen[Widget | None], LeavesOnce[Widget | None]):
    """See the module. The answer is the widget to go to; None: stay."""

    CSS_PATH: ClassVar[CSSPathType | None] = "jump.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Stay", tooltip="Leave the focus where it is", id="jump.leave"),
    ]

    def __init__(self, below: Screen[object]) -> None:
        """`below` is the screen that the letters stand on."""
        super().__init__()
        self._below = below
        self.targets = lettered(on_screen(below))

    def compose(self) -> ComposeResult:
        for letter, target in self.targets.items():
            yield JumpLabel(letter, target)
        yield Static("Jump: a letter or a click goes there, Esc stays", id="jump-words")

    def on_mount(self) -> None:
        self._below.screen_layout_refresh_signal.subscribe(self, self._laid_out)

    def _laid_out(self, screen: Screen[object]) -> None:
        self.call_next(self._place)

    async def on_resize(self) -> None:
        await self._place()

    async def _place(self) -> None:
        """Letters for what is in sight now, each at its part."""
        found = lettered(on_screen(self._below))
        if found != self.targets:
            self.targets = found
            await self.recompose()
        labels = list(self.query(JumpLabel))
        regions = [_in_sight(self._below, label.target) for label in labels]
        for label, region, place in zip(
            labels, regions, places(regions, self.size.width), strict=True
        ):
            label.display = region.area > 0
            label.styles.offset = place

    def on_key(self, event: events.Key) -> None:
        """Letters go to their widget; no other key does anything below."""
        target = self.targets.get(event.character or "")
        if target is not None:
            event.stop()
            self.dismiss(target)

    def on_click(self, event: events.Click) -> None:
        """On a letter, or on what the letter stands beside; anywhere else it stays."""
        if isinstance(event.widget, JumpLabel):
            self.dismiss(event.widget.target)
            return
        x, y = int(event.screen_x), int(event.screen_y)
        here = [
            (region.area, n, target)
            for n, target in enumerate(self.targets.values())
            if (region := _in_sight(self._below, target)).contains(x, y)
        ]
        self.dismiss(min(here)[2] if here else None)

    def action_leave(self) -> None:
        self.dismiss(None)
