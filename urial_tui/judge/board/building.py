"""Building a board: what a run's material comes to, judge by judge, with intervals, breakdowns, duels and agreement.

`build` is pure and deterministic: the same material gives the same numbers. Who shows them: the `board` command and
the board's screen.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from urial_tui.judge.board.agreement import agreements
from urial_tui.judge.board.duels import duels
from urial_tui.judge.board.material import (
    BoardAnswer,
    Material,
    RowHead,
    judge_labels,
)
from urial_tui.judge.board.means import Means
from urial_tui.judge.board.panels import panels
from urial_tui.judge.board.types import (
    Board,
    BoardJudge,
    BoardRow,
    Breakdown,
    By,
    Group,
    Panel,
    ShiftCell,
    rubric_label,
)
from urial_tui.shift.classes import COUNTED, Class
from urial_tui.shift.summary import shares
from urial_tui.store.runs.types import AnswerShift

FEW_ITEMS = 20
"""A bootstrap over fewer items gives intervals that are too narrow."""
MAX_GROUPS = 40
"""Groups of a breakdown: the largest. A data set may have a category of its own for every row."""


def build(material: Material, *, by: By | None = None) -> Board:
    """Make the board. `by` None: answers of several turns are broken down by turn, others not at all.

    1,000 items, 4 sides and 2 judges with six aspects take about a second, a breakdown about as long again.
    """
    labels = judge_labels(material.judges)
    judges = {
        info.key: BoardJudge(info.key, labels[info.key], info.judge, info.kind, info.provenance)
        for info in material.judges
    }
    if by is None and any(answer.turn for answer in material.answers):
        by = "turn"
    means = Means()
    rows = _rows(material, means)
    scored = panels(material, judges, means)
    compared, inside = duels(material, judges, means)
    breakdown, left_out = _breakdown(material, judges, by) if by else (None, 0)
    board = Board(
        runs=material.runs,
        rows=rows(),
        judges=tuple(judges.values()),
        panels=scored(),
        duels=compared(),
        breakdown=breakdown,
        agreement=tuple(agreements(material, list(judges.values()))),
    )
    notes = (*_notes(material, by, breakdown, left_out, inside), *_few_items(board))
    return replace(board, notes=notes)


# --- rows -----------------------------------------------------------------------------------------------------------


def _rows(material: Material, means: Means) -> Callable[[], tuple[BoardRow, ...]]:
    labels = row_labels(material)
    answers: dict[str, list[BoardAnswer]] = {head.key: [] for head in material.rows}
    for answer in material.answers:
        answers[answer.row].append(answer)
    of_message = {answer.message_id: answer for answer in material.answers}
    shifts: dict[tuple[str, str], list[AnswerShift]] = {}
    for shift in material.shifts:
        if shift.message_id in of_message:
            key = (of_message[shift.message_id].row, shift.reference)
            shifts.setdefault(key, []).append(shift)
    waiting = []
    for head in material.rows:
        mine = answers[head.key]
        words = means.column((a.item, float(a.words)) for a in mine)
        cells = [
            _shift(reference, found, of_message, means)
            for (row, reference), found in shifts.items()
            if row == head.key
        ]
        waiting.append((head, mine, words, cells))

    def made() -> tuple[BoardRow, ...]:
        return tuple(
            BoardRow(
                key=head.key,
                label=labels[head.key],
                side=head.side,
                run_id=head.run_id,
                n_wanted=head.n_wanted,
                n_answers=len(mine),
                n_failed=head.n_failed,
                words=means.mean(words),
                finish=dict(Counter(a.finish_reason for a in mine if a.finish_reason)),
                shifts=tuple(cell() for cell in cells),
            )
            for head, mine, words, cells in waiting
        )

    return made


def row_labels(material: Material) -> dict[str, str]:
    """The side where that is enough, with the run's name, or its number on the board, where it is not."""
    names = {run.id: run.name for run in material.runs}
    numbers = {run.id: number for number, run in enumerate(material.runs, 1)}
    repeated = len(set(names.values())) < len(names)

    def label(head: RowHead) -> str:
        if len(material.runs) < 2:
            return head.side
        run = f"run {numbers[head.run_id]}" if repeated else names[head.run_id]
        return f"{head.side} ({run})"

    found = {head.key: label(head) for head in material.rows}
    taken = Counter(found.values())
    # A run may have the same side twice only by hand; its number keeps them apart.
    return {
        key: text if taken[text] == 1 else f"{text} #{key.rpartition(':')[2]}"
        for key, text in found.items()
    }


