"""The commands about settings: one that opens them from anywhere, and those of their own screen.

Most of that screen's fields are lines of text, so its keys are no letters.
"""

from urial_tui.ui.command import PROGRAM, Command

SETTINGS = "Settings"
"""The screen's name, which help and keymap call its place."""

# Terminals send F16 for Shift+F4, unless they speak the newer keyboard protocol.
OPEN_SETTINGS = Command(
    "app.settings",
    "shift+f4,f16",
    "open_settings",
    "Settings",
    "Settings",
    "Look through all settings and change them; the file keeps its comments",
    PROGRAM,
    show=False,
)

SETTINGS_COMMANDS = (
    Command(
        "settings.filter",
        "f3",
        "filter",
        "Filter",
        "Filter the settings",
        "Words of a name, a group, a meaning, or where the value is from; all must match",
        SETTINGS,
    ),
    Command(
        "settings.reset",
        "f5",
        "reset",
        "Default",
        "Back to the default",
        "Take this setting out of the file",
        SETTINGS,
    ),
    Command(
        "settings.back",
        "escape",
        "back",
        "Back",
        "One step back",
        "Forget what is typed and not saved, then the filter, then leave the settings",
        SETTINGS,
        palette=False,
    ),
)

SETTINGS_SCREENS = {SETTINGS: SETTINGS_COMMANDS}
