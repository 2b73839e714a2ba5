"""What a person asks to be exported: a run, named conversations, what a search finds, or everything."""

from collections.abc import Sequence
from dataclasses import dataclass

from urial_tui.errors import UsageError
from urial_tui.exchange.exports import nothing
from urial_tui.exchange.sources import Source, source_of_run, source_of_sessions
from urial_tui.store.store import Store
from urial_tui.store.types import SessionFilter

_PAGE = 500
"""Conversations that are listed at once."""


@dataclass(frozen=True)
class Choice:
    """One of the four; `tags` narrow a search or everything. References as in `find_run` and `find_session`."""

    run: str | None = None
    sessions: tuple[str, ...] = ()
    query: str | None = None
    everything: bool = False
    tags: tuple[str, ...] = ()

    @property
    def one_session(self) -> bool:
        return len(self.sessions) == 1

    def check(self) -> None:
        """Raises UsageError where it is not exactly one, or where tags have nothing to narrow."""
        ways = [self.run is not None, bool(self.sessions), self.query is not None, self.everything]
        if sum(ways) != 1:
            raise UsageError(
                "say what to export, in one way",
                hint="One of --run RUN, --session ID, --search QUERY and --all.",
            )
        if self.query is not None and not self.query.strip():
            raise UsageError("the search is empty", hint="Write words, or say --all.")
        if self.tags and self.query is None and not self.everything:
            raise UsageError("--tag goes with --search or --all", hint="Leave it out.")


def source_of(store: Store, choice: Choice) -> Source:
    """What was chosen. Raises StoreError (`not-found`, `ambiguous`), ExchangeError (`nothing`)."""
    if choice.run is not None:
        return source_of_run(store, store.find_run(choice.run))
    if choice.sessions:
        ids = dict.fromkeys(store.find_session(one).id for one in choice.sessions)
        return source_of_sessions(store, tuple(ids))
    wanted = SessionFilter(
        query=choice.query or "", tags=choice.tags, archived="yes" if choice.everything else "no"
    )
    return source_of_filter(store, wanted, _not_in_all(store) if choice.everything else ())


def _not_in_all(store: Store) -> tuple[str, ...]:
    """What everything leaves out, in words."""
    binned = store.count_sessions(SessionFilter(archived="yes", deleted="only"))
    runs = len(store.sides_of_runs())
    found = []
    if binned:
        found.append(f"the bin is left out ({binned}): `urial-tui history restore` takes out of it")
    if runs:
        found.append(f"runs are left out ({runs}): export them with --run")
    return tuple(found)


def source_of_filter(store: Store, wanted: SessionFilter, left_out: Sequence[str] = ()) -> Source:
    """The conversations of a list, in its order; `left_out` says what else there is.

    Raises ExchangeError (`nothing`).
    """
    ids: list[str] = []
    while page := store.sessions(wanted, _PAGE, len(ids)):
        ids += [session.id for session in page]
    if not ids:
        raise nothing("no conversation matches", "`urial-tui history list` shows what there is.")
    name = wanted.query.strip() or " ".join(wanted.tags)
    return source_of_sessions(store, ids, name, left_out)
