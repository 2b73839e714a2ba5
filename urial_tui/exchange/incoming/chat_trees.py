"""Trees of messages of other programs, brought into the shape of ours: user and assistant in turn along every branch.

Loops instead of recursion: a conversation may be thousands of messages deep.
"""

from dataclasses import dataclass
from typing import Any, Final

from urial_tui.runs.json_rows import BadRow
from urial_tui.store.exchange.arrivals import NewMessage
from urial_tui.store.types import Role

_COPIES: Final = 4
_ROOM: Final = 1_000_000
"""The messages may have so many times the text of the nodes, and so many characters more."""

_Texts = tuple["_Texts | None", str]
"""The texts before, and one more."""


@dataclass(frozen=True)
class _Begun:
    """What a message begins with: the one above it, and texts of its own side before it."""

    above: int | None
    texts: "_Texts | None" = None


@dataclass(frozen=True)
class Node:
    """`parent` is a place in the list, before this one. `key` is the node's own name, `time` as stored."""

    role: Role
    text: str
    parent: int | None
    key: str = ""
    time: str = ""


def in_order(mapping: dict[str, Any]) -> list[str]:
    """The keys of a mapping of nodes, each after its parent, children in the order that their parent has them in.

    Raises BadRow where a node is no object, has a parent that is not there, or is its own ancestor.
    """
    children: dict[str | None, list[str]] = {}
    for key, entry in mapping.items():
        if not isinstance(entry, dict):
            raise BadRow(f"its node {key[:40]!r} is not an object")
        parent = entry.get("parent")
        if parent is not None and (not isinstance(parent, str) or parent not in mapping):
            raise BadRow(f"its node {key[:40]!r} has a parent that is not there")
        children.setdefault(parent, []).append(key)
    made: list[str] = []
    waiting = list(reversed(children.get(None, [])))
    while waiting:
        key = waiting.pop()
        made.append(key)
        its = children.get(key, [])
        listed = mapping[key].get("children")
        if isinstance(listed, list):
            place = {name: n for n, name in enumerate(listed) if isinstance(name, str)}
            its = sorted(its, key=lambda name: place.get(name, len(place)))
        waiting += reversed(its)
    if len(made) < len(mapping):
        raise BadRow("its nodes are no tree")
    return made


def alternating(nodes: list[Node], current: int | None) -> tuple[list[NewMessage], int | None, int]:
    """The messages, the place of the one that `current` is in (None: the last), and how many were joined.

    A message joins the one above it when both are of the same side; where that has other followers too, each of them
    gets a copy. An answer to nothing is an answer to an empty message. Raises BadRow where copies outgrow the text.
    """
    followers: dict[int, list[int]] = {}
    for place, node in enumerate(nodes):
        if node.parent is not None:
            followers.setdefault(node.parent, []).append(place)
    room = _COPIES * sum(len(node.text) for node in nodes) + _ROOM
    made: list[NewMessage] = []
    at: dict[int, int] = {}
    begun: dict[int, _Begun] = {}
    joined = 0
    for place, node in enumerate(nodes):  # parents come first
        start = begun.pop(place, _Begun(None))
        its = followers.get(place, [])
        same = [one for one in its if nodes[one].role == node.role]
        for one in same:
            begun[one] = _Begun(start.above, (start.texts, node.text))
        joined += len(same)
        if same and len(same) == len(its):
            continue
        above = start.above
        if above is None and node.role == "assistant":
            made.append(NewMessage("user", "", None, node.time))
            above = len(made) - 1
        text = _joined((start.texts, node.text))
        room -= len(text)
        if room < 0:
            raise BadRow("its branches repeat too much of one another")
        made.append(NewMessage(node.role, text, above, node.time))
        at[place] = len(made) - 1
        for one in its:
            if nodes[one].role != node.role:
                begun[one] = _Begun(at[place])
    leaf = current
    while leaf is not None and leaf not in at:
        role = nodes[leaf].role
        leaf = next((one for one in followers.get(leaf, []) if nodes[one].role == role), None)
    return made, None if leaf is None else at[leaf], joined


def _joined(texts: _Texts) -> str:
    parts: list[str] = []
    rest: _Texts | None = texts
    while rest is not None:
        rest, text = rest
        parts.append(text)
    return "\n\n".join(reversed(parts))
