"""Rows of runs as values: an instruction set that one or more sides answer, and what became of each answer."""

from dataclasses import dataclass, field
from typing import Any

from urial_tui.store.types import Status


@dataclass(frozen=True)
class RunItem:
    """One row of the instruction set. `turns` are the user's messages: one, or two as in MT-Bench.

    `source_id` is the row's own id (text or number), its position where it has none. `extra` has the row's other
    fields, kept for exports. `task` and `topic` are just-eval's tags.
    """

    index: int
    source_id: str | int
    turns: tuple[str, ...]
    dataset: str = ""
    category: str = ""
    task: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunStart:
    """What a run is. `fingerprint` names everything that its answers depend on: the same command finds its run by it.

    `sides` and `references` are SIDE notations, styles included; `settings` has sampling, max_tokens, n_ctx and the
    like, by name; `input_format` is the recognised format of the input.
    """

    name: str
    fingerprint: str
    input_name: str
    input_format: str
    input_sha256: str
    sides: tuple[str, ...]
    references: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A stored run. `n_items` are in the history now; `n_wanted` answers they ask for (turns and sides counted),
    `n_answered` of them are complete, `n_failed` failed at the last try."""

    id: str
    created_at: str
    updated_at: str
    start: RunStart
    n_items: int
    n_wanted: int
    n_answered: int
    n_failed: int

    @property
    def finished(self) -> bool:
        """Whether every answer that its items ask for is there."""
        return self.n_answered >= self.n_wanted


@dataclass(frozen=True)
class RunAnswer:
    """One answer of a run: to turn `turn` (from 0) of item `index` by side number `side`. `words` counts the text's
    words (split at white space)."""

    run_id: str
    index: int
    side: int
    turn: int
    session_id: str
    message_id: str
    status: Status
    content: str
    words: int
    error: str = ""
    finish_reason: str | None = None
    completion_tokens: int | None = None
    created_at: str = ""
    """When it was begun."""


@dataclass(frozen=True)
class AnswerShift:
    """Pooled classes of one answer against one reference, from the trace that counts for it. `mean_kl` in nats."""

    message_id: str
    reference: str
    unshifted: int
    marginal: int
    shifted: int
    mean_kl: float | None
