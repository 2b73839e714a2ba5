"""A run of instructions that two sides answered and that was judged: scores by a model, pairs by a person too."""

from dataclasses import replace

from tests.support.store_rows import END, START
from tests.support.store_runs import JUDGE, PERSON, RUN, comparison, judgement
from urial_tui.store.judging.types import AspectScore, Outcome, Pick, Winner
from urial_tui.store.runs.types import Run, RunItem
from urial_tui.store.store import Store

FIVE = ("helpfulness", "clarity", "factuality", "depth", "engagement")
WINNERS: tuple[tuple[Winner, Winner], ...] = (("a", "a"), ("a", "b"), ("b", "b"), ("tie", "tie"))
"""Who won in each of the two orders, by item modulo four."""
NASTY = (
    '=HYPERLINK("http://x")',
    "</script><!-- \x1b[31m \0 \u202e \u2028 \U0001f34e 散 \\ \" ` '",
    "@SUM(A1)\r\n+1\t-1",
    "",
)
"""Answers, by item modulo four."""


def items(n: int = 40) -> tuple[RunItem, ...]:
    """Instructions of our own; every tenth asks twice."""
    return tuple(
        RunItem(
            i,
            1000 + i,
            (f"Question {i}? {NASTY[i % 4]}", "And shorter?") if i % 10 == 9 else (f"Q {i}?",),
            "helpful_base",
            "writing" if i % 2 else "",
            ("info-seek",),
            ("science",),
            {"source_id": f"s-{i}"},
        )
        for i in range(n)
    )


def judged_run(store: Store, rows: tuple[RunItem, ...] | None = None, name: str = "walks") -> Run:
    """Every third score of clarity is N/A, every fourth of depth is unreadable; the last item is not answered by the
    second side."""
    rows = items() if rows is None else rows
    run = store.create_run(replace(RUN, name=name, fingerprint=name))
    store.add_run_items(run.id, rows)
    for item in rows:
        ids = []
        for side in range(2):
            for turn in range(len(item.turns)):
                _, _, answer = store.begin_run_answer(run.id, item.index, side, turn)
                start = replace(START, side=run.start.sides[side])
                generation = store.begin_generation(answer.id, start)
                last = side == 1 and item is rows[-1]
                store.finish_answer(
                    answer.id,
                    generation,
                    "stopped" if last else "complete",
                    END,
                    tail=f"{NASTY[item.index % 4]} by {side} in {turn}",
                )
                if turn == 0 and not last:
                    ids.append(answer.id)
                    store.save_judgement(judgement(answer.id, scores=scores(item.index + side)))
                if last:
                    break
        if len(ids) == 2:
            compare(store, item.index, ids)
    return store.run(run.id)


def scores(n: int) -> tuple[AspectScore, ...]:
    outcomes: dict[str, Outcome] = {
        "clarity": "na" if n % 3 == 0 else "ok",
        "depth": "invalid" if n % 4 == 0 else "ok",
    }
    return tuple(
        AspectScore(
            aspect,
            outcome,
            1 + (n + place) % 5 if outcome == "ok" else None,
            reason=f"Because of {NASTY[n % 4]}",
        )
        for place, aspect in enumerate(FIVE)
        for outcome in (outcomes.get(aspect, "ok"),)
    )


def compare(store: Store, index: int, ids: list[str]) -> None:
    """By the model in both orders, the second answer called A at every other item; by a person once."""
    first, second = WINNERS[index % 4]
    picks = (
        Pick("depth", "ok", first if first == second else "tie", first, second, reasons=NASTY[1:3]),
        Pick("overall", "ok", first if first == second else "tie", first, second, 0.9, 0.8, ("x",)),
        Pick("clarity", "invalid"),
    )
    a, b = ids if index % 2 == 0 else reversed(ids)
    store.save_comparison(comparison(a, b, judge=JUDGE, picks=picks))
    if index < 3:
        mine = (Pick("overall", "ok", first, first),)
        store.save_comparison(
            comparison(ids[0], ids[1], judge=PERSON, picks=mine, raw=(), prompts=())
        )
