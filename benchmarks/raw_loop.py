"""The yardstick: llama.cpp's own loop through ctypes in a process of its own, nothing of urial-tui in it.

As a program it serves rounds: one JSON line `{"ids": [...], "tokens": n}` in, one line of measurements out. Each round
clears the cache, prefills the prompt in batches of 512 with logits of the last token only, then samples greedily. With
`"forced": [...], "size": n` instead of `tokens` it decodes those after the prompt, n at a time, all logits on. With
`"replay": [...], "reply": [...]` it goes on from the prompt, which is there already: one prefill, then token by token.
`RawLoop` is the other end.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

BATCH = 512


@dataclass(frozen=True)
class Raw:
    """One round. Decoding is timed from the first token to the last: `tokens` - 1 steps."""

    prefill_s: float
    decode_s: float
    tokens: tuple[int, ...]

    @property
    def tokens_per_s(self) -> float:
        return (len(self.tokens) - 1) / self.decode_s


class RawLoop:
    """A raw loop with its model loaded, waiting for rounds."""

    def __init__(self, model: str, *, n_ctx: int, n_threads: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, model, str(n_ctx), str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    @property
    def pid(self) -> int:
        return self._process.pid

    def round(self, ids: Sequence[int], tokens: int) -> Raw:
        """Prefill `ids`, then write `tokens` tokens."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ids": list(ids), "tokens": tokens}) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return Raw(answer["prefill_s"], answer["decode_s"], tuple(answer["tokens"]))

    def forced_s(self, ids: Sequence[int], forced: Sequence[int], size: int) -> float:
        """Seconds to decode `forced` after `ids` in batches of `size`, all logits on."""
        assert self._process.stdin is not None
        request = {"ids": list(ids), "forced": list(forced), "size": size}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return float(self._answer()["decode_s"])

    def replay_s(self, ids: Sequence[int], rest: Sequence[int], reply: Sequence[int]) -> float:
        """Seconds to read `rest` after `ids`, which are in the cache, and to decode all of `reply` but its last."""
        assert self._process.stdin is not None
        request = {"ids": list(ids), "replay": list(rest), "reply": list(reply)}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return float(self._answer()["decode_s"])

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the raw llama.cpp loop ended: can it load the model?")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def _forced(lib: Any, context: Any, request: dict[str, Any]) -> float:
    """Seconds of decoding `forced` in full batches; what is left over of the last one is not decoded."""
    forced, size, start = request["forced"], request["size"], len(request["ids"])
    batch = lib.llama_batch_init(size, 0, 1)
    began = time.perf_counter()
    for offset in range(0, len(forced) // size * size, size):
        batch.n_tokens = size
        for k in range(size):
            batch.token[k] = forced[offset + k]
            batch.pos[k] = start + offset + k
            batch.n_seq_id[k] = 1
            batch.seq_id[k][0] = 0
            batch.logits[k] = 1
        if lib.llama_decode(context, batch) != 0:
            raise SystemExit("llama_decode failed")
        lib.llama_get_logits(context)  # waits for the device
    took = time.perf_counter() - began
    lib.llama_batch_free(batch)
    return took


def _replay(lib: Any, context: Any, request: dict[str, Any]) -> float:
    """Seconds of one prefill and of a reply that is known already, a token at a time."""
    rest, reply = request["replay"], request["reply"]
    part = (lib.llama_token * len(rest))(*rest)
    one = (lib.llama_token * 1)()
    single = lib.llama_batch_get_one(one, 1)
    began = time.perf_counter()
    for start in range(0, len(rest), BATCH):
        batch = lib.llama_batch_get_one(
            ctypes.cast(
                ctypes.byref(part, start * ctypes.sizeof(lib.llama_token)),
                ctypes.POINTER(lib.llama_token),
            ),
            min(BATCH, len(rest) - start),
        )
        if lib.llama_decode(context, batch) != 0:
            raise SystemExit("llama_decode failed")
    lib.llama_get_logits_ith(context, -1)
    for token in reply[:-1]:
        one[0] = token
        if lib.llama_decode(context, single) != 0:
            raise SystemExit("llama_decode failed")
        lib.llama_get_logits_ith(context, -1)  # waits for the device
    return time.perf_counter() - began


def serve(model_path: str, n_ctx: int, n_threads: int) -> None:
    """Load, say so, then one round a line until the input ends."""
    import llama_cpp.llama_cpp as lib

    @lib.llama_log_callback  # type: ignore[untyped-decorator]
    def silent(_level: int, _text: bytes, _data: object) -> None:
        return

    lib.llama_log_set(silent, ctypes.c_void_p(0))
    lib.llama_backend_init()
    model = lib.llama_model_load_from_file(
        os.fsencode(model_path), lib.llama_model_default_params()
    )
    params = lib.llama_context_default_params()
    params.n_ctx = n_ctx
    params.n_batch = params.n_ubatch = BATCH
    params.n_threads = params.n_threads_batch = n_threads
    params.swa_full = (
        False  # as llama.cpp's own programs have it: less memory and less to attend to
    )
    context = lib.llama_init_from_model(model, params)
    memory = lib.llama_get_memory(context)
    sampler = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(sampler, lib.llama_sampler_init_greedy())
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        ids = request["ids"]
        prompt = (lib.llama_token * len(ids))(*ids)
        lib.llama_memory_clear(memory, True)
        began = time.perf_counter()
        for start in range(0, len(ids), BATCH):
            part = ctypes.cast(
                ctypes.byref(prompt, start * ctypes.sizeof(lib.llama_token)),
                ctypes.POINTER(lib.llama_token),
            )
            batch = lib.llama_batch_get_one(part, min(BATCH, len(ids) - start))
            if lib.llama_decode(context, batch) != 0:
                raise SystemExit("llama_decode failed")
        if "forced" in request:
            print(json.dumps({"decode_s": _forced(lib, context, request)}), flush=True)
            continue
        if "replay" in request:
            print(json.dumps({"decode_s": _replay(lib, context, request)}), flush=True)
            continue
        token = lib.llama_sampler_sample(sampler, context, -1)
        first = last = time.perf_counter()
        tokens = [token]
        one = (lib.llama_token * 1)()
        batch = lib.llama_batch_get_one(one, 1)
        while len(tokens) < request["tokens"]:
            one[0] = token
            if lib.llama_decode(context, batch) != 0:
                raise SystemExit("llama_decode failed")
            token = lib.llama_sampler_sample(sampler, context, -1)
            tokens.append(token)
            last = time.perf_counter()
        print(
            json.dumps({"prefill_s": first - began, "decode_s": last - first, "tokens": tokens}),
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("n_ctx", type=int)
    parser.add_argument("n_threads", type=int)
    options = parser.parse_args()
    serve(options.model, options.n_ctx, options.n_threads)
