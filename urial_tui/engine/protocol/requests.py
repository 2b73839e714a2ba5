"""What the parent asks of the engine process. Every request carries a `request` number; every answer repeats it."""

import msgspec

from urial_tui.engine.protocol.specs import (
    ContextSpec,
    Probe,
    Prompt,
    Reference,
    Sampling,
    Scoring,
    Stops,
)


class Request(msgspec.Struct, frozen=True, tag=True):
    request: int


class Open(Request, frozen=True):
    """Load the model and make the context. Answer: Progress*, Opened."""

    spec: ContextSpec


class Tokenize(Request, frozen=True):
    """Answer: Tokens. `pieces` asks for each token's bytes too."""

    spec: ContextSpec
    prompt: Prompt
    pieces: bool = False


class Prefill(Request, frozen=True):
    """Bring the constant part of `prompt` into the context, from disk if kept. Answer: Progress*, Prefilled."""

    spec: ContextSpec
    prompt: Prompt


class Generate(Request, frozen=True):
    """Answer: Progress*, Started, Token*, Finished; with `scoring` also ScoringStarted (after Started), Scored* and
    ReferenceFailed*, all before Finished; with `probe` also Probed*. `forced` tokens are written first, in place of
    drawn ones.
    """

    spec: ContextSpec
    prompt: Prompt
    sampling: Sampling
    stops: Stops
    max_tokens: int
    scoring: Scoring | None = None
    forced: tuple[int, ...] = ()
    probe: Probe | None = None


class Score(Request, frozen=True):
    """Score a given answer, nothing is generated: the canonical path, teacher-forced in batches on a cache that only
    batches built. The answer is `tokens`, or else `text`, tokenised on its own as plain text. Without a `generator`
    the references score the text alone, and the first one may not be `same`.

    Answer: Progress* ("load", "prefill", "score"), ScoringStarted, Scored*, ReferenceFailed*, ScoreFinished.
    """

    generator: Reference | None
    references: tuple[Reference, ...]
    tokens: tuple[int, ...] = ()
    text: str = ""
    top_k: int = 10


class CheckPair(Request, frozen=True):
    """Whether the two sides' vocabularies agree id by id. Answer: Progress*, PairChecked."""

    generator: ContextSpec
    reference: ContextSpec


class Measure(Request, frozen=True):
    """Decode `prompt` token by token and in batches, and compare. Answer: Progress* ("measure"), Measured."""

    spec: ContextSpec
    prompt: Prompt


class Close(Request, frozen=True):
    """Free the context; the model too, when no other context uses it. Answer: Done."""

    spec: ContextSpec


class Describe(Request, frozen=True):
    """Versions, build features and devices. Answer: Description."""


class Cancel(Request, frozen=True):
    """Stop the request `target`. The reading thread answers Ack at once; the target ends with its own event."""

    target: int


class Shutdown(Request, frozen=True):
    """Free everything and exit."""


AnyRequest = (
    Open
    | Tokenize
    | Prefill
    | Generate
    | Score
    | CheckPair
    | Measure
    | Close
    | Describe
    | Cancel
    | Shutdown
)
