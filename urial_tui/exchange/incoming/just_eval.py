"""just-eval's files: model outputs become a run; judge results become judgements of its answers.

A result is attached to the answer of that generator with that very input and text. Where no run has them all, the rows
are made into a run, since they hold both. N/A stays what it is; a row that was not judged yet is no judgement.
"""

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final

from urial_tui.exchange.incoming import outputs
from urial_tui.exchange.incoming.reading import parsed
from urial_tui.exchange.incoming.runs import (
    AnsweredRun,
    Said,
    answers_of,
    each,
    foreign_judge,
    foreign_rubric,
    is_said,
    numbered,
    text_of,
    write_run,
)
from urial_tui.exchange.incoming.types import (
    JUDGED,
    NOTHING,
    Importer,
    Loaded,
    Options,
    Row,
    Tally,
    Write,
)
from urial_tui.exchange.just_eval import FORMAT, MODES, PENDING, SCORES, mode_of, read_again, said
from urial_tui.runs.input_rows import instruction_item
from urial_tui.runs.json_rows import BadRow, id_of
from urial_tui.safetext import sanitize_line
from urial_tui.store.judging.types import AspectScore, JudgeInfo, Judgement, Outcome
from urial_tui.store.runs.types import RunItem
from urial_tui.store.store import Store

_RUBRICS: Final = {"score_multi": "just-eval", "score_safety": "safety"}
_JUDGED: Final = frozenset(("input", "output_cand", "generator_cand", "eval_config", "result"))
_SAID: Final = frozenset(("id", "prompt", "parsed_result"))
_OF_JUST_EVAL: Final = frozenset(("id", "source_id", "category", "task", "topic"))
"""What tells its model outputs from AlpacaEval's, which may have a `datasplit` too."""


@dataclass(frozen=True)
class _Reply:
    """What is to be said of a row: whether no score could be read, how many are none, whether `result` has other ones,
    and aspects that are not just-eval's."""

    unread: bool = False
    odd: int = 0
    differs: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Judged:
    """A row. `said` is None where it was not judged yet; its message is not known here."""

    where: str
    generator: str
    item: RunItem
    output: str
    said: Judgement | None
    reply: _Reply


