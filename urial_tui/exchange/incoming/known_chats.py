"""Which chats of a file the history has already, from an earlier import, and which of those have grown since.

A chat is known by the file that it came from, by its own id, and where it has none by its content. Data sets number
their chats, each from 0: an id counts where no other chat can have it, or where it comes from a file of the same name
again; else only with the very same content. What is there is only ever added to: messages are compared along the tree,
not by place.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from urial_tui.store.database.ids import storable
from urial_tui.store.exchange.arrivals import NewMessage, NewSession
from urial_tui.store.store import Store
from urial_tui.store.types import Message

Fate = Literal["new", "there", "grown", "differs"]
"""`differs`: a session has its id, and each of the two has messages that the other has not."""


@dataclass(frozen=True)
class Found:
    """What the history has of a chat. `known` are ids of its messages by their place in the chat, None for those that
    are missing; of `there` and `grown` only."""

    fate: Fate
    session_id: str = ""
    known: tuple[str | None, ...] = ()


class KnownChats:
    """The chats that were imported in `format_` before now; those in the bin are as gone."""

    def __init__(self, store: Store, format_: str) -> None:
        self._store = store
        self._imported = store.imported(format_)
        self._places = {_place(origin) for _, origin in self._imported}
        self._by_id: dict[str | int, list[tuple[str, str | None]]] = {}
        for session_id, origin in self._imported:
            if "id" in origin:
                self._by_id.setdefault(origin["id"], []).append((session_id, origin.get("file")))

    def find(self, chat: NewSession, *, own_id: bool = False) -> Found:
        """`own_id`: its id is such that no other chat has it."""
        if _place(chat.origin) in self._places:
            return Found("there")
        if "id" not in chat.origin:
            return Found("there" if _content(chat.messages) in self._contents else "new")
        best = Found("new")
        for session_id, file in self._by_id.get(chat.origin["id"], []):
            stored = self._store.messages(session_id)
            if not own_id and file != chat.origin.get("file"):
                if _content(_as_new(stored)) == _content(chat.messages):
                    return Found("there")
                continue
            known = _matched(stored, chat.messages)
            if None not in known:
                return Found("there", session_id, known)
            if best.fate == "grown":
                continue
            grown = len(known) - known.count(None) == len(stored)
            best = Found("grown", session_id, known) if grown else Found("differs")
        return best

    @cached_property
    def _contents(self) -> set[bytes]:
        return {
            _content(_as_new(self._store.messages(session_id))) for session_id, _ in self._imported
        }


def _place(origin: dict[str, Any]) -> str:
    """Where a chat is from, whatever the file is called today."""
    return json.dumps({k: v for k, v in origin.items() if k != "file"}, sort_keys=True)


def _matched(stored: Sequence[Message], chat: Sequence[NewMessage]) -> tuple[str | None, ...]:
    """The stored message that each one of the chat is: of the same side and text, after the same one. Of equal ones
    beside each other the first is the first."""
    followers: dict[str | None, list[Message]] = {}
    for message in stored:
        followers.setdefault(message.parent_id, []).append(message)
    known: list[str | None] = []
    for one in chat:
        above = None if one.parent is None else known[one.parent]
        beside = followers.get(above, []) if one.parent is None or above is not None else []
        text = storable(one.content)
        place = next(
            (n for n, m in enumerate(beside) if m.role == one.role and m.content == text), None
        )
        known.append(None if place is None else beside.pop(place).id)
    return tuple(known)


def _as_new(stored: Sequence[Message]) -> list[NewMessage]:
    places: dict[str, int] = {message.id: n for n, message in enumerate(stored)}
    return [NewMessage(m.role, m.content, places.get(m.parent_id or "")) for m in stored]


def _content(messages: Sequence[NewMessage]) -> bytes:
    made = hashlib.sha256()
    for one in messages:
        text = storable(one.content).encode()
        made.update(f"{one.role} {one.parent} {len(text)} ".encode() + text)
    return made.digest()
