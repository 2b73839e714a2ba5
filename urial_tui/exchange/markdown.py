"""A conversation as a readable transcript in Markdown, with where its answers came from at its head.

What would be invisible, or would act on a terminal, is shown as by the program itself; the lossless form is jsonl.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from urial_tui import __version__
from urial_tui.exchange.conversations import chosen, messages_of, provenance
from urial_tui.exchange.exports import Document, Export, Names, Wanted
from urial_tui.exchange.sources import Source
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.store.store import Store
from urial_tui.store.types import Generation, Message, Session

_WHO = {"user": "You", "assistant": "Answer"}
_LIKE_OURS = re.compile(
    rf"^( {{0,3}})(##[ \t]+(?:\d+\.[ \t]+)?(?:{'|'.join(_WHO.values())})\b)", re.MULTILINE
)
"""A line of a message that would be taken for the heading of another one."""


def export(source: Source, wanted: Wanted) -> Export:
    """A file a conversation. Raises ExchangeError: `no-side`, `nothing`."""
    names = Names()
    documents = []
    for id_ in chosen(source, wanted):
        session = source.store.session(id_)
        name = names.make(session.title or "conversation", extension=".md")
        about = {"kind": "transcript", "session": id_}
        content = _Transcript(source.store, session, wanted)
        documents.append(Document(name, content, None, about, unit="message", unlisted=1))
    return Export(tuple(documents))


class _Transcript:
    """A conversation's text, its head and then a part a message, read while it is written: a history may not fit into
    memory."""

    def __init__(self, store: Store, session: Session, wanted: Wanted) -> None:
        self._store, self._session, self._wanted = store, session, wanted

    def __iter__(self) -> Iterator[bytes]:
        messages = messages_of(self._store, self._session, self._wanted)
        generations = {
            message.id: found
            for message in messages
            if message.role == "assistant"
            and (found := self._store.generation_of(message.id)) is not None
        }
        title = sanitize_line(self._session.title, 200) or "Conversation"
        head = _front_matter(self._session, list(generations.values())) + f"\n# {title}\n"
        numbers = {message.id: n for n, message in enumerate(messages, 1)}
        yield head.encode()
        for message in messages:
            heading = _heading(message, generations.get(message.id), self._session)
            if self._wanted.all_branches:
                after = numbers.get(message.parent_id or "", 0)
                heading = f"{numbers[message.id]}. {heading}, after {after or 'the start'}"
            text = _LIKE_OURS.sub(r"\1\\\2", sanitize(message.content))
            error = f"\n\n*{sanitize_line(message.error, 500)}*" if message.error else ""
            yield f"\n## {heading}\n\n{text}{error}\n".encode()


def _heading(message: Message, generation: Generation | None, session: Session) -> str:
    words = _WHO[message.role]
    if generation is not None and generation.start.side != session.side:
        words += f" of {sanitize_line(generation.start.side, 200)}"
    return words + (f" ({message.status})" if message.status != "complete" else "")


def _front_matter(session: Session, generations: Sequence[Generation]) -> str:
    """YAML of which each value is JSON."""
    fields: dict[str, Any] = {
        "title": session.title,
        "session": session.id,
        "side": session.side,
        "created": session.created_at,
        "updated": session.updated_at,
    }
    if session.run_id is not None:
        fields["run"] = session.run_id
    if session.tags:
        fields["tags"] = list(session.tags)
    if session.origin:
        fields["origin"] = session.origin
    made: dict[str, dict[str, Any]] = {}
    for generation in generations:
        of = provenance(generation)
        seed = of.pop("seed", None)
        its = made.setdefault(json.dumps(of, sort_keys=True), of)
        if seed is not None and seed not in its.setdefault("seeds", []):
            its["seeds"].append(seed)
    fields["answers"] = list(made.values())
    fields["exported_by"] = f"urial-tui {__version__}"
    lines = [
        f"{key}: {json.dumps(_shown(value), ensure_ascii=False)}" for key, value in fields.items()
    ]
    return "\n".join(["---", *lines, "---", ""])


def _shown(value: Any) -> Any:
    """A JSON value with its texts, keys too, safe to show."""
    if isinstance(value, dict):
        return {sanitize_line(str(key)): _shown(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(entry) for entry in value]
    return sanitize(value, keep_newlines=False) if isinstance(value, str) else value
