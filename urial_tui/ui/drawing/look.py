"""How the inspector's named looks appear: the theme's colours, and attributes that say the same without colour."""

from collections.abc import Mapping
from functools import lru_cache

from rich.style import Style
from textual.color import Color, ColorParseError

from urial_tui.ui.themes import shift_variables

_FALLBACK = shift_variables(dark=True)
"""For an app that does not give its themes our colours."""

_LOOKS: dict[str, tuple[str, str]] = {
    "unshifted": ("shift-unshifted", ""),
    "marginal": ("shift-marginal", "underline"),
    "shifted": ("shift-shifted", "bold reverse"),
    "control": ("shift-pending", "dim"),
    "pending": ("shift-pending", "dim"),
    # Bars are told apart by their glyphs; reversing them would hide those.
    "bar-unshifted": ("shift-unshifted", ""),
    "bar-marginal": ("shift-marginal", ""),
    "bar-shifted": ("shift-shifted", ""),
    "bar-control": ("shift-pending", ""),
    "bar": ("primary", ""),
    "title": ("primary", "bold"),
    "strong": ("", "bold"),
    "dim": ("shift-pending", ""),
    "warn": ("warning", "bold"),
    "bad": ("error", "bold"),
    "chosen": ("", "bold reverse"),
    "differs": ("shift-marginal", "bold underline"),
    "here": ("accent", "bold reverse"),
}
"""Name: (theme variable, attributes)."""


def style_of(name: str, variables: Mapping[str, str]) -> Style:
    """What goes over the widget's own style for a look; nothing for an unknown name."""
    variable, attributes = _LOOKS.get(name, ("", ""))
    colour = variables.get(variable) or _FALLBACK.get(variable, "")
    return _style(attributes, colour)


@lru_cache(maxsize=256)
def _style(attributes: str, colour: str) -> Style:
    style = Style.parse(attributes) if attributes else Style()
    try:
        return style + Style(color=Color.parse(colour).rich_color) if colour else style
    except ColorParseError:  # `auto 87%` and the like: the widget's own colour
        return style
