"""just-eval's files: model outputs become a run; judge results become judgements of its answers.

A result is attached to the answer of that generator with that very input and text. Where no run has them all, the rows
are made into a run, since they hold both. N/A stays what it is; a row that was not judged yet is no judgement.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from urial_tui.exchange.incoming import outputs
from urial_tui.exchange.incoming.reading import parsed
from urial_tui.exchange.incoming.runs import (
    AnsweredRun,
    Said,
    already_judged,
    answers_of,
    each,
    foreign_judge,
    foreign_rubric,
    numbered,
    text_of,
    write_run,
)
from urial_tui.exchange.incoming.types import (
    Importer,
    Loaded,
    Options,
    Row,
    Tally,
    Write,
    one_or_more,
)
from urial_tui.exchange.just_eval import FORMAT, MODES
from urial_tui.runs.input_rows import instruction_item
from urial_tui.runs.json_rows import BadRow, id_of
from urial_tui.store.judging.types import AspectScore, JudgeInfo, Judgement, Outcome
from urial_tui.store.runs.types import RunItem
from urial_tui.store.store import Store

_PENDING: Final = "N/A"
_RUBRICS: Final = {"score_multi": "just-eval", "score_safety": "safety"}
_JUDGED: Final = frozenset(("input", "output_cand", "generator_cand", "eval_config", "result"))
_SAID: Final = frozenset(("id", "prompt", "parsed_result"))
_OUTPUTS: Final = frozenset(("instruction", "output", "generator"))
_OF_JUST_EVAL: Final = frozenset(("id", "source_id", "category", "task", "topic"))
"""What tells its model outputs from AlpacaEval's, which may have a `datasplit` too."""


@dataclass(frozen=True)
class _Judged:
    """A row. `said` is None where it was not judged yet; its message is not known here."""

    where: str
    generator: str
    item: RunItem
    output: str
    said: Judgement | None


