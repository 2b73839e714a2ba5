"""Conversations as the readable formats export them: which ones, and which of their messages."""

from collections.abc import Sequence
from typing import Any

from urial_tui.exchange.exports import Wanted, nothing
from urial_tui.exchange.selecting import wanted_sides
from urial_tui.exchange.sources import Source
from urial_tui.store.store import Store
from urial_tui.store.types import Generation, Message, Session


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


def provenance(generation: Generation) -> dict[str, Any]:
    """Where an answer came from, as a person reads it: what is not known, or was not used, is left out."""
    start = generation.start
    found = {
        "side": start.side,
        "model": start.model_path,
        "model_sha256": start.model_sha256,
        "adapter": start.adapter_path,
        "adapter_sha256": start.adapter_sha256,
        "adapter_scale": start.adapter_scale if start.adapter_path else None,
        "pack": start.pack_id,
        "pack_sha256": start.pack_hash,
        "template_sha256": start.template_hash,
        "n_ctx": start.n_ctx,
        "sampling": start.sampling,
        "seed": generation.end.seed if generation.end is not None else None,
        "versions": start.versions,
    }
    return {key: value for key, value in found.items() if value is not None}
