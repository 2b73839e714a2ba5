"""Traces to put into a store in tests."""

from math import inf

from urial_tui.shift.records import GeneratorScore, ReferenceScore, TokenScore
from urial_tui.store.types import TraceSide, TraceStart

GENERATOR = TraceSide(
    role="generator",
    side="demo+sft:0.5@chat",
    model_path="/models/m.gguf",
    model_sha256="ab" * 32,
    adapter_path="/models/a.gguf",
    adapter_sha256=None,
    adapter_scale=0.5,
    style="chat",
    pack_id=None,
    pack_hash=None,
    template_hash="ef" * 32,
    prompt_ids=(2, 262143, -1),
    n_ctx=4096,
    noise=0.04,
    null_rate=0.0,
    context={"device": "CUDA0", "gpu_layers": 19, "kv_type": "q8_0"},
)
PACK = TraceSide(
    role="reference",
    side="demo@urial-general",
    model_path="/models/m.gguf",
    model_sha256=None,
    adapter_path=None,
    adapter_sha256=None,
    adapter_scale=1.0,
    style="urial-general",
    pack_id="urial-general",
    pack_hash="cd" * 32,
    template_hash=None,
    prompt_ids=(),
    n_ctx=2048,
)
RAW = TraceSide(
    role="reference",
    side="demo@raw",
    model_path="/models/é.gguf",
    model_sha256="01" * 32,
    adapter_path=None,
    adapter_sha256=None,
    adapter_scale=1.0,
    style="raw",
    pack_id=None,
    pack_hash=None,
    template_hash=None,
    prompt_ids=(2,),
    n_ctx=512,
    noise=0.5,
    null_rate=0.0125,
    error="its context is full",
    context={"device": "CPU", "gpu_layers": 0, "kv_type": "f16"},
)
START = TraceStart(
    path="canonical",
    top_k=2,
    vocabulary="gemma:1234",
    n_vocab=262145,
    n_common=262144,
    generator=GENERATOR,
    references=(PACK, RAW),
    versions={"urial-tui": "0.1.0", "llama-cpp-python": "0.3.36"},
)


def generator_score(rank: int = 1) -> GeneratorScore:
    return GeneratorScore(-0.5, 1.25, rank, ((7, -0.5), (262143, -1.5)))


def reference_score(
    rank: int = 1,
    argmax_rank: int | None = 1,
    *,
    margin: float | None = 0.25,
    kl: float | None = 0.1,
) -> ReferenceScore:
    return ReferenceScore(-0.1, 2.0, rank, 0.75, argmax_rank, margin, kl, ((9, -0.125), (7, -2.0)))


SCORES = (
    TokenScore(0, 7, generator_score(), (reference_score(), reference_score(2, 4, kl=3.5))),
    TokenScore(1, 8, generator_score(3), (reference_score(5, 3), None)),
    TokenScore(2, 262143, None, (reference_score(1, None, margin=None, kl=None), None), cut=True),
    TokenScore(
        3,
        9,
        GeneratorScore(-inf, 0.0, 262144, ((7, 0.0), (8, -inf))),
        (None, ReferenceScore(-inf, 0.0, 4, inf, 2, inf, inf, ((7, 0.0), (9, -inf)))),
    ),
    TokenScore(4, 1, generator_score(), (reference_score(), reference_score()), control=True),
    TokenScore(5, 10, None, (None, None)),
)
PIECES = {7: b" word", 8: b"\xf0\x9f", 9: b"", 262143: b"\0\n", 10: "散".encode()}
