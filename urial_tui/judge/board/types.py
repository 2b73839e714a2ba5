"""A board as values: rows are sides, panels are judges with their scores, duels are compared answers.

`building` makes them, the command and the board's screen show them. Whatever is no number (not applicable, unreadable,
refused, not judged) is counted apart and never enters a mean.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from urial_tui.judge.agreement import Agreement
from urial_tui.shift.classes import Class
from urial_tui.shift.summary import Interval, shares
from urial_tui.store.judging.types import JudgeKind, RubricRef

By = Literal["task", "topic", "dataset", "category", "turn"]
"""What a breakdown groups answers by. An item with several tasks or topics counts in each of them."""
BY: tuple[By, ...] = ("task", "topic", "dataset", "category", "turn")

SAFETY = "safety"
"""The aspect that no average contains: it is judged on other instructions, with a rubric of its own."""


def rubric_label(rubric: RubricRef, among: Iterable[RubricRef]) -> str:
    """Id and version, with the beginning of the hash where another file has the same."""
    same = {ref.hash for ref in among if (ref.id, ref.version) == (rubric.id, rubric.version)}
    name = f"{rubric.id} v{rubric.version}"
    return name if len(same | {rubric.hash}) == 1 else f"{name} ({rubric.hash[:8]})"


@dataclass(frozen=True)
class BoardRun:
    """A run on the board. `id` "" stands for the answers of conversations."""

    id: str
    name: str
    created_at: str
    n_items: int
    input_name: str = ""
    input_sha256: str = ""
    references: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ShiftCell:
    """Token shift of a row against one reference: counts pooled over tokens, and each item's ratios averaged.

    `per_item` has the mean of the items' ratios with its interval, empty without scored tokens. `mean_kl` is in nats,
    weighted by tokens.
    """

    reference: str
    n_answers: int
    counts: dict[Class, int]
    per_item: dict[Class, Interval]
    mean_kl: float | None

    @property
    def n_tokens(self) -> int:
        return sum(self.counts.values())

    @property
    def ratios(self) -> dict[Class, float] | None:
        """Share of each class over all tokens; None without tokens."""
        return shares(self.counts)


@dataclass(frozen=True)
class BoardRow:
    """One side of one run, with what needs no judge. `label` is short and no other row of the board has it.

    `words` is the mean length of complete answers, over items; `finish` counts their finish reasons ("length": the
    limit of tokens ended it). `n_wanted` answers were asked for, `n_answers` are complete, `n_failed` failed.
    """

    key: str
    label: str
    side: str
    run_id: str
    n_wanted: int
    n_answers: int
    n_failed: int
    words: Interval | None
    finish: dict[str, int]
    shifts: tuple[ShiftCell, ...] = ()

    @property
    def length_share(self) -> float | None:
        """Share of complete answers that the limit of tokens ended; None where no answer says how it ended."""
        known = sum(self.finish.values())
        return self.finish.get("length", 0) / known if known else None


@dataclass(frozen=True)
class BoardJudge:
    """Who judged. `label` is short and no other judge of the board has it (the same SIDE with other settings may be
    there twice). Equal `key`s are the same judge."""

    key: str
    label: str
    judge: str
    kind: JudgeKind
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """Scores of one aspect. `score` is the mean of the scores that the judge gave (1-5) and leads; `expected` the mean
    of its expected scores, beside it. Their `n` counts scores, so `score.n` is the number of `ok` ones. `compatible`
    is the mean of scores with N/A as 5, for the line of that name only. `mass` is the mean of what the judge's
    probabilities of the digits 1 to 5 sum to: far below 1, the expected score is of little that it wanted to write.
    """

    aspect: str
    score: Interval | None
    expected: Interval | None
    n_na: int
    n_invalid: int
    n_refused: int
    compatible: float | None = None
    mass: float | None = None

    @property
    def n(self) -> int:
        """Scores in the mean."""
        return self.score.n if self.score else 0

    @property
    def n_judged(self) -> int:
        return self.n + self.n_na + self.n_invalid + self.n_refused


@dataclass(frozen=True)
class Line:
    """One row as one judge sees it; `cells` are in the order of the panel's aspects.

    `average` is the mean of the aspects' means, safety left out; None where one of them has no score, since an average
    over other aspects could not be compared. `n_judged` of `n_answers` complete answers have a judgement.
    `n_own`: written by the judge's own model; `n_shortened`: the judge read a shortened text.
    """

    row: str
    cells: tuple[Cell, ...]
    average: Interval | None
    average_expected: Interval | None
    average_compatible: float | None
    n_answers: int
    n_judged: int
    n_own: int = 0
    n_shortened: int = 0
    n_blind: int = 0


@dataclass(frozen=True)
class Panel:
    """All rows by one judge with one rubric. `averaged` are the aspects in the average."""

    judge: BoardJudge
    rubric: RubricRef
    aspects: tuple[str, ...]
    averaged: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class DuelCell:
    """One aspect of compared answers. `n_split`: ties because the two orders disagreed. `n_longer` of `n_decided` (no
    tie, lengths differ) were won by the longer answer. `margin` is the mean of a win as 1, a tie as 0 and a loss as
    -1: the share of wins less that of losses."""

    aspect: str
    wins: int
    ties: int
    losses: int
    n_na: int
    n_invalid: int
    n_refused: int
    n_split: int
    n_longer: int
    n_decided: int
    margin: Interval | None = None

    @property
    def n(self) -> int:
        """Picks in the rates."""
        return self.wins + self.ties + self.losses

    @property
    def rates(self) -> tuple[float, float, float] | None:
        """Shares of wins, ties, losses; None without picks."""
        return (self.wins / self.n, self.ties / self.n, self.losses / self.n) if self.n else None

    @property
    def longer(self) -> float | None:
        """Share of decided picks that the longer answer won."""
        return self.n_longer / self.n_decided if self.n_decided else None


@dataclass(frozen=True)
class Duel:
    """`row` against `opponent` by one judge with one rubric. `words` is the mean of row's minus opponent's length.
    `n_own` pairs have an answer by the judge's own model; `n_shortened`, `n_blind` as in a `Line`."""

    judge: BoardJudge
    rubric: RubricRef
    row: str
    opponent: str
    n: int
    words: Interval | None
    cells: tuple[DuelCell, ...]
    n_own: int = 0
    n_shortened: int = 0
    n_blind: int = 0


