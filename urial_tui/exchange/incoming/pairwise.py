"""URIAL's pairwise results: which of two outputs is better, an aspect at a time, each row in one order.

The model is A and the reference B in the history, whichever was shown first. One order was judged, so a pick has a
winner for that order and none for the other.
"""

from typing import Any, Final

from urial_tui.exchange.incoming import compared
from urial_tui.exchange.incoming.compared import Compared
from urial_tui.exchange.incoming.reading import parsed
from urial_tui.exchange.incoming.runs import foreign_judge, foreign_rubric, text_of
from urial_tui.exchange.incoming.types import JUDGED, Importer, Loaded, Options, Row, Write
from urial_tui.exchange.urial_pairwise import FORMAT, PENDING
from urial_tui.runs.input_rows import instruction_item
from urial_tui.runs.json_rows import BadRow
from urial_tui.store.judging.types import Comparison, Outcome, Pick, Winner

_KEYS: Final = frozenset(("input", "model_output", "ref_output", "generator", "ref_generator"))


def recognises(loaded: Loaded) -> bool:
    return loaded.keys() >= _KEYS


def make(loaded: Loaded, options: Options) -> Write:
    return compared.make(loaded, options, FORMAT, _compared)


IMPORTER: Final = Importer("URIAL's pairwise results", recognises, make, uses=lambda _: JUDGED)


def _compared(row: Row) -> Compared:
    value = row.value
    model = (text_of(value, "generator", empty=False), text_of(value, "model_output"))
    reference = (text_of(value, "ref_generator", empty=False), text_of(value, "ref_output"))
    if model[0] == reference[0]:
        raise BadRow("its `generator` and `ref_generator` are the same")
    item = instruction_item(0, {"instruction": text_of(value, "input", empty=False)})
    return Compared(row.where, item, model, reference, _said(value, model, reference))


def _said(
    value: dict[str, Any], model: tuple[str, str], reference: tuple[str, str]
) -> Comparison | None:
    config, assignment = value.get("eval_config"), value.get("assignment")
    if not isinstance(config, dict) or config.get("mode") != "pairwise":
        raise BadRow("its `eval_config` has not the mode `pairwise`")
    shown = {"A": model[0], "B": reference[0]}
    if assignment not in (shown, {"A": reference[0], "B": model[0]}):
        raise BadRow("its `assignment` does not name the two generators")
    model_first = assignment == shown
    result = text_of(value, "result")
    found = value.get("parsed_result")
    if found is None:
        if result.strip() in ("", PENDING):
            return None
        try:
            found = parsed(result.strip().strip("`"))
        except BadRow:
            found = {}
    if not isinstance(found, dict) or not isinstance(choices := found.get("choices", {}), dict):
        raise BadRow("its `parsed_result` has no `choices`")
    rationale = found.get("rationale")
    picks = tuple(_pick(aspect, choice, model_first) for aspect, choice in choices.items())
    outcome: Outcome = "ok" if any(pick.outcome == "ok" for pick in picks) else "invalid"
    return Comparison(
        message_a="",
        message_b="",
        judge=foreign_judge(
            FORMAT,
            text_of(config, "gpt", empty=False),
            sorted(config.items(), key=str),
            eval_config=config,
        ),
        rubric=foreign_rubric(FORMAT, "pairwise"),
        outcome=outcome,
        picks=picks,
        words_a=len(model[1].split()),
        words_b=len(reference[1].split()),
        raw=(result,),
        prompts=(text_of(value, "prompt"),) if value.get("prompt") is not None else (),
        note=rationale if isinstance(rationale, str) else "",
    )


def _pick(aspect: str, choice: Any, model_first: bool) -> Pick:
    letter = choice.strip() if isinstance(choice, str) else choice
    winners: dict[Any, Winner] = {"A": "a", "B": "b", "tie": "tie"}
    if not isinstance(letter, str) or letter not in winners:
        return Pick(aspect, "invalid")
    won = winners[letter]
    if not model_first and won != "tie":
        won = "b" if won == "a" else "a"
    return Pick(
        aspect, "ok", won, first=won if model_first else None, second=None if model_first else won
    )
