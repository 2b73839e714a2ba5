"""Sessions and messages as lines that are safe to print, and as JSON in ASCII."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from urial_tui.cli.common.wording import local, many
from urial_tui.safetext import sanitize, sanitize_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from urial_tui.store.types import Hit, Session

_TITLE = 1000
"""Characters of a title that are looked at; a line has 200 of them."""
WHO = {"user": "You", "assistant": "Answer"}


def session_line(session: Session) -> str:
    """Id, time of the last message, title, then what is special about it."""
    n = many(session.n_messages, "message")
    return f"{session.id}  {local(session.updated_at)}  {n:>12}  {title(session)}{_state(session)}"


def title(session: Session | Hit) -> str:
    """It may be any text that an import, or an earlier version, took for one."""
    return sanitize_line(" ".join(session.title[:_TITLE].split())) or "(no title)"


def one_line(text: str) -> str:
    return " ".join(sanitize(text).split())


def print_json(value: object) -> None:
    """ASCII only, so that no stored text can reach the terminal as a control sequence."""
    click.echo(json.dumps(value, indent=2))


def print_sessions_json(sessions: Iterable[Session]) -> None:
    print_json([asdict(session) for session in sessions])


def marked(snippet: str) -> tuple[str, list[tuple[int, int]]]:
    """A snippet of a search without its marks, and where the matches are in it: (first, behind the last)."""
    parts = snippet.replace("\x02", "\x03").split("\x03")
    places, at = [], 0
    for n, part in enumerate(parts):
        if n % 2:
            places.append((at, at + len(part)))
        at += len(part)
    return "".join(parts), places


def bold_matches(snippet: str) -> str:
    """A snippet as one line with its matches in bold, which click leaves out where the output is no terminal."""
    parts = snippet.replace("\x02", "\x03").split("\x03")
    shown = [
        click.style(sanitize(part), bold=True) if n % 2 else sanitize(part)
        for n, part in enumerate(parts)
    ]
    return " ".join("".join(shown).split())


def _state(session: Session) -> str:
    states = [("pinned", session.pinned), ("archived", session.archived)]
    words = [word for word, is_so in states if is_so]
    if session.deleted_at is not None:
        words.append(f"in the bin since {local(session.deleted_at)}")
    tags = "".join(f"  #{sanitize_line(tag)}" for tag in session.tags)
    return tags + (f"  [{', '.join(words)}]" if words else "")


def provenance(generation: Any) -> dict[str, Any] | None:
    """A generation without the prompt's ids, which are long; the store has them."""
    if generation is None:
        return None
    start = asdict(generation.start)
    start.pop("prompt_ids")
    end = asdict(generation.end) if generation.end is not None else None
    return {"id": generation.id, "created_at": generation.created_at, "start": start, "end": end}
