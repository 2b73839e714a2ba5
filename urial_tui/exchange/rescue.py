"""What could not be written into the history, as files that can be imported later: before the program ends.

Called once, by who closes the history; never while it can be written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from urial_tui.errors import ExchangeError, UrialError
from urial_tui.exchange.choosing import Choice, source_of
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.writing import write_export
from urial_tui.files import write_private
from urial_tui.paths import ensure_private_dir
from urial_tui.store.store import Store


@dataclass(frozen=True)
class Rescued:
    """`history` has the conversations without loss, `draft` what was typed and not sent; None where there is none."""

    n_sessions: int
    history: Path | None
    draft: Path | None

    def words(self) -> str:
        """What a person is told, and what to do."""
        lines = []
        if self.history is not None:
            what = "1 conversation" if self.n_sessions == 1 else f"{self.n_sessions} conversations"
            lines.append(
                f"The history could not be written. {what} went to {self.history}\n"
                "`urial-tui doctor` says what is wrong with it. Once it can be written again:\n"
                f"urial-tui import '{self.history}'"
            )
        if self.draft is not None:
            lines.append(f"What was typed and not sent is in {self.draft}")
        return "\n".join(lines)


def rescue(store: Store, folders: Sequence[Path], at: datetime) -> Rescued | None:
    """Write what is in memory alone into the first of the folders that takes it; None where there is nothing.

    Raises ExchangeError (`unwritable`) when none does.
    """
    ids, drafts = store.unwritten(), store.unwritten_drafts()
    ids = [session_id for session_id in ids if store.messages(session_id)]
    if not ids and not drafts:
        return None
    troubles = []
    for folder in folders:
        try:
            return _write(store, ids, drafts, folder / f"rescued-{at:%Y-%m-%d-%H%M%S}")
        except (UrialError, OSError) as error:
            troubles.append(str(error))
    raise ExchangeError(
        f"what is not in the history could not be saved elsewhere: {'; '.join(troubles)}",
        kind="unwritable",
    )


def _write(store: Store, ids: Sequence[str], drafts: Sequence[str], stem: Path) -> Rescued:
    history = typed = None
    ensure_private_dir(stem.parent)
    if ids:
        made = EXPORTERS["jsonl"].export(source_of(store, Choice(None, tuple(ids))), Wanted())
        history = stem.with_suffix(".jsonl")
        write_export(made, history, one_file=True, force=False)
    if drafts:
        typed = stem.with_suffix(".txt")
        write_private(typed, "\n\n".join(drafts).encode())
    return Rescued(len(ids), history, typed)
