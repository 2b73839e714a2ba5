"""Histories of any shape, made through the store's own calls: branches, failed answers, traces, runs, judgements."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.support import store_rows, store_traces
from tests.support.store_runs import COMPARED, JUDGE, OK, PERSON, RUBRIC, UNREADABLE, make_run
from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, Message, Token

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "\0", "\ud800 half", "散步 \U0001f34e", '"\\\n', "  "]
)
FLOATS = st.floats(allow_nan=False, width=64)
STATUSES = st.sampled_from(["complete", "stopped", "failed", "interrupted"])


def fill(store: Store, data: st.DataObject) -> None:
    """Put some sessions, and sometimes a run, into an empty store."""
    draw = data.draw
    answers: list[str] = []
    if draw(st.booleans()):
        answers += _run(store, draw)
    for _ in range(draw(st.integers(0, 3))):
        answers += _session(store, draw)
    if draw(st.booleans()):
        store.save_draft(None, Draft(draw(TEXTS), draw(TEXTS)))  # belongs to no session
    pairs = [(a, b) for n, a in enumerate(answers) for b in answers[n + 1 :]]
    for a, b in draw(st.lists(st.sampled_from(pairs), max_size=2)) if pairs else ():
        store.save_comparison(
            Comparison(a, b, JUDGE, RUBRIC, "ok", COMPARED, 3, 4, raw=(draw(TEXTS),))
        )


def _run(store: Store, draw: Any) -> list[str]:
    run = make_run(store, name="run " + draw(TEXTS), fingerprint=draw(TEXTS.filter(_is_text)))
    made = []
    for index, side in draw(st.sets(st.tuples(st.integers(0, 2), st.integers(0, 1)))):
        _, _, answer = store.begin_run_answer(run.id, index, side, 0)
        _write(store, answer, draw)
        made.append(answer.id)
    return made


def _session(store: Store, draw: Any) -> list[str]:
    session = store.create_session(draw(TEXTS), draw(TEXTS)).id
    messages: list[Message] = []
    answers = []
    for _ in range(draw(st.integers(0, 5))):
        parent = draw(st.none() | st.sampled_from(messages)) if messages else None
        parent_id = None if parent is None else parent.id
        if draw(st.booleans()):
            messages.append(store.add_user_message(session, parent_id, draw(TEXTS)))
            continue
        answer = store.begin_answer(session, parent_id, draw(TEXTS))
        _write(store, answer, draw)
        messages.append(answer)
        answers.append(answer.id)
    if messages:
        store.set_leaf(session, draw(st.sampled_from(messages)).id)
    for tag in draw(st.sets(st.sampled_from(["a", "b ", "散"]))):
        store.add_tag(session, tag)
    store.set_pinned(session, draw(st.booleans()))
    store.set_archived(session, draw(st.booleans()))
    if draw(st.booleans()):
        store.save_draft(session, Draft(draw(TEXTS), draw(TEXTS)))
    if draw(st.booleans()):
        store.bin_session(session)
    return answers


def _write(store: Store, answer: Message, draw: Any) -> None:
    generation = None
    n = draw(st.integers(0, 3))
    if draw(st.booleans()):
        start = replace(
            store_rows.START,
            adapter_scale=draw(FLOATS),
            prompt_ids=tuple(draw(st.lists(st.integers(-1, 262143), max_size=3))),
            context=draw(st.none() | st.just({"n": 1})),
        )
        generation = store.begin_generation(answer.id, start)
        tokens = [
            Token(i, i, draw(st.binary(max_size=3)), draw(TEXTS), 0, draw(st.booleans()))
            for i in range(n)
        ]
        store.append_tokens(answer.id, generation, tokens, draw(TEXTS))
    for _ in range(draw(st.integers(0, 2))):
        _trace(store, answer.id, n, draw)
    end = replace(store_rows.END, timings={"prefill_s": draw(FLOATS.filter(math.isfinite))})
    store.finish_answer(
        answer.id, generation, draw(STATUSES), end if draw(st.booleans()) else None, draw(TEXTS)
    )
    for judge in draw(st.sets(st.sampled_from([JUDGE.key, PERSON.key]))):
        who = JUDGE if judge == JUDGE.key else PERSON
        store.save_judgement(
            Judgement(answer.id, who, RUBRIC, "ok", (OK, UNREADABLE), (draw(TEXTS),), draw(TEXTS))
        )


def _trace(store: Store, message_id: str, n: int, draw: Any) -> None:
    start = replace(
        store_traces.START,
        vocabulary=draw(st.sampled_from(["v1", "v2"])),
        generator=draw(st.sampled_from([None, store_traces.GENERATOR])),
        references=(store_traces.PACK, store_traces.RAW)[: draw(st.integers(1, 2))],
    )
    trace = store.begin_trace(message_id, start)
    scores = [
        TokenScore(
            i=i,
            id=i,
            control=draw(st.booleans()),
            cut=False,
            generator=draw(st.none() | st.just(_generated(draw))),
            references=tuple(draw(st.none() | st.just(_scored(draw))) for _ in start.references),
        )
        for i in range(n)
    ]
    store.append_scores(trace, scores, dict.fromkeys(range(n + 2), b"piece"))
    if draw(st.booleans()):
        store.finish_trace(trace, complete=draw(st.booleans()), timings={"score_s": 0.5})


def _generated(draw: Any) -> GeneratorScore:
    return GeneratorScore(
        logprob=draw(FLOATS), entropy=draw(FLOATS), rank=1, top=((1, -0.5), (7, -math.inf))
    )


def _scored(draw: Any) -> ReferenceScore:
    return ReferenceScore(
        logprob=draw(FLOATS),
        entropy=draw(FLOATS),
        rank=draw(st.integers(1, 5)),
        emitted_margin=draw(FLOATS),
        argmax_rank=draw(st.none() | st.integers(1, 5)),
        margin=draw(st.none() | FLOATS),
        kl=draw(st.none() | FLOATS),
        top=((3, -0.25),),
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
