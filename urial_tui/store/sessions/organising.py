"""Keeping many sessions in order: tags, and the bin. Nothing here changes when a session was written to last."""

from datetime import UTC, datetime, timedelta

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import now, stamp
from urial_tui.store.sessions import sessions
from urial_tui.store.sessions.filters import as_tag

KEPT_IN_BIN = timedelta(days=30)
"""How long the bin keeps a session; older ones go when a history is opened for writing."""
REMOVED_AT_ONCE = 20
"""The most of them that go at one opening, so that opening stays quick; the others go at the next ones."""
TAG_LENGTH = 50
"""Longest tag, in characters."""


def add_tag(db: Connection, session_id: str, tag: str) -> None:
    """Adding one that is there is fine. Raises StoreError: `bad-tag`, `not-found`, `of-run`, `session-locked`."""
    name = checked_tag(tag)
    with db.transaction():
        sessions.guard_order(db, session_id)
        db.execute(
            "INSERT INTO session_tag (session_id, tag) VALUES (?, ?) ON CONFLICT (session_id, tag) DO NOTHING",
            (session_id, name),
        )


def remove_tag(db: Connection, session_id: str, tag: str) -> None:
    """Removing one that is not there is fine. Raises StoreError: `not-found`, `of-run`, `session-locked`."""
    with db.transaction():
        sessions.guard_order(db, session_id)
        db.execute(
            "DELETE FROM session_tag WHERE session_id = ? AND tag = ?", (session_id, as_tag(tag))
        )


def tags(db: Connection) -> list[tuple[str, int]]:
    """The tags of sessions that lists have, those in the bin left out, in the order of the alphabet, with how many
    have each."""
    return [
        (row["tag"], row["n"])
        for row in db.rows(
            "SELECT t.tag, count(*) AS n FROM session_tag t JOIN session s ON s.id = t.session_id "
            "WHERE s.deleted_at IS NULL AND s.run_id IS NULL GROUP BY t.tag ORDER BY t.tag"
        )
    ]


def checked_tag(text: str) -> str:
    """The tag as it is kept. Raises StoreError (`bad-tag`)."""
    tag = as_tag(text)
    if not tag:
        raise StoreError("a tag is empty", kind="bad-tag", hint="Write a word.")
    if len(tag) > TAG_LENGTH:
        raise StoreError(
            f"a tag of {len(tag)} characters is too long",
            kind="bad-tag",
            hint=f"Write {TAG_LENGTH} at most.",
        )
    if "," in tag or not tag.isprintable():
        raise StoreError(
            "a tag has no commas and no control characters",
            kind="bad-tag",
            hint="Add several tags one by one.",
        )
    return tag


def bin_session(db: Connection, session_id: str) -> None:
    """Put a session into the bin; it is still whole. One that is there stays there since it came.

    Raises StoreError: `not-found`, `session-locked`, or `of-run` for a conversation of a run, which no list shows.
    """
    with db.transaction():
        sessions.guard_order(db, session_id)
        db.execute(
            "UPDATE session SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL",
            (now(), session_id),
        )


def restore_session(db: Connection, session_id: str) -> None:
    """Take a session out of the bin. One that is not there is fine. Raises StoreError: `not-found`, `of-run`,
    `session-locked`."""
    with db.transaction():
        sessions.guard_order(db, session_id)
        db.execute("UPDATE session SET deleted_at = NULL WHERE id = ?", (session_id,))


def empty_bin(db: Connection, before: str = "", limit: int = -1) -> int:
    """Delete for good what was put into the bin before a time as stored (all with ""), the oldest first, `limit` at
    most; how many. What another program writes is left alone."""
    n = 0
    with db.transaction():
        for row in db.rows(
            "SELECT id FROM session WHERE deleted_at IS NOT NULL AND (? = '' OR deleted_at < ?) "
            "ORDER BY deleted_at LIMIT ?",
            (before, before, limit),
        ):
            try:
                sessions.delete(db, row["id"])
            except StoreError as error:
                if error.kind != "session-locked":
                    raise
            else:
                n += 1
    return n


def remove_old(db: Connection) -> None:
    """Delete for good what has been in the bin for long. Inside the caller's transaction."""
    empty_bin(db, stamp(datetime.now(UTC) - KEPT_IN_BIN), REMOVED_AT_ONCE)
