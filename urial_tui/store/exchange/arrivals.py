"""Conversations that another program had, written as sessions: trees of finished messages, with where they are from."""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.database import locks
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import new_id, now, storable
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.sessions import sessions
from urial_tui.store.types import Role


@dataclass(frozen=True)
class NewMessage:
    """`parent` is its place in the list, before this one; None: a root. `created_at` as stored; empty: now."""

    role: Role
    content: str
    parent: int | None = None
    created_at: str = ""


@dataclass(frozen=True)
class Place:
    """Which item of a run, by which side, a conversation answers: its answers are those to turn 0, 1 and so on."""

    run_id: str
    index: int
    side: int


@dataclass(frozen=True)
class NewSession:
    """`leaf` is the place of the message at the end of the branch to show; None: the last one. An empty title is made
    from the first message."""

    messages: tuple[NewMessage, ...]
    side: str
    title: str = ""
    leaf: int | None = None
    origin: dict[str, Any] = field(default_factory=dict)
    place: Place | None = None


def add(db: Connection, new: NewSession) -> tuple[str, tuple[str, ...]]:
    """Write it; ids of the session and of its messages, in their order.

    Raises StoreError: `answered` when the run has an answer there, `run-locked`.
    """
    place = new.place
    time = now()
    times = [message.created_at or time for message in new.messages]
    first = next((m.content for m in new.messages if m.role == "user"), "")
    title = sessions.title_from(storable(new.title)) or sessions.title_from(storable(first))
    session_id, ids = new_id(), tuple(new_id() for _ in new.messages)
    with db.transaction():
        if place is not None:
            locks.guard_run(db, place.run_id)
            _refuse_answered(db, place)
        db.execute(
            "INSERT INTO session (id, title, side, created_at, updated_at, run_id, origin) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                session_id,
                title,
                storable(new.side),
                min(times, default=time),
                max(times, default=time),
                None if place is None else place.run_id,
                to_json(new.origin),
            ),
        )
        _insert(db, session_id, new.messages, ids, times)
        if ids:
            leaf = ids[-1 if new.leaf is None else new.leaf]
            db.execute("UPDATE session SET leaf_id = ? WHERE id = ?", (leaf, session_id))
        if place is not None:
            answers = [
                id_ for id_, m in zip(ids, new.messages, strict=True) if m.role == "assistant"
            ]
            db.executemany(
                "INSERT INTO run_answer (run_id, item, side, turn, session_id, message_id) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (place.run_id, place.index, place.side, turn, session_id, answer)
                    for turn, answer in enumerate(answers)
                ],
            )
    return session_id, ids


def extend(
    db: Connection, session_id: str, new: NewSession, known: Sequence[str | None]
) -> tuple[str, ...]:
    """Write those messages of a conversation that its session has not, and show the branch that it shows; ids of all.

    `known` are ids of the stored ones by their place. Raises StoreError: `session-locked`.
    """
    time = now()
    times = [message.created_at or time for message in new.messages]
    ids = tuple(new_id() if one is None else one for one in known)
    missing = {place for place, one in enumerate(known) if one is None}
    with db.transaction():
        locks.guard(db, session_id)
        _insert(db, session_id, new.messages, ids, times, missing)
        leaf = ids[-1 if new.leaf is None else new.leaf]
        last = max((times[place] for place in missing), default="")
        db.execute(
            "UPDATE session SET leaf_id = ?, updated_at = max(updated_at, ?) WHERE id = ?",
            (leaf, last, session_id),
        )
    return ids


def imported(db: Connection, format_: str) -> list[tuple[str, dict[str, Any]]]:
    """Sessions that came in a format, the oldest first, with where they are from; those in the bin left out."""
    rows = db.tuples(
        "SELECT id, origin FROM session WHERE origin <> '{}' AND json_extract(origin, '$.format') = ? "
        "AND run_id IS NULL AND deleted_at IS NULL ORDER BY seq",
        (format_,),
    )
    return [(id_, json.loads(origin)) for id_, origin in rows]


def origins(db: Connection, sha256: str) -> list[dict[str, Any]]:
    """Where the sessions are from that a file of this hash became, those in the bin left out."""
    rows = db.tuples(
        "SELECT origin FROM session WHERE origin <> '{}' AND json_extract(origin, '$.sha256') = ? "
        "AND deleted_at IS NULL",
        (sha256,),
    )
    return [json.loads(origin) for (origin,) in rows]


def _insert(
    db: Connection,
    session_id: str,
    messages: Sequence[NewMessage],
    ids: Sequence[str],
    times: Sequence[str],
    places: Set[int] | None = None,
) -> None:
    """Write the messages, or those at these places, each after the one above it."""
    db.executemany(
        "INSERT INTO message (id, session_id, parent_id, role, content, status, created_at, closed_at) "
        "VALUES (?, ?, ?, ?, ?, 'complete', ?, ?)",
        [
            (
                ids[place],
                session_id,
                None if message.parent is None else ids[message.parent],
                message.role,
                storable(message.content),
                times[place],
                times[place],
            )
            for place, message in enumerate(messages)
            if places is None or place in places
        ],
    )


def _refuse_answered(db: Connection, place: Place) -> None:
    if db.value(
        "SELECT 1 FROM run_answer WHERE run_id = ? AND item = ? AND side = ?",
        (place.run_id, place.index, place.side),
    ):
        raise StoreError(
            f"item {place.index} of run {place.run_id} is answered by side {place.side}",
            kind="answered",
        )
