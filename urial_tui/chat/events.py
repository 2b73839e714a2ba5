"""What a `Chat` tells whoever listens: the TUI posts these as messages, the CLI prints them. Values only."""

from dataclasses import dataclass
from typing import Literal

from urial_tui.chat.pair import PairStatus
from urial_tui.engine.protocol import ContextInfo, Finished, Token
from urial_tui.errors import UrialError
from urial_tui.shift.records import TokenScore
from urial_tui.store.types import Message, Trace

EnginePhase = Literal["idle", "loading", "prefilling", "ready", "generating", "failed"]


@dataclass(frozen=True)
class EngineStatus:
    """What the engine does now. `done` of `total` where there is progress (0 of 0 where there is none).

    `detail` is why it failed, and while it loads what it needs and what is free ("" where that is not known)."""

    phase: EnginePhase
    done: int = 0
    total: int = 0
    detail: str = ""


@dataclass(frozen=True)
class SideReady:
    """The side's model is loaded; `prompt_tokens` is what the pack's constant part costs."""

    side: str
    info: ContextInfo
    pack_tokens: int


@dataclass(frozen=True)
class BranchChanged:
    """The visible branch is another one now (opened, regenerated, edited, switched). Root first."""

    session_id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class MessageAdded:
    """A message joined the end of the visible branch: the user's (committed), or the empty answer about to stream."""

    message: Message
    queued: bool = False
    """The engine is not ready yet; the answer begins by itself when it is."""


@dataclass(frozen=True)
class TextStreamed:
    """Text that became readable, with its tokens."""

    message_id: str
    text: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class TurnStarted:
    message_id: str
    prompt_tokens: int
    n_ctx: int
    reused: int


@dataclass(frozen=True)
class TurnEnded:
    """The answer ended, and is stored. `finished` is None when the engine failed; `error` says how."""

    message: Message
    finished: Finished | None
    error: UrialError | None = None


@dataclass(frozen=True)
class TraceStarted:
    """Scores of this answer will follow: of one that streams (live), or of a stored one (canonical; the trace then
    replaces what was shown). `trace` has no scores yet, or the copied ones of a continued answer."""

    message_id: str
    trace: Trace


@dataclass(frozen=True)
class TokensScored:
    """`pieces`: bytes of token ids in `scores` that were not told before for this trace."""

    message_id: str
    scores: tuple[TokenScore, ...]
    pieces: dict[int, bytes]


@dataclass(frozen=True)
class TraceEnded:
    """`trace` is what is stored now (None: nothing is). `error` says why scores are missing."""

    message_id: str
    trace: Trace | None
    error: UrialError | None = None


@dataclass(frozen=True)
class PairChanged:
    """Which sides are compared, and how ready they are."""

    pair: PairStatus


@dataclass(frozen=True)
class ContextNotice:
    """`kind` "near": the context will be full soon. "trimmed": `dropped_turns` oldest whole turns were left out."""

    kind: Literal["near", "trimmed"]
    used: int
    n_ctx: int
    dropped_turns: int = 0


@dataclass(frozen=True)
class SessionsChanged:
    """The list of sessions, a title or an order changed."""


@dataclass(frozen=True)
class StoreTrouble:
    """Writing the history failed (disk full, read-only): work goes on in memory. None: writing works again."""

    error: UrialError | None


@dataclass(frozen=True)
class Trouble:
    """Something else failed; nothing was lost."""

    error: UrialError


ChatEvent = (
    EngineStatus
    | SideReady
    | BranchChanged
    | MessageAdded
    | TextStreamed
    | TurnStarted
    | TurnEnded
    | TraceStarted
    | TokensScored
    | TraceEnded
    | PairChanged
    | ContextNotice
    | SessionsChanged
    | StoreTrouble
    | Trouble
)
