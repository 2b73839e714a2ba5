"""The command that writes conversations, answers and scores to files; the board has its own for a run."""

from urial_tui.ui.command import SESSIONS, Command

# Terminals send F20 for Shift+F8, unless they speak the newer keyboard protocol.
EXPORT_COMMAND = Command(
    "chat.export",
    "shift+f8,f20",
    "export",
    "Export",
    "Export the session",
    "Write it to files: Markdown, a page, tables, or what other evaluators read",
    SESSIONS,
    show=False,
)
