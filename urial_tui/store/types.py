"""Rows of the history as values. Ids are time-ordered text; times are UTC, ISO 8601 with milliseconds and `Z`."""

from dataclasses import dataclass, field
from typing import Any, Literal

from urial_tui.shift.records import TokenScore

Role = Literal["user", "assistant"]
Status = Literal["complete", "stopped", "interrupted", "failed"]
"""An answer is written as `interrupted` and becomes something better when it ends, so that a killed program leaves the
truth behind. `stopped`: the user stopped it. `failed`: the engine did; `error` says why."""


@dataclass(frozen=True)
class Session:
    id: str
    title: str
    side: str
    """SIDE notation, style included."""
    created_at: str
    updated_at: str
    leaf_id: str | None
    """The message at the end of the branch that was last on screen."""
    n_messages: int = 0
    archived: bool = False
    run_id: str | None = None
    """The run that this is a conversation of. Lists of sessions and searches leave these out."""
    pinned: bool = False
    tags: tuple[str, ...] = ()
    """In the order of the alphabet."""
    deleted_at: str | None = None
    """When it was put into the bin; None: it is not there. Lists and searches leave the bin out."""
    origin: dict[str, Any] = field(default_factory=dict)
    """Where it was imported from, by name; empty for a session of this program."""


Shown = Literal["no", "yes", "only"]
"""Whether a list has some kind of row: without it, with it, or nothing else."""


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions a list or a search is about. Every field narrows it; the defaults are the usual list.

    `query` as in `sessions.search`; `side` and `pack` are parts of a name, whatever the case, of the session or of one
    of its answers; all `tags` must be there. `since` and `until` are times as stored, of the last message, the end
    left out. Scores are the mean over all aspects of all judgements with a score (1 to 5), `shifted` the share of
    tokens (0 to 1), both over the session's answers: a session without any matches no bound.
    """

    query: str = ""
    side: str = ""
    pack: str = ""
    tags: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    score_min: float | None = None
    score_max: float | None = None
    shifted_min: float | None = None
    shifted_max: float | None = None
    pinned: bool | None = None
    archived: Shown = "no"
    deleted: Shown = "no"


@dataclass(frozen=True)
class Draft:
    """What is typed and not sent: a message, and what the answer to it shall begin with."""

    text: str = ""
    beginning: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.beginning)

    def before(self, other: "Draft") -> "Draft":
        """Both, this one first: texts on lines of their own, beginnings one behind the other."""
        text = "\n".join(filter(None, (self.text, other.text)))
        return Draft(text, self.beginning + other.beginning)


@dataclass(frozen=True)
class Message:
    id: str
    session_id: str
    parent_id: str | None
    role: Role
    content: str
    status: Status
    created_at: str
    prefill: str = ""
    """The beginning of the answer that the user wrote; `content` includes it."""
    error: str = ""


@dataclass(frozen=True)
class Token:
    """One generated token. `raw` is the truth, `text` is what became readable with it."""

    i: int
    token_id: int
    raw: bytes
    text: str
    visible: int
    cut: bool = False
    control: bool = False


@dataclass(frozen=True)
class GenerationStart:
    """Provenance that is known before the first token. `prompt_ids` are the exact prompt."""

    side: str
    model_path: str
    model_sha256: str | None
    adapter_path: str | None
    adapter_sha256: str | None
    adapter_scale: float
    style: str
    pack_id: str | None
    pack_hash: str | None
    sampling: dict[str, Any]
    stops: dict[str, Any]
    n_ctx: int
    prompt_ids: tuple[int, ...]
    versions: dict[str, str]
    continued_from: str | None = None
    """The message whose tokens this generation went on from."""
    dropped_turns: int = 0
    """Oldest whole turns that were left out because the context was full."""
    template_hash: str | None = None
    """sha256 of the chat template, for the style `chat`."""
    context: dict[str, Any] | None = None
    """Options of the context that change its numbers, by name; None: not known, as of older rows."""


@dataclass(frozen=True)
class GenerationEnd:
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seed: int
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Generation:
    """A stored generation, whole."""

    id: str
    message_id: str
    created_at: str
    start: GenerationStart
    end: GenerationEnd | None


TracePath = Literal["live", "canonical"]
"""How a trace's logit rows were made: `live` has the generator's from its own decoding, token by token; `canonical`
has both sides' from the same batches."""


@dataclass(frozen=True)
class TraceSide:
    """Provenance of one side of a trace. `prompt_ids` are the exact tokens before the answer. `noise` and `null_rate`
    are what was measured for this model on this machine (None: not measured). `error`: why scores are missing.
    `context` is as in `GenerationStart`."""

    role: Literal["generator", "reference"]
    side: str
    model_path: str
    model_sha256: str | None
    adapter_path: str | None
    adapter_sha256: str | None
    adapter_scale: float
    style: str
    pack_id: str | None
    pack_hash: str | None
    template_hash: str | None
    prompt_ids: tuple[int, ...]
    n_ctx: int
    noise: float | None = None
    null_rate: float | None = None
    error: str = ""
    context: dict[str, Any] | None = None


@dataclass(frozen=True)
class TraceStart:
    """What is known of a trace before its first score. `vocabulary` is the fingerprint of the generator's vocabulary,
    `n_vocab` its size, of which `n_common` ids are compared. `generator` None: a text scored without one."""

    path: TracePath
    top_k: int
    vocabulary: str
    n_vocab: int
    n_common: int
    generator: TraceSide | None
    references: tuple[TraceSide, ...]
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """The token records of one answer against its references. `pieces` are the bytes of ids in the records."""

    id: str
    message_id: str
    created_at: str
    complete: bool
    start: TraceStart
    scores: tuple[TokenScore, ...] = ()
    pieces: dict[int, bytes] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TraceInfo:
    """A trace in a list."""

    id: str
    path: TracePath
    created_at: str
    complete: bool
    generator: str | None
    references: tuple[str, ...]
    n_scores: int


@dataclass(frozen=True)
class ShiftTotals:
    """Pooled classes of one pair of sides over the traces that count of answers. `mean_kl` in nats."""

    generator: str | None
    reference: str
    path: TracePath
    answers: int
    unshifted: int
    marginal: int
    shifted: int
    control: int
    mean_kl: float | None


@dataclass(frozen=True)
class Hit:
    """A search result: a message, or a session whose title alone matches. `snippet` marks the match with \\x02 and
    \\x03."""

    session_id: str
    message_id: str | None
    title: str
    snippet: str
    role: Role | None = None
    created_at: str = ""
    """Of the message."""
    more: int = 0
    """Further messages of the session that match and are no hits of their own; only at the session's last hit."""


@dataclass(frozen=True)
class LockHolder:
    """Which program writes a session or a run now."""

    pid: int
    host: str
    program: str
    since: str


@dataclass(frozen=True)
class Stats:
    """Sizes and versions, for `doctor`. `path` None: the history is in memory."""

    path: str | None
    sessions: int
    messages: int
    generations: int
    tokens: int
    traces: int
    size_bytes: int
    schema_version: int
    journal_mode: str
    sqlite_version: str
    runs: int = 0
    judgements: int = 0
    comparisons: int = 0
