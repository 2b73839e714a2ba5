"""Shell completion of SIDE options: what is on this machine, in the notation's own terms.

The shell runs the program for it, so nothing is imported before it is needed, and an error completes to nothing.
"""

from __future__ import annotations  # CompletionItem takes no type argument before click 8.3

import click
from click.shell_completion import CompletionItem


def side_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The sides that begin with `incomplete`; without any, the shell offers files: a model may be a path."""
    return _items(incomplete, references=False)


def reference_names(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """As `side_names`, with the style that only references have."""
    return _items(incomplete, references=True)


def model_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The models and adapters whose names begin with `incomplete`."""
    from urial_tui.cli.common.catalog import open_catalog
    from urial_tui.errors import UrialError

    try:
        names = [facts.name for facts in open_catalog().facts()]
    except (UrialError, OSError):
        return []
    return [name for name in names if name.casefold().startswith(incomplete.casefold())]


def _items(text: str, *, references: bool) -> list[CompletionItem[str]]:
    found = [CompletionItem(side) for side in _completed(text, references=references)]
    return found or [CompletionItem(text, type="file")]


def _completed(text: str, *, references: bool) -> list[str]:
    from urial_tui.errors import UrialError
    from urial_tui.models.adapters import shipped_names
    from urial_tui.models.catalog import Catalog
    from urial_tui.services import Services
    from urial_tui.sides import CHAT, DEMO, RAW, SAME, ZERO_SHOT, complete_side

    try:
        services = Services()
        found = Catalog(services.library, services.settings).facts()
        models = [DEMO, *(facts.name for facts in found if facts.is_model and facts.name != DEMO)]
        adapters = list(shipped_names(text.partition("+")[0]))
        adapters += [f.name for f in found if f.kind == "adapter" and f.source != "shipped"]
        own = [RAW, ZERO_SHOT, CHAT, *([SAME] if references else [])]
        return complete_side(text, models, adapters, [*own, *services.packs.ids()])
    except (UrialError, OSError):
        return []
