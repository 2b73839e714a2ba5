"""The classes that SQL counts are those of `shift`: in the view, in the totals of a session and of all answers."""

from collections import defaultdict
from dataclasses import dataclass, replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.store_traces import GENERATOR, PACK, RAW, START, reference_score
from urial_tui.shift.classes import is_near_tie, reference_class, token_class
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.shift.summary import summarise
from urial_tui.store.store import Store
from urial_tui.store.types import ShiftTotals, TraceStart

RANK = st.integers(1, 6)
NUMBER = st.floats(0, 20)
REFERENCE = st.builds(
    ReferenceScore,
    logprob=st.floats(-50, 0) | st.just(-inf),
    entropy=NUMBER,
    rank=RANK,
    emitted_margin=NUMBER,
    argmax_rank=RANK | st.none(),
    margin=NUMBER | st.none(),
    kl=NUMBER | st.none() | st.just(inf),
    top=st.just(((1, -0.5),)),
)
SCORES = st.lists(
    st.builds(
        TokenScore,
        i=st.just(0),
        id=st.integers(0, 5),
        generator=st.none()
        | st.builds(GeneratorScore, NUMBER, NUMBER, RANK, st.just(((1, -1.0),))),
        references=st.tuples(REFERENCE | st.none(), REFERENCE | st.none()),
        control=st.booleans(),
        cut=st.booleans(),
    ),
    max_size=8,
).map(lambda tokens: tuple(replace_i(token, i) for i, token in enumerate(tokens)))
NOISE = st.none() | st.floats(0, 10)


def replace_i(token: TokenScore, i: int) -> TokenScore:
    return TokenScore(i, token.id, token.generator, token.references, token.control, token.cut)


STARTS: tuple[TraceStart, ...] = (
    START,
    replace(START, references=(RAW, PACK)),
    replace(START, path="live"),
    replace(START, generator=None),
    replace(START, references=(PACK, PACK)),
)


@dataclass
class Answer:
    session: int
    traces: list[tuple[TraceStart, tuple[TokenScore, ...]]]


ANSWERS = st.lists(
    st.builds(
        Answer,
        session=st.integers(0, 1),
        traces=st.lists(st.tuples(st.sampled_from(STARTS), SCORES), max_size=3),
    ),
    max_size=5,
)


def expected(answers: list[Answer]) -> list[ShiftTotals]:
    """The totals by `shift.summary`, over the newest trace with scores of each answer."""
    tokens: dict[tuple[str | None, str, str], list[tuple[TokenScore, int]]] = defaultdict(list)
    scored_by: dict[tuple[str | None, str, str], set[int]] = defaultdict(set)
    for number, answer in enumerate(answers):
        with_scores = [trace for trace in answer.traces if trace[1]]
        if not with_scores:
            continue
        start, scores = with_scores[-1]
        for at, side in enumerate(start.references):
            if all(token.references[at] is None for token in scores):
                continue
            generator = start.generator.side if start.generator else None
            key = (generator, side.side, start.path)
            scored_by[key].add(number)
            tokens[key] += [(token, at) for token in scores]
    totals = []
    for key in sorted(tokens, key=lambda k: (k[0] or "", *k[1:])):
        pooled = [
            TokenScore(t.i, t.id, t.generator, (t.references[at],), t.control, t.cut)
            for t, at in tokens[key]
        ]
        summary = summarise(pooled)
        totals.append(
            ShiftTotals(
                *key,  # type: ignore[arg-type]
                answers=len(scored_by[key]),
                unshifted=summary.counts["unshifted"],
                marginal=summary.counts["marginal"],
                shifted=summary.counts["shifted"],
                control=summary.counts["control"],
                mean_kl=None if summary.mean_kl is None else pytest.approx(summary.mean_kl),
            )
        )
    return totals


@settings(max_examples=80, deadline=None)
@given(answers=ANSWERS)
def test_totals_are_those_of_the_summary(answers: list[Answer]) -> None:
    with Store.in_memory() as store:
        sessions = [store.create_session("demo").id for _ in range(2)]
        for answer in answers:
            message = store.begin_answer(sessions[answer.session], None)
            for start, scores in answer.traces:
                store.append_scores(store.begin_trace(message.id, start), scores, {})
        assert store.shift_totals() == expected(answers)
        for number, session in enumerate(sessions):
            assert store.shift_totals(session) == expected(
                [answer for answer in answers if answer.session == number]
            )
        assert store.check() == []


def test_there_are_no_totals_of_nothing() -> None:
    with Store.in_memory() as store:
        assert store.shift_totals() == []
        assert store.shift_totals("nobody") == []


@settings(max_examples=80, deadline=None)
@given(scores=SCORES, noise=st.tuples(NOISE, NOISE))
def test_the_view_says_what_the_classes_say(
    scores: tuple[TokenScore, ...], noise: tuple[float | None, float | None]
) -> None:
    pieces = {1: b"one", 2: b"\xff"}
    with Store.in_memory() as store:
        message = store.begin_answer(store.create_session("demo").id, None).id
        start = replace(
            START, references=(replace(PACK, noise=noise[0]), replace(RAW, noise=noise[1]))
        )
        trace = store.begin_trace(message, start)
        store.append_scores(trace, scores, pieces)
        rows = store._db.rows("SELECT * FROM token_shift ORDER BY reference_number, i")
        assert len(rows) == 2 * len(scores)
        for row, (token, at) in zip(
            rows, [(token, at) for at in range(2) for token in scores], strict=True
        ):
            score = token.references[at]
            near = None if score is None else is_near_tie(score, noise[at])
            assert row == {
                "message_id": message,
                "trace_id": trace,
                "path": "canonical",
                "generator": GENERATOR.side,
                "reference_number": at,
                "reference": (PACK, RAW)[at].side,
                "i": token.i,
                "token_id": token.id,
                "raw": pieces.get(token.id),
                "control": token.control,
                "cut": token.cut,
                "class": token_class(token, at),
                "emitted_class": token_class(token, at, "emitted"),
                "near_tie": near,
                "kl": score and score.kl,
                "generator_logprob": token.generator and token.generator.logprob,
                "reference_logprob": score and score.logprob,
                "generator_entropy": token.generator and token.generator.entropy,
                "reference_entropy": score and score.entropy,
                "generator_rank": token.generator and token.generator.rank,
                "reference_rank": score and score.rank,
                "argmax_rank": score and score.argmax_rank,
            }


@pytest.mark.parametrize("rank", range(1, 7))
def test_each_rank_has_the_same_class_in_the_view(rank: int) -> None:
    with Store.in_memory() as store:
        message = store.begin_answer(store.create_session("demo").id, None).id
        score = reference_score(7 - rank, rank)
        trace = store.begin_trace(message, START)
        store.append_scores(trace, [TokenScore(0, 1, None, (score,))], {})
        row = store._db.row("SELECT class, emitted_class FROM token_shift")
        assert row == {
            "class": reference_class(score),
            "emitted_class": reference_class(score, "emitted"),
        }
