"""Who gives way to whom: work that nobody asked for to work that somebody did, and both to an answer."""

import asyncio

from urial_tui.chat.quiet import Quiet


class Work:
    """Says how often it was begun and ended, and lasts until it may end."""

    def __init__(self) -> None:
        self.begun, self.cancelled, self.may_end = 0, 0, asyncio.Event()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "done"


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_measuring_gives_way_to_a_judge_and_is_begun_anew_after_it() -> None:
    quiet, measuring, judge = Quiet(), Work(), Work()
    first = asyncio.create_task(quiet.until_done(measuring))
    await turns()
    second = asyncio.create_task(quiet.until_done(judge, asked=True))
    await turns()
    assert (measuring.begun, measuring.cancelled, judge.begun) == (1, 1, 1)
    judge.may_end.set()
    assert await second == "done"
    await turns()
    assert measuring.begun == 2
    measuring.may_end.set()
    assert await first == "done"


async def test_a_judge_gives_way_to_an_answer_and_measuring_waits_for_both() -> None:
    quiet, measuring, judge = Quiet(), Work(), Work()
    second = asyncio.create_task(quiet.until_done(judge, asked=True))
    first = asyncio.create_task(quiet.until_done(measuring))
    await turns()
    quiet.begin()
    await turns()
    assert (judge.begun, judge.cancelled, measuring.begun) == (1, 1, 0)
    quiet.end()
    await turns()
    assert (judge.begun, measuring.begun) == (2, 0)
    judge.may_end.set()
    assert await second == "done"
    await turns()
    assert measuring.begun == 1
    measuring.may_end.set()
    assert await first == "done"


async def test_a_judge_that_is_cancelled_makes_way_for_measuring() -> None:
    quiet, measuring, judge = Quiet(), Work(), Work()
    second = asyncio.create_task(quiet.until_done(judge, asked=True))
    first = asyncio.create_task(quiet.until_done(measuring))
    await turns()
    second.cancel()
    await turns()
    assert judge.cancelled == 1 and measuring.begun == 1
    measuring.may_end.set()
    assert await first == "done"
