"""Conversations as the readable formats export them: which ones, and which of their messages."""

from collections.abc import Sequence

from urial_tui.exchange.exports import Wanted, nothing
from urial_tui.exchange.selecting import wanted_sides
from urial_tui.exchange.sources import Source
from urial_tui.store.store import Store
from urial_tui.store.types import Message, Session


def chosen(source: Source, wanted: Wanted) -> Sequence[str]:
    """Ids of the conversations; where sides are named, of those that begin with an answer of one of them.

    Raises ExchangeError: `no-side`, `nothing`.
    """
    ids: Sequence[str] = source.sessions
    if wanted.sides:
        its = {row.session_id for side in wanted_sides(source, wanted) for row in side.rows}
        ids = [id_ for id_ in ids if id_ in its]
    if not ids:
        raise nothing("there is no conversation to export", "Choose others.")
    return ids


def messages_of(store: Store, session: Session, wanted: Wanted) -> list[Message]:
    """The branch that was last on screen; of all branches every message, the oldest first."""
    if wanted.all_branches:
        return store.messages(session.id)
    return store.branch(session.leaf_id) if session.leaf_id is not None else []
