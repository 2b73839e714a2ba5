"""The board for an event loop: a part of the desk. What was read is kept until other runs, or new rows, are wanted."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from urial_tui.store.judging.types import Judgement

if TYPE_CHECKING:
    from urial_tui.judge.board.material import BoardAnswer, Material
    from urial_tui.judge.board.types import Board, By
    from urial_tui.store.aio import AsyncStore
    from urial_tui.store.store import Store

R = TypeVar("R")

QUERY_CHARS = 400
"""Of a query, in a list."""


@dataclass(frozen=True)
class BoardItem:
    """One answer behind a row of the board. `number` is its item's on the list of instructions, from 1 (0: of a
    conversation); `query` is the beginning of what it answers. `judgements` are all that it has."""

    message_id: str
    number: int
    turn: int
    query: str
    words: int
    judgements: tuple[Judgement, ...]


class BoardDesk:
    """See the module."""

    _material: "Material | None" = None
    _of: tuple[str, ...] = ()

    def history(self) -> "AsyncStore":
        raise NotImplementedError

    async def ask(self, question: "Callable[[Store], R]") -> R:
        """What the history answers. Questions name no method of `Store`, which is not imported before it is opened:
        the interface begins without SQLite."""
        return await self.history().call(question)

    async def board(
        self, run_ids: Sequence[str], by: "By | None" = None, *, again: bool = False
    ) -> "Board":
        """The board of these runs, the first one at the top; no id or "": judged answers of conversations. `again`
        reads the history anew. Raises StoreError."""
        from urial_tui.judge.board.building import build
        from urial_tui.judge.board.material import read_conversations, read_runs

        wanted = tuple(one for one in run_ids if one)
        if self._material is None or again or self._of != wanted:
            store = self.history()
            if wanted:
                runs = await self.ask(lambda store: [store.run(one) for one in wanted])
                found = await read_runs(store, runs)
            else:
                found = await read_conversations(store)
            self._material, self._of = found, wanted
        material = self._material
        return await asyncio.to_thread(lambda: build(material, by=by))

    async def board_items(
        self, row: str, by: "By | None" = None, group: str | None = None
    ) -> list[BoardItem]:
        """The answers behind a row of the last board, or those of one group of its breakdown. Raises StoreError."""
        material = self._material
        if material is None:
            return []
        from urial_tui.judge.board.building import tags

        answers = [one for one in material.answers if one.row == row]
        if by is not None and group is not None:
            answers = [one for one in answers if group in tags(material, one, by)]
        judged: dict[str, list[Judgement]] = {}
        for judgement in material.judgements:
            judged.setdefault(judgement.message_id, []).append(judgement)
        return [
            await self._item(material, one, tuple(judged.get(one.message_id, ())))
            for one in answers
        ]

    async def tells_apart(self, by: "By") -> bool:
        """Whether a breakdown of the last board would have more than one group."""
        from urial_tui.judge.board.building import tells_apart

        material = self._material
        return material is not None and await asyncio.to_thread(tells_apart, material, by)

    async def _item(
        self, material: "Material", answer: "BoardAnswer", judgements: tuple[Judgement, ...]
    ) -> BoardItem:
        item = material.items.get(answer.item)
        if item is not None:
            number, query = item.index + 1, item.turns[answer.turn]
        else:  # of a conversation: the item is the message that is answered
            message = await self.ask(lambda store: store.message(answer.item))
            number, query = 0, message.content
        return BoardItem(
            answer.message_id, number, answer.turn, query[:QUERY_CHARS], answer.words, judgements
        )
