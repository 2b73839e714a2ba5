"""The commands of `urial-tui history` that change something: titles, tags, pins, the archive, the bin.

Each takes several sessions and changes all of them or none: where one is not there, or is open in another program,
nothing is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from urial_tui.cli.common.wording import many
from urial_tui.cli.history.filters import time_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from urial_tui.store.store import Store
    from urial_tui.store.types import Session

    Change = Callable[[Store, str], None]

_SESSIONS: Final = click.argument("sessions", metavar="SESSION...", nargs=-1, required=True)
_JSON: Final = click.option(
    "--json", "as_json", is_flag=True, help="A JSON array of the sessions as they are now."
)
_SESSION_IS: Final = "SESSION: an id as `history list` shows it, the beginning of one, or `last`."


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
    _report([session], lambda store, id_: store.set_title(id_, wanted), as_json)


@click.command("tag", epilog=_SESSION_IS)
@click.argument("tag")
@_SESSIONS
@_JSON
def tag_command(tag: str, sessions: Sequence[str], as_json: bool) -> None:
    """Give each SESSION the tag TAG: a few words without commas, kept in small letters."""
    _report(sessions, lambda store, id_: store.add_tag(id_, tag), as_json)


@click.command("untag", epilog=_SESSION_IS)
@click.argument("tag")
@_SESSIONS
@_JSON
def untag_command(tag: str, sessions: Sequence[str], as_json: bool) -> None:
    """Take the tag TAG from each SESSION."""
    _report(sessions, lambda store, id_: store.remove_tag(id_, tag), as_json)


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
    binned = _report(sessions, lambda store, id_: store.bin_session(id_), as_json)
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


def _simple(name: str, help_: str, change: Change) -> click.Command:
    """A command that does one thing to each session."""

    @click.command(name, help=help_, epilog=_SESSION_IS)
    @_SESSIONS
    @_JSON
    def command(sessions: Sequence[str], as_json: bool) -> None:
        _report(sessions, change, as_json)

    return command


CHANGES: Final[tuple[click.Command, ...]] = (
    rename_command,
    tag_command,
    untag_command,
    _simple(
        "pin",
        "Put each SESSION at the top of the list.",
        lambda store, id_: store.set_pinned(id_, True),
    ),
    _simple(
        "unpin",
        "Put each SESSION back to its place in the list.",
        lambda store, id_: store.set_pinned(id_, False),
    ),
    _simple(
        "archive",
        "Hide each SESSION from lists and searches that do not ask for the archive.",
        lambda store, id_: store.set_archived(id_, True),
    ),
    _simple(
        "unarchive",
        "Show each SESSION in lists and searches again.",
        lambda store, id_: store.set_archived(id_, False),
    ),
    delete_command,
    _simple(
        "restore",
        "Take each SESSION out of the bin.",
        lambda store, id_: store.restore_session(id_),
    ),
    empty_bin_command,
)


def _report(references: Sequence[str], change: Change, as_json: bool) -> list[Session]:
    """Change the sessions and print them as they are then."""
    from urial_tui.cli.common.history import open_history
    from urial_tui.cli.history.text import print_sessions_json, session_line

    with open_history(readonly=False) as store:
        ids = _change(store, references, change)
        changed = [store.session(id_) for id_ in ids]
    if as_json:
        print_sessions_json(changed)
    else:
        for session in changed:
            click.echo(session_line(session))
    return changed


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
    with open_history(readonly=False) as store:
        _change(store, [s.id for s in found], lambda store, id_: store.delete_session(id_))
    if as_json:
        print_sessions_json(found)
        return
    for session in found:
        click.echo(f"{session.id} ({title(session)}) is deleted.")


def _change(store: Store, references: Sequence[str], change: Change) -> list[str]:
    """Change all sessions or none; their ids. Raises StoreError, which names the session that is refused."""
    from urial_tui.cli.common.history import find_all
    from urial_tui.errors import StoreError

    ids = [session.id for session in find_all(store, references)]
    with store.together():
        for id_ in ids:
            try:
                change(store, id_)
            except StoreError as error:
                if error.kind != "session-locked":
                    raise
                raise StoreError(
                    f"{id_}: {error.message}", kind=error.kind, hint=error.hint
                ) from error
    return ids
