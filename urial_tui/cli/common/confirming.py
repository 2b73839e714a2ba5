"""Asking before something is gone for good."""

import sys

import click

from urial_tui.errors import UsageError
from urial_tui.safetext import sanitize_line


def confirm(question: str, what: str, *, yes: bool, as_json: bool) -> None:
    """Ask `question` unless `yes`; no ends the command. `what` is what has to be confirmed, for where nobody can be
    asked: in a pipe, or with --json. Raises UsageError (`confirmation`) there."""
    if yes:
        return
    if as_json or not asks_here():
        raise UsageError(
            f"{what} has to be confirmed, and this is no terminal to ask in",
            hint="Say --yes.",
            kind="confirmation",
        )
    click.confirm(sanitize_line(question, 400), abort=True)


def asks_here() -> bool:
    return sys.stdin.isatty()
