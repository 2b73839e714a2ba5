"""The classes that SQL counts are those of `shift`: in the view, in the totals of a session and of all answers."""

from collections import defaultdict
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

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


def rows(store: Store) -> list[dict[str, object]]:
    return store._db.rows("SELECT * FROM shift_total ORDER BY side_seq")


def begin(store: Store) -> str:
    """The trace of an answer, with the scores of five tokens and none that ends it."""
    message = store.begin_answer(store.create_session("demo").id, None)
    trace = store.begin_trace(message.id, START)
    store.append_scores(trace, FIVE, {})
    return trace


FIVE = tuple(
    TokenScore(i, 1, None, (reference_score(1, rank), None), control=i == 4)
    for i, rank in enumerate((1, 3, 4, 9, 1))
)


@settings(max_examples=60, deadline=None)
@given(answers=ANSWERS)
def test_a_trace_that_has_ended_is_counted_once_and_to_the_same_numbers(
    answers: list[Answer],
) -> None:
    with Store.in_memory() as store:
        sessions = [store.create_session("demo").id for _ in range(2)]
        traces = []
        for answer in answers:
            message = store.begin_answer(sessions[answer.session], None)
            for start, scores in answer.traces:
                traces.append(store.begin_trace(message.id, start))
                store.append_scores(traces[-1], scores, {})
        live = store.shift_totals()
        for trace in traces[::2]:
            store.finish_trace(trace, complete=False, timings={})
        assert store.shift_totals() == live == expected(answers)
        for trace in traces[1::2]:
            store.finish_trace(trace, complete=False, timings={})
        with_scores = sum(any(scores for _, scores in answer.traces) for answer in answers)
        assert len(rows(store)) == 2 * with_scores, "of the trace that counts alone"
        store._db.execute("UPDATE reference_token SET rank = 9, argmax_rank = 9")
        assert store.shift_totals() == live, "tokens are not looked at again"


def test_a_complete_trace_counts_in_place_of_a_newer_one_that_is_not() -> None:
    with Store.in_memory() as store:
        first = begin(store)
        store.finish_trace(first, complete=True, timings={})
        (whole,) = store.shift_totals()
        second = store.begin_trace(store.trace(first).message_id, START)
        store.append_scores(second, FIVE[:1], {})
        store.finish_trace(second, complete=False, timings={})
        assert store.shift_totals() == [whole]
        store.finish_trace(second, complete=True, timings={})
        assert [(t.unshifted, t.shifted) for t in store.shift_totals()] == [(1, 0)]
        assert len(rows(store)) == 2


def test_scores_that_come_later_are_counted_too() -> None:
    with Store.in_memory() as store:
        trace = begin(store)
        store.finish_trace(trace, complete=False, timings={})
        (before,) = store.shift_totals()
        assert (before.unshifted, before.marginal, before.shifted) == (1, 1, 2)
        store.append_scores(trace, [replace_i(FIVE[0], 5)], {})
        assert rows(store) == []
        (during,) = store.shift_totals()
        store.finish_trace(trace, complete=True, timings={})
        assert store.shift_totals() == [during] == [replace(before, unshifted=2)]
        copy = store.begin_trace(store.trace(trace).message_id, START)
        store.finish_trace(copy, complete=False, timings={})
        store.copy_scores(trace, copy, 4)
        store.finish_trace(copy, complete=True, timings={})
        assert store.shift_totals() == [replace(before, control=0)]


def test_what_a_crash_left_is_counted_when_the_history_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        left, held = begin(store), begin(store)
        sides = {
            trace: store._db.value(
                "SELECT min(r.seq) FROM trace t JOIN trace_side r ON r.trace_seq = t.seq "
                "WHERE r.number >= 0 AND t.id = ?",
                (trace,),
            )
            for trace in (left, held)
        }
        session = store.message(store.trace(held).message_id).session_id
        store.lock(session, "another")
        store._db.execute("UPDATE session_lock SET host = 'elsewhere'")
        assert rows(store) == []
    for _ in range(2):
        with Store.open(path) as store:
            (row, without) = rows(store)
            assert row["side_seq"] == sides[left], "what is still being written is not counted"
            assert (row["unshifted"], row["marginal"], row["shifted"]) == (1, 1, 2)
            assert (row["control"], row["n_scored"], row["n_kl"]) == (1, 5, 4)
            assert without["n_scored"] == 0
            assert [total.answers for total in store.shift_totals()] == [2]


def test_totals_go_with_their_session_and_come_back_from_memory(tmp_path: Path) -> None:
    with Store.open(tmp_path / "history.db") as store:
        trace = begin(store)
        session = store.message(store.trace(trace).message_id).session_id
        memory = store.in_memory_copy()
        memory.finish_trace(trace, complete=True, timings={})
        memory.set_pinned(session, True)
        memory.add_tag(session, "walks")
        memory.bin_session(session)
        gone = memory.create_session("demo")
        memory.add_tag(gone.id, "a")
        store.write_back(memory)
        memory.remove_tag(gone.id, "a")
        store.write_back(memory)
        assert rows(store) == rows(memory) != []
        assert store.session(session) == memory.session(session)
        assert store.session(session).tags == ("walks",)
        assert store.session(gone.id).tags == ()
        memory.close()
        store.delete_session(session)
        assert rows(store) == []
        assert store.check() == []
