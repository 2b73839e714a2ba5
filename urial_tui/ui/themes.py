"""Our two themes, beside Textual's own: blue, orange and magenta, told apart with any kind of
colour vision.

Blue is the person, orange asks for attention, magenta is trouble. Colour never carries a meaning
alone: every place that uses one also uses a word or an attribute, so that NO_COLOR loses nothing.
"""

from textual.theme import Theme

DEFAULT_THEME = "urial-night"

_SHIFT_DARK = {
    "shift-unshifted": "#9CC3F5",
    "shift-marginal": "#F2A65A",
    "shift-shifted": "#E879C6",
    "shift-pending": "#8591A3",
    "shift-grade-0": "#7E93AE",
    "shift-grade-1": "#9CC3F5",
    "shift-grade-2": "#F0CB8A",
    "shift-grade-3": "#F2A65A",
    "shift-grade-4": "#E879C6",
    "shift-cursor": "#F2A65A",
}
_SHIFT_LIGHT = {
    "shift-unshifted": "#1F5FA8",
    "shift-marginal": "#A05209",
    "shift-shifted": "#A3186F",
    "shift-pending": "#5A6573",
    "shift-grade-0": "#536780",
    "shift-grade-1": "#1F5FA8",
    "shift-grade-2": "#5F4A00",
    "shift-grade-3": "#A05209",
    "shift-grade-4": "#A3186F",
    "shift-cursor": "#A05209",
}


def shift_variables(dark: bool) -> dict[str, str]:
    """The colours of token shift: blue, orange and magenta for the classes, five steps for graded
    lanes. For any theme; one may set its own.
    """
    return dict(_SHIFT_DARK if dark else _SHIFT_LIGHT)


NIGHT = Theme(
    name=DEFAULT_THEME,
    primary="#6CA8F0",
    secondary="#4C7DB8",
    accent="#F2A65A",
    warning="#F2A65A",
    error="#E879C6",
    success="#7CC4E8",
    foreground="#D6DCE6",
    background="#12161E",
    surface="#171C26",
    panel="#202734",
    dark=True,
    variables={
        "block-cursor-background": "#2E4A70",
        "block-cursor-foreground": "#EAF2FF",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#232C3B",
        "border": "#6CA8F0",
        "border-blurred": "#2B3445",
        "footer-background": "#171C26",
        "footer-key-foreground": "#F2A65A",
        "footer-description-foreground": "#A9B4C4",
        "input-selection-background": "#6CA8F0 30%",
        "scrollbar": "#2B3445",
        "scrollbar-hover": "#3C4960",
        "scrollbar-active": "#6CA8F0",
        "scrollbar-background": "#12161E",
        "scrollbar-background-hover": "#12161E",
        "scrollbar-background-active": "#12161E",
        "shift-unshifted": "#6CA8F0",
        "shift-marginal": "#F2A65A",
        "shift-shifted": "#E879C6",
        "shift-pending": "#8591A3",
    },
)

DAY = Theme(
    name="urial-day",
    primary="#1F5FA8",
    secondary="#3B79BD",
    accent="#A05209",
    warning="#A05209",
    error="#A3186F",
    success="#176A94",
    foreground="#1E2733",
    background="#F7F8FA",
    surface="#EEF1F5",
    panel="#E2E7EE",
    dark=False,
    variables={
        "block-cursor-background": "#B5CEEC",
        "block-cursor-foreground": "#12233A",
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": "#DCE4EE",
        "border": "#1F5FA8",
        "border-blurred": "#C6CFDB",
        "footer-background": "#E2E7EE",
        "footer-key-foreground": "#A05209",
        "footer-description-foreground": "#45536A",
        "scrollbar": "#C6CFDB",
        "scrollbar-background": "#F7F8FA",
        "scrollbar-background-hover": "#F7F8FA",
        "scrollbar-background-active": "#F7F8FA",
        "shift-unshifted": "#1F5FA8",
        "shift-marginal": "#A05209",
        "shift-shifted": "#A3186F",
        "shift-pending": "#5A6573",
    },
)

OUR_THEMES = (NIGHT, DAY)