def _shift(
    reference: str,
    found: Sequence[AnswerShift],
    of_message: dict[str, BoardAnswer],
    means: Means,
) -> Callable[[], ShiftCell]:
    pooled: Counter[Class] = Counter()
    items: dict[str, Counter[Class]] = {}
    for shift in found:
        counts: Counter[Class] = Counter({name: getattr(shift, name) for name in COUNTED})
        pooled += counts
        items.setdefault(of_message[shift.message_id].item, Counter()).update(counts)
    ratios = {
        item: ratio for item, counts in items.items() if (ratio := shares(counts)) is not None
    }
    places = {
        name: means.column((item, ratio[name]) for item, ratio in ratios.items())
        for name in COUNTED
    }
    weighted = [
        (shift.mean_kl, shift.unshifted + shift.marginal + shift.shifted)
        for shift in found
        if shift.mean_kl is not None
    ]
    n = sum(tokens for _, tokens in weighted)
    kl = sum(value * tokens for value, tokens in weighted) / n if n else None

    def made() -> ShiftCell:
        means_ = {name: means.mean(place) for name, place in places.items()}
        return ShiftCell(
            reference,
            len(found),
            {name: pooled[name] for name in COUNTED},
            {name: mean for name, mean in means_.items() if mean is not None},
            kl,
        )

    return made


# --- breakdowns -----------------------------------------------------------------------------------------------------


def _breakdown(material: Material, judges: dict[str, BoardJudge], by: By) -> tuple[Breakdown, int]:
    """The groups, the largest first (turns in their order), and how many were left out."""
    groups: dict[str, set[str]] = {}
    items: dict[str, set[str]] = {}
    overlapping = False
    for answer in material.answers:
        names = tags(material, answer, by)
        overlapping |= len(names) > 1
        for name in names:
            groups.setdefault(name, set()).add(answer.message_id)
            items.setdefault(name, set()).add(answer.item)
    order = sorted(groups, key=lambda name: (-len(items[name]), name))
    shown = sorted(groups, key=int) if by == "turn" else order[:MAX_GROUPS]
    made = tuple(
        Group(name, len(items[name]), _group(material, judges, groups[name])) for name in shown
    )
    return Breakdown(by, made, overlapping), len(groups) - len(shown)


def _group(
    material: Material, judges: dict[str, BoardJudge], messages: set[str]
) -> tuple[Panel, ...]:
    means = Means()
    return panels(material, judges, means, only=lambda answer: answer.message_id in messages)()


def tells_apart(material: Material, by: By) -> bool:
    """Whether a breakdown has more than one group."""
    return len({name for answer in material.answers for name in tags(material, answer, by)}) > 1


def tags(material: Material, answer: BoardAnswer, by: By) -> tuple[str, ...]:
    """The groups that an answer is in. Turns count from 1, as people do."""
    if by == "turn":
        return (str(answer.turn + 1),)
    item = material.items.get(answer.item)
    if item is None:
        return ("",)
    if by in ("task", "topic"):
        return tuple(dict.fromkeys(item.task if by == "task" else item.topic)) or ("",)
    return (item.dataset if by == "dataset" else item.category,)


# --- notes ----------------------------------------------------------------------------------------------------------


def _notes(
    material: Material, by: By | None, breakdown: Breakdown | None, left_out: int, inside: int
) -> Iterable[str]:
    versions: dict[str, list[str]] = {}
    for rubric in material.rubrics:
        versions.setdefault(rubric.id, []).append(rubric_label(rubric, material.rubrics))
    for name, labels in versions.items():
        if len(labels) > 1:
            yield (
                f"The rubric {name} was used in {len(labels)} wordings ({', '.join(labels)}): "
                "their scores are kept apart, and cannot be compared."
            )
    if len({run.input_sha256 for run in material.runs}) > 1:
        yield "The runs answered different instruction sets: their rows cannot be compared."
    if breakdown and breakdown.overlapping:
        yield f"An item with several {by}s counts in each of them."
    if left_out:
        yield f"{left_out} smaller groups by {by} were left out; the largest {MAX_GROUPS} are there."
    if inside:
        yield f"{inside} comparisons of two answers of one side are in no rates."
    unfinished = sum(head.n_wanted for head in material.rows) - len(material.answers)
    if unfinished > 0:
        yield f"{unfinished} answers are missing: the run has not finished, or they failed."


def _few_items(board: Board) -> Iterable[str]:
    scored = [*board.panels]
    for group in board.breakdown.groups if board.breakdown else ():
        scored += group.panels
    means = [row.words for row in board.rows]
    means += [cell.score for panel in scored for line in panel.lines for cell in line.cells]
    means += [cell.margin for duel in board.duels for cell in duel.cells]
    fewest = min((mean.n_items for mean in means if mean is not None), default=FEW_ITEMS)
    if fewest < FEW_ITEMS:
        yield (
            f"Some means are over fewer than {FEW_ITEMS} items (the fewest: {fewest}): their intervals are too narrow, "
            "and a single item has none."
        )
