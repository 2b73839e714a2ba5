"""What the engine process says: the events that answer a request, which are also what the client gives its callers."""

import msgspec

from urial_tui.engine.memory import Device, MemoryTaken
from urial_tui.shift.records import TokenScore


class Event(msgspec.Struct, frozen=True, tag=True):
    request: int


class Ack(Event, frozen=True):
    """The cancel request was read."""


class Done(Event, frozen=True):
    """The request has ended and has nothing to say."""


class Progress(Event, frozen=True):
    """`stage` is "load" (done of total in 1/1000), "prefill" (prompt tokens), "reference" (prompt tokens of the
    references), "score" (answer tokens) or "measure" (tokens)."""

    stage: str
    done: int
    total: int


class ContextInfo(msgspec.Struct, frozen=True):
    """What a context is, as llama.cpp reports it after loading.

    `gpu_layers` of `n_layers` + 1 (the output counts as one) are on `device`: "CPU", or the names of the GPUs with
    layers on them. `memory` is None where llama.cpp's log did not tell.
    """

    n_ctx: int
    n_ctx_train: int
    n_vocab: int
    n_layers: int
    gpu_layers: int
    n_threads: int
    swa_window: int
    description: str
    n_params: int
    size_bytes: int
    load_s: float
    device: str
    memory: MemoryTaken | None = None

    @property
    def placement(self) -> str:
        """Where it runs, in words: "CPU", "CUDA0 (all 33 layers)", "CUDA0 (20 of 33 layers)"."""
        if not self.gpu_layers:
            return "CPU"
        steps = self.n_layers + 1
        share = "all" if self.gpu_layers >= steps else f"{self.gpu_layers} of"
        return f"{self.device} ({share} {steps} layers)"


class Opened(Event, frozen=True):
    info: ContextInfo


class Tokens(Event, frozen=True):
    ids: tuple[int, ...]
    pieces: tuple[bytes, ...] = ()


class Prefilled(Event, frozen=True):
    """`n_tokens` is what the constant text takes; `reused` of them were there or came from disk (`from_disk`)."""

    n_tokens: int
    reused: int
    from_disk: bool
    seconds: float


class Started(Event, frozen=True):
    """The prompt is in the context and the first token is next. `prompt_ids` is the exact prompt."""

    prompt_ids: tuple[int, ...]
    reused: int
    from_disk: bool
    prefill_s: float


class Token(Event, frozen=True):
    """One answer token. `text` is what became readable with it: may be empty (half a character) or hold an earlier
    token's half. `cut` says that a stop text began inside this token: only the first `visible` bytes are answer.
    """

    i: int
    id: int
    raw: bytes
    text: str
    visible: int
    cut: bool = False
    control: bool = False


class Probed(Event, frozen=True):
    """An option was begun by the token that is drawn as number `i`; told before that token is. `masses` has, for each
    option of the probe, its share of the raw softmax (before samplers and grammar) over the whole vocabulary."""

    i: int
    masses: tuple[float, ...]


class Timings(msgspec.Struct, frozen=True):
    """Seconds, from the engine's monotonic clock. `first_token_s` counts from the request, model load excluded."""

    load_s: float = 0.0
    prefill_s: float = 0.0
    prefix_reused_tokens: int = 0
    first_token_s: float = 0.0
    decode_s: float = 0.0
    tokens_per_s: float = 0.0


class ScoreTimings(msgspec.Struct, frozen=True):
    """Seconds spent for scoring. `batches` decodes of the references scored `tokens` tokens."""

    prefill_s: float = 0.0
    decode_s: float = 0.0
    statistics_s: float = 0.0
    batches: int = 0
    tokens: int = 0


class Finished(Event, frozen=True):
    """`reason`: stop (a stop text or the closing fence), eog, length (max_tokens or context full), cancelled, error.

    `tail` is text still held back when the answer ended (an incomplete character shows as U+FFFD).
    `seed` is the one that was used.
    """

    reason: str
    prompt_tokens: int
    completion_tokens: int
    timings: Timings
    tail: str = ""
    seed: int = 0
    context_full: bool = False
    scoring: ScoreTimings | None = None


class ScoringStarted(Event, frozen=True):
    """The prompts are in their contexts. `prompt_ids` has one entry a reference, empty for one that failed.

    For a Score request also the generator's prompt (empty without one) and the answer's tokens.
    """

    prompt_ids: tuple[tuple[int, ...], ...]
    generator_prompt_ids: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    raw: tuple[bytes, ...] = ()


class Scored(Event, frozen=True):
    """Scores of consecutive tokens, in order, never of one that was not told. `pieces` are the bytes of ids named in
    `top` lists for the first time in this request."""

    scores: tuple[TokenScore, ...]
    pieces: dict[int, bytes]


class ReferenceFailed(Event, frozen=True):
    """Reference number `reference` (-1: all of them, the generator's view too) gives no more scores; the answer goes
    on."""

    reference: int
    kind: str
    message: str
    hint: str = ""


class ScoreFinished(Event, frozen=True):
    """The end of a Score request. `cancelled`: the scores that were sent are right, the others are missing."""

    timings: ScoreTimings
    cancelled: bool = False


class DifferingToken(msgspec.Struct, frozen=True):
    """A token id that the vocabularies do not share; None where a side has no such id."""

    id: int
    generator: bytes | None
    reference: bytes | None


class PairChecked(Event, frozen=True):
    """`compatible` False says why in `reason`, with the first `differing` ids. `n_common` ids are compared.

    `fingerprint` names the generator's vocabulary: sha256 over its type and all its tokens.
    """

    compatible: bool
    n_common: int
    fingerprint: str
    reason: str = ""
    differing: tuple[DifferingToken, ...] = ()
    warnings: tuple[str, ...] = ()


class Measured(Event, frozen=True):
    """Rounding noise of a model (with its adapter) on this machine, over `tokens` positions.

    `noise` is the 99th percentile of the change, between decoding one by one and in batches, of the margins in
    log-probability that decide a class. `mean_kl` is the divergence between the two paths, `changed` the share of
    classes that differ between them. `null_rate` is the share of tokens that are not unshifted when the canonical
    path scores the model against itself.
    """

    noise: float
    mean_kl: float
    changed: float
    null_rate: float
    tokens: int
    seconds: float


class Failed(Event, frozen=True):
    """The request failed; the process lives on. `kind` is stable, `hint` says what to do."""

    kind: str
    message: str
    hint: str = ""


class Description(Event, frozen=True):
    """The build and the machine. `backends` are the parts of llama.cpp that were built: "CPU", "CUDA", "Metal",
    "Vulkan", ..., whether or not there is a device for them."""

    llama_cpp_version: str
    system_info: str
    gpu_offload: bool
    devices: tuple[Device, ...]
    missing_symbols: tuple[str, ...]
    backends: tuple[str, ...] = ()


AnyEvent = (
    Ack
    | Done
    | Progress
    | Opened
    | Tokens
    | Prefilled
    | Started
    | Token
    | Probed
    | Finished
    | ScoringStarted
    | Scored
    | ReferenceFailed
    | ScoreFinished
    | PairChecked
    | Measured
    | Failed
    | Description
)
