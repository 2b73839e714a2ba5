"""`urial-tui history`: read the stored conversations, beside a running program too. Writes no rows.

Text is sanitised before it is printed; `--json` gives the raw text (escaped by JSON). Errors are
UrialErrors, shown by whoever runs the command.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from urial_tui.store.store import Store
    from urial_tui.store.types import Generation, Message, Session

_WHO = {"user": "You", "assistant": "Answer"}


@click.group()
def history() -> None:
    """Stored conversations."""


@history.command("list")
@click.option("--search", "query", default="", metavar="QUERY", help="Only those that match.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(query: str, limit: int, as_json: bool) -> None:
    """List sessions, the one written to last first.

    QUERY: words that must all be there, "phrases in double quotes"; the last word may be a beginning.
    """
    store = _open_if_there()
    if store is None:
        sessions, snippets = [], {}
    else:
        with store:
            sessions = store.sessions(query, limit)
            snippets = _snippets(store, query) if query.strip() else {}
    if as_json:
        _print_json(
            [
                asdict(session) | ({"snippet": snippets.get(session.id, "")} if query else {})
                for session in sessions
            ]
        )
        return
    if not sessions:
        click.echo("No session matches." if query.strip() else "No sessions yet.")
    for session in sessions:
        _print_session(session, snippets.get(session.id, ""))


@history.command("show")
@click.argument("session")
@click.option("--all-branches", is_flag=True, help="Every message, not the last branch only.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object, with provenance.")
def show_command(session: str, all_branches: bool, as_json: bool) -> None:
    """Print a conversation.

    SESSION: an id as `history list` shows it, the beginning of one, or `last`.
    """
    from urial_tui import paths
    from urial_tui.store.store import Store

    with Store.open(paths.history_file(), readonly=True) as store:
        found = store.find_session(session)
        messages = _messages(store, found, all_branches)
        generations = {m.id: store.generation_of(m.id) for m in messages if m.role == "assistant"}
        writer = store.lock_holder(found.id)
    if as_json:
        _print_json(
            {
                "session": asdict(found),
                "messages": [
                    asdict(m) | {"generation": _provenance(generations.get(m.id))} for m in messages
                ],
            }
        )
        return
    click.echo(_line(found.title) or "(no title)")
    click.echo(f"{found.id}  {_local(found.created_at)}  {_line(found.side)}")
    if writer is not None:
        click.echo(f"Open in {_line(writer.program)} (process {writer.pid}).")
    number = {message.id: n for n, message in enumerate(messages, 1)}
    for message in messages:
        after = (
            f" {number[message.id]} (after {number.get(message.parent_id or '', 'the start')})"
            if all_branches
            else ""
        )
        _print_message(message, after)


def _open_if_there() -> Store | None:
    from urial_tui import paths
    from urial_tui.errors import StoreError
    from urial_tui.store.store import Store

    try:
        return Store.open(paths.history_file(), readonly=True)
    except StoreError as error:
        if error.kind != "missing":
            raise
        return None


def _snippets(store: Store, query: str) -> dict[str, str]:
    """The best match of each session, as plain text."""
    snippets: dict[str, str] = {}
    for hit in store.search(query, limit=1000):
        if hit.message_id is not None:  # a title that matches is printed anyway
            plain = hit.snippet.replace("\x02", "").replace("\x03", "")
            snippets.setdefault(hit.session_id, plain)
    return snippets


def _messages(store: Store, session: Session, all_branches: bool) -> list[Message]:
    if all_branches:
        return store.messages(session.id)
    return store.branch(session.leaf_id) if session.leaf_id is not None else []


def _provenance(generation: Generation | None) -> dict[str, Any] | None:
    """The generation without the prompt's ids, which are long; the store has them."""
    if generation is None:
        return None
    start = asdict(generation.start)
    start.pop("prompt_ids")
    end = asdict(generation.end) if generation.end is not None else None
    return {"id": generation.id, "created_at": generation.created_at, "start": start, "end": end}


def _print_session(session: Session, snippet: str) -> None:
    messages = "1 message" if session.n_messages == 1 else f"{session.n_messages} messages"
    title = _line(session.title) or "(no title)"
    click.echo(f"{session.id}  {_local(session.updated_at)}  {messages:>12}  {title}")
    if snippet:
        click.echo(f"    {_line(' '.join(snippet.split()))}")


def _print_message(message: Message, after: str) -> None:
    from urial_tui.safetext import sanitize

    status = f" [{message.status}]" if message.status != "complete" else ""
    click.echo(f"\n{_WHO[message.role]}{after}{status}:")
    click.echo(sanitize(message.content))
    if message.error:
        click.echo(f"({_line(message.error)})")


def _line(text: str) -> str:
    from urial_tui.safetext import sanitize

    return " ".join(sanitize(text).split())


def _local(time: str) -> str:
    """A stored time (UTC) as the user's wall clock shows it; what cannot be read is shown as it is."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return _line(time)


def _print_json(value: object) -> None:
    """ASCII only, so that no stored text can reach the terminal as a control sequence."""
    click.echo(json.dumps(value, indent=2))
