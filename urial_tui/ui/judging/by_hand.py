"""What the two screens for rating by hand share: tasks one after the other, the sheet with its keys, the comment, and
that nothing of it is lost.

Whatever is given is kept at once as a draft, so that leaving, quitting or a crash loses nothing; saving makes a row of
it. The screens fetch, draw and store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.css.query import NoMatches
from textual.widgets import Input

from urial_tui.errors import UrialError
from urial_tui.judge.drafts import Draft
from urial_tui.judge.people import NA
from urial_tui.judge.rubric_types import Rubric
from urial_tui.safetext import sanitize_line
from urial_tui.ui.background import run_beside, run_latest
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.drawing.lines import Line
from urial_tui.ui.judging.moment import ByHandMoment, can_by_hand
from urial_tui.ui.judging.rubric_reader import RubricReader
from urial_tui.ui.judging.sheet import Sheet
from urial_tui.ui.judging.sheet_lines import flat_lines, tall_lines
from urial_tui.ui.screens.working import CommandScreen
from urial_tui.ui.widgets.heading import Heading

if TYPE_CHECKING:
    from urial_tui.judge.desk import JudgeDesk

Task = tuple[str, ...]
"""The ids of the answers that are shown together."""

FLAT_ROWS = 8
LONGEST_COMMENT = 2000


class ByHandScreen(CommandScreen):
    """`tasks` come one after the other; `done` of `total` were rated before. `blind`: who wrote what is not shown.
    With `once` the screen closes when its one task is saved."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (180, "-vast")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (18, "-low"), (30, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(
        self,
        desk: JudgeDesk,
        keymap: Mapping[str, str],
        rubrics: Sequence[Rubric],
        tasks: Sequence[Task],
        *,
        done: int = 0,
        total: int = 1,
        blind: bool = False,
        once: bool = False,
        title: str = "",
    ) -> None:
        super().__init__(keymap)
        self.desk = desk
        self.rubrics = tuple(rubrics)
        self.sheet = Sheet(self.rubrics[0])
        self.left: list[Task] = list(tasks)
        """What is still to rate, the one on the screen first."""
        self.behind: list[Task] = []
        """What was saved here, the last one last."""
        self.skipped = 0
        """How many of those that are left were skipped, in this round."""
        self.done, self.total = done, total
        self.blind, self.once = blind, once
        self.about = title
        self.shown: Task | None = None
        """What is on the screen; None while it is fetched."""
        self.moment = ByHandMoment()

    # --- what the screens do ----------------------------------------------------------------

    async def fetch(self, task: Task) -> Draft | None:
        """Get what is shown, and what of it is stored. May raise UrialError."""
        raise NotImplementedError

    async def store(self, task: Task) -> None:
        """Make a row of the sheet. May raise UrialError."""
        raise NotImplementedError

    def show_texts(self, *, from_start: bool) -> None:
        """Show what was fetched."""
        raise NotImplementedError

    def legend(self) -> str:
        """The keys that marks are given with."""
        raise NotImplementedError

    def thing(self, n: int) -> str:
        """What a task is, in words: `answer`, `answers`."""
        raise NotImplementedError

    # --- the tasks --------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.comment.display = False
        self.open_next()

    @property
    def rubric(self) -> Rubric:
        return self.sheet.rubric

    @property
    def upcoming(self) -> Task | None:
        return self.left[0] if self.left else None

    def open_next(self) -> None:
        """Show the task that is first now; without one, leave."""
        if self.upcoming is None:
            self.finished()
            return
        run_latest(self, self._open, "open")

    async def _open(self) -> None:
        task = self.upcoming
        if task is None:
            return
        self.shown = None
        self.changed()
        try:
            saved = await self.fetch(task)
            draft = await self.desk.draft(self.rubric.ref, *task)
        except UrialError as error:
            self.tell_error(error)
            if self.once:
                self.dismiss(None)
                return
            self.left.pop(0)  # such an answer is gone, or cannot be read now
            self.open_next()
            return
        self.sheet = Sheet(self.rubric, saved, draft)
        self.prepare()
        if draft is not None and self.sheet.changed:
            self.tell("Here is what you began and did not save.")
        self.shown = task
        self.comment.value = self.sheet.note
        self.show_comment()
        self.show_texts(from_start=True)
        self.show_sheet()

    def prepare(self) -> None:
        """The sheet is a new one: put its cursor where the screen wants it."""

    def finished(self) -> None:
        """All are rated."""
        if not self.once:
            self.tell(f"All {self.total} {self.thing(self.total)} of this run are rated.")
        self.dismiss(None)

    def action_save(self) -> None:
        if self.comment_is_open():
            self.leave_comment()
        elif self.shown is not None and self.sheet.marks:
            run_beside(self, partial(self._guarded, self._save, self.shown), "save")
        else:
            self.tell(f"Nothing is rated yet. {self.legend()}", severity="warning")

    async def _save(self, task: Task) -> None:
        if self.shown != task:
            return  # pressed twice
        self.shown = None
        try:
            await self.store(task)
        except UrialError:
            self.shown = task
            raise
        await self.desk.keep_draft(None, self.rubric.ref, *task)
        if task in self.left:
            self.left.remove(task)
            self.done += task not in self.behind
        self.behind = [one for one in self.behind if one != task] + [task]
        if self.once:
            self.tell("Saved.")
            self.dismiss(None)
        else:
            self._tell_of_skipped()
            self.open_next()

    def action_skip(self) -> None:
        """To the next one; this one comes again after the others."""
        if self.shown is None or self.once:
            return
        if len(self.left) < 2:
            self.tell("This is the last one.")
            return
        self.left.append(self.left.pop(0))
        self.skipped += 1
        self._tell_of_skipped()
        self.open_next()

    def _tell_of_skipped(self) -> None:
        """Only such are left that were skipped."""
        if self.left and self.skipped >= len(self.left):
            self.skipped = 0
            self.tell(f"Skipped before: {len(self.left)}. Now they come again.")

    def action_undo(self) -> None:
        """Show what was saved last; what is on the screen comes after it again."""
        if not self.behind or self.once:
            return
        self.left.insert(0, self.behind.pop())
        self.done -= 1
        self.open_next()

    # --- the sheet --------------------------------------------------------------------------

    def give(self, mark: int | str) -> None:
        if self.shown is None:
            return
        if not self.sheet.give(mark):
            name = sanitize_line(self.sheet.aspect.name)
            self.tell(f"{name} always applies in this rubric.", severity="warning")
        self.keep()

    def action_not_applicable(self) -> None:
        self.give(NA)

    def action_move(self, step: int) -> None:
        if self.comment_is_open():
            self.leave_comment()
        self.sheet.move(step)
        self.show_sheet()

    def action_clear(self) -> None:
        if self.shown is not None:
            self.sheet.clear()
            self.keep()

    def action_show_rubric(self) -> None:
        self.app.push_screen(RubricReader(self.sheet))

    def keep(self) -> None:
        """Show the sheet as it is now, and keep it in case nobody saves it."""
        self.show_sheet()
        task = self.shown
        if task is not None:
            keep = partial(self.desk.keep_draft, self.sheet.draft, self.rubric.ref, *task)
            run_beside(self, partial(self._guarded, keep), "draft")

    def show_sheet(self) -> None:
        self.query_one("#sheet", Canvas).repaint()
        self.show_heading()
        self.changed()

    def show_heading(self) -> None:
        words = ["blind"] if self.blind else []
        if not self.once:
            words.append(f"{self.done} of {self.total} done")
        words.append(sanitize_line(self.rubric.id, 30))
        if self.about:
            words.append(sanitize_line(self.about, 60))
        piece = "not saved" if self.sheet.changed and self.shown is not None else ""
        self.query_one(Heading).update(words=" · ".join(words), piece=piece)

    def draw_sheet(self, width: int, height: int) -> list[Line]:
        if self.shown is None:
            return [[("Looking…", "dim")]]
        if self.has_class("-wide") or self.has_class("-vast"):
            return tall_lines(self.sheet, self.legend(), width)
        return flat_lines(self.sheet, self.legend(), width, max(height, 1))

    # --- the comment ------------------------------------------------------------------------

    @property
    def comment(self) -> Input:
        return self.query_one("#comment", Input)

    def comment_is_open(self) -> bool:
        return self.focused is self.comment

    def show_comment(self) -> None:
        self.comment.display = bool(self.comment.value) or self.comment_is_open()

    def action_comment(self) -> None:
        if self.shown is not None:
            self.comment.display = True
            self.comment.focus()

    def leave_comment(self) -> None:
        self.set_focus(None)
        self.show_comment()

    @on(Input.Changed, "#comment")
    def comment_changed(self, event: Input.Changed) -> None:
        if self.shown is not None and event.value != self.sheet.note:
            self.sheet.note = event.value
            self.keep()

    @on(Input.Submitted, "#comment")
    def comment_written(self) -> None:
        self.leave_comment()

    # --- the texts --------------------------------------------------------------------------

    def scrollers(self) -> list[VerticalScroll]:
        """What is scrolled by the keys: all texts together."""
        return list(self.query(".text").results(VerticalScroll))

    def action_scroll_text(self, pages: float) -> None:
        for one in self.scrollers():
            lines = pages * max(one.size.height - 2, 1) if abs(pages) >= 1 else (1 if pages > 0 else -1)  # fmt: skip
            one.scroll_relative(y=lines, animate=False)

    def action_scroll_end_of_text(self, end: bool) -> None:
        for one in self.scrollers():
            one.scroll_end(animate=False) if end else one.scroll_home(animate=False)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._laid_out_anew)

    def _laid_out_anew(self) -> None:
        try:
            self.query_one("#sheet", Canvas).repaint()
        except NoMatches:
            return

    # --- what can be done -------------------------------------------------------------------

    def look(self) -> ByHandMoment:
        return ByHandMoment(
            shown=self.shown is not None,
            marked=bool(self.sheet.marks),
            in_comment=self.comment_is_open(),
            several=not self.once and len(self.left) > 1,
            saved_before=bool(self.behind) and not self.once,
            n_rubrics=len(self.rubrics) if self.once else 1,
        )

    def changed(self) -> None:
        if not self.is_attached or not self.query("#comment"):
            return
        now = self.look()
        if now != self.moment:
            self.moment = now
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can_by_hand(action, self.moment)

    def on_descendant_focus(self) -> None:
        self.changed()

    def on_descendant_blur(self) -> None:
        self.changed()

    def action_back(self) -> None:
        if self.comment_is_open():
            self.leave_comment()
            return
        if self.shown is not None and self.sheet.changed:
            self.tell("Not saved, but kept: it is there again when you come back.")
        self.dismiss(None)
