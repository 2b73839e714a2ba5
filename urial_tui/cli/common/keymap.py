"""What is wrong with the user's keymap and theme. Which bindings and themes there are only the interface knows, which
no command imports: `urial_tui.main` hands the checks over with the commands' context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import click

from urial_tui.errors import SettingsError


@dataclass(frozen=True)
class InterfaceChecks:
    """What the interface knows of these settings."""

    problems: Callable[[Mapping[str, str]], Sequence[str]]
    """A sentence for each part of a keymap that cannot be used."""
    themes: Callable[[], Sequence[str]]
    """The names of all themes."""


def keymap_problems(keymap: Mapping[str, str]) -> Sequence[str]:
    """Keys that two commands want, unknown commands and keys; nothing where the keymap is empty or nobody checks."""
    check = _check()
    return check.problems(keymap) if check is not None and keymap else ()


def theme_error(name: str) -> SettingsError | None:
    """Why there is no theme of that name; None where there is one, or nobody checks."""
    check = _check()
    themes = check.themes() if check is not None else ()
    if check is None or name in themes:
        return None
    return SettingsError(
        f"there is no theme {name!r}",
        hint=f"The themes are {', '.join(themes)}.",
        kind="unknown-theme",
    )


def _check() -> InterfaceChecks | None:
    context = click.get_current_context(silent=True)
    return context.find_object(InterfaceChecks) if context is not None else None
