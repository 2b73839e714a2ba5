"""How commands end: what they say on standard error, and how an error or a signal becomes an exit code."""

import signal
from collections.abc import Callable, Iterable
from typing import NoReturn, Protocol

import click

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize, sanitize_line


class Resumable(Protocol):
    """How far work is that the same command goes on with: `done` of `wanted`; `fatal` ended it before its end."""

    @property
    def wanted(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    @property
    def fatal(self) -> UrialError | None: ...


def say(text: str) -> None:
    """A line beside the output."""
    click.echo(sanitize(text), err=True)


def warn_of(errors: Iterable[UrialError]) -> None:
    """A warning for each file of a library that could not be read."""
    for error in errors:
        click.echo("warning: " + sanitize_line(error.message, 1000), err=True)
        if error.hint:
            click.echo("  " + sanitize_line(error.hint, 1000), err=True)


def leave_by(number: int) -> NoReturn:
    """End as whoever sent the signal expects: KeyboardInterrupt after Ctrl+C, else 128 + the signal's number."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt from None
    raise SystemExit(128 + number) from None


def leave_with(error: UrialError, *, as_json: bool) -> NoReturn:
    """End with an error that --json has told already, or else raise it."""
    if as_json:
        raise SystemExit(error.exit_code)
    raise error


def leave_resumable(
    tally: Resumable,
    *,
    what: str,
    again: str,
    stopped_by: int | None,
    missing: Callable[[int], UrialError],
    as_json: bool,
) -> None:
    """The end of work on many of `what`: returns only where nothing is missing. `again` says how to go on, as the
    beginning of a sentence; `missing` makes the error of so many that are not there."""
    if stopped_by is not None:
        say(f"stopped; {tally.done} of {tally.wanted} {what} are there. {again} goes on with them.")
        leave_by(stopped_by)
    error = tally.fatal
    if error is not None:
        hint = f"{error.hint} {again} then goes on from here.".strip()
        leave_with(type(error)(error.message, hint=hint, kind=error.kind), as_json=as_json)
    if not tally.complete:
        leave_with(missing(tally.wanted - tally.done), as_json=as_json)
