"""The pairs that a key goes through: the notation's own, and partners from the library when they are found."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from tests.chat.conftest import Room
from urial_tui.chat.events import PairChanged
from urial_tui.chat.pair import Pair
from urial_tui.chat.pair_list import PairList
from urial_tui.chat.pairs import suggested_pairs
from urial_tui.chat.quiet import Quiet
from urial_tui.errors import ModelError

BASE = "base@urial-general"
WITH_CHAT = Pair("tuned@chat", ("base@raw",), "with tuned")
WITH_OTHER = Pair("other@same-pack", ("base@raw",), "with other", likely=False)
OWN = suggested_pairs(BASE, "urial-general")


class Finder:
    """Finds what a test says, when it says so."""

    def __init__(self, *found: Pair) -> None:
        self.found: Sequence[Pair] = found
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.told = 0

    async def __call__(self, side: str) -> Sequence[Pair]:
        self.asked.append(side)
        await self.gate.wait()
        return self.found

    def tell(self) -> None:
        self.told += 1


def listed(finder: Finder | None, quiet: Quiet | None = None) -> PairList:
    tell = finder.tell if finder is not None else lambda: None
    return PairList("urial-general", finder, quiet or Quiet(), tell, rest_seconds=0.0)


async def looked(pairs: PairList, side: str = BASE) -> None:
    pairs.look(side)
    await pairs.looked()


async def test_without_a_library_there_are_the_notations_own() -> None:
    pairs = listed(None)
    pairs.look(BASE)
    await pairs.looked()
    assert pairs.around(BASE, ()) == pairs.all(BASE, ()) == OWN


async def test_likely_partners_come_after_them_when_they_are_found() -> None:
    finder = Finder(WITH_CHAT, WITH_OTHER)
    pairs = listed(finder)
    assert pairs.around(BASE, ()) == OWN
    await looked(pairs)
    assert pairs.around(BASE, ()) == (*OWN, WITH_CHAT)
    assert pairs.all(BASE, ()) == (*OWN, WITH_CHAT, WITH_OTHER)
    assert finder.told == 1
    await looked(pairs)
    assert finder.told == 1, "the same again is nothing new"


async def test_a_partner_that_the_notation_suggests_too_is_there_once() -> None:
    (first, *_) = OWN
    pairs = listed(Finder(Pair(first.generator, first.references, "again"), WITH_CHAT))
    await looked(pairs)
    assert pairs.around(BASE, ()) == (*OWN, WITH_CHAT)


async def test_the_key_goes_around_also_through_a_pair_with_another_writer() -> None:
    pairs = listed(Finder(WITH_CHAT))
    await looked(pairs)
    side, references = BASE, ()
    seen = []
    for _ in range(len(OWN) + 2):
        home, wanted = pairs.next(side, references)
        side, references = wanted.generator, wanted.references
        pairs.take(home, side, references)
        seen.append((side, references))
    around = [(pair.generator, pair.references) for pair in (*OWN, WITH_CHAT)]
    assert seen == [*around, around[0]]


async def test_a_side_that_was_chosen_otherwise_has_its_own_list() -> None:
    pairs = listed(Finder(WITH_CHAT))
    await looked(pairs)
    home, wanted = BASE, WITH_CHAT
    pairs.take(home, wanted.generator, wanted.references)
    assert WITH_CHAT in pairs.around(wanted.generator, wanted.references)
    assert pairs.around(wanted.generator, ()) == suggested_pairs("tuned@chat", "urial-general")


async def test_the_style_of_a_side_does_not_matter_for_its_partners() -> None:
    pairs = listed(Finder(WITH_CHAT))
    await looked(pairs)
    assert WITH_CHAT in pairs.around("base@raw", ())
    assert WITH_CHAT not in pairs.around("base+lora@chat", ())


async def test_nothing_is_looked_for_while_somebody_waits_for_an_answer() -> None:
    finder, quiet = Finder(WITH_CHAT), Quiet()
    pairs = listed(finder, quiet)
    quiet.begin()
    pairs.look(BASE)
    for _ in range(20):
        await asyncio.sleep(0)
    assert finder.asked == []
    quiet.end()
    await pairs.looked()
    assert finder.asked == [BASE]


async def test_another_side_ends_the_search_for_the_one_before() -> None:
    finder = Finder(WITH_CHAT)
    finder.gate.clear()
    pairs = listed(finder)
    pairs.look(BASE)
    while not finder.asked:
        await asyncio.sleep(0)
    pairs.look("second@raw")
    finder.gate.set()
    await pairs.looked()
    assert finder.asked == [BASE, "second@raw"]
    assert pairs.around(BASE, ()) == OWN


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_search_that_fails_or_is_stopped_finds_nothing(stopped: bool) -> None:
    async def find(side: str) -> Sequence[Pair]:
        if stopped:
            await asyncio.Event().wait()
        raise ModelError("cannot be read")

    pairs = PairList("urial-general", find, Quiet(), lambda: None, rest_seconds=0.0)
    pairs.look(BASE)
    await asyncio.sleep(0)
    if stopped:
        pairs.stop()
    await pairs.looked()
    assert pairs.around(BASE, ()) == OWN


# --- in a conversation --------------------------------------------------------------------------


async def test_the_chat_goes_on_to_a_partner_and_back(make_room: Callable[..., Room]) -> None:
    room = make_room()
    partner = Pair("tuned@chat", ("demo@raw",), "with tuned")
    finder = Finder(partner)
    await room.paired("demo@urial-general", find_pairs=finder, idle_seconds=0)
    await room.until(lambda: partner in room.chat.pairs())
    assert finder.asked == ["demo@urial-general"]
    n_told = len(room.told(PairChanged))
    pairs = room.chat.pairs()
    for _ in pairs[1:]:
        await room.chat.next_pair()
        await room.chat._loader.ready()
    assert room.chat.side == "tuned@chat"
    assert [one.side for one in room.chat.pair.references] == ["demo@raw"]
    assert room.chat.pairs() == pairs
    await room.chat.next_pair()
    assert room.chat.side == "demo@urial-general"
    assert len(room.told(PairChanged)) > n_told
    await room.chat.aclose()


async def test_more_pairs_waits_for_the_search_and_has_the_unlikely_ones(
    make_room: Callable[..., Room],
) -> None:
    room = make_room()
    finder = Finder(WITH_OTHER)
    finder.gate.clear()
    await room.paired("base@urial-general", find_pairs=finder, idle_seconds=0)
    more = asyncio.create_task(room.chat.more_pairs())
    await room.until(lambda: finder.asked)
    assert not more.done() and WITH_OTHER not in room.chat.pairs()
    finder.gate.set()
    assert WITH_OTHER in await more
    assert WITH_OTHER not in room.chat.pairs()
    await room.chat.aclose()


async def test_leaving_ends_the_search(make_room: Callable[..., Room]) -> None:
    room = make_room()
    finder = Finder(WITH_CHAT)
    finder.gate.clear()
    await room.paired("base@urial-general", find_pairs=finder, idle_seconds=0)
    await room.until(lambda: finder.asked)
    await room.chat.aclose()
    finder.gate.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert WITH_CHAT not in room.chat.pairs()
