"""Rows with an instruction, an output and its generator, just-eval's and AlpacaEval's model outputs, as a run.

With one generator each row is an item, in the file's order. With several, rows of equal id and instruction are one item
that each of them answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from urial_tui.exchange.incoming.runs import AnsweredRun, each, numbered, text_of, write_run
from urial_tui.exchange.incoming.types import Loaded, Options, Row, Tally, Write
from urial_tui.exchange.just_eval import NULLABLE
from urial_tui.runs.input_rows import instruction_item
from urial_tui.store.runs.types import RunItem
from urial_tui.store.store import Store

NEEDED: Final = frozenset(("instruction", "output"))
"""Keys that tell such rows from others; each has to have a `generator` besides, and is named where it has none."""
KEYS: Final = NEEDED | {"generator"}
"""Keys that a file is recognised by."""


@dataclass(frozen=True)
class _Output:
    generator: str
    item: RunItem
    own_id: bool
    output: str
    origin: dict[str, Any]


def make(loaded: Loaded, options: Options, format_: str) -> Write:
    """Raises ExchangeError for rows without instruction, output or generator."""
    run = _run(each(loaded, _output))

    def write(store: Store, tally: Tally) -> None:
        write_run(store, run, loaded, format_, options, tally)

    return write


def _output(row: Row) -> _Output:
    item = instruction_item(0, row.value)
    # They have a place of their own in an item, where null is as if they were not there: `extra` says that they were.
    nulls = {key: None for key in NULLABLE if key in row.value and row.value[key] is None}
    item = replace(item, extra=item.extra | nulls)
    generator = text_of(row.value, "generator", empty=False)
    output = text_of(row.value, "output")
    read = row.value.get("model_input")
    known = "model_input" in row.value and (read is None or isinstance(read, str))
    origin = {"model_input": read} if known else {}
    own_id = any(row.value.get(key) is not None for key in ("id", "source_id"))
    return _Output(generator, item, own_id, output, origin)


def _run(outputs: Sequence[_Output]) -> AnsweredRun:
    sides = numbered(output.generator for output in outputs)
    items: list[RunItem] = []
    places: dict[tuple[Any, ...], int] = {}
    answers: dict[tuple[int, int], tuple[str, ...]] = {}
    origin: dict[tuple[int, int], dict[str, Any]] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for output in outputs:
        which = (output.item.source_id if output.own_id else None, output.item.turns)
        nth = seen.get((output.generator, which), 0)
        seen[output.generator, which] = nth + 1
        index = places.setdefault((which, nth), len(items))
        if index == len(items):
            id_ = output.item.source_id if output.own_id else index
            items.append(replace(output.item, index=index, source_id=id_))
        place = (index, sides[output.generator])
        answers[place] = (output.output,)
        if output.origin:
            origin[place] = output.origin
    return AnsweredRun(tuple(sides), tuple(items), answers, origin)
