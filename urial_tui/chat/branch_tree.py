"""A session's messages as a list that reads like a tree: one branch is a straight line, the others stand indented where
they leave it.

Pure. Each branch has a main line: the one that is shown, else the one that was written to last. Only what leaves a main
line is indented, so that a long conversation, also one in which every answer was made twice, stays at the left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from urial_tui.store.sessions.outline import OutlineRow


@dataclass(frozen=True)
class TreeRow:
    """A message in its place. `level` counts the main lines that its own one leaves; `begins`: it is the first message
    of its line. `version` is (which, of how many) among the messages that follow the same one."""

    message: OutlineRow
    level: int
    begins: bool
    version: tuple[int, int]
    shown: bool
    """It is on the branch that the chat shows."""


class BranchTree:
    """The tree of `messages`, which are the oldest first; `leaf_id` ends the branch that is shown. The answer `writing`
    is being written now."""

    def __init__(
        self, messages: Sequence[OutlineRow], leaf_id: str | None, writing: str | None = None
    ) -> None:
        self.messages = {message.id: message for message in messages}
        if writing in self.messages:
            self.messages[writing] = replace(self.messages[writing], being_written=True)
        messages = tuple(self.messages.values())
        self._children: dict[str | None, list[str]] = {}
        for message in messages:
            self._children.setdefault(self._parent(message.id), []).append(message.id)
        self._version = {
            one: (place, len(those)) for those in self._children.values() for place, one in enumerate(those, 1)
        }  # fmt: skip
        newest = {message.id: age for age, message in enumerate(messages)}
        for message in reversed(messages):
            parent = self._parent(message.id)
            if parent is not None:
                newest[parent] = max(newest[parent], newest[message.id])
        self._newest = newest
        self.shown = frozenset(self.path(leaf_id))
        self.rows = self._laid_out()
        self._place = {row.message.id: place for place, row in enumerate(self.rows)}

    def _parent(self, message_id: str) -> str | None:
        """Of a message whose parent is not there, none: nothing is left out."""
        parent = self.messages[message_id].parent_id
        return parent if parent in self.messages else None

    def path(self, message_id: str | None) -> list[str]:
        """The messages from the first one to this one."""
        found: list[str] = []
        while message_id is not None and message_id in self.messages:
            found.append(message_id)
            message_id = self._parent(message_id)
        return found[::-1]

    def place(self, message_id: str | None) -> int | None:
        """The number of its row."""
        return self._place.get(message_id) if message_id is not None else None

    def versions(self, message_id: str) -> list[str]:
        """The messages that follow the same one, this one among them, the oldest first."""
        return self._children[self._parent(message_id)]

    def other_version(self, message_id: str, step: int) -> str | None:
        """The next (+1) or previous version of a message, or of the nearest one before it that has several."""
        for one in reversed(self.path(message_id)):
            versions = self.versions(one)
            if len(versions) > 1:
                return versions[(self._version[one][0] - 1 + step) % len(versions)]
        return None

    def parted(self, a: str, b: str) -> tuple[list[str], list[str], list[str]]:
        """Two branches up to these messages: what both have, what only the first and only the second has.

        Where one of them is on the way to the other, the last message of both is in neither's own part.
        """
        first, second = self.path(a), self.path(b)
        same = 0
        while same < min(len(first), len(second)) and first[same] == second[same]:
            same += 1
        return first[:same], first[same:], second[same:]

    def _laid_out(self) -> list[TreeRow]:
        rows: list[TreeRow] = []
        waiting = self._following(None, 0)
        while waiting:
            message_id, level, begins = waiting.pop()
            rows.append(
                TreeRow(
                    self.messages[message_id],
                    level,
                    begins,
                    self._version[message_id],
                    message_id in self.shown,
                )
            )
            waiting += self._following(message_id, level)
        return rows

    def _following(self, message_id: str | None, level: int) -> list[tuple[str, int, bool]]:
        """What follows a message, the last one to be drawn first: the main line goes on after all that leaves it."""
        following = self._children.get(message_id, [])
        if not following:
            return []
        main = max(following, key=lambda one: (one in self.shown, self._newest[one]))
        others = [(one, level + 1, True) for one in reversed(following) if one != main]
        return [(main, level, False), *others]