def recognises(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return keys >= _JUDGED or (keys >= outputs.KEYS and bool(keys & _OF_JUST_EVAL))


def _accepts(loaded: Loaded) -> bool:
    keys = loaded.keys()
    return keys >= outputs.NEEDED or keys >= _JUDGED


def _uses(loaded: Loaded) -> Set[str]:
    return NOTHING if loaded.keys() >= outputs.NEEDED else JUDGED


def make(loaded: Loaded, options: Options) -> Write:
    if loaded.keys() >= outputs.NEEDED:
        return outputs.make(loaded, options, FORMAT)
    rows = each(loaded, _judged)

    def write(store: Store, tally: Tally) -> None:
        _write(store, rows, loaded, options, tally)

    return write


IMPORTER: Final = Importer(
    "just-eval's model outputs and judge results", recognises, make, _accepts, _uses
)


def _write(
    store: Store, rows: Sequence[_Judged], loaded: Loaded, options: Options, tally: Tally
) -> None:
    about = [Said(row.where, row.generator, row.item.turns[0], row.output) for row in rows]
    ids = None if options.as_new else answers_of(store, about, loaded, options)
    if ids is None:
        ids = _as_run(store, rows, loaded, options, tally)
    else:
        tally.notes.append("the judgements are of answers that were in the history")
    for row, message_id in zip(rows, ids, strict=True):
        if row.said is not None:
            _save_judgement(store, message_id, row.said, tally, f"{loaded.path}, {row.where}")
    _tell(rows, tally)


def _tell(rows: Sequence[_Judged], tally: Tally) -> None:
    pending = sum(row.said is None for row in rows)
    tally.tell(
        pending,
        "1 row was not judged yet: its answer has no judgement",
        "{} rows were not judged yet: their answers have no judgement",
    )
    unread = sum(row.reply.unread for row in rows)
    tally.tell(
        unread,
        "1 reply has no scores that can be read: it is kept as invalid",
        "{} replies have no scores that can be read: they are kept as invalid",
    )
    odd = sum(row.reply.odd for row in rows)
    tally.tell(
        odd,
        "1 score is none from 1 to 5, nor N/A: it is kept as invalid",
        "{} scores are none from 1 to 5, nor N/A: they are kept as invalid",
    )
    differ = sum(row.reply.differs for row in rows)
    tally.tell(
        differ,
        "1 row has other scores in `parsed_result` than in `result`: the former count",
        "{} rows have other scores in `parsed_result` than in `result`: the former count",
    )
    others = sorted({name for row in rows for name in row.reply.others})
    if others:
        names = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
        tally.notes.append(
            f"aspects that are none of just-eval's count nowhere, and leave as they came: {names}"
        )


def _save_judgement(
    store: Store, message_id: str, judgement: Judgement, tally: Tally, where: str
) -> None:
    """Write it, unless it is there in some form. Raises ExchangeError (`exists`)."""
    new = replace(judgement, message_id=message_id)
    if is_said(new, store.judgements(message_ids=[message_id]), _left_as, where):
        tally.there += 1
    else:
        store.save_judgement(new)
        tally.judgements += 1


def _left_as(one: Judgement, new: Judgement) -> bool:
    """Whether a judgement that no file of just-eval brought leaves in one as what `new` was read from."""
    mode = mode_of(new)
    return (
        one.judge.provenance.get("format") != FORMAT
        and one.judge.judge == new.judge.judge
        and mode is not None
        and mode == mode_of(one)
        and said(one, mode) == said(new, mode)
    )


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
    judgement, reply = _said(value, mode, config, judge)
    return _Judged(
        where=row.where,
        generator=text_of(value, "generator_cand", empty=False),
        item=_categorised(item, mode),
        output=text_of(value, "output_cand"),
        said=judgement,
        reply=reply,
    )


def _categorised(item: RunItem, mode: str) -> RunItem:
    """just-eval's word for a harmful request, by which the board keeps safety apart."""
    return replace(item, category="safety") if mode == "score_safety" else item


def _said(
    value: dict[str, Any], mode: str, config: dict[str, Any], judge: str
) -> tuple[Judgement | None, _Reply]:
    result = text_of(value, "result")
    given = value.get("parsed_result")
    if given is None and "parsed_result" in value:
        raise BadRow("its `parsed_result` is null")
    if given is not None and not isinstance(given, dict):
        raise BadRow("its `parsed_result` is not an object")
    if not given and result.strip() in ("", PENDING):
        return None, _Reply()
    read = _parse(result) or {}
    found = given or read
    scores = tuple(_score(aspect, found[aspect]) for aspect in MODES[mode] if aspect in found)
    others = tuple(sanitize_line(name, 40) for name in found if name not in MODES[mode])
    reply = _Reply(
        unread=not scores,
        odd=sum(score.outcome == "invalid" for score in scores),
        differs=bool(given) and _numbers(read, mode) != _numbers(given or {}, mode),
        others=others,
    )
    leaves = _leaving(found, scores)
    if not scores:
        scores = tuple(AspectScore(aspect, "invalid") for aspect in MODES[mode])
    judgement = Judgement(
        message_id="",
        judge=_judge(config, judge, value, leaves | _differs(given, leaves, result)),
        rubric=foreign_rubric(FORMAT, _RUBRICS[mode]),
        outcome=_outcome(scores),
        scores=scores,
        raw=(result,),
        prompt=text_of(value, "prompt") if value.get("prompt") is not None else "",
    )
    return judgement, reply


def _numbers(found: dict[str, Any], mode: str) -> list[tuple[str, Outcome, int | None]]:
    scores = [_score(aspect, found[aspect]) for aspect in MODES[mode] if aspect in found]
    return [(score.aspect, score.outcome, score.score) for score in scores]


def _leaving(found: dict[str, Any], scores: Sequence[AspectScore]) -> dict[str, Any]:
    """`parsed_result` as it shall leave, where that is not what the scores say: with aspects that are not just-eval's
    and fields beside reason and score, without what its report could not count."""
    told = {
        score.aspect: {
            "reason": score.reason,
            "score": "N/A" if score.score is None else str(score.score),
        }
        for score in scores
        if score.outcome != "invalid"
    }
    kept = {
        aspect: its if isinstance(its, dict) and its.get("score") in SCORES else told.get(aspect)
        for aspect, its in found.items()
    }
    kept = {aspect: its for aspect, its in kept.items() if its is not None}
    return {} if kept == told else {"parsed_result": kept}


def _differs(given: dict[str, Any] | None, leaves: dict[str, Any], result: str) -> dict[str, Any]:
    """That `result` leaves as it came though it is not what `parsed_result` says, which leaves as it came too."""
    its = leaves.get("parsed_result", given)
    return {"differs": True} if given and its == given and read_again(result) != given else {}


def _judge(
    config: dict[str, Any], name: str, value: dict[str, Any], leaves: dict[str, Any]
) -> JudgeInfo:
    """`id` and `row` are what the row has beside what a judgement says."""
    judge = foreign_judge(FORMAT, name, sorted(config.items(), key=str), eval_config=config)
    more = {"id": value["id"]} if "id" in value else {}
    rest = {key: found for key, found in value.items() if key not in _JUDGED | _SAID}
    more |= {"row": rest} if rest else {}
    return JudgeInfo(judge.kind, judge.judge, judge.key, judge.provenance | more | leaves)


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
