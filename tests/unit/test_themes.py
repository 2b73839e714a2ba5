"""Our themes can be read and told apart: contrast by WCAG 2.2, three kinds of colour blindness by simulation.

Contrast is section 1.4.3's, from relative luminance as WCAG defines it. Colour vision deficiency is simulated after
Machado, Oliveira and Fernandes (2009), "A Physiologically-based Model for Simulation of Color Vision Deficiency", with
their matrices for severity 1.0, on linear RGB. Distances are CIE 1976 ones in CIELAB under D65.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import pytest
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from urial_tui.ui.themes import OUR_THEMES, shift_variables

AA_TEXT = 4.5
"""The least contrast of text of normal size."""
AA_MARKS = 3.0
"""The least contrast of what is not text and of what is only a hint (1.4.11)."""
APART = 10.0
"""A distance that is seen at a glance; 2.3 is just noticeable."""

CLASSES = ("shift-unshifted", "shift-marginal", "shift-shifted")
GRADES = tuple(f"shift-grade-{grade}" for grade in range(5))
GROUNDS = ("background", "surface", "panel")

MACHADO_2009 = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
VISIONS = ("usual", *MACHADO_2009)


def colours_of(theme: Theme) -> dict[str, Color]:
    """Every colour that the theme gives a style sheet, as an app that uses it sees them."""
    variables = {**shift_variables(theme.dark), **theme.to_color_system().generate()}
    variables |= theme.variables
    found = {}
    for name, text in variables.items():
        words = text.split()
        if text.startswith(("#", "ansi_")) and len(words) == 1:
            found[name] = Color.parse(text)
    return found


def linear(colour: Color) -> np.ndarray:
    """sRGB to linear RGB, IEC 61966-2-1."""
    c = np.array(colour.rgb) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(colour: Color) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def contrast(one: Color, other: Color) -> float:
    """1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: Color, vision: str) -> np.ndarray:
    rgb = linear(colour)
    if vision != "usual":
        rgb = np.clip(np.array(MACHADO_2009[vision]) @ rgb, 0, 1)
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.array(to_xyz) @ rgb / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: Color, other: Color, vision: str) -> float:
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def drawn_on(theme: Theme) -> Iterator[tuple[str, Color, str, Color]]:
    """(name, text colour, name, ground): every text colour with each ground that it is drawn on."""
    colours = colours_of(theme)
    texts = (
        *CLASSES,
        *GRADES,
        "shift-pending",
        "shift-cursor",
        "primary",
        "accent",
        "warning",
        "error",
        "foreground",
    )
    for ground in GROUNDS:
        for text in texts:
            yield text, colours[text], ground, colours[ground]
        # `$text-muted` and `auto` texts are the ground's own black or white, blended: as Textual does.
        for muted, alpha in (("text", 0.87), ("text-muted", 0.6)):
            full = colours[ground].get_contrast_text(alpha)
            yield muted, colours[ground].blend(full, full.a, 1.0), ground, colours[ground]
        # A class that is reversed is drawn in the ground's colour.
        for name in (*CLASSES, "accent", "shift-cursor"):
            yield ground, colours[ground], f"{name} reversed", colours[name]
    for text in ("text-primary", "text-accent", "text-warning", "text-error", "text-success"):
        for ground in GROUNDS:
            yield text, colours[text], ground, colours[ground]
    # Banners, and lines that have the focus or a mistake, are tinted.
    for text, ground, tint, share in (
        ("text-error", "background", "error", 0.12),
        ("text-warning", "background", "warning", 0.12),
        ("foreground", "panel", "error", 0.30),
        ("foreground", "panel", "primary", 0.12),
    ):
        tinted = colours[ground].blend(colours[tint], share)
        yield text, colours[text], f"{ground} with {tint}", tinted
    for text, ground in (
        ("block-cursor-foreground", "block-cursor-background"),
        ("foreground", "block-cursor-blurred-background"),
        ("footer-key-foreground", "footer-background"),
        ("footer-description-foreground", "footer-background"),
    ):
        yield text, colours[text], ground, colours[ground]


@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_every_text_can_be_read_on_every_ground_it_is_drawn_on(theme: Theme) -> None:
    failing = {
        f"{text} {one.hex} on {ground} {other.hex}": round(ratio, 2)
        for text, one, ground, other in drawn_on(theme)
        if (ratio := contrast(one, other)) < AA_TEXT
    }
    assert failing == {}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_the_classes_are_told_apart_whatever_the_colour_vision(theme: Theme, vision: str) -> None:
    colours = colours_of(theme)
    failing = {
        f"{one} and {other}": round(apart, 1)
        for one, other in (
            *combinations(CLASSES, 2),
            *((name, ground) for name in CLASSES for ground in GROUNDS),
            *((name, "foreground") for name in ("shift-marginal", "shift-shifted")),
        )
        if (apart := distance(colours[one], colours[other], vision)) < APART
    }
    assert failing == {}


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_grades_beside_each_other_are_told_apart(theme: Theme, vision: str) -> None:
    colours = colours_of(theme)
    failing = {
        f"{one} and {other}": round(apart, 1)
        for one, other in pairwise(GRADES)
        if (apart := distance(colours[one], colours[other], vision)) < APART
    }
    assert failing == {}


@pytest.mark.parametrize("system", [ColorSystem.STANDARD, ColorSystem.EIGHT_BIT])
@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_with_few_colours_classes_and_cursor_are_still_seen(
    theme: Theme, system: ColorSystem
) -> None:
    """Terminals with 16 or 256 colours are given the nearest of theirs."""
    colours = colours_of(theme)

    def nearest(name: str) -> int | None:
        return colours[name].rich_color.downgrade(system).number

    grounds = {nearest(ground) for ground in GROUNDS}
    for name in (*CLASSES, "shift-pending", "primary", "accent", "error", "foreground"):
        assert nearest(name) not in grounds, name
    assert len({nearest(name) for name in CLASSES}) == len(CLASSES)
    assert nearest("block-cursor-background") not in (nearest("background"), nearest("surface"))
    assert nearest("block-cursor-background") != nearest("block-cursor-foreground")


@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_borders_and_scroll_bars_are_seen(theme: Theme) -> None:
    colours = colours_of(theme)
    assert contrast(colours["border"], colours["background"]) >= AA_MARKS
    assert contrast(colours["scrollbar-active"], colours["background"]) >= AA_MARKS


def test_the_formulas_are_those_of_the_standards() -> None:
    black, white = Color.parse("#000000"), Color.parse("#FFFFFF")
    assert contrast(white, black) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), white) == pytest.approx(4.48, abs=0.01)
    assert lab(Color.parse("#FF0000"), "usual") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)
    grey = Color.parse("#808080")
    for vision in MACHADO_2009:  # greys are seen as greys
        assert distance(grey, grey, vision) == 0
        assert lab(grey, vision) == pytest.approx(lab(grey, "usual"), abs=0.1)
    red, green = Color.parse("#C03030"), Color.parse("#607000")
    assert distance(red, green, "deuteranopia") < distance(red, green, "usual") / 2
