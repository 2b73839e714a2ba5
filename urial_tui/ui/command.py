"""What a command is, how one is bound that has no key, and the groups that commands are listed in."""

from dataclasses import dataclass

from textual.binding import Binding

_NO_KEY = "unbound-"
"""How the name of a key begins that no terminal sends and no keymap may name."""


def no_key(binding_id: str) -> str:
    """What a binding is bound to that has no key. Textual binds nothing to an empty key, and gives only what is bound
    another one; each has a name of its own, since bindings that share one are rebound together.
    """
    return _NO_KEY + binding_id


def real_keys(keys: str) -> list[str]:
    """The keys of a list with commas that can be pressed."""
    names = (key.strip() for key in keys.split(","))
    return [name for name in names if name and not name.startswith(_NO_KEY)]


@dataclass(frozen=True)
class Command:
    """One thing a user can do. `action` is a Textual action name without its namespace. Without
    `keys` it is in the palette only, until a user gives it some.
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
            self.keys or no_key(self.id),
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
