"""Which pictures are older than what they show.

A picture is of the real program with a real model: that takes minutes, and words differ from processor to processor.
What the screens look like is also held by the snapshot tests, to the cell and on every machine. So each picture names
the snapshots of its screen, `manifest.json` keeps their hashes as they were when it was made, and a picture is stale
when one of them is another now. A change that nobody can see makes nothing stale.
"""

import hashlib
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "manifest.json"
SNAPSHOTS = HERE.parent / "tests" / "ui" / "__snapshots__"

SHOWN_BY = {
    "chat-80x24": ["test_snapshots/test_a_conversation[(80, 24)]"],
    "chat-160x45": ["test_snapshots/test_a_conversation[(160, 45)]"],
    "packs-160x45": ["test_every_screen/test_screens_look_as_they_did[chat][PackPicker 160x45]"],
    "help-160x45": ["test_snapshots/test_what_keys_open[help]"],
    "inspector-80x24": ["test_inspector_pane/test_a_picture_below_the_transcript"],
    "inspector-160x45": [
        "test_inspector_pane/test_a_picture_beside_the_transcript",
        "test_token_shift_pictures/test_the_token_cursor[(160, 45)]",
    ],
    "inspector-kl-160x45": ["test_token_shift_pictures/test_a_graded_lane"],
    "positions-160x45": ["test_shift_screens/test_a_picture_of_the_chart[(140, 45)]"],
    "branches-160x45": ["test_history_pictures/test_the_tree[(120, 40)]"],
    "branches-compared-160x45": ["test_history_pictures/test_two_branches"],
    "search-160x45": ["test_history_pictures/test_the_search[(120, 40)]"],
    "welcome-80x24": [
        "test_every_screen/test_screens_look_as_they_did[first][WelcomeScreen 80x24]"
    ],
    "models-80x24": ["test_every_screen/test_screens_look_as_they_did[models][ModelsScreen 80x24]"],
    "models-160x45": [
        "test_every_screen/test_screens_look_as_they_did[models][ModelsScreen 160x45]"
    ],
    "get-models-160x45": [
        "test_every_screen/test_screens_look_as_they_did[models][HubScreen 160x45]"
    ],
    "board-80x24": ["test_every_screen/test_screens_look_as_they_did[judging][BoardScreen 80x24]"],
    "board-160x45": [
        "test_every_screen/test_screens_look_as_they_did[judging][BoardScreen 160x45]"
    ],
    "rating-80x24": [
        "test_every_screen/test_screens_look_as_they_did[judging][RatingScreen 80x24]"
    ],
    "rating-160x45": [
        "test_every_screen/test_screens_look_as_they_did[judging][RatingScreen 160x45]"
    ],
    "comparing-160x45": [
        "test_every_screen/test_screens_look_as_they_did[judging][PairScreen 160x45]"
    ],
    "judged-160x45": [
        "test_every_screen/test_screens_look_as_they_did[judging][JudgementsDialog 80x24]"
    ],
    "sessions-160x45": ["test_history_pictures/test_a_hit_with_its_words_and_the_list_with_marks"],
    "jump-80x24": ["test_every_screen/test_screens_look_as_they_did[chat][JumpScreen 80x24]"],
    "keys-80x24": ["test_every_screen/test_screens_look_as_they_did[chat][KeysScreen 80x24]"],
    "export-80x24": ["test_every_screen/test_screens_look_as_they_did[chat][ExportDialog 80x24]"],
    "settings-80x24": ["test_settings_screen/test_a_picture_of_the_settings[(80, 24)]"],
    "no-colour-80x24": ["test_inspector_pane/test_a_picture_without_colour"],
}
"""The snapshots that show what a picture shows."""

Made = dict[str, dict[str, str]]
"""By picture: the sha256 of itself (under "picture") and of each of its snapshots."""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def now() -> Made:
    """The manifest that pictures which were all made this minute would have."""
    return {
        name: {"picture": sha256(HERE / f"{name}.svg")}
        | {snapshot: sha256(SNAPSHOTS / f"{snapshot}.svg") for snapshot in snapshots}
        for name, snapshots in SHOWN_BY.items()
    }


def kept() -> Made:
    """The manifest of the pictures that are there."""
    found: Made = json.loads(MANIFEST.read_text("utf-8"))
    return found


def write() -> None:
    """Called when all pictures have been made."""
    MANIFEST.write_text(json.dumps(now(), indent=1) + "\n", encoding="utf-8")
