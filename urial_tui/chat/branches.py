"""The branches of the open session: which one is visible, how they hang together, and what was written in each."""

from urial_tui.chat.differences import Written
from urial_tui.chat.resuming import beginning
from urial_tui.chat.sessions import Sessions
from urial_tui.errors import UsageError
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.store.store import Store


class Branches(Sessions):
    """The part of `Chat` that goes from one branch to another. Nothing here writes a message."""

    async def outline(self) -> list[OutlineRow]:
        """All messages of the session, all branches, the oldest first."""
        if self.session is None:
            return []
        return await self._store.call(Store.outline, self._session_id)

    async def written(self, message_id: str) -> Written:
        """What is in a message, and its tokens where they are stored."""
        message = await self._store.call(Store.message, message_id)
        tokens = tuple(await self._store.call(Store.tokens, message_id))
        begun = beginning(message, tokens) if tokens else ""
        return Written(message.content, begun, tokens)

    async def show_branch(self, message_id: str) -> None:
        """Show the branch through a message of the session, to the end that was written to last."""
        if any(message.id == message_id for message in self.messages):
            return
        async with self._alone("switch the branch"):
            leaf = await self._store.call(Store.leaf_below, message_id)
            if leaf.session_id != self._session_id:
                raise UsageError("that message is in another session", hint="Open that one first.")
            if self._locked is None:
                await self._stored(Store.set_leaf, self._session_id, leaf.id)
            self._dropped = 0
            await self._show(leaf.id)

    async def switch_sibling(self, message_id: str, step: int) -> None:
        """Show the branch through the next (+1) or previous (-1) version of a message."""
        self._not_while_busy("switch the branch")
        ids = [message.id for message in await self._store.call(Store.siblings, message_id)]
        if message_id in ids and len(ids) > 1:
            await self.show_branch(ids[(ids.index(message_id) + step) % len(ids)])

    async def siblings(self, message_id: str) -> tuple[int, int]:
        """(position from 1, how many) among the versions of a message."""
        return (await self._store.call(Store.versions, [message_id]))[message_id]

    async def versions(self) -> dict[str, tuple[int, int]]:
        """(position from 1, how many) among its versions, for each message of the visible branch."""
        return await self._store.call(Store.versions, [message.id for message in self.messages])
