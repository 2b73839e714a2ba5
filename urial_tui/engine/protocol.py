"""What the parent and the engine process say to each other: msgspec structs, msgpack, a 4-byte length before each.

The same structs are the events that the asyncio client hands to its callers, so nothing is translated twice. This
module imports neither llama_cpp nor asyncio. Every request carries a `request` number; every answer repeats it.
"""

import struct

import msgspec

from urial_tui.engine.memory import Device, MemoryTaken
from urial_tui.engine.options import N_BATCH
from urial_tui.shift.records import TokenScore

MAX_FRAME = 256 * 1024 * 1024
"""Longest accepted message in bytes; a longer one means that the two ends are out of step."""


class ContextSpec(msgspec.Struct, frozen=True):
    """Which context a request runs in. Equal specs share one context and its KV cache.

    `gpu_layers` -1 lets the engine choose what fits; `n_threads` 0 means the machine's physical cores; `n_ctx` 0 means
    the model's training length. `slot` keeps contexts apart that are otherwise equal (a generator, its reference).
    `n_batch` bounds the tokens of one decode, `kv_type` is that of keys and values (`options` has the words),
    `main_gpu` -1 leaves the devices to llama.cpp, another number is the one GPU to use.

    A file's weights are there once: contexts on the same file share them, whatever `gpu_layers` a context says whose
    slot is not "generator".
    """

    model_path: str
    adapter_path: str | None = None
    adapter_scale: float = 1.0
    n_ctx: int = 4096
    n_threads: int = 0
    gpu_layers: int = -1
    slot: str = "generator"
    n_batch: int = N_BATCH
    flash_attention: str = "auto"
    kv_type: str = "f16"
    main_gpu: int = -1


class Span(msgspec.Struct, frozen=True):
    """A piece of prompt text. In `user` spans the literal of a special token stays text (it is tokenised as such)."""

    text: str
    user: bool = False


class Prompt(msgspec.Struct, frozen=True):
    """A prompt: `spans` tokenised as one string, then `ids` appended as they are (a stored answer to continue).

    With no spans, `ids` is the whole prompt, BOS included. The first `constant` spans are the part that never changes
    for this pack: its KV state is worth keeping on disk. The last `answer` of `ids` are the answer's own tokens, which
    penalties and a grammar count.
    """

    spans: tuple[Span, ...] = ()
    ids: tuple[int, ...] = ()
    constant: int = 0
    answer: int = 0


class Sampling(msgspec.Struct, frozen=True):
    """llama.cpp's sampler chain. temperature 0 is greedy; top_k 0, top_p 1, min_p 0 are off; `seed` None is random.

    Penalties look at the answer's own tokens (not at the prompt), the last `penalty_last_n` of them; -1 is all.
    """

    temperature: float = 0.7
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_last_n: int = -1
    seed: int | None = None
    grammar: str | None = None


class Stops(msgspec.Struct, frozen=True):
    """Where an answer ends besides EOG: any of `texts`, or the fence that closes the answer when `fence` is set.

    `prefilled` is the part of the answer, as UTF-8, that the prompt already contains: it counts for the fence depth,
    and a character that it leaves unfinished is finished by the first new token.
    """

    texts: tuple[str, ...] = ()
    fence: str | None = None
    prefilled: bytes = b""


class Reference(msgspec.Struct, frozen=True):
    """A side that scores tokens it did not write. `prompt` None: exactly the generator's own prompt ids (`same`)."""

    spec: ContextSpec
    prompt: Prompt | None = None


class Scoring(msgspec.Struct, frozen=True):
    """Score a generation while it runs (the live path): the generator's rows from its decoding, the references' in
    batches. `top_k` alternatives of each side are kept for each token. No references: the generator's view alone."""

    references: tuple[Reference, ...] = ()
    top_k: int = 10


# --- requests -------------------------------------------------------------------------------------------------------


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
    ReferenceFailed*, all before Finished. `forced` tokens are written first, in place of drawn ones.
    """

    spec: ContextSpec
    prompt: Prompt
    sampling: Sampling
    stops: Stops
    max_tokens: int
    scoring: Scoring | None = None
    forced: tuple[int, ...] = ()


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


# --- events ---------------------------------------------------------------------------------------------------------


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

_request_encoder = msgspec.msgpack.Encoder()
_request_decoder: msgspec.msgpack.Decoder[AnyRequest] = msgspec.msgpack.Decoder(AnyRequest)
_event_decoder: msgspec.msgpack.Decoder[AnyEvent] = msgspec.msgpack.Decoder(AnyEvent)


def frame(message: Request | Event) -> bytes:
    """The message as it goes on the pipe."""
    body = _request_encoder.encode(message)
    return struct.pack("<I", len(body)) + body


def read_length(header: bytes) -> int:
    """Body length from the 4 header bytes. Raises ValueError when it cannot be right."""
    (length,) = struct.unpack("<I", header)
    if length > MAX_FRAME:
        raise ValueError(f"a message of {length} bytes is not possible")
    return int(length)


def decode_request(body: bytes) -> AnyRequest:
    return _request_decoder.decode(body)


def decode_event(body: bytes) -> AnyEvent:
    return _event_decoder.decode(body)
