"""Opens the screens for rating a run by hand, from the chat and from the board alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urial_tui.judge.desk_types import Queue
from urial_tui.judge.rubric_types import Rubric
from urial_tui.store.runs.types import Run
from urial_tui.ui.judging.pairing import PairScreen
from urial_tui.ui.judging.rating import RatingScreen
from urial_tui.ui.judging.run_picker import SidesPicker
from urial_tui.ui.screens.working import WorkingScreen

if TYPE_CHECKING:
    from urial_tui.judge.desk import JudgeDesk


async def rate_run(screen: WorkingScreen[Any], desk: JudgeDesk, run: Run, *rubrics: Rubric) -> None:
    """Go on rating a run's answers, blind, with the first of the rubrics for which answers are left. Called from a
    worker of `screen`; may raise UrialError."""
    for rubric in rubrics:
        queue = await desk.rating_queue(run.id, rubric.ref)
        if queue.tasks or not queue.left_out:
            break
    if not queue.tasks:
        screen.tell(_nothing_left(queue, rubric))
        return
    await screen.app.push_screen_wait(
        RatingScreen(
            desk, screen.keymap, [rubric], queue.tasks, done=queue.done, total=queue.total,
            blind=True, title=run.start.name,
        )
    )  # fmt: skip


def _nothing_left(queue: Queue, rubric: Rubric) -> str:
    if queue.total:
        return f"The {queue.total} answers of this run are rated already with {rubric.id}."
    if queue.left_out:
        return f"No answer of this run is for the rubric {rubric.id}; Tab chooses another one."
    return "The answers of this run are not there yet."


async def compare_run(
    screen: WorkingScreen[Any], desk: JudgeDesk, run: Run, rubric: Rubric
) -> None:
    """Go on comparing two sides of a run, blind; asks which two where there are more. As `rate_run`."""
    sides: tuple[int, int] | None = (0, 1)
    if len(run.start.sides) > 2:
        sides = await screen.app.push_screen_wait(SidesPicker(run))
    if sides is None:
        return
    queue = await desk.pair_queue(run.id, *sides, rubric.ref)
    if not queue.tasks:
        what = "are compared already" if queue.total else "are not there yet"
        screen.tell(f"The {queue.total or ''} pairs of these sides {what}.".replace("  ", " "))
        return
    await screen.app.push_screen_wait(
        PairScreen(
            desk, screen.keymap, [rubric], queue.tasks, done=queue.done, total=queue.total,
            blind=True, title=run.start.name,
        )
    )  # fmt: skip
