"""What is wrong with the user's keymap. Which bindings there are only the interface knows, which no command imports:
`urial_tui.main` hands the check over with the commands' context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import click


@dataclass(frozen=True)
class KeymapCheck:
    """A sentence for each part of a keymap that cannot be used."""

    problems: Callable[[Mapping[str, str]], Sequence[str]]


def keymap_problems(keymap: Mapping[str, str]) -> Sequence[str]:
    """Keys that two commands want, unknown commands and keys; nothing where the keymap is empty or nobody checks."""
    context = click.get_current_context(silent=True)
    check = context.find_object(KeymapCheck) if context is not None else None
    return check.problems(keymap) if check is not None and keymap else ()
