"""What a request is made of: contexts, prompts, sampling, stops, references. Values without a life of their own.

They are msgspec structs because they travel inside requests; callers make them, and keep them where they need to.
"""

import msgspec

from urial_tui.engine.options import N_BATCH


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
    penalties and a grammar count. With `anew`, all that follows the constant part is read again, whatever was read
    before: the logits then depend on the prompt alone, to the last bit, and a prompt that comes only once is read in
    fewer pieces.
    """

    spans: tuple[Span, ...] = ()
    ids: tuple[int, ...] = ()
    constant: int = 0
    answer: int = 0
    anew: bool = False


class Sampling(msgspec.Struct, frozen=True):
    """llama.cpp's sampler chain. temperature 0 is greedy; top_k 0, top_p 1, min_p 0 are off; `seed` None is random.

    Penalties look at the answer's own tokens (not at the prompt), the last `penalty_last_n` of them; -1 is all.
    `grammar` is GBNF with a `root` rule; `json_schema` is a JSON schema in place of it, whose keys are written in its
    own order.
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
    json_schema: str | None = None


class Probe(msgspec.Struct, frozen=True):
    """Ask, wherever the answer writes one of `options`, how probable each of them was there.

    `before` is a regular expression over the answer's bytes that matches what stands right before an option; `end` is
    the text that follows one. A token may hold more than the option: with `lead`, its bytes before the option, those
    tokens count for an option that begin with lead + option + end, or with which that text begins.
    """

    before: str
    options: tuple[str, ...]
    end: str = ""


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
