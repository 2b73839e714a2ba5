"""Asks before sides are loaded that do not fit into this machine's memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import App

from urial_tui.errors import UrialError
from urial_tui.ui.screens.dialog import Confirm

if TYPE_CHECKING:
    from urial_tui.models.desk import ModelDesk
    from urial_tui.models.fit import Fit


async def wanted(
    app: App[object],
    desk: ModelDesk | None,
    sides: Sequence[str],
    instead_of: Sequence[str] = (),
) -> bool:
    """Whether to load them: they fit where those are that are in memory now, or the user says so all the same. Called
    from a worker.

    What is wrong with a side is no business of this: loading it says so in its own words.
    """
    if desk is None:
        return True
    try:
        fit = await desk.fit(sides, instead_of)
    except UrialError:
        return True
    return await although(app, fit, len(sides))


async def although(app: App[object], fit: Fit, n_sides: int) -> bool:
    """Whether to load what needs so much: it fits, or the user says so all the same. Called from a worker."""
    if fit.verdict != "does not fit":
        return True
    from urial_tui.models.fit import in_words

    what = "The model does" if n_sides == 1 else "The sides do"
    question = (
        f"{what} not fit into the memory of this machine: {in_words(fit)}.\n"
        "Loading may take very long, or be ended by the system."
    )
    dialog = Confirm("It does not fit", question, "Load it", "Leave it")
    answer: bool | None = await app.push_screen_wait(dialog)
    return bool(answer)
