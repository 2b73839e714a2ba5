"""Whether what the settings name can be used: the chat's own side, its pack, the judge and the references."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from urial_tui.cli.doctor.checks import Check
from urial_tui.errors import UrialError
from urial_tui.settings import Settings, from_setting

if TYPE_CHECKING:
    from urial_tui.models.library import Library


def pack_check(settings: Settings) -> Check:
    """Whether the pack of a side that names no style is there."""
    from urial_tui.prompts.named import check_pack

    try:
        with from_setting("pack"):
            check_pack(settings.pack)
    except UrialError as error:
        return Check("packs", "default pack", "fail", error.message, error.hint)
    return Check("packs", "default pack", "ok", settings.pack)


def side_checks(settings: Settings, library: "Library") -> Iterator[Check]:
    """A check for each. The embedded model is not put together for it."""
    named = [("side", "side", settings.side)]
    named += [("judge", "judge", settings.judge)] if settings.judge else []
    named += [("reference", "references", notation) for notation in settings.references or ()]
    for what, key, notation in named:
        try:
            with from_setting(key):
                found = _find(notation, settings, library, reference=what == "reference")
        except UrialError as error:
            yield Check("models", what, "fail", f"{notation}: {error.message}", error.hint)
        else:
            yield Check("models", what, "ok", f"{notation}: {found}")


def _find(notation: str, settings: Settings, library: "Library", *, reference: bool) -> str:
    """Where the model's file is, in words for the embedded one. Raises UrialError."""
    from urial_tui.models import demo
    from urial_tui.models.resolve import resolve_side
    from urial_tui.prompts.named import check_style_of
    from urial_tui.sides import CHAT, DEMO, parse_side

    check_style_of(notation, reference=reference)
    side = parse_side(notation)
    if side.model == DEMO and not demo.is_assembled():
        if not demo.is_installed():
            return "the embedded model, which is not installed"
        more = side.adapter is not None or side.style == CHAT
        return "installed" + (
            "; its adapter and template are looked at once it is put together" if more else ""
        )
    return str(resolve_side(side, library, settings).model_path)