@dataclass(frozen=True)
class Group:
    """A part of a breakdown: its items, and panels over them alone. `name` "" has what carries no such tag."""

    name: str
    n_items: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Breakdown:
    """`overlapping`: some item counts in more than one group."""

    by: By
    groups: tuple[Group, ...]
    overlapping: bool


@dataclass(frozen=True)
class PublishedRow:
    """A published figure: `values` by column name, a column that was not published is not in it."""

    system: str
    values: dict[str, float]


@dataclass(frozen=True)
class PublishedTable:
    """Published figures of one kind. `judge` "" where no judge was involved; `note` says why they cannot be compared
    with the board's own, and is always shown with them."""

    title: str
    judge: str
    items: str
    source: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    digits: int = 2
    """Decimals that were published."""


@dataclass(frozen=True)
class Board:
    """`judges` are all that are on it; `agreement` has each pair that judged the same answers with one rubric."""

    runs: tuple[BoardRun, ...]
    rows: tuple[BoardRow, ...]
    judges: tuple[BoardJudge, ...]
    panels: tuple[Panel, ...]
    duels: tuple[Duel, ...] = ()
    breakdown: Breakdown | None = None
    agreement: tuple[Agreement, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader has to know, in sentences: what was left out, which rubrics had two versions."""

    @property
    def rubrics(self) -> tuple[RubricRef, ...]:
        """Those by which something on it was judged, in the order of its parts."""
        found = [panel.rubric for panel in self.panels]
        found += [duel.rubric for duel in self.duels]
        found += [pair.rubric for pair in self.agreement]
        return tuple(dict.fromkeys(found))

    def rubric_label(self, rubric: RubricRef) -> str:
        """What a rubric is called in every part of the board."""
        return rubric_label(rubric, self.rubrics)

    def row(self, key: str) -> BoardRow:
        return next(row for row in self.rows if row.key == key)
