"""The texts that are judged, fenced: each stands between two lines that carry a code which occurs in none of them.

Whoever wrote an answer may have written anything into it: a score, a fence of its own, orders to the judge. It cannot
write the code, because the code follows from a hash of the texts and is chosen anew while it occurs in them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from urial_tui.prompts.types import Span, Turn

CODE_CHARS = 12

QUERY, ANSWER, EARLIER, A, B = "query", "answer", "earlier", "a", "b"
"""What a piece is, and what `shortened` names."""


@dataclass(frozen=True)
class Piece:
    """One text to judge, or to judge by. `kind` is one of the words above, `title` is on its fence. `shown` characters
    of `text` go into the prompt, from the head; None: all."""

    kind: str
    title: str
    text: str
    shown: int | None = None

    @property
    def visible(self) -> str:
        return self.text if self.shown is None else self.text[: self.shown]

    @property
    def left_out(self) -> int:
        return len(self.text) - len(self.visible)

    def cut(self, shown: int) -> "Piece":
        """The same with at most `shown` characters."""
        return self if shown >= len(self.text) else replace(self, shown=max(0, shown))


def conversation(turns: Sequence[Turn], answer: str = ANSWER, of: str = "") -> list[Piece]:
    """The pieces of a conversation that ends with the answer to judge; what comes before the last query is earlier.

    `answer` is the last piece's kind; `of` names the conversation where there are two ("A").
    """
    *before, query, last = turns
    behind = f" in conversation {of}" if of else ""
    pieces = [
        Piece(
            EARLIER,
            f"earlier {'message of the user' if turn.role == 'user' else 'answer'} {n // 2 + 1}"
            + behind,
            turn.text,
        )
        for n, turn in enumerate(before)
    ]
    title = f"answer {of}" if of else "answer of the assistant"
    return [
        *pieces,
        Piece(QUERY, ("last " if before else "") + "message of the user" + behind, query.text),
        Piece(answer, title, last.text),
    ]


def code_of(pieces: Sequence[Piece]) -> str:
    """The code of these texts: always the same for the same texts, in none of them, whatever their case."""
    texts = [piece.text for piece in pieces]
    folded = [text.casefold() for text in texts]
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    while any(digest.hexdigest()[:CODE_CHARS] in text for text in folded):
        digest.update(b"again")
    return digest.hexdigest()[:CODE_CHARS]


def fenced(pieces: Sequence[Piece], code: str) -> tuple[Span, ...]:
    """The material as spans: fences are scaffold, texts are what somebody wrote (their special tokens stay text)."""
    spans = [Span(f"The code of the fences here is {code}.\n")]
    for piece in pieces:
        spans.append(Span(f"\n=== {code} begin: {piece.title} ===\n"))
        note = f"\n[... {piece.left_out} characters left out ...]" if piece.left_out else ""
        if piece.visible or note:
            spans.append(Span(piece.visible + note, user=True))
        spans.append(Span(f"\n=== {code} end: {piece.title} ===\n"))
    return tuple(spans)


def shortened(pieces: Sequence[Piece]) -> dict[str, tuple[int, int]]:
    """(characters shown, characters in all) of each kind of piece that does not stand whole."""
    found: dict[str, tuple[int, int]] = {}
    for kind in {piece.kind for piece in pieces if piece.left_out}:
        same = [piece for piece in pieces if piece.kind == kind]
        found[kind] = (sum(len(p.visible) for p in same), sum(len(p.text) for p in same))
    return dict(sorted(found.items()))
