"""What a board is made of, read from the history: answers of runs, or judged answers of conversations.

`read_runs` and `read_conversations` are for the command and for the screen; `building` makes the numbers of it.
Nothing is written here, and no text of an answer is kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from urial_tui.errors import JudgeError
from urial_tui.judge.board.types import BoardRun
from urial_tui.store.aio import AsyncStore
from urial_tui.store.judging.types import Comparison, JudgeInfo, Judgement, RubricRef
from urial_tui.store.runs.types import AnswerShift, Run, RunItem
from urial_tui.store.store import Store

CONVERSATIONS = "conversations"
"""What stands where a run's name does, for judged answers that belong to no run."""


@dataclass(frozen=True)
class RowHead:
    """A side of a run. `key` names it in the material; `n_failed` answers failed at the last try."""

    key: str
    run_id: str
    side: str
    n_wanted: int
    n_failed: int = 0


@dataclass(frozen=True)
class BoardAnswer:
    """An answer that counts. `item` is what it answers: answers of one item are drawn together."""

    message_id: str
    row: str
    item: str
    turn: int
    words: int
    finish_reason: str | None = None


@dataclass(frozen=True)
class Material:
    """`items` has the tags by item key (a conversation's have none), `shifts` what is known of each answer."""

    runs: tuple[BoardRun, ...]
    rows: tuple[RowHead, ...]
    answers: tuple[BoardAnswer, ...]
    items: Mapping[str, RunItem]
    judgements: tuple[Judgement, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    shifts: tuple[AnswerShift, ...] = ()

    @property
    def _judged(self) -> list[Judgement | Comparison]:
        return [*self.judgements, *self.comparisons]

    @property
    def judges(self) -> list[JudgeInfo]:
        """Who judged, by key, in the order of their first judgement."""
        found: dict[str, JudgeInfo] = {}
        for judged in self._judged:
            found.setdefault(judged.judge.key, judged.judge)
        return list(found.values())

    @property
    def rubrics(self) -> list[RubricRef]:
        """Rubrics that were judged with, by hash."""
        found: dict[str, RubricRef] = {}
        for judged in self._judged:
            found.setdefault(judged.rubric.hash, judged.rubric)
        return list(found.values())


async def read_runs(store: AsyncStore, runs: Sequence[Run]) -> Material:
    """All that is known of these runs. Raises StoreError."""
    heads: list[RowHead] = []
    answers: list[BoardAnswer] = []
    items: dict[str, RunItem] = {}
    judgements: list[Judgement] = []
    shifts: list[AnswerShift] = []
    for run in runs:
        found = await store.call(Store.run_items, run.id)
        items |= {_item_key(run.id, item.index): item for item in found}
        turns = sum(len(item.turns) for item in found)
        written = await store.call(Store.run_answers, run.id)
        for number, side in enumerate(run.start.sides):
            failed = sum(a.side == number and a.status == "failed" for a in written)
            heads.append(RowHead(_row_key(run.id, number), run.id, side, turns, failed))
        answers += [
            BoardAnswer(
                answer.message_id,
                _row_key(run.id, answer.side),
                _item_key(run.id, answer.index),
                answer.turn,
                answer.words,
                answer.finish_reason,
            )
            for answer in written
            if answer.status == "complete"
        ]
        judgements += await store.call(Store.judgements, run_id=run.id, texts=False)
        shifts += await store.call(Store.answer_shifts, run.id)
    comparisons = await store.call(Store.comparisons, run_ids=[run.id for run in runs], texts=False)
    return _of_answers(
        Material(
            tuple(_board_run(run) for run in runs),
            tuple(heads),
            tuple(answers),
            items,
            tuple(judgements),
            tuple(comparisons),
            tuple(shifts),
        )
    )


async def read_conversations(store: AsyncStore) -> Material:
    """All judged answers that belong to no run: a row for each side. Raises StoreError."""
    judgements = await store.call(Store.judgements, texts=False, outside_runs=True)
    comparisons = await store.call(Store.comparisons, texts=False, outside_runs=True)
    judged = [judgement.message_id for judgement in judgements]
    judged += [m for pair in comparisons for m in (pair.message_a, pair.message_b)]
    in_runs: dict[str, bool] = {}
    answers: list[BoardAnswer] = []
    rows: dict[str, str] = {}
    for message_id in dict.fromkeys(judged):
        message = await store.call(Store.message, message_id)
        if message.session_id not in in_runs:
            session = await store.call(Store.session, message.session_id)
            in_runs[message.session_id] = session.run_id is not None
        if in_runs[message.session_id]:
            continue
        generation = await store.call(Store.generation_of, message_id)
        side = generation.start.side if generation else "(unknown)"
        end = generation.end if generation else None
        row = rows.setdefault(side, _row_key("", len(rows)))
        answers.append(
            BoardAnswer(
                message_id,
                row,
                message.parent_id or message_id,
                0,
                len(message.content.split()),
                end.finish_reason if end else None,
            )
        )
    n_items = len({answer.item for answer in answers})
    heads = [
        RowHead(key, "", side, sum(answer.row == key for answer in answers))
        for side, key in rows.items()
    ]
    return _of_answers(
        Material(
            (BoardRun("", CONVERSATIONS, "", n_items),),
            tuple(heads),
            tuple(answers),
            {},
            tuple(judgements),
            tuple(comparisons),
        )
    )


def choose(
    material: Material, *, judges: Sequence[str] = (), rubrics: Sequence[str] = ()
) -> Material:
    """Only these judges and rubrics; none named: all.

    A judge is named by its SIDE, the person's name, its label on the board, or the beginning of its key; a rubric by
    its id or the beginning of its hash. Raises JudgeError (`judge-missing`, `rubric-missing`) saying what there is.
    """
    keys = {info.key for info in _judges(material, judges)}
    hashes = {ref.hash for ref in _rubrics(material, rubrics)}

    def wanted(judged: Judgement | Comparison) -> bool:
        return judged.judge.key in keys and judged.rubric.hash in hashes

    return replace(
        material,
        judgements=tuple(filter(wanted, material.judgements)),
        comparisons=tuple(filter(wanted, material.comparisons)),
    )


def _judges(material: Material, names: Sequence[str]) -> list[JudgeInfo]:
    if not names:
        return material.judges
    labels = judge_labels(material.judges)
    found: list[JudgeInfo] = []
    for name in names:
        fitting = [info for info in material.judges if name in (info.judge, labels[info.key])]
        if not fitting and len(name) >= 4:
            fitting = [info for info in material.judges if info.key.startswith(name)]
        if not fitting:
            there = ", ".join(labels.values()) or "nobody"
            raise JudgeError(
                f"{name} judged none of these answers",
                hint=f"These did: {there}.",
                kind="judge-missing",
            )
        found += fitting
    return found


def _rubrics(material: Material, names: Sequence[str]) -> list[RubricRef]:
    if not names:
        return material.rubrics
    found: list[RubricRef] = []
    for name in names:
        fitting = [ref for ref in material.rubrics if name == ref.id]
        if not fitting and len(name) >= 4:
            fitting = [ref for ref in material.rubrics if ref.hash.startswith(name)]
        if not fitting:
            there = ", ".join(dict.fromkeys(ref.id for ref in material.rubrics)) or "none"
            raise JudgeError(
                f"none of these answers was judged with the rubric {name}",
                hint=f"Rubrics that were used: {there}.",
                kind="rubric-missing",
            )
        found += fitting
    return found


def judge_labels(judges: Iterable[JudgeInfo]) -> dict[str, str]:
    """A short name for each judge's key: SIDE or name, with the key's end where several would look the same."""
    judges = list(judges)
    names = [info.judge for info in judges]
    return {
        info.key: info.judge
        if names.count(info.judge) == 1
        else f"{info.judge} ({info.kind} {info.key[-6:]})"
        for info in judges
    }


def _of_answers(material: Material) -> Material:
    """Without judgements of what is not on the board, such as an answer that is being written again."""
    there = {answer.message_id for answer in material.answers}
    return replace(
        material,
        judgements=tuple(j for j in material.judgements if j.message_id in there),
        comparisons=tuple(
            c for c in material.comparisons if c.message_a in there and c.message_b in there
        ),
    )


def _board_run(run: Run) -> BoardRun:
    start = run.start
    return BoardRun(
        run.id,
        start.name,
        run.created_at,
        run.n_items,
        start.input_name,
        start.input_sha256,
        start.references,
        start.settings,
        start.versions,
    )


def _row_key(run_id: str, side: int) -> str:
    return f"{run_id or CONVERSATIONS}:{side}"


def _item_key(run_id: str, index: int) -> str:
    return f"{run_id}:{index}"
