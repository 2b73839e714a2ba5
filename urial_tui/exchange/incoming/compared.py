"""Two answers to one question and which is better, as a run of two sides and comparisons: URIAL's and AlpacaEval's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from urial_tui.exchange import alpaca_eval, mt_bench, urial_pairwise
from urial_tui.exchange.incoming.runs import (
    AnsweredRun,
    Said,
    answers_of,
    each,
    is_said,
    numbered,
    write_run,
)
from urial_tui.exchange.incoming.types import Loaded, Options, Row, Tally, Write
from urial_tui.exchange.pairs import MODEL_IS, Duel, bare
from urial_tui.store.judging.types import Comparison
from urial_tui.store.runs.types import RunItem
from urial_tui.store.store import Store

_SAID: Final[dict[str, Callable[[Duel], dict[str, Any] | None]]] = {
    alpaca_eval.FORMAT: alpaca_eval.said,
    mt_bench.FORMAT: mt_bench.said,
    urial_pairwise.FORMAT: urial_pairwise.said,
}


@dataclass(frozen=True)
class Compared:
    """A row: A and B are (generator, text). `said` does not know its messages yet; None: not judged."""

    where: str
    item: RunItem
    a: tuple[str, str]
    b: tuple[str, str]
    said: Comparison | None


def make(
    loaded: Loaded, options: Options, format_: str, compared: Callable[[Row], Compared]
) -> Write:
    """`compared` makes a row's pair, or raises BadRow. Raises ExchangeError for a file with such rows."""
    rows = each(loaded, compared)

    def write(store: Store, tally: Tally) -> None:
        _write(store, rows, loaded, format_, options, tally)

    return write


def _write(
    store: Store,
    rows: Sequence[Compared],
    loaded: Loaded,
    format_: str,
    options: Options,
    tally: Tally,
) -> None:
    """Attach the comparisons to answers that the history has, else make a run of the rows."""
    pairs = None if options.as_new else _attached(store, rows, loaded, options)
    if pairs is None:
        pairs = _as_run(store, rows, loaded, format_, options, tally)
    else:
        tally.notes.append("the comparisons are of answers that were in the history")
    for row, (a, b) in zip(rows, pairs, strict=True):
        if row.said is not None:
            save_comparison(store, a, b, row.said, tally, f"{loaded.path}, {row.where}")
    pending = sum(row.said is None for row in rows)
    tally.tell(
        pending,
        "1 row was not judged yet: its answers are not compared",
        "{} rows were not judged yet: their answers are not compared",
    )


def save_comparison(
    store: Store, a: str, b: str, said: Comparison, tally: Tally, where: str
) -> None:
    """Write it, unless it is there in some form. Raises ExchangeError (`exists`)."""
    new = replace(said, message_a=a, message_b=b)
    of_a = store.comparisons(message_ids=[a])
    of_both = [one for one in of_a if {one.message_a, one.message_b} == {a, b}]
    if is_said(new, of_both, _left_as, where):
        tally.there += 1
    else:
        store.save_comparison(new)
        tally.comparisons += 1


def _left_as(one: Comparison, new: Comparison) -> bool:
    """Whether a comparison of the same two, that no file of the format brought, leaves in one as what `new` was read
    from."""
    format_ = new.judge.provenance["format"]
    if one.judge.provenance.get("format") == format_ or one.judge.judge != new.judge.judge:
        return False
    model = MODEL_IS[format_]
    same = one.message_a == new.message_a
    other: Literal["a", "b"] = model if same else ("b" if model == "a" else "a")
    row = _SAID[format_](bare(new, model))
    return row is not None and row == _SAID[format_](bare(one, other))


def _attached(
    store: Store, rows: Sequence[Compared], loaded: Loaded, options: Options
) -> list[tuple[str, str]] | None:
    """The two messages of each row, those of a side all in one run; None where the history has not all of them."""
    sides = []
    for answers in ([row.a for row in rows], [row.b for row in rows]):
        said = [
            Said(row.where, generator, row.item.turns[0], text)
            for row, (generator, text) in zip(rows, answers, strict=True)
        ]
        ids = answers_of(store, said, loaded, options)
        if ids is None:
            return None
        sides.append(ids)
    return list(zip(*sides, strict=True))


def _as_run(
    store: Store,
    rows: Sequence[Compared],
    loaded: Loaded,
    format_: str,
    options: Options,
    tally: Tally,
) -> list[tuple[str, str]]:
    sides = numbered(name for row in rows for name in (row.a[0], row.b[0]))
    answers: dict[tuple[int, int], tuple[str, ...]] = {}
    for index, row in enumerate(rows):
        for generator, text in (row.a, row.b):
            answers[index, sides[generator]] = (text,)
    items = tuple(replace(row.item, index=index) for index, row in enumerate(rows))
    run = AnsweredRun(tuple(sides), items, answers)
    ids = write_run(store, run, loaded, format_, options, tally)
    return [
        (ids[index, sides[row.a[0]], 0], ids[index, sides[row.b[0]], 0])
        for index, row in enumerate(rows)
    ]
