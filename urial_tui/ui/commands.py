"""Every command of the app in one table: its id, keys, words and place. Bindings, palette and help
are made from it.

Keys were chosen from what terminals really deliver: no Alt with arrows (many send Escape first,
which would stop the answer), nothing that the text area edits with, no Ctrl+H/I/M (Backspace, Tab,
Enter). Plain letters work while the transcript has the focus. Users rebind by id in their
settings; Textual's own widgets keep their keys.
"""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Command:
    """One thing a user can do. `action` is a Textual action name without its namespace. Without
    `keys` it is in the palette only.
    """

    id: str
    keys: str
    action: str
    label: str
    """A word or two for the footer."""
    title: str
    """For the palette and the help screen."""
    tooltip: str
    group: str
    show: bool = True
    priority: bool = False
    palette: bool = True

    def binding(self, namespace: str = "") -> Binding:
        return Binding(
            self.keys,
            namespace + self.action,
            self.label,
            show=self.show,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )


WRITING, ANSWERS, READING, SESSIONS, SETUP, PROGRAM = (
    "Writing",
    "Answers",
    "Reading",
    "Sessions",
    "Model and prompt",
    "Program",
)
GROUPS = (WRITING, ANSWERS, READING, SESSIONS, SETUP, PROGRAM)

APP_COMMANDS = (
    Command(
        "app.help",
        "f1",
        "help",
        "Help",
        "Help and keys",
        "Everything that can be done here, with its keys",
        PROGRAM,
        priority=True,
    ),
    Command(
        "app.palette",
        "ctrl+p",
        "command_palette",
        "Commands",
        "Command palette",
        "Find a command by its name",
        PROGRAM,
        priority=True,
        palette=False,
    ),
    Command(
        "app.interrupt",
        "ctrl+c",
        "interrupt",
        "Copy, stop or quit",
        "Copy the selection, stop, or quit",
        "Copies selected text; else stops the answer; pressed twice, quits",
        PROGRAM,
        show=False,
        priority=True,
        palette=False,
    ),
    Command(
        "app.quit",
        "ctrl+q",
        "quit",
        "Quit",
        "Quit",
        "Keep everything and leave",
        PROGRAM,
        show=False,
        priority=True,
    ),
)

CHAT_COMMANDS = (
    Command(
        "chat.help",
        "question_mark",
        "app.help",
        "Help",
        "Help and keys",
        "Everything that can be done here; where letters are not text",
        PROGRAM,
        show=False,
        palette=False,
    ),
    # Escape does the nearest of these; the footer shows which.
    Command(
        "chat.stop",
        "escape",
        "stop",
        "Stop",
        "Stop the answer",
        "Stop writing and keep the text so far",
        ANSWERS,
    ),
    Command(
        "chat.leave-edit",
        "escape",
        "leave_edit",
        "Leave edit",
        "Leave editing",
        "Forget the change and bring the draft back",
        WRITING,
    ),
    Command(
        "chat.close-prefill",
        "escape",
        "close_prefill",
        "No beginning",
        "Let the model begin the answer",
        "Close the line with the beginning of the answer",
        WRITING,
    ),
    Command(
        "chat.back",
        "escape",
        "back",
        "Back to writing",
        "Go to the composer",
        "Put the cursor into the composer",
        WRITING,
        palette=False,
    ),
    Command(
        "chat.regenerate",
        "ctrl+r",
        "regenerate",
        "Regenerate",
        "Regenerate the answer",
        "Write another answer to the same message; the old one stays as a branch",
        ANSWERS,
    ),
    Command(
        "chat.continue",
        "ctrl+g",
        "continue_answer",
        "Continue",
        "Continue the answer",
        "Let the model go on where this answer ends",
        ANSWERS,
    ),
    Command(
        "chat.edit",
        "f2",
        "edit",
        "Edit",
        "Edit a message and send it again",
        "Put the message into the composer; sending makes a new branch",
        WRITING,
    ),
    Command(
        "chat.prefill",
        "ctrl+t",
        "prefill",
        "Begin answer",
        "Begin the answer yourself",
        "Write the first words of the answer; the model goes on from them",
        WRITING,
    ),
    Command(
        "chat.branch",
        "ctrl+b",
        "next_branch",
        "Other version",
        "Show the next version of the message",
        "A message that was regenerated, continued or edited has several versions; go around them",
        ANSWERS,
    ),
    Command(
        "chat.copy",
        "f8",
        "copy_message",
        "Copy",
        "Copy the message",
        "Copy the chosen message, or the last answer",
        READING,
    ),
    Command(
        "chat.copy-code",
        "f9",
        "copy_code",
        "Copy code",
        "Copy the last code block",
        "Copy the last fenced code block of the conversation",
        READING,
        show=False,
    ),
    Command(
        "chat.read",
        "ctrl+l",
        "read",
        "Read",
        "Read a message as Markdown",
        "Show the chosen message, or the last answer, laid out as Markdown",
        READING,
        show=False,
    ),
    Command(
        "chat.save-transcript",
        "ctrl+s",
        "save_transcript",
        "Save transcript",
        "Save the conversation as Markdown",
        "Write this conversation to a Markdown file and copy it",
        READING,
        show=False,
    ),
    Command(
        "chat.new",
        "ctrl+n",
        "new_session",
        "New",
        "New session",
        "Start an empty session; this one stays in the list",
        SESSIONS,
    ),
    Command(
        "chat.sessions",
        "ctrl+o",
        "toggle_sessions",
        "Sessions",
        "Show or hide the sessions",
        "Show or hide the list of sessions",
        SESSIONS,
    ),
    Command(
        "chat.search",
        "ctrl+f",
        "search",
        "Search",
        "Search all sessions",
        "Find a session by its title or by words in its messages",
        SESSIONS,
        show=False,
    ),
    Command(
        "chat.rename",
        "f10",
        "rename",
        "Rename",
        "Rename the session",
        "Give the session another title",
        SESSIONS,
        show=False,
    ),
    Command(
        "chat.delete",
        "f12",
        "delete",
        "Delete",
        "Delete the session",
        "Delete the session with everything in it, after asking",
        SESSIONS,
        show=False,
    ),
    Command(
        "chat.take-over",
        "",
        "take_over",
        "Take over",
        "Take over the session",
        "Write in a session that another program holds, after asking",
        SESSIONS,
        show=False,
    ),
    Command(
        "chat.pack",
        "f3",
        "choose_pack",
        "Pack",
        "Choose the prompt pack",
        "Choose the prompt that makes the base model answer, with a preview and its cost",
        SETUP,
    ),
    Command(
        "chat.sampling",
        "f4",
        "sampling",
        "Sampling",
        "Sampling settings",
        "Temperature, top-p, seed, length and the other samplers",
        SETUP,
        show=False,
    ),
    Command(
        "chat.side",
        "f5",
        "choose_side",
        "Model",
        "Choose the model",
        "Choose the model, adapter and style that write the answers",
        SETUP,
        show=False,
    ),
)

ALL_COMMANDS = (*APP_COMMANDS, *CHAT_COMMANDS)

FOOTER_ORDER = (
    "chat.stop",
    "chat.leave-edit",
    "chat.close-prefill",
    "composer.send",
    "app.help",
    "app.palette",
    "*",
    "chat.back",
    "chat.regenerate",
    "chat.sessions",
    "chat.edit",
    "chat.new",
    "chat.continue",
    "chat.branch",
    "chat.pack",
    "chat.copy",
    "chat.prefill",
    "composer.newline",
)
"""What the footer keeps longest when the line is short; `*` is every binding that is not named
here.
"""
