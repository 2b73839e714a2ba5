"""Shell completion of SIDE options: what is on this machine, in the notation's own terms.

The shell runs the program for it, so nothing is imported before it is needed, and an error completes to nothing.
"""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from urial_tui.models.library import Library

MAX_ADAPTER = 4_000_000_000
"""Bytes; a larger file is a model, and its header is not read to find that out."""


def side_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The sides that begin with `incomplete`."""
    return _completed(incomplete, references=False)


def reference_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """As `side_names`, with the style that only references have."""
    return _completed(incomplete, references=True)


def _completed(text: str, *, references: bool) -> list[str]:
    from urial_tui.errors import UrialError
    from urial_tui.models.adapters import shipped_names
    from urial_tui.services import Services
    from urial_tui.sides import CHAT, DEMO, RAW, SAME, ZERO_SHOT, complete_side

    try:
        services = Services()
        models = [DEMO, *(entry.name for entry in services.library.entries())]
        adapters = list(shipped_names(text.partition("+")[0]))
        if "+" in text:
            adapters += _adapters(services.library)
        own = [RAW, ZERO_SHOT, CHAT, *([SAME] if references else [])]
        return complete_side(text, models, adapters, [*own, *services.packs.ids()])
    except (UrialError, OSError):
        return []


def _adapters(library: "Library") -> list[str]:
    """The names of the library's adapters."""
    from urial_tui.errors import ModelError
    from urial_tui.models.gguf_header import read_header

    found = []
    for entry in library.entries():
        if entry.size > MAX_ADAPTER:
            continue
        try:
            if read_header(entry.path).kind == "adapter":
                found.append(entry.name)
        except ModelError:
            continue
    return found
