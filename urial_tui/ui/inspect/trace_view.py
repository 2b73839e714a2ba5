"""A growing trace as the inspector draws it: what is known of each token, its class by the chosen lane, counts.

The chat screen owns one per scored answer and feeds it; the transcript and the pane read it. Counts go on from where
they were, so that an update costs what came new, at any length of the answer. Pure: no widgets, no I/O.
"""

import codecs
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from urial_tui.safetext import sanitize
from urial_tui.shift.classes import COUNTED, Class, is_near_tie, token_class
from urial_tui.shift.classes import Lane as ClassLane
from urial_tui.shift.records import ReferenceScore, TokenScore
from urial_tui.shift.summary import Summary
from urial_tui.store.types import Trace

Lane = Literal["class", "emitted", "kl", "probability", "entropy"]
LANES: tuple[Lane, ...] = ("class", "emitted", "kl", "probability", "entropy")
"""What tokens are coloured by: the class, the class of the written token, KL, the reference's probability of the
token, the generator's entropy."""

SPACE, NEWLINE, TAB = "␣", "⏎", "⇥"
_VISIBLE = str.maketrans({" ": SPACE, "\n": NEWLINE, "\t": TAB})


@dataclass
class _Count:
    """Counts of the first `seen` places, for one reference, class lane and noise."""

    seen: int = 0
    counts: dict[Class, int] = field(
        default_factory=lambda: dict.fromkeys((*COUNTED, "control"), 0)
    )
    near: dict[Class, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    total_kl: float = 0.0
    n_kl: int = 0
    unscored: int = 0


class TraceView:
    """A trace against one of its references, which `reference` chooses. Token indices are those of the message."""

    def __init__(self, trace: Trace, *, running: bool = False) -> None:
        self.reference = 0
        self.lane: Lane = "class"
        self.pieces: dict[int, bytes] = {}
        self._labels: dict[int, str] = {}
        self._scores: list[TokenScore | None] = []
        self._counts: dict[tuple[int, ClassLane, float | None], _Count] = {}
        self._errors: dict[int, str] = {}
        self.revision = 0
        """Goes up when scores that were there are others now; added ones leave it as it is."""
        self.set_trace(trace, running=running)

    # --- what comes in ----------------------------------------------------------------------

    def set_trace(self, trace: Trace, *, running: bool = False) -> None:
        """Another state of the trace, its scores and pieces included: as it began, or as it is stored."""
        self.trace = trace
        self.running = running
        """Whether more scores will come."""
        self._scores = []
        self.revision += 1
        self._counts.clear()
        self._errors.clear()
        if self.reference >= len(trace.start.references):
            self.reference = 0
        self.add(trace.scores, trace.pieces)

    def add(self, scores: Sequence[TokenScore], pieces: dict[int, bytes]) -> list[int]:
        """More scores; the indices of their tokens."""
        for id_, piece in pieces.items():
            if self.pieces.get(id_) != piece:
                self.pieces[id_] = piece
                self._labels.pop(id_, None)
        for score in scores:
            if score.i < len(self._scores):
                self.revision += 1
                if self._scores[score.i] is not None or self._is_counted(score.i):
                    self._counts.clear()  # a place that was counted is another one now
            else:
                self._scores.extend([None] * (score.i + 1 - len(self._scores)))
            self._scores[score.i] = score
        return [score.i for score in scores]

    def _is_counted(self, i: int) -> bool:
        return any(count.seen > i for count in self._counts.values())

    def end(self) -> None:
        """No more scores come."""
        self.running = False

    def fail(self, message: str, reference: int = -1) -> None:
        """Scores of a reference are missing from here on, and why. -1: of all of them."""
        self._errors[reference] = message

    # --- the whole --------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """One more than the last scored token's index."""
        return len(self._scores)

    @property
    def scores(self) -> list[TokenScore]:
        """The scores so far, in order."""
        return [score for score in self._scores if score is not None]

    @property
    def reference_side(self) -> str:
        """The chosen reference in SIDE notation, "" without one."""
        references = self.trace.start.references
        return references[self.reference].side if self.reference < len(references) else ""

    @property
    def generator_side(self) -> str:
        """The generator in SIDE notation, "" for a text scored without one."""
        generator = self.trace.start.generator
        return generator.side if generator is not None else ""

    @property
    def noise(self) -> float | None:
        """The measured noise of the chosen reference in nats, None when it was not measured."""
        references = self.trace.start.references
        return references[self.reference].noise if self.reference < len(references) else None

    @property
    def error(self) -> str:
        """Why scores of the chosen reference are missing, raw; "" when nothing failed."""
        references = self.trace.start.references
        stored = references[self.reference].error if self.reference < len(references) else ""
        return self._errors.get(self.reference) or self._errors.get(-1) or stored

    @property
    def class_lane(self) -> ClassLane:
        """The lane that classes are told by: graded lanes count by `class`."""
        return "emitted" if self.lane == "emitted" else "class"

    def summary(self) -> Summary:
        """Counts of all scores so far against the chosen reference, by the chosen class lane."""
        count = self._counted()
        return Summary(
            counts=dict(count.counts),
            near_ties=None if self.noise is None else dict(count.near),
            mean_kl=count.total_kl / count.n_kl if count.n_kl else None,
            unscored=count.unscored,
        )

    def _counted(self) -> _Count:
        key = (self.reference, self.class_lane, self.noise)
        count = self._counts.setdefault(key, _Count())
        while count.seen < len(self._scores):
            token = self._scores[count.seen]
            if token is not None:
                self._count(count, token)
            count.seen += 1
        return count

    def _count(self, count: _Count, token: TokenScore) -> None:
        name = token_class(token, self.reference, self.class_lane)
        if name is None:
            count.unscored += token.counted
        elif name == "control" or token.cut:
            count.counts["control"] += token.control
        else:
            count.counts[name] += 1
            score = token.references[self.reference]
            assert score is not None
            if is_near_tie(score, self.noise, self.class_lane):
                count.near[name] += 1
            if score.kl is not None:
                count.total_kl += score.kl
                count.n_kl += 1

    # --- one token --------------------------------------------------------------------------

    def score(self, i: int) -> TokenScore | None:
        return self._scores[i] if 0 <= i < len(self._scores) else None

    def reference_score(self, i: int) -> ReferenceScore | None:
        """What the chosen reference says of a token."""
        token = self.score(i)
        if token is None or self.reference >= len(token.references):
            return None
        return token.references[self.reference]

    def class_of(self, i: int) -> Class | None:
        """By the class lane; None where there is no score."""
        token = self.score(i)
        return None if token is None else token_class(token, self.reference, self.class_lane)

    def near_tie(self, i: int) -> bool | None:
        """None where there is no score, or the noise was not measured."""
        score = self.reference_score(i)
        return None if score is None else is_near_tie(score, self.noise, self.class_lane)

    def next_of(self, i: int, wanted: Class | Collection[Class], step: int) -> int | None:
        """The next token of that class or classes after `i`, before it with a negative step; from -1 on, the first."""
        classes = {wanted} if isinstance(wanted, str) else set(wanted)
        place = i + step
        while 0 <= place < len(self._scores):
            if self.class_of(place) in classes:
                return place
            place += step
        return None

    # --- texts ------------------------------------------------------------------------------

    def piece(self, id_: int) -> bytes:
        """The bytes of a token id, empty when they are not known."""
        return self.pieces.get(id_, b"")

    def label(self, id_: int) -> str:
        """A token id as one safe line: spaces, newlines and tabs visible, bytes that are no whole character as hex."""
        label = self._labels.get(id_)
        if label is None:
            label = self._labels[id_] = piece_label(self.piece(id_)) or f"#{id_}"
        return label

    def texts(self) -> list[str]:
        """For each place, the text that became readable with its token: "" for control tokens, for places without
        a score, and where a character is not complete yet."""
        return readable_texts(
            [
                b"" if token is None or token.control else self.piece(token.id)
                for token in self._scores
            ]
        )


def piece_label(piece: bytes) -> str:
    """See `TraceView.label`; "" for no bytes."""
    out: list[str] = []
    while piece:
        try:
            out.append(_visible(piece.decode()))
            break
        except UnicodeDecodeError as error:
            out.append(_visible(piece[: error.start].decode()))
            # All the odd bytes up to the next whole character, as one group.
            end = error.end
            while end < len(piece) and _is_odd(piece[end:]):
                end += 1
            out.append(f"⟨{piece[error.start : end].hex(' ').upper()}⟩")
            piece = piece[end:]
    return "".join(out)


def _visible(text: str) -> str:
    return sanitize(text.translate(_VISIBLE))


def _is_odd(piece: bytes) -> bool:
    """Whether these bytes do not begin with a whole character."""
    try:
        piece.decode()
    except UnicodeDecodeError as error:
        return error.start == 0
    return False


def readable_texts(pieces: Sequence[bytes]) -> list[str]:
    """For each piece, the text that becomes readable with it when they are read in order."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    texts = [decoder.decode(piece) for piece in pieces]
    if texts and (rest := decoder.decode(b"", final=True)):
        texts[-1] += rest
    return texts
