"""AlpacaEval's files: model outputs become a run; annotations become comparisons of the two outputs.

`output_1` is A and `output_2` B in the history. A preference below 1.5 is for the first, above for the second; one that
is not whole says how sure the annotator was. In which order they were shown is not in the file.
"""

from collections.abc import Set
from typing import Any, Final

from urial_tui.exchange.alpaca_eval import FORMAT
from urial_tui.exchange.incoming import compared, outputs
from urial_tui.exchange.incoming.compared import Compared
from urial_tui.exchange.incoming.runs import foreign_judge, foreign_rubric, text_of
from urial_tui.exchange.incoming.types import JUDGED, NOTHING, Importer, Loaded, Options, Row, Write
from urial_tui.exchange.pairs import OVERALL
from urial_tui.runs.input_rows import instruction_item
from urial_tui.runs.json_rows import BadRow
from urial_tui.store.judging.types import Comparison, Pick, Winner

_ANNOTATED: Final = frozenset(("instruction", "output_1", "output_2", "preference"))
_OWN: Final = frozenset((*_ANNOTATED, "generator_1", "generator_2", "annotator", "dataset"))


def recognises(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return keys >= outputs.KEYS or keys >= _ANNOTATED


def _accepts(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return keys >= outputs.NEEDED or keys >= _ANNOTATED


def _uses(loaded: Loaded) -> Set[str]:
    return NOTHING if loaded.keys() >= outputs.NEEDED else JUDGED


def make(loaded: Loaded, options: Options) -> Write:
    if loaded.keys() >= outputs.NEEDED:
        return outputs.make(loaded, options, FORMAT)
    return compared.make(loaded, options, FORMAT, _compared)


IMPORTER: Final = Importer(
    "AlpacaEval's model outputs and annotations", recognises, make, _accepts, _uses
)


def _compared(row: Row) -> Compared:
    value = row.value
    one = (text_of(value, "generator_1", empty=False), text_of(value, "output_1"))
    two = (text_of(value, "generator_2", empty=False), text_of(value, "output_2"))
    if one[0] == two[0]:
        raise BadRow("its `generator_1` and `generator_2` are the same")
    instruction = text_of(value, "instruction", empty=False)
    item = instruction_item(0, {"instruction": instruction, "dataset": value.get("dataset")})
    return Compared(row.where, item, one, two, _said(value, one, two))


def _said(value: dict[str, Any], one: tuple[str, str], two: tuple[str, str]) -> Comparison | None:
    preference = value.get("preference")
    if preference is None:
        return None
    if isinstance(preference, bool) or not isinstance(preference, int | float):
        raise BadRow("its `preference` is not a number")
    if not 1 <= preference <= 2:
        raise BadRow(f"its `preference` is {preference}, and it goes from 1 to 2")
    won: Winner = "tie" if preference == 1.5 else "a" if preference < 1.5 else "b"
    annotator = value.get("annotator")
    name = annotator if isinstance(annotator, str) and annotator.strip() else "annotator"
    more = {key: found for key, found in value.items() if key not in _OWN}
    return Comparison(
        message_a="",
        message_b="",
        judge=foreign_judge(FORMAT, name, name, preference=preference, row=more),
        rubric=foreign_rubric(FORMAT, "alpaca-eval"),
        outcome="ok",
        picks=(Pick(OVERALL, "ok", won),),
        words_a=len(one[1].split()),
        words_b=len(two[1].split()),
    )
