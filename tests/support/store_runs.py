"""Runs, judgements and comparisons to put into a store in tests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.support.store_rows import END, START, tokens
from urial_tui.store.judging.types import (
    AspectScore,
    Comparison,
    JudgeInfo,
    Judgement,
    Pick,
    RubricRef,
)
from urial_tui.store.runs.types import Run, RunAnswer, RunItem, RunStart
from urial_tui.store.store import Store
from urial_tui.store.types import Message

RUN = RunStart(
    name="just-eval-40",
    fingerprint="f1",
    input_name="rows.json",
    input_format="just-eval",
    input_sha256="ab" * 32,
    sides=("demo@urial-general", "demo@zero-shot"),
    references=("demo+sft@chat",),
    settings={"max_tokens": 64, "temperature": 0.0, "seed": None},
    versions={"urial-tui": "0.5.0"},
)
ITEMS = (
    RunItem(
        0,
        7,
        ("How do I walk?",),
        "helpful",
        "general",
        ("advice",),
        ("health",),
        {"urls": ["é"], "n": 1},
    ),
    RunItem(1, "mt-81", ("Write a line. \0 \U0001f34e", "Now shorter."), "mt", "writing"),
    RunItem(2, 10**30, ("散步",)),
)
JUDGE = JudgeInfo("model", "smol@chat", "key-1", {"sha256": "01" * 32, "temperature": 0.0})
PERSON = JudgeInfo("person", "Zoë", "person:Zoë")
RUBRIC = RubricRef("just-eval", 1, "aa" * 32)
OK = AspectScore(
    "clarity", "ok", 4, 3.75, 0.5, (0.01, 0.02, 0.125, 0.5, 0.25), 0.001, "It is clear."
)
NOT_APPLICABLE = AspectScore("factuality", "na", p_na=0.9, reason="Nothing to check.")
UNREADABLE = AspectScore("depth", "invalid")
COMPARED = (
    Pick("clarity", "ok", "tie", "a", "b", 0.75, 0.25, ("first", "second")),
    Pick("depth", "invalid", None, "a", None, 0.5),
)


def make_run(store: Store, items: Sequence[RunItem] = ITEMS, **changes: Any) -> Run:
    """A run with its items, nothing answered."""
    run = store.create_run(replace(RUN, **changes))
    store.add_run_items(run.id, items)
    return store.run(run.id)


def begin(store: Store, run: Run, index: int, side: int, turn: int = 0) -> tuple[Message, str]:
    """An answer with some tokens, not finished."""
    _, _, answer = store.begin_run_answer(run.id, index, side, turn)
    generation = store.begin_generation(answer.id, START)
    store.append_tokens(answer.id, generation, tokens(0, 2), " word" * 2)
    return answer, generation


def answer(
    store: Store, run: Run, index: int, side: int, turn: int = 0, tail: str = " end"
) -> Message:
    """A complete answer."""
    begun, generation = begin(store, run, index, side, turn)
    return store.finish_answer(begun.id, generation, "complete", END, tail=tail)


def answer_all(store: Store, run: Run) -> list[RunAnswer]:
    for item in store.run_items(run.id):
        for side in range(len(run.start.sides)):
            for turn in range(len(item.turns)):
                answer(store, run, item.index, side, turn)
    return store.run_answers(run.id)


def judgement(message_id: str, **changes: Any) -> Judgement:
    made = Judgement(
        message_id=message_id,
        judge=JUDGE,
        rubric=RUBRIC,
        outcome="ok",
        scores=(OK, NOT_APPLICABLE, UNREADABLE),
        raw=('{"clarity": ...', "\0 \U0001f34e"),
        prompt="Rate this: 散",
        shortened={"answer": (100, 2000)},
        note="odd",
        own=True,
        timings={"decode_s": 0.5},
    )
    return replace(made, **changes)


def comparison(message_a: str, message_b: str, **changes: Any) -> Comparison:
    made = Comparison(
        message_a=message_a,
        message_b=message_b,
        judge=JUDGE,
        rubric=replace(RUBRIC, id="pairwise", hash="bb" * 32),
        outcome="ok",
        picks=COMPARED,
        words_a=3,
        words_b=4,
        raw=("a", "b"),
        prompts=("A then B", "B then A"),
        shortened={"a": (10, 20)},
        blind=True,
        timings={"decode_s": 1.0},
    )
    return replace(made, **changes)
