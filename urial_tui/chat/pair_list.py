"""The pairs that one key goes through: what the notation suggests, then partners that were found in the library.

`Inspecting` owns one. Partners are looked for in the background, when nobody waits for an answer: files are read then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from urial_tui.chat.pair import Pair
from urial_tui.chat.pairs import suggested_pairs
from urial_tui.chat.quiet import Quiet
from urial_tui.chat.side_loader import retrieve
from urial_tui.errors import UrialError
from urial_tui.sides import parse_side

FindPairs = Callable[[str], Awaitable[Sequence[Pair]]]
"""SIDE text of a generator to pairs with other models, likely ones first. May raise UrialError."""

REST_SECONDS = 1.0
"""So long nothing must have happened before partners are looked for."""


class PairList:
    """`find` None: there is no library. `on_found` is called when partners were found."""

    def __init__(
        self,
        pack: str,
        find: FindPairs | None,
        quiet: Quiet,
        on_found: Callable[[], None],
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._pack, self._find, self._quiet, self._on_found = pack, find, quiet, on_found
        self._rest = rest_seconds
        self._found: dict[str, tuple[Pair, ...]] = {}
        self._task: asyncio.Task[None] | None = None
        self._home = ""
        self._taken: tuple[str, tuple[str, ...]] | None = None

    def around(self, side: str, references: tuple[str, ...]) -> tuple[Pair, ...]:
        """The pairs to go through from here. A pair of two models was reached from one of them: its list goes on."""
        return self._likely(self._home_of(side, references))

    def all(self, side: str, references: tuple[str, ...]) -> tuple[Pair, ...]:
        """The same, and then the unlikely ones."""
        home = self._home_of(side, references)
        likely = self._likely(home)
        return _distinct((*likely, *self._partners(home)))

    def next(self, side: str, references: tuple[str, ...]) -> tuple[str, Pair]:
        """What comes after the present pair, and whose list it is from."""
        home = self._home_of(side, references)
        pairs = self._likely(home)
        known = [(pair.generator, pair.references) for pair in pairs]
        present = (side, references)
        place = known.index(present) + 1 if present in known else 0
        return home, pairs[place % len(pairs)]

    def take(self, home: str, side: str, references: tuple[str, ...]) -> None:
        """The pair is the present one, and came from the list of `home`."""
        self._home, self._taken = home, (side, references)

    def look(self, side: str) -> None:
        """Look for partners of this generator soon; what was found of it before counts until then."""
        if self._find is not None:
            self.stop()
            self._task = asyncio.create_task(self._look(self._find, side), name="partners")
            self._task.add_done_callback(retrieve)

    async def looked(self) -> None:
        """Wait until the search that runs has ended, however."""
        if self._task is not None:
            await asyncio.wait({self._task})

    def stop(self) -> None:
        """Look no further."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look(self, find: FindPairs, side: str) -> None:
        await self._quiet.lasts(self._rest)
        try:
            found = tuple(await find(side))
        except UrialError:
            found = ()  # the library screen says why; here there is only nothing more to go to
        if self._found.get(_key(side)) != found:
            self._found[_key(side)] = found
            self._on_found()

    def _home_of(self, side: str, references: tuple[str, ...]) -> str:
        return self._home if self._taken == (side, references) else side

    def _likely(self, home: str) -> tuple[Pair, ...]:
        partners = [pair for pair in self._partners(home) if pair.likely]
        return _distinct((*suggested_pairs(home, self._pack), *partners))

    def _partners(self, home: str) -> tuple[Pair, ...]:
        return self._found.get(_key(home), ())


def _key(side: str) -> str:
    """A side without its style: that decides nothing about its vocabulary."""
    return str(parse_side(side).with_style(None))


def _distinct(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Each pair once, the first of equal ones."""
    found: dict[tuple[str, tuple[str, ...]], Pair] = {}
    for pair in pairs:
        found.setdefault((pair.generator, pair.references), pair)
    return tuple(found.values())
