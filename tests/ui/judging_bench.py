"""The chat with answers and a desk for rating them, for tests of the screens of judging."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.fake_chat import FakeChat
from tests.support.fake_judging import GOOD, FakeJudging
from tests.support.screen_text import drawn
from tests.ui.driving import Bench, running
from urial_tui.prompts.types import Turn
from urial_tui.ui.judging.by_hand import ByHandScreen
from urial_tui.ui.judging.run_picker import RunPicker
from urial_tui.ui.widgets.heading import Heading


def prepare(chat: FakeChat) -> None:
    chat.add_session("Walking", ["Why walk?", GOOD, "And swimming?", "It is gentle."], "5")


class Rated(Bench):
    """A bench with a desk."""

    desk: FakeJudging

    @property
    def rating(self) -> ByHandScreen:
        found = [one for one in self.app.screen_stack if isinstance(one, ByHandScreen)]
        assert found, "no screen for rating is open"
        return found[-1]

    def drawn(self) -> str:
        """Everything that is on the screen now, as plain text."""
        return drawn(self.app)

    def heading(self) -> str:
        return str(self.rating.query_one(Heading).render())

    def is_shown(self, message_id: str) -> bool:
        return self.rating.shown == (message_id,)

    async def settle_dialog(self) -> None:
        """Until the list of runs is there."""
        await self.until(lambda: any(one.display for one in self.app.screen.query("#runs")))
        await self.pilot.pause()

    async def settle_picker(self) -> None:
        """Until the models are in the side picker."""
        await self.until(lambda: any(one.display for one in self.app.screen.query("#models")))
        await self.pilot.pause()

    async def opened(self) -> None:
        await self.until(
            lambda: isinstance(self.app.screen, ByHandScreen) and self.app.screen.shown is not None,
            "an answer is shown",
        )
        await self.pilot.pause()


@asynccontextmanager
async def rating(desk: FakeJudging | None = None, **rest: Any) -> AsyncIterator[Rated]:
    """The chat with two answers, `m2` and `m4`."""
    desk = desk or FakeJudging()
    for message_id, text in (("m2", GOOD), ("m4", "It is gentle.")):
        turns = (Turn("user", "Why walk?"), Turn("assistant", text))
        desk.texts.setdefault(message_id, ("demo@urial-general", turns))
    services = {"judging": desk, **rest.pop("services", {})}
    async with running(prepare, services=services, **rest) as bench:
        found = Rated(bench.app, bench.pilot, bench.chats)
        found.desk = desk
        yield found


async def rate_last(bench: Rated) -> None:
    """Open the screen for the last answer by its key."""
    await bench.press("shift+tab", "a")
    await bench.opened()


async def rate_run(bench: Rated) -> None:
    bench.screen.action_rate_run()
    await bench.until(lambda: isinstance(bench.app.screen, RunPicker))
    await bench.settle_dialog()
    await bench.press("enter")
    await bench.opened()