def recognises(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return keys >= _JUDGED or (keys >= _OUTPUTS and bool(keys & _OF_JUST_EVAL))


def _accepts(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return keys >= outputs.NEEDED or keys >= _JUDGED


def make(loaded: Loaded, options: Options) -> Write:
    if loaded.keys() >= outputs.NEEDED:
        return outputs.make(loaded, options, FORMAT)
    rows = each(loaded, _judged)

    def write(store: Store, tally: Tally) -> None:
        _write(store, rows, loaded, options, tally)

    return write


IMPORTER: Final = Importer(
    "just-eval's model outputs and judge results", recognises, make, _accepts
)


def _write(
    store: Store, rows: Sequence[_Judged], loaded: Loaded, options: Options, tally: Tally
) -> None:
    said = [Said(row.where, row.generator, row.item.turns[0], row.output) for row in rows]
    ids = None if options.as_new else answers_of(store, said, loaded, options)
    if ids is None:
        ids = _as_run(store, rows, loaded, options, tally)
    else:
        tally.notes.append("the judgements are of answers that were in the history")
    for row, message_id in zip(rows, ids, strict=True):
        if row.said is not None:
            save_judgement(store, message_id, row.said, tally, f"{loaded.path}, {row.where}")
    pending = sum(row.said is None for row in rows)
    if pending:
        tally.notes.append(
            one_or_more(
                pending,
                "1 row was not judged yet: its answer has no judgement",
                "{} rows were not judged yet: their answers have no judgement",
            )
        )


def save_judgement(
    store: Store, message_id: str, said: Judgement, tally: Tally, where: str
) -> None:
    """Write it, unless the same one is there. Raises ExchangeError (`exists`) where this judge has said something else
    of the answer: nothing that is there is replaced."""
    new = replace(said, message_id=message_id)
    for one in store.judgements(message_ids=[message_id]):
        if replace(one, id="", created_at="") == new:
            tally.there += 1
            return
        if (one.judge.key, one.rubric.hash) == (new.judge.key, new.rubric.hash):
            raise already_judged(where, one)
    store.save_judgement(new)
    tally.judgements += 1


def _as_run(
    store: Store, rows: Sequence[_Judged], loaded: Loaded, options: Options, tally: Tally
) -> list[str]:
    sides = numbered(row.generator for row in rows)
    run = AnsweredRun(
        tuple(sides),
        tuple(replace(row.item, index=index) for index, row in enumerate(rows)),
        {(index, sides[row.generator]): (row.output,) for index, row in enumerate(rows)},
    )
    ids = write_run(store, run, loaded, FORMAT, options, tally)
    return [ids[index, sides[row.generator], 0] for index, row in enumerate(rows)]


# --- a row


def _judged(row: Row) -> _Judged:
    value = row.value
    config = value.get("eval_config")
    if not isinstance(config, dict):
        raise BadRow("it has no `eval_config`")
    mode, judge = text_of(config, "mode"), text_of(config, "gpt", empty=False)
    if mode not in MODES:
        raise BadRow(f"its mode is {mode[:40]!r}; {' and '.join(MODES)} are known")
    question = text_of(value, "input", empty=False)
    id_ = 0 if value.get("id") is None else id_of(value, 0)
    item = instruction_item(0, {"instruction": question, "id": id_})
    return _Judged(
        where=row.where,
        generator=text_of(value, "generator_cand", empty=False),
        item=_categorised(item, mode),
        output=text_of(value, "output_cand"),
        said=_said(value, mode, config, judge),
    )


def _categorised(item: RunItem, mode: str) -> RunItem:
    """just-eval's word for a harmful request, by which the board keeps safety apart."""
    return replace(item, category="safety") if mode == "score_safety" else item


def _said(value: dict[str, Any], mode: str, config: dict[str, Any], judge: str) -> Judgement | None:
    result = text_of(value, "result")
    found = value.get("parsed_result")
    if found is None and "parsed_result" in value:
        raise BadRow("its `parsed_result` is null")
    if found is not None and not isinstance(found, dict):
        raise BadRow("its `parsed_result` is not an object")
    if found is None:
        if result.strip() in ("", _PENDING):
            return None
        found = _parse(result)
    scores = tuple(
        _score(aspect, found[aspect]) for aspect in MODES[mode] if found and aspect in found
    )
    if not scores:
        scores = tuple(AspectScore(aspect, "invalid") for aspect in MODES[mode])
    return Judgement(
        message_id="",
        judge=_judge(config, judge, value),
        rubric=foreign_rubric(FORMAT, _RUBRICS[mode]),
        outcome=_outcome(scores),
        scores=scores,
        raw=(result,),
        prompt=text_of(value, "prompt") if value.get("prompt") is not None else "",
    )


def _judge(config: dict[str, Any], name: str, value: dict[str, Any]) -> JudgeInfo:
    """`id` and `row` are what the row has beside what a judgement says."""
    judge = foreign_judge(FORMAT, name, sorted(config.items(), key=str), eval_config=config)
    more = {"id": value["id"]} if "id" in value else {}
    rest = {key: found for key, found in value.items() if key not in _JUDGED | _SAID}
    more |= {"row": rest} if rest else {}
    return JudgeInfo(judge.kind, judge.judge, judge.key, judge.provenance | more)


def _parse(result: str) -> dict[str, Any] | None:
    """What just-eval would make of `result` when it goes on; None where that is no JSON object."""
    text = result.replace("\n", "").replace("```", "")
    begin, end = text.find("{"), text.rfind("}")
    try:
        found = parsed(text[begin : end + 1])
    except BadRow:
        return None
    return found if isinstance(found, dict) else None


def _score(aspect: str, value: Any) -> AspectScore:
    if not isinstance(value, dict):
        return AspectScore(aspect, "invalid")
    reason = value.get("reason")
    said = reason if isinstance(reason, str) else "" if reason is None else json.dumps(reason)
    score = value.get("score")
    if isinstance(score, str):
        score = score.strip()
    if isinstance(score, str) and score.upper() in ("N/A", "NA"):
        return AspectScore(aspect, "na", reason=said)
    if score in ("1", "2", "3", "4", "5") or (
        isinstance(score, int | float) and not isinstance(score, bool) and score in (1, 2, 3, 4, 5)
    ):
        return AspectScore(aspect, "ok", int(score), reason=said)
    return AspectScore(aspect, "invalid", reason=said)


def _outcome(scores: Sequence[AspectScore]) -> Outcome:
    outcomes = [score.outcome for score in scores]
    return "ok" if "ok" in outcomes else "na" if "na" in outcomes else "invalid"
