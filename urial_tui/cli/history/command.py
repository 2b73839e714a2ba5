"""`urial-tui history`: the stored conversations, beside a running program too.

Text is sanitised before it is printed; `--json` gives the raw text (escaped by JSON). Errors are
UrialErrors, shown by whoever runs the command.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from urial_tui.cli.history.care import CARE
from urial_tui.cli.history.changes import CHANGES
from urial_tui.cli.history.filters import filter_options, with_words

if TYPE_CHECKING:
    from urial_tui.store.store import Store
    from urial_tui.store.types import Message, Session, SessionFilter


@click.group()
def history() -> None:
    """Stored conversations.

    SESSION is an id as `history list` shows it, the beginning of one, or `last`.
    """


@history.command("list")
@click.option("--search", "query", default="", metavar="QUERY", help="Only those that match.")
@filter_options
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@click.option(
    "--offset", type=click.IntRange(min=0), default=0, metavar="N", help="Leave out the first N."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(query: str, wanted: SessionFilter, limit: int, offset: int, as_json: bool) -> None:
    """List sessions: pinned ones first, then the one written to last.

    QUERY: words that must all be there, "phrases in double quotes"; the last word may be a beginning. Also
    the filters of the interface: tag:work side:demo pack:urial since:7d until:2026-01-31 score>3 shifted>10% is:pinned.
    TIME: a day such as 2026-11-01, an ISO 8601 time, or 12h, 7d, 2w for so long ago.
    """
    from urial_tui.cli.common.history import open_if_there
    from urial_tui.cli.history.text import bold_matches, marked, print_json, session_line

    wanted = with_words(wanted, query)
    query = wanted.query
    store = open_if_there()
    sessions: list[Session] = []
    snippets: dict[str, str] = {}
    n = 0
    if store is not None:
        with store:
            sessions = store.sessions(wanted, limit, offset)
            snippets = store.snippets(query, [session.id for session in sessions])
            n = store.count_sessions(wanted) if len(sessions) == limit else offset + len(sessions)
    if as_json:
        plain = {session_id: marked(snippet)[0] for session_id, snippet in snippets.items()}
        print_json(
            [
                asdict(session) | ({"snippet": plain.get(session.id, "")} if query.strip() else {})
                for session in sessions
            ]
        )
        return
    if not sessions:
        click.echo(_nothing(wanted, offset))
    for session in sessions:
        click.echo(session_line(session))
        if session.id in snippets:
            click.echo(f"    {bold_matches(snippets[session.id])}")
    if n > offset + len(sessions):
        click.echo(f"{len(sessions)} of {n}; --offset {offset + len(sessions)} goes on.", err=True)


@history.command("show")
@click.argument("session")
@click.option("--all-branches", is_flag=True, help="Every message, not the last branch only.")
@click.option(
    "--message", metavar="ID", help="The branch that has this message, as search finds it."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object, with provenance.")
def show_command(session: str, all_branches: bool, message: str | None, as_json: bool) -> None:
    """Print a conversation.

    SESSION: an id as `history list` shows it, the beginning of one, or `last`.
    """
    from urial_tui.cli.common.history import open_history
    from urial_tui.cli.common.wording import local
    from urial_tui.cli.history.text import one_line, print_json, provenance, title

    with open_history() as store:
        found = store.find_session(session)
        messages = _messages(store, found, all_branches, message)
        generations = {m.id: store.generation_of(m.id) for m in messages if m.role == "assistant"}
        writer = store.lock_holder(found.id)
    if as_json:
        print_json(
            {
                "session": asdict(found),
                "messages": [
                    asdict(m) | {"generation": provenance(generations.get(m.id))} for m in messages
                ],
            }
        )
        return
    click.echo(title(found))
    click.echo(f"{found.id}  {local(found.created_at)}  {one_line(found.side)}")
    if found.deleted_at is not None:
        click.echo(f"In the bin since {local(found.deleted_at)}.")
    if writer is not None:
        click.echo(f"Open in {one_line(writer.program)} (process {writer.pid}).")
    number = {m.id: n for n, m in enumerate(messages, 1)}
    for m in messages:
        after = f" {number[m.id]} (after {number.get(m.parent_id or '', 'the start')})"
        _print_message(m, after if all_branches else "")


@history.command("tags")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def tags_command(as_json: bool) -> None:
    """List the tags, with how many sessions have each; the bin left out."""
    from urial_tui.cli.common.history import open_if_there
    from urial_tui.cli.history.text import one_line, print_json

    store = open_if_there()
    tags: list[tuple[str, int]] = []
    if store is not None:
        with store:
            tags = store.tags()
    if as_json:
        print_json([{"tag": tag, "sessions": n} for tag, n in tags])
        return
    if not tags:
        click.echo("No tags yet. `urial-tui history tag` adds one.")
    for tag, n in tags:
        click.echo(f"{n:>6}  {one_line(tag)}")


for command in (*CHANGES, *CARE):
    history.add_command(command)


def _nothing(wanted: SessionFilter, offset: int) -> str:
    from urial_tui.store.types import SessionFilter

    if offset:
        return "No session behind those."
    return "No sessions yet." if wanted == SessionFilter() else "No session matches."


def _messages(
    store: Store, session: Session, all_branches: bool, wanted: str | None
) -> list[Message]:
    from urial_tui.errors import StoreError

    if wanted is not None:
        beginning = wanted.strip().lower()
        ids = [m.id for m in store.messages(session.id) if m.id.startswith(beginning or " ")]
        if len(ids) != 1:
            raise StoreError(
                f"{'several messages' if ids else 'no message'} of session {session.id} has the id {wanted}",
                hint="`urial-tui search --json` and `urial-tui history show --json` have the ids.",
                kind="ambiguous" if ids else "not-found",
            )
        if not all_branches:
            return store.branch(store.leaf_below(ids[0]).id)
    if all_branches:
        return store.messages(session.id)
    return store.branch(session.leaf_id) if session.leaf_id is not None else []


def _print_message(message: Message, after: str) -> None:
    from urial_tui.cli.history.text import WHO, one_line
    from urial_tui.safetext import sanitize

    status = f" [{message.status}]" if message.status != "complete" else ""
    click.echo(f"\n{WHO[message.role]}{after}{status}:")
    click.echo(sanitize(message.content))
    if message.error:
        click.echo(f"({one_line(message.error)})")
