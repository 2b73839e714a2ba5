"""The options that say which sessions a list or a search is about, the same for both."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from urial_tui.store.types import SessionFilter

    Command = Callable[..., None]
    Decorator = Callable[[Command], Command]


def time_before(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """The callback of an option: a time as the history has it, "" where none is given. A day is its beginning."""
    return _time(value, end=False)


def _time_after(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """The same; a day is its end."""
    return _time(value, end=True)


def _time(value: str | None, *, end: bool) -> str:
    from datetime import datetime

    from urial_tui.chat.filter_words import stored_time

    if value is None:
        return ""
    try:
        return stored_time(value.strip(), datetime.now().astimezone(), end=end)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time: write a day such as 2026-11-01, an ISO 8601 time, or 12h, 7d or 2w ago"
        ) from None


def _share(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    try:
        share = float(value[:-1]) / 100 if value.endswith("%") else float(value)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{value!r} is no share: write 0.1 or 10%")
    return share


def _score(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not value >= 1:  # a range lets NaN pass
        raise click.BadParameter(f"{value:g} is no score")
    return value


def _bound(name: str, help_: str) -> Decorator:
    """A bound of the mean score."""
    return click.option(
        name, type=click.FloatRange(1, 5), callback=_score, metavar="SCORE", help=help_
    )


_OPTIONS: Final[tuple[Decorator, ...]] = (
    click.option("--side", metavar="TEXT", help="A side has this in its name."),
    click.option("--pack", metavar="TEXT", help="A prompt pack has this in its id."),
    click.option("--tag", "tags", metavar="TAG", multiple=True, help="With this tag; may be repeated: with all."),
    click.option("--since", callback=time_before, metavar="TIME", help="Last written to at that time or later."),
    click.option("--until", callback=_time_after, metavar="TIME", help="Last written to before that, or on that day."),
    _bound("--min-score", "Mean score of the answers at least, 1 to 5."),
    _bound("--max-score", "Mean score of the answers at most."),
    click.option("--min-shifted", callback=_share, metavar="SHARE", help="Share of shifted tokens at least: 0.1, 10%."),
    click.option("--max-shifted", callback=_share, metavar="SHARE", help="Share of shifted tokens at most."),
    click.option("--pinned", is_flag=True, help="Pinned ones only."),
    click.option("--archived", is_flag=True, help="Archived ones only."),
    click.option("--deleted", is_flag=True, help="Those in the bin only."),
)  # fmt: skip
_NAMES: Final = (
    "side", "pack", "tags", "since", "until", "min_score", "max_score", "min_shifted", "max_shifted", "pinned",
    "archived", "deleted",
)  # fmt: skip


def filter_options(command: Command) -> Command:
    """Give a command the options; it gets `wanted`, a SessionFilter without a query, in their place."""

    @functools.wraps(command)
    def with_filter(**given: Any) -> None:
        command(wanted=_filter({name: given.pop(name) for name in _NAMES}), **given)

    decorated: Command = with_filter
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _filter(given: dict[str, Any]) -> SessionFilter:
    from urial_tui.store.types import SessionFilter

    deleted = given["deleted"]
    return SessionFilter(
        side=given["side"] or "",
        pack=given["pack"] or "",
        tags=given["tags"],
        since=given["since"],
        until=given["until"],
        score_min=given["min_score"],
        score_max=given["max_score"],
        shifted_min=given["min_shifted"],
        shifted_max=given["max_shifted"],
        pinned=True if given["pinned"] else None,
        # What is in the bin may have been archived before.
        archived="only" if given["archived"] else "yes" if deleted else "no",
        deleted="only" if deleted else "no",
    )


def with_words(wanted: SessionFilter, query: str) -> SessionFilter:
    """`wanted` with what `query` says: words to look for, and filters as in the interface. Raises UsageError for a
    filter that means nothing, or that is another one than an option's."""
    from dataclasses import fields, replace

    from urial_tui.chat.filter_words import session_filter
    from urial_tui.errors import UsageError
    from urial_tui.store.types import SessionFilter

    typed, usual = session_filter(query), SessionFilter()
    changes: dict[str, Any] = {"tags": wanted.tags + typed.tags}
    for name in {field.name for field in fields(SessionFilter)} - {"tags"}:
        given, said, default = (getattr(one, name) for one in (wanted, typed, usual))
        if said in (default, given):
            continue
        if name == "archived" and {given, said} == {"yes", "only"}:  # of the bin, those only
            said = "only"
        elif given != default:
            what = name.replace("_", " ")
            raise UsageError(
                f"the query and an option say two different things of: {what}",
                hint="Leave one of them out.",
            )
        changes[name] = said
    return replace(wanted, **changes)
