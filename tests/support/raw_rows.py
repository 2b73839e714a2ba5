"""Logit rows and their statistics made without this program: llama-cpp-python's own class, one token at a time, in a
process of its own, then float64 NumPy."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SCRIPT = """
import json, sys
import numpy as np
from llama_cpp import Llama
spec = json.load(sys.stdin)
options = {"lora_path": spec["adapter"]} if spec["adapter"] else {}
llm = Llama(spec["model"], n_ctx=spec["n_ctx"], n_threads=spec["threads"], n_threads_batch=spec["threads"],
            n_batch=512, logits_all=True, verbose=False, flash_attn=True, **options)
start = 0
for size in spec["sizes"]:
    llm.eval(spec["ids"][start : start + size])
    start += size
np.save(spec["out"], llm.scores[: start][-spec["keep"] :])
"""


def raw_rows(
    folder: Path,
    model: str,
    ids: list[int],
    *,
    adapter: str | None = None,
    n_ctx: int = 256,
    threads: int = 1,
    sizes: Sequence[int] | None = None,
    keep: int = 0,
) -> np.ndarray:
    """(len(ids), n_vocab) float64: row p is the model's prediction after ids[: p + 1].

    Decoded one by one, or in batches of those `sizes`; `keep` gives the last rows only.
    """
    out = folder / f"rows-{len(list(folder.glob('rows-*')))}.npy"
    spec = {
        "model": model,
        "adapter": adapter,
        "ids": ids,
        "n_ctx": n_ctx,
        "threads": threads,
        "out": str(out),
        "sizes": list(sizes) if sizes is not None else [1] * len(ids),
        "keep": keep or len(ids),
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        input=json.dumps(spec),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return np.load(out).astype(np.float64)


@dataclass(frozen=True)
class Expected:
    """What a pair of rows says about one token, the slow and plain way."""

    generator_logprob: float
    generator_rank: int
    generator_entropy: float
    argmax: int
    logprob: float
    rank: int
    entropy: float
    argmax_rank: int
    kl: float
    top: list[int]
    reference_top: list[int]
    generator_row: np.ndarray
    reference_row: np.ndarray


def expected(token: int, generator: np.ndarray, reference: np.ndarray, k: int = 10) -> Expected:
    """Rows (n_vocab,) float64 of logits."""
    p, q = _log_softmax(generator), _log_softmax(reference)
    argmax = int(np.argmax(generator))
    return Expected(
        generator_logprob=float(p[token]),
        generator_rank=1 + int((generator > generator[token]).sum()),
        generator_entropy=float(-(np.exp(p) * p).sum()),
        argmax=argmax,
        logprob=float(q[token]),
        rank=1 + int((reference > reference[token]).sum()),
        entropy=float(-(np.exp(q) * q).sum()),
        argmax_rank=1 + int((reference > reference[argmax]).sum()),
        kl=float((np.exp(p) * (p - q)).sum()),
        top=[int(id_) for id_ in np.argsort(-generator, kind="stable")[:k]],
        reference_top=[int(id_) for id_ in np.argsort(-reference, kind="stable")[:k]],
        generator_row=generator,
        reference_row=reference,
    )


ROUNDING = 0.02
"""Logits that lie nearer together than this may change places: keys and values are kept as float16, and what one
decode and another put there differs by that much at most."""


def same_rank(rank: int | None, token: int, row: np.ndarray) -> bool:
    """Whether `rank` is the token's rank in `row`, up to competitors that only rounding tells apart."""
    lowest = 1 + int((row > row[token] + ROUNDING).sum())
    return rank is not None and lowest <= rank <= int((row >= row[token] - ROUNDING).sum())


def same_order(ids: list[int], row: np.ndarray) -> bool:
    """Whether `ids` are the highest of `row`, highest first, up to rounding."""
    values = row[ids]
    rest = np.delete(row, ids)
    return bool((np.diff(values) <= ROUNDING).all() and rest.max() <= values.min() + ROUNDING)


def _log_softmax(row: np.ndarray) -> np.ndarray:
    shifted = row - row.max()
    return shifted - np.log(np.exp(shifted).sum())
