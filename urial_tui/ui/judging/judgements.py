"""Everything that was said of one answer, with reasons, and how far a judge is that works on it now."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize
from urial_tui.store.judging.types import Judgement
from urial_tui.ui.background import run_latest
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line, safe, wrapped
from urial_tui.ui.judging.opinions import opinion_lines
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.screens.dialog import Dialog, problem_text

Load = Callable[[], Awaitable[Sequence[Judgement]]]


class JudgementsDialog(Dialog[None]):
    """`working` says what a judge does now, "" when none does; `stop` ends it. Closing it does not."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["../screens/dialog.tcss", "judgements.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop_judging", "Stop judging", id="judgements.stop"),
        Binding("q", "close", "Close", show=False),
    ]

    def __init__(
        self,
        message_id: str,
        load: Load,
        working: Callable[[], str] = lambda: "",
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.message_id = message_id
        self._load, self._working, self._stop = load, working, stop
        self._found: Sequence[Judgement] | None = None
        self._problem = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            yield Canvas(self._state, id="state")
            with VerticalScroll(id="said"):
                yield Canvas(self._lines, tall=True, id="judgements")
        box.border_title = Content("What was said of this answer")
        box.border_subtitle = Content(
            f"{up_and_down()} scroll, x stops a judge, Esc closes and lets it work"
        )

    def on_mount(self) -> None:
        self.query_one("#said").focus()
        self.reload()

    def reload(self) -> None:
        """Ask again what there is."""
        self.show_state()
        run_latest(self, self._read, "judgements")

    async def _read(self) -> None:
        try:
            self._found, self._problem = tuple(await self._load()), ""
        except UrialError as error:
            self._problem = sanitize(problem_text(error), keep_newlines=False)
        self.query_one("#judgements", Canvas).repaint()

    def show_state(self) -> None:
        """The judge is further, or there is none any more."""
        state = self.query_one("#state", Canvas)
        state.display = bool(self._working())
        state.repaint()

    def _state(self, width: int, height: int) -> list[Line]:
        return wrapped(safe(self._working(), 300), width, "warn", most=1)

    def _lines(self, width: int, height: int) -> list[Line]:
        if self._problem:
            return wrapped(self._problem, width, "bad", most=8)
        if self._found is None:
            return [[("Looking…", "pending")]]
        if not self._found:
            return [] if self._working() else [[("Nobody has judged it yet.", "dim")]]
        return opinion_lines(self._found, width)

    def action_stop_judging(self) -> None:
        self._stop()
