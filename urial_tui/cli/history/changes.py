"""The commands of `urial-tui history` that change something: titles, tags, pins, the archive, the bin.

Each takes several sessions and changes all of them or none: where one is not there, or is open in another program,
nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from urial_tui.cli.common.wording import many
from urial_tui.cli.history.filters import time_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from urial_tui.store.store import Store
    from urial_tui.store.types import Session

    Change = Callable[[Store, str], None]


@dataclass(frozen=True)
class Doing:
    """What a command does to each session. `idle` tells of one that it was so before; `among` are the fields of a
    `SessionFilter`: which ones `last` is chosen from."""

    change: Change
    idle: str
    among: dict[str, Any] = field(default_factory=dict)


_SESSIONS: Final = click.argument("sessions", metavar="SESSION...", nargs=-1, required=True)
_JSON: Final = click.option(
    "--json", "as_json", is_flag=True, help="A JSON array of the sessions as they are now."
)
_SESSION_IS: Final = "SESSION: an id as `history list` shows it, the beginning of one, or `last`."
_LAST_OF: Final = {
    "restore": "SESSION: an id, the beginning of one, or `last`: the one that was put into the bin last.",
    "unpin": "SESSION: an id, the beginning of one, or `last`: of those that are pinned.",
    "unarchive": "SESSION: an id, the beginning of one, or `last`: of those that are archived.",
    "untag": "SESSION: an id, the beginning of one, or `last`: of those that have the tag.",
}


@click.command("rename")
@click.argument("session")
@click.argument("title")
@_JSON
def rename_command(session: str, title: str, as_json: bool) -> None:
    """Call the session SESSION (an id, the beginning of one, or `last`) TITLE."""
    from urial_tui.cli.common.query import checked_argument
    from urial_tui.errors import UsageError

    wanted = checked_argument(title, "the title").strip()
    if not wanted:
        raise UsageError("the title is empty", hint="Write what the session is to be called.")
    rename = Doing(lambda store, id_: store.set_title(id_, wanted), "is called so already")
    _report([session], rename, as_json)


@click.command("tag", epilog=_SESSION_IS)
@click.argument("tag")
@_SESSIONS
@_JSON
def tag_command(tag: str, sessions: Sequence[str], as_json: bool) -> None:
    """Give each SESSION the tag TAG: a few words without commas, kept in small letters."""
    add = Doing(lambda store, id_: store.add_tag(id_, tag), f"has the tag {_kept(tag)} already")
    _report(sessions, add, as_json)


@click.command("untag", epilog=_LAST_OF["untag"])
@click.argument("tag")
@_SESSIONS
@_JSON
def untag_command(tag: str, sessions: Sequence[str], as_json: bool) -> None:
    """Take the tag TAG from each SESSION."""
    remove = Doing(
        lambda store, id_: store.remove_tag(id_, tag), f"has no tag {_kept(tag)}", {"tags": (tag,)}
    )
    _report(sessions, remove, as_json)


def _kept(tag: str) -> str:
    """The tag as the history has it, as one line."""
    from urial_tui.safetext import sanitize_line
    from urial_tui.store.sessions.filters import as_tag

    return sanitize_line(as_tag(tag))


@click.command("delete", epilog=_SESSION_IS)
@_SESSIONS
@click.option("--now", is_flag=True, help="For good, not into the bin; asks before.")
@click.option("--yes", is_flag=True, help="With --now: do not ask.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="A JSON array of the sessions; with --now it needs --yes.",
)
def delete_command(sessions: Sequence[str], now: bool, yes: bool, as_json: bool) -> None:
    """Put each SESSION into the bin, which keeps it for 30 days; `history restore` takes it out again."""
    if now:
        _delete_for_good(sessions, yes, as_json)
        return
    put = Doing(lambda store, id_: store.bin_session(id_), "is in the bin already")
    binned = _report(sessions, put, as_json)
    ids = " ".join(session.id for session in binned)
    click.echo(f"To take back: urial-tui history restore {ids}", err=True)


@click.command("empty-bin")
@click.option(
    "--before",
    callback=time_before,
    metavar="TIME",
    help="Only what was put there before that: a day such as 2026-11-01, or 7d for so long ago.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object; needs --yes.")
def empty_bin_command(before: str, yes: bool, as_json: bool) -> None:
    """Delete for good what is in the bin."""
    from urial_tui.cli.common.confirming import confirm
    from urial_tui.cli.common.history import open_history, open_if_there
    from urial_tui.cli.history.text import print_json
    from urial_tui.store.types import SessionFilter

    store = open_if_there()
    binned: list[Session] = []
    if store is not None:
        with store:
            everything = store.sessions(SessionFilter(deleted="only", archived="yes"), limit=-1)
        binned = [s for s in everything if not before or (s.deleted_at or "") < before]
    n = 0
    if binned:
        what = many(len(binned), "session")
        confirm(
            f"Delete {what} of the bin for good?",
            f"deleting {what} for good",
            yes=yes,
            as_json=as_json,
        )
        with open_history(readonly=False) as store:
            n = store.empty_bin(before)
    if as_json:
        print_json({"deleted": n})
    else:
        nothing = "Nothing was put there before that." if before else "The bin is empty."
        click.echo(f"{many(n, 'session')} deleted for good." if binned else nothing)


def _simple(name: str, help_: str, doing: Doing) -> click.Command:
    """A command that does one thing to each session."""

    @click.command(name, help=help_, epilog=_LAST_OF.get(name, _SESSION_IS))
    @_SESSIONS
    @_JSON
    def command(sessions: Sequence[str], as_json: bool) -> None:
        _report(sessions, doing, as_json)

    return command


CHANGES: Final[tuple[click.Command, ...]] = (
    rename_command,
    tag_command,
    untag_command,
    _simple(
        "pin",
        "Put each SESSION at the top of the list.",
        Doing(lambda store, id_: store.set_pinned(id_, True), "is pinned already"),
    ),
    _simple(
        "unpin",
        "Put each SESSION back to its place in the list.",
        Doing(lambda store, id_: store.set_pinned(id_, False), "is not pinned", {"pinned": True}),
    ),
    _simple(
        "archive",
        "Hide each SESSION from lists and searches that do not ask for the archive.",
        Doing(lambda store, id_: store.set_archived(id_, True), "is archived already"),
    ),
    _simple(
        "unarchive",
        "Show each SESSION in lists and searches again.",
        Doing(
            lambda store, id_: store.set_archived(id_, False),
            "is not archived",
            {"archived": "only"},
        ),
    ),
    delete_command,
    _simple(
        "restore",
        "Take each SESSION out of the bin.",
        Doing(
            lambda store, id_: store.restore_session(id_), "is not in the bin", {"deleted": "only"}
        ),
    ),
    empty_bin_command,
)


def _report(references: Sequence[str], doing: Doing, as_json: bool) -> list[Session]:
    """Do it to the sessions and print them as they are then; those that were so before are told."""
    from urial_tui.cli.common.history import open_history
    from urial_tui.cli.history.text import print_sessions_json, session_line

    with open_history(readonly=False) as store:
        before, after = _change(store, references, doing)
    if as_json:
        print_sessions_json(after)
    else:
        for session in after:
            click.echo(session_line(session))
    for session in after:
        if session in before:
            click.echo(f"note: {session.id} {doing.idle}", err=True)
    return after


def _delete_for_good(references: Sequence[str], yes: bool, as_json: bool) -> None:
    from urial_tui.cli.common.confirming import confirm
    from urial_tui.cli.common.history import find_all, open_history
    from urial_tui.cli.history.text import print_sessions_json, title

    with open_history() as store:
        found = find_all(store, references)
    what = many(len(found), "session")
    names = ", ".join(f"{session.id} ({title(session)})" for session in found)
    confirm(
        f"Delete {what} for good: {names}?", f"deleting {what} for good", yes=yes, as_json=as_json
    )
    with open_history(readonly=False) as store, store.together():
        for session in found:
            _one(store, session.id, lambda store, id_: store.delete_session(id_))
    if as_json:
        print_sessions_json(found)
        return
    for session in found:
        click.echo(f"{session.id} ({title(session)}) is deleted.")


def _change(
    store: Store, references: Sequence[str], doing: Doing
) -> tuple[list[Session], list[Session]]:
    """Change all sessions or none; how they were and how they are. Raises StoreError, which names the session that is
    refused."""
    from urial_tui.cli.common.history import find_all
    from urial_tui.store.types import SessionFilter

    with store.together():
        among = SessionFilter(**{"archived": "yes", **doing.among})
        before = find_all(store, references, among)
        for session in before:
            _one(store, session.id, doing.change)
        return before, [store.session(session.id) for session in before]


def _one(store: Store, id_: str, change: Change) -> None:
    from urial_tui.errors import StoreError

    try:
        change(store, id_)
    except StoreError as error:
        if error.kind != "session-locked":
            raise
        raise StoreError(f"{id_}: {error.message}", kind=error.kind, hint=error.hint) from error
