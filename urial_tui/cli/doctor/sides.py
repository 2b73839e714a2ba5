"""Whether the sides that the settings name beside the chat's own can be used: the judge and the references."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from urial_tui.cli.doctor.checks import Check
from urial_tui.errors import UrialError
from urial_tui.settings import Settings

if TYPE_CHECKING:
    from urial_tui.models.library import Library


def side_checks(settings: Settings, library: "Library") -> Iterator[Check]:
    """A check for each. The embedded model is not put together for it."""
    named = [("judge", settings.judge)] if settings.judge else []
    named += [("reference", notation) for notation in settings.references or ()]
    for what, notation in named:
        key = "judge" if what == "judge" else "references"
        try:
            found = _find(notation, settings, library)
        except UrialError as error:
            hint = f"{error.hint} Or change `{key}` in the settings.".lstrip()
            yield Check("models", what, "fail", f"{notation}: {error.message}", hint)
        else:
            yield Check("models", what, "ok", f"{notation}: {found}")


def _find(notation: str, settings: Settings, library: "Library") -> str:
    from urial_tui.models import demo
    from urial_tui.models.resolve import resolve_side
    from urial_tui.prompts.styles import default_library, resolve_style
    from urial_tui.sides import CHAT, DEMO, SAME, parse_side

    side = parse_side(notation)
    if side.style not in (None, CHAT, SAME):
        resolve_style(side.style, default_library())
    if side.model == DEMO and not demo.is_assembled():
        return "installed" if demo.is_installed() else "the embedded model, which is not installed"
    return str(resolve_side(side, library, settings).model_path)
