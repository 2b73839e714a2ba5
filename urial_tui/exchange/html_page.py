"""Conversations as one self-contained page: every answer with its tokens by class, as `shift --html` shows them.

Items are the answers, with what the user asked; those without scores are text. The page is written while the history is
read. A browser has to hold all of it, so only so many scored tokens are told in detail: later answers are text too.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from urial_tui.chat.shift_result import ShiftResult
from urial_tui.exchange.conversations import chosen, messages_of, provenance
from urial_tui.exchange.exports import Document, Export, Names, Wanted
from urial_tui.exchange.pages import sanitized, script_json
from urial_tui.exchange.shift_json import item_of
from urial_tui.exchange.shift_page import add_pieces, around_data, item_data
from urial_tui.exchange.sources import Source, side_of
from urial_tui.prompts.types import Turn
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.shift.records import TokenScore
from urial_tui.store.store import Store
from urial_tui.store.types import Message, Session, Trace

MAX_TOKENS: Final = 50_000
"""Scored tokens on a page: about 50 MB with lists of ten for two sides."""
_KIND: Final = "conversations"


def export(source: Source, wanted: Wanted) -> Export:
    """Raises ExchangeError: `no-side`, `nothing`."""
    ids = chosen(source, wanted)
    name = Names().make(source.name, extension=".html")
    document = Document(name, _Page(source, wanted, ids), None, {"kind": "page"}, unit="answer")
    notes = []
    if _scored_tokens(source.store, ids, wanted) > MAX_TOKENS:
        notes.append(_too_many())
    return Export((document,), tuple(notes))


def _too_many() -> str:
    return f"more than {MAX_TOKENS:,} scored tokens: later answers are on the page as text alone"


def _scored_tokens(store: Store, ids: Sequence[str], wanted: Wanted) -> int:
    """How many there are, counted up to the limit."""
    total = 0
    for id_ in ids:
        answers = [m.id for m in messages_of(store, store.session(id_), wanted)]
        for message_id in store.has_trace(answers):
            total += max((info.n_scores for info in store.traces_of(message_id)), default=0)
        if total > MAX_TOKENS:
            break
    return total


class _Page:
    """The page's parts: its head with the first item, the other items, each with what stands before it, and its end."""

    def __init__(self, source: Source, wanted: Wanted, ids: Sequence[str]) -> None:
        self._source, self._wanted, self._ids = source, wanted, ids

    def __iter__(self) -> Iterator[bytes]:
        before, after = around_data(_KIND, self._source.name, self._source.name)
        pieces: dict[str, dict[str, str]] = {}
        held = before + '{"items":['
        told = 0
        first = True
        for session, question, answer in self._answers():
            item, n = self._item(session, question, answer, pieces, MAX_TOKENS - told)
            told += n
            if not first:
                yield held.encode()
                held = ","
            held += script_json(item)
            first = False
        rest = {
            "pieces": pieces,
            "summary": None,
            "complete": True,
            "notes": [_too_many()] if told >= MAX_TOKENS else [],
            "provenance": {},
        }
        yield (held + "]," + script_json(rest)[1:] + after).encode()

    def _answers(self) -> Iterator[tuple[Session, Message | None, Message]]:
        store = self._source.store
        for id_ in self._ids:
            session = store.session(id_)
            messages = {m.id: m for m in messages_of(store, session, self._wanted)}
            for message in messages.values():
                if message.role == "assistant":
                    yield session, messages.get(message.parent_id or ""), message

    def _item(
        self,
        session: Session,
        question: Message | None,
        answer: Message,
        pieces: dict[str, dict[str, str]],
        left: int,
    ) -> tuple[dict[str, Any], int]:
        """What the page's script reads, and how many scored tokens are in it."""
        store = self._source.store
        asked = question.content if question is not None else ""
        generation = store.generation_of(answer.id)
        title = f"{session.title or 'Conversation'}: {asked}"
        trace = store.trace_of(answer.id) if left > 0 else None
        status = "" if answer.status == "complete" else f" ({answer.status})"
        made: dict[str, Any]
        n = 0
        if trace is not None and len(trace.scores) <= left:
            item = item_of(0, _result(store, answer, trace, asked), {})
            item.record["path"] = trace.start.path
            n = len(trace.scores)
            add_pieces(pieces, item)
            made = item_data(item, 0) | {"before": sanitize(answer.prefill)}
            about = item.record["provenance"]
        else:
            made = {
                "query": sanitize(asked),
                "tokens": [],
                "text": sanitize(answer.content),
                "generator": {"side": sanitize_line(side_of(store, answer, session))},
                "references": [],
                "path": None,
                "vocabulary": "",
            }
            about = {}
        made["title"] = sanitize_line(title, 60 - len(status)) + status
        told: dict[str, Any] = {
            "session": session.id,
            "message": answer.id,
            "created_at": answer.created_at,
        }
        if generation is not None:
            told["answer"] = provenance(generation)
        made["provenance"] = sanitized(told | ({"scores": about} if about else {}))
        return made, n


def _result(store: Store, answer: Message, trace: Trace, asked: str) -> ShiftResult:
    """A stored trace as the comparison that it was. Tokens after its last score have none."""
    tokens = store.tokens(answer.id)
    scores = {score.i: score for score in trace.scores}
    n = len(trace.start.references)
    for token in tokens:
        unscored = TokenScore(token.i, token.token_id, None, (None,) * n, token.control, token.cut)
        scores.setdefault(token.i, unscored)
    raw = {token.i: token.raw for token in tokens}
    order = sorted(scores)
    generator = trace.start.generator
    return ShiftResult(
        query=(Turn("user", asked),),
        raw=tuple(raw.get(i, trace.pieces.get(scores[i].id, b"")) for i in order),
        scores=tuple(scores[i] for i in order),
        pieces=trace.pieces,
        visible=next((token.visible for token in tokens if token.cut), 0),
        generator=generator,
        references=trace.start.references,
        warnings=tuple((side.error,) if side.error else () for side in trace.start.references),
        errors=(None,) * n,
        finish_reason="",
        top_k=trace.start.top_k,
        vocabulary=trace.start.vocabulary,
        n_common=(trace.start.n_common,) * n,
        timings={},
        sampling=None,
        versions=trace.start.versions,
    )
