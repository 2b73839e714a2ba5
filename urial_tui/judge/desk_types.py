"""What the interface is given to rate: answers with the conversation before them, and what of a run is left to do."""

from dataclasses import dataclass

from urial_tui.prompts.types import Turn
from urial_tui.store.judging.types import Comparison, Judgement
from urial_tui.store.types import Status


@dataclass(frozen=True)
class RatedAnswer:
    """An answer and the conversation that it ends. `side` wrote it ("" where that is not known); whoever rates blind
    must not see it. `mine` is this person's own judgement with the rubric that was asked for, `others` are all the
    judgements of other judges and rubrics, the oldest first."""

    message_id: str
    before: tuple[Turn, ...]
    content: str
    side: str
    status: Status = "complete"
    mine: Judgement | None = None
    others: tuple[Judgement, ...] = ()

    @property
    def words(self) -> int:
        return len(self.content.split())


@dataclass(frozen=True)
class AnswerPair:
    """Two answers to the same message. `first` is the one that is shown first. `mine` is this person's own comparison
    of them with the rubric that was asked for."""

    a: RatedAnswer
    b: RatedAnswer
    first: str
    mine: Comparison | None = None


@dataclass(frozen=True)
class Queue:
    """What is left to rate of a run, in the order in which it is shown. Each task is the ids of one answer, or of two
    to compare. `done` of `total` are rated; `left_out` answers are for another rubric."""

    tasks: tuple[tuple[str, ...], ...]
    done: int
    total: int
    left_out: int = 0


@dataclass(frozen=True)
class JudgingStep:
    """How far a judge is: `phase` in a word, `done` of `total` where that is known. While it writes (`judging`) those
    are tokens, and it ends before the last one."""

    phase: str
    done: int = 0
    total: int = 0

    @property
    def words(self) -> str:
        """For a status line."""
        if self.phase == "judging":
            return f"judging, {self.done} tokens"
        share = f" {self.done * 100 // self.total} %" if self.total else ""
        return f"judge: {self.phase}{share}"
