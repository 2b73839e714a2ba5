"""The commands about models: two of the chat screen, and those of the library's and the hub's own screens.

Plain letters work on those screens while their tables have the focus; in a line of text they are text.
"""

from urial_tui.ui.command import SETUP, Command
from urial_tui.ui.commands_branches import BRANCH_SCREENS
from urial_tui.ui.commands_judging import JUDGING_SCREENS

MODELS, HUB = "Models", "Get models"
"""The screens' names, which help and keymap call their places."""

LIBRARY_COMMANDS = (
    # Terminals send F17 for Shift+F5, unless they speak the newer keyboard protocol.
    Command(
        "chat.models",
        "shift+f5,f17",
        "open_models",
        "Models",
        "Models on this machine",
        "Look through all models: use, compare, verify, add and remove them",
        SETUP,
        show=False,
    ),
    Command(
        "chat.get-models",
        "",
        "open_hub",
        "Get models",
        "Get models from the hub",
        "Fetch a pair to begin with, or search the hub; downloads go on beside the chat",
        SETUP,
        show=False,
    ),
)

MODELS_COMMANDS = (
    Command(
        "models.use",
        "enter",
        "use",
        "Use it",
        "Use this model",
        "Let it write the answers of the chat",
        MODELS,
    ),
    Command(
        "models.compare",
        "p",
        "compare",
        "Compare",
        "Compare it with a partner",
        "Choose a model with the same vocabulary; both go to the chat and its inspector",
        MODELS,
    ),
    Command(
        "models.get",
        "g",
        "get",
        "Get models",
        "Get models from the hub",
        "Fetch a pair to begin with, or search the hub",
        MODELS,
    ),
    Command(
        "models.filter",
        "slash",
        "filter",
        "Filter",
        "Filter the list",
        "Words of the name, architecture, quantisation, role or place; all must match",
        MODELS,
    ),
    Command(
        "models.add",
        "a",
        "add",
        "Add",
        "Add a folder or a file",
        "Models in it are found from now on; nothing is moved or copied",
        MODELS,
    ),
    Command(
        "models.remove",
        "d,delete",
        "remove",
        "Remove",
        "Remove this model",
        "Delete its files, after asking; only what is in the program's own folder",
        MODELS,
    ),
    Command(
        "models.verify",
        "v",
        "verify",
        "Verify",
        "Verify its sha256",
        "Read the whole file and compare its sha256 with what it should be",
        MODELS,
    ),
    Command(
        "models.stop",
        "escape",
        "stop",
        "Stop verifying",
        "Stop verifying",
        "Stop reading the file; nothing is kept",
        MODELS,
    ),
    Command(
        "models.rescan",
        "r",
        "rescan",
        "Rescan",
        "Look for models again",
        "Look through all folders for files that came or went",
        MODELS,
    ),
    Command(
        "models.back",
        "escape",
        "back",
        "Back",
        "Back to the chat",
        "Leave the list of models",
        MODELS,
        palette=False,
    ),
)

HUB_COMMANDS = (
    Command(
        "hub.choose",
        "enter",
        "choose",
        "Fetch or open",
        "Fetch or open the row",
        "A pair or a quantisation is fetched, a repository is opened",
        HUB,
    ),
    Command(
        "hub.search",
        "slash",
        "search",
        "Search",
        "Search the hub",
        "Words of a name, or OWNER/NAME; Enter sends them",
        HUB,
    ),
    Command(
        "hub.downloads",
        "tab",
        "other_list",
        "Other list",
        "Go to the downloads, and back",
        "From the table to the downloads, the search line, and the table again",
        HUB,
    ),
    Command(
        "hub.pause",
        "p",
        "pause",
        "Pause",
        "Pause the download",
        "What is here is kept; it can be resumed, also after the program was left",
        HUB,
    ),
    Command(
        "hub.resume",
        "r",
        "resume",
        "Resume",
        "Resume the download",
        "Go on where it stopped, or try again what failed",
        HUB,
    ),
    Command(
        "hub.cancel",
        "c,delete",
        "cancel",
        "Cancel",
        "Cancel the download",
        "End it and delete the part that is here, after asking",
        HUB,
    ),
    Command(
        "hub.back",
        "escape",
        "back",
        "Back",
        "One step back",
        "From a repository to the results, from there to the starting points, then out",
        HUB,
        palette=False,
    ),
)

SCREEN_COMMANDS = {MODELS: MODELS_COMMANDS, HUB: HUB_COMMANDS, **JUDGING_SCREENS, **BRANCH_SCREENS}
"""The commands of screens beside the chat, by the screen's name."""
