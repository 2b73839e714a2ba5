"""What a command is, and the groups that commands are listed in."""

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


WRITING, ANSWERS, READING, SHIFT, JUDGING, SESSIONS, SETUP, PROGRAM = (
    "Writing",
    "Answers",
    "Reading",
    "Token shift",
    "Judging",
    "Sessions",
    "Model and prompt",
    "Program",
)
GROUPS = (WRITING, ANSWERS, READING, SHIFT, JUDGING, SESSIONS, SETUP, PROGRAM)
