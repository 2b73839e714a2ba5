"""What is typed and not sent yet: one draft a session, and one for the session that does not exist yet."""

from urial_tui.errors import StoreError
from urial_tui.store.database.connection import Connection
from urial_tui.store.database.ids import now, storable
from urial_tui.store.types import Draft

NEW = "new"
"""The slot of the session that does not exist yet. No id looks like this."""


def save(db: Connection, session_id: str | None, draft: Draft) -> None:
    """Keep it; an empty one removes what was kept. Raises StoreError (`not-found`)."""
    with db.transaction():
        if not draft:
            db.execute("DELETE FROM draft WHERE slot = ?", (session_id or NEW,))
            return
        if (
            session_id is not None
            and db.value("SELECT 1 FROM session WHERE id = ?", (session_id,)) is None
        ):
            raise StoreError(f"there is no session {session_id}", kind="not-found")
        db.execute(
            "INSERT INTO draft (slot, session_id, text, beginning, updated_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (slot) DO UPDATE SET text = excluded.text, beginning = excluded.beginning, "
            "updated_at = excluded.updated_at",
            (
                session_id or NEW,
                session_id,
                storable(draft.text),
                storable(draft.beginning),
                now(),
            ),
        )


def load(db: Connection, session_id: str | None) -> Draft:
    """What is kept, or an empty one."""
    slot = (session_id or NEW,)
    found = db.rows("SELECT text, beginning FROM draft WHERE slot = ?", slot)
    return Draft(found[0]["text"], found[0]["beginning"]) if found else Draft()


def sent(db: Connection, session_id: str, content: str) -> None:
    """Remove the draft that has just become a message. Inside the transaction of that message, so that after a crash
    a text is either sent or a draft. A draft with another text stays."""
    for row in db.rows("SELECT slot, text FROM draft WHERE slot IN (?, ?)", (session_id, NEW)):
        if row["text"].strip() == content.strip():
            db.execute("DELETE FROM draft WHERE slot = ?", (row["slot"],))
