"""Whether the packs and styles that settings name are there. `settings set`, the form of the interface, the doctor and
whatever begins with such a setting ask here. Models' files are never looked for; packs are read where one is named.
"""

from typing import TYPE_CHECKING, Any

from urial_tui.settings import field_named
from urial_tui.sides import CHAT, SAME, parse_side

if TYPE_CHECKING:
    from urial_tui.prompts.packs import PackLibrary


def check_setting(key: str, value: Any) -> None:
    """Raise PromptError where the setting `key` names, in a checked value, a pack or style that cannot be used. A
    setting that names none passes."""
    kind = field_named(key).kind
    if key == "pack":
        check_pack(value)
    elif kind == "side" and value is not None:
        check_style_of(value)
    elif kind == "sides":
        for notation in value or ():
            check_style_of(notation, reference=True)


def check_pack(name: str) -> None:
    """Raise PromptError for what cannot be the pack of a side that names no style."""
    from urial_tui.prompts.styles import default_library, resolve_style

    resolve_style(name, default_library())


def check_style_of(
    notation: str, packs: "PackLibrary | None" = None, *, reference: bool = False
) -> None:
    """`check_style` of the style that a side names. Raises UsageError for what is no side, too."""
    check_style(parse_side(notation).style, packs, reference=reference)


def check_style(
    style: str | None, packs: "PackLibrary | None" = None, *, reference: bool = False
) -> None:
    """Raise PromptError for a style that is not there. None passes; whether a model has a template for `chat` is not
    asked; `same` is for a `reference`. `packs` None: those of this machine."""
    if style in (None, CHAT) or (reference and style == SAME):
        return
    from urial_tui.prompts.styles import default_library, resolve_style

    resolve_style(style, default_library() if packs is None else packs)
