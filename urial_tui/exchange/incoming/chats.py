"""Conversations of other programs as sessions: ShareGPT's lists of turns, messages with roles, ChatGPT's export trees.

A conversation here alternates between user and assistant: texts of one side that follow one another are joined by a
blank line, a system text is kept beside the session, what is no text (tools, images) is left out, and counted.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from urial_tui.exchange.incoming import chat_trees
from urial_tui.exchange.incoming.chat_trees import Node
from urial_tui.exchange.incoming.known_chats import Found, KnownChats
from urial_tui.exchange.incoming.reading import bad_rows
from urial_tui.exchange.incoming.runs import each
from urial_tui.exchange.incoming.types import (
    Importer,
    Loaded,
    Options,
    Row,
    Tally,
    Write,
)
from urial_tui.runs.json_rows import BadRow
from urial_tui.safetext import sanitize_line
from urial_tui.store.exchange.arrivals import NewSession
from urial_tui.store.store import Store
from urial_tui.store.types import Role

FORMAT: Final = "chat"
_ROLES: Final[dict[str, Role]] = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "bard": "assistant",
    "bing": "assistant",
}
_LISTS: Final = ("conversations", "conversation", "messages", "items")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_OTHER: Final = frozenset(
    ("system", "developer", "tool", "function", "function_call", "function_response", "observation")
)


@dataclass
class _Left:
    """What a conversation lost on the way."""

    joined: int = 0
    others: int = 0


@dataclass(frozen=True)
class _Talk:
    """`own_id`: its id is one that no other chat has."""

    session: NewSession
    left: _Left = field(default_factory=_Left)
    own_id: bool = False


def recognises(loaded: Loaded) -> bool:
    keys = loaded.keys()
    if "mapping" in keys or _is_turn(keys):
        return True
    return any(isinstance(loaded.rows[0].value.get(name), list) for name in _LISTS if name in keys)


def make(loaded: Loaded, options: Options) -> Write:
    if _is_turn(loaded.keys()):  # the whole file is one conversation
        whole = Row("the file", {"messages": [row.value for row in loaded.rows]})
        loaded = Loaded(loaded.path, loaded.data, loaded.text, (whole,))
    talks = each(loaded, lambda row: _talk(row, loaded))
    if not any(talk.session.messages for talk in talks):
        first = loaded.rows[0].where
        raise bad_rows(loaded.path, [f"{first}: it has no text of user or assistant"])

    def write(store: Store, tally: Tally) -> None:
        known = None if options.as_new else KnownChats(store, FORMAT)
        differ = 0
        for talk in talks:
            if not talk.session.messages:
                tally.empty += 1
                continue
            found = (
                known.find(talk.session, own_id=talk.own_id) if known is not None else Found("new")
            )
            if found.fate == "there":
                tally.there += 1
            elif found.fate == "grown":
                store.extend_conversation(found.session_id, talk.session, found.known)
                tally.grown.append(found.session_id)
            else:
                differ += found.fate == "differs"
                tally.sessions.append(store.add_conversation(talk.session)[0])
        _tell(talks, tally, differ)

    return write


IMPORTER: Final = Importer("conversations of ShareGPT, ChatGPT and the like", recognises, make)


def _is_turn(keys: set[str]) -> bool:
    return keys >= {"role", "content"} or keys >= {"from", "value"}


def _tell(talks: list[_Talk], tally: Tally, differ: int) -> None:
    tally.tell(
        tally.empty, "1 chat without messages left out", "{} chats without messages left out"
    )
    tally.tell(
        len(tally.grown),
        "1 chat has grown: its new messages were added to its session",
        "{} chats have grown: their new messages were added to their sessions",
    )
    tally.tell(
        differ,
        "1 chat is not what the session of its id holds: it became a session of its own",
        "{} chats are not what the sessions of their ids hold: they became sessions of their own",
    )
    joined = sum(talk.left.joined for talk in talks)
    others = sum(talk.left.others for talk in talks)
    tally.tell(
        joined,
        "1 message joined the one before it, which is of the same side",
        "{} messages joined the ones before them, which are of the same side",
    )
    tally.tell(
        others,
        "1 message that is no text of user or assistant is left out",
        "{} messages that are no text of user or assistant are left out",
    )


def _talk(row: Row, loaded: Loaded) -> _Talk:
    value, left = row.value, _Left()
    system: list[str] = []
    nodes = (
        _of_mapping(value, system, left) if "mapping" in value else _of_list(value, system, left)
    )
    messages, leaf, joined = chat_trees.alternating(nodes, _current(value, nodes))
    left.joined = joined
    origin: dict[str, Any] = {
        "format": FORMAT,
        "file": loaded.path.name,
        "sha256": loaded.sha256,
        "place": row.where,
    }
    if system:
        origin["system"] = "\n\n".join(system)
    for key in ("id", "conversation_id"):
        found = value.get(key)
        if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
            origin["id"] = found
            break
    own_id = "id" in origin and (
        origin["id"] == value.get("conversation_id") or bool(_UUID.fullmatch(str(origin["id"])))
    )
    title = value.get("title")
    return _Talk(
        NewSession(
            tuple(messages),
            side=_side(value),
            title=title if isinstance(title, str) else "",
            leaf=leaf,
            origin=origin,
        ),
        left,
        own_id,
    )


def _side(value: dict[str, Any]) -> str:
    """Who answered, where the row says it."""
    for key in ("default_model_slug", "model", "model_slug"):
        found = value.get(key)
        if isinstance(found, str) and found.strip():
            return sanitize_line(found, 200)
    return "imported"


# --- lists of turns


def _of_list(value: dict[str, Any], system: list[str], left: _Left) -> list[Node]:
    lists = [value[name] for name in _LISTS if isinstance(value.get(name), list)]
    if not lists and not any(name in value and value[name] is None for name in _LISTS):
        raise BadRow(f"it has none of the lists {', '.join(_LISTS)}")
    turns: list[Any] = lists[0] if lists else []
    nodes: list[Node] = []
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, dict):
            raise BadRow(f"its message {number} is not an object")
        who, text = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
        if not isinstance(who, str):
            raise BadRow(f"its message {number} does not say whose it is")
        role = _ROLES.get(who.lower())
        said = _text(text)
        if role is None and who.lower() not in _OTHER:
            raise BadRow(f"its message {number} is of {who[:40]!r}, which is no known role")
        if role is None or said is None:
            _leave(who, said, system, left)
            continue
        nodes.append(Node(role, said, len(nodes) - 1 if nodes else None))
    return nodes


def _leave(who: str, said: str | None, system: list[str], left: _Left) -> None:
    if who.lower() in ("system", "developer") and said is not None:
        if said.strip():
            system.append(said)
    else:
        left.others += 1


def _text(value: Any) -> str | None:
    """A text, or the texts of a list of parts; None where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in value]
        texts = [part for part in parts if isinstance(part, str)]
        return "\n\n".join(texts) if texts else None
    return None


