"""The commands of the tree of a session and of two branches beside each other."""

from urial_tui.ui.command import ANSWERS, SESSIONS, Command

BRANCHES, COMPARE = "Branches", "Differences"
"""The screens' names, which help and keymap call their places."""

BRANCH_COMMANDS = (
    # Terminals send F19 for Shift+F7, unless they speak the newer keyboard protocol.
    Command(
        "chat.branches",
        "shift+f7,f19",
        "open_branches",
        "Branches",
        "Branches of the session",
        "All versions of all messages as a tree: go to one, compare two",
        ANSWERS,
        show=False,
    ),
    Command(
        "chat.differences",
        "",
        "differences",
        "Differences",
        "Compare the wording with the version before",
        "Two versions of the message beside each other, what differs marked",
        ANSWERS,
        show=False,
    ),
    Command(
        "chat.pin",
        "",
        "pin",
        "Pin",
        "Pin the session, or no longer",
        "Pinned sessions are at the top of the list",
        SESSIONS,
        show=False,
    ),
    Command(
        "chat.tag",
        "",
        "tag",
        "Tags",
        "Tags of the session",
        "Words to find the session by",
        SESSIONS,
        show=False,
    ),
    Command(
        "chat.archive",
        "",
        "archive",
        "Archive",
        "Archive the session, or bring it back",
        "Out of the list, and out of the bin",
        SESSIONS,
        show=False,
    ),
    # Terminals send F24 for Shift+F12.
    Command(
        "chat.undo-sessions",
        "shift+f12,f24",
        "undo_sessions",
        "Undo",
        "Undo the last change to the list of sessions",
        "Bring back what was put into the bin or archived, take back a pin or a tag",
        SESSIONS,
        show=False,
    ),
)

TREE_COMMANDS = (
    Command(
        "branches.show",
        "enter",
        "show",
        "Show",
        "Show this branch",
        "The chat goes on from the end of the branch through this message",
        BRANCHES,
    ),
    Command(
        "branches.compare",
        "c",
        "compare",
        "Compare",
        "Mark for comparing, or compare",
        "The first time marks a message, the second compares the two branches up to them",
        BRANCHES,
    ),
    Command(
        "branches.next",
        "right",
        "other_version(1)",
        "Version",
        "Next version",
        "The next version of this message, or of the nearest one above that has several",
        BRANCHES,
    ),
    Command(
        "branches.previous",
        "left",
        "other_version(-1)",
        "Version before",
        "Version before",
        "The other way round",
        BRANCHES,
        show=False,
        palette=False,
    ),
    Command(
        "branches.shown",
        "s",
        "go_to_shown",
        "Shown",
        "Go to the branch that is shown",
        "The end of the branch that the chat shows",
        BRANCHES,
    ),
    Command(
        "branches.back",
        "escape",
        "back",
        "Back",
        "Back to the chat",
        "Take the mark away, or leave the tree",
        BRANCHES,
        palette=False,
    ),
)

COMPARE_COMMANDS = (
    Command(
        "compare.next",
        "n",
        "difference(1)",
        "Next",
        "Next difference",
        "Go to the next difference",
        COMPARE,
    ),
    Command(
        "compare.previous",
        "N",
        "difference(-1)",
        "Before",
        "Difference before",
        "Go to the difference before",
        COMPARE,
        palette=False,
    ),
    Command(
        "compare.fold",
        "f",
        "fold",
        "Beginning",
        "Show or fold the common beginning",
        "What both branches have before they part",
        COMPARE,
    ),
    Command(
        "compare.swap",
        "x",
        "swap",
        "Swap",
        "Swap the sides",
        "The left one at the right",
        COMPARE,
    ),
    Command(
        "compare.back",
        "escape",
        "back",
        "Back",
        "Back",
        "Leave the comparison",
        COMPARE,
        palette=False,
    ),
)

BRANCH_SCREENS = {BRANCHES: TREE_COMMANDS, COMPARE: COMPARE_COMMANDS}
