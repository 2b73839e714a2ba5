"""Opening the history for commands, which make none where none is, and what is said of a damaged one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from urial_tui.errors import StoreError
    from urial_tui.store.store import Store
    from urial_tui.store.types import Session, SessionFilter

DAMAGED_HINT = (
    "Keep a copy of the file. `urial-tui history salvage` puts what can be read into a new one."
)
INDEX_HINT = "The messages are whole, searches may miss some. `urial-tui history compact` makes the index anew."


def open_history(*, readonly: bool = True) -> Store:
    """Says on stderr where an older one had to be read as a copy. Raises StoreError, `missing` where there is no
    history yet."""
    from urial_tui.store.store import Store

    path = history_file()
    store = Store.open(path, readonly=readonly)
    say_if_old(store.not_updated)
    return store


def say_if_old(not_updated: StoreError | None) -> None:
    """Say on stderr that an older history was read as a copy, and why."""
    if not_updated is None:
        return
    import click

    from urial_tui.safetext import sanitize_line

    why = f"the history is of an older version and was read as a copy in memory: {not_updated.message}"
    click.echo(f"note: {sanitize_line(why, 1000)}", err=True)


def history_file() -> Path:
    """Where the history is. Raises StoreError, `missing` where there is none yet."""
    from urial_tui import paths
    from urial_tui.store.database import files

    return files.existing(paths.history_file())


def open_if_there() -> Store | None:
    """To be read; None where there is no history yet. Raises StoreError."""
    from urial_tui.errors import StoreError

    try:
        return open_history()
    except StoreError as error:
        if error.kind != "missing":
            raise
        return None


def find_all(
    store: Store, references: Sequence[str], among: SessionFilter | None = None
) -> list[Session]:
    """The sessions that a person means, each once; `last` is one of `among`. Raises StoreError before anything is done
    to any of them."""
    more = () if among is None else (among,)
    found = [store.find_session(reference, *more) for reference in references]
    return list({session.id: session for session in found}.values())
