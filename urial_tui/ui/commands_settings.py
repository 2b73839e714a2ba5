"""The commands about settings: those that open them from anywhere, and those of their own screens.

Most fields of the settings' screen are lines of text, so its keys are no letters.
"""

from urial_tui.ui.command import PROGRAM, Command

SETTINGS, KEYS = "Settings", "Keys"
"""The screens' names, which help and keymap call their places."""

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

OPEN_KEYS = Command(
    "app.keys",
    "",
    "open_keys",
    "Keys",
    "Change the keys",
    "Every command with its keys; press the new one, and what has it already is told at once",
    PROGRAM,
    show=False,
)

CHOOSE_THEME = Command(
    "app.theme",
    "",
    "choose_theme",
    "Theme",
    "Choose the theme",
    "Each is shown while the cursor is on it",
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

KEYS_COMMANDS = (
    Command(
        "keys.change",
        "enter",
        "change",
        "Change",
        "Give it another key",
        "Press the new key; it takes the place of the old ones",
        KEYS,
    ),
    Command(
        "keys.add",
        "a",
        "add",
        "Add",
        "Give it one more key",
        "Press one more key; the old ones stay",
        KEYS,
    ),
    Command(
        "keys.reset",
        "d",
        "reset",
        "Default",
        "Back to its default keys",
        "Take this command out of the settings file's table keymap",
        KEYS,
    ),
    Command(
        "keys.none",
        "delete,backspace",
        "take_away",
        "No key",
        "Take its keys away",
        "It has no key then; the palette still finds a command",
        KEYS,
    ),
    Command(
        "keys.filter",
        "slash",
        "filter",
        "Filter",
        "Filter the commands",
        "Words of a name, an id, a place, a key, or `changed`; all must match",
        KEYS,
    ),
    Command(
        "keys.back",
        "escape",
        "back",
        "Back",
        "One step back",
        "To the list, then the filter away, then out",
        KEYS,
        palette=False,
    ),
)

SETTINGS_SCREENS = {SETTINGS: SETTINGS_COMMANDS, KEYS: KEYS_COMMANDS}