# --- ChatGPT's trees


def _of_mapping(value: dict[str, Any], system: list[str], left: _Left) -> list[Node]:
    """The nodes in an order in which parents come first. Raises BadRow for a tree that is none."""
    mapping = value["mapping"]
    if not isinstance(mapping, dict):
        raise BadRow("its `mapping` is not an object")
    nodes: list[Node] = []
    places: dict[str, int | None] = {}
    for key in chat_trees.in_order(mapping):
        entry = mapping[key]
        above = places.get(entry.get("parent") or "")
        message = entry.get("message")
        node = _node(message, key, above, system, left) if isinstance(message, dict) else None
        if node is None:
            places[key] = above
        else:
            places[key] = len(nodes)
            nodes.append(node)
    return nodes


def _node(
    message: dict[str, Any], key: str, above: int | None, system: list[str], left: _Left
) -> Node | None:
    author, content = message.get("author"), message.get("content")
    who = author.get("role") if isinstance(author, dict) else None
    said = _text(content.get("parts")) if isinstance(content, dict) else None
    plain = isinstance(content, dict) and content.get("content_type") in ("text", "multimodal_text")
    role = _ROLES.get(who.lower()) if isinstance(who, str) else None
    if role is None or said is None or not plain or not said.strip():
        if said is None or said.strip():  # an empty one, as each tree begins with, is no loss
            _leave(str(who), said if plain else None, system, left)
        return None
    return Node(role, said, above, key, _time(message.get("create_time")))


def _time(value: Any) -> str:
    """Seconds of the Unix epoch as a stored time; empty where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        found = datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _current(value: dict[str, Any], nodes: list[Node]) -> int | None:
    """The place of the message that was last on screen, where the export says it."""
    mapping, key = value.get("mapping"), value.get("current_node")
    if not isinstance(mapping, dict) or not isinstance(key, str):
        return None
    places = {node.key: place for place, node in enumerate(nodes)}
    seen: set[str] = set()
    while isinstance(key, str) and key in mapping and key not in seen:
        if key in places:
            return places[key]
        seen.add(key)
        entry = mapping[key]
        key = entry.get("parent") if isinstance(entry, dict) else None
    return None
