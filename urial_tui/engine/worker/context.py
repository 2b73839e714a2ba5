"""An owned llama.cpp context with one sequence: which token ids are in its KV cache, decoding, trimming, states.

`Context` keeps `ids`, the exact ids whose keys and values the cache holds, and never lets the two disagree: when
llama.cpp refuses or forgets something, the cache is cleared and `ids` with it.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from urial_tui.engine.worker import native
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.model import Adapter, Model

lib = native.lib
BATCH = 512
"""Most tokens in one decode, as logical and physical batch."""
OUTPUTS = 40
"""Most logit rows of one decode: an answer is scored in chunks of 32, a short last one joined to the one before."""
_ABORTED = 2
_SEQUENCE = 0


def physical_cores() -> int:
    """Physical cores this process may run on: hyper-threads slow ggml's kernels down."""
    allowed = (
        os.sched_getaffinity(0)
        if hasattr(os, "sched_getaffinity")
        else set(range(os.cpu_count() or 1))
    )
    cores = set()
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.add(siblings.read_text().strip())
        except OSError:
            cores.add(str(cpu))
    return max(1, len(cores))


class Context:
    """`n_ctx` 0 means the model's training length. `max_outputs` bounds the logit rows of one decode: llama.cpp
    reserves n_vocab floats for each, 1 MiB a row at a 262,144-token vocabulary."""

    def __init__(
        self,
        model: Model,
        *,
        n_ctx: int,
        n_threads: int = 0,
        adapter: Adapter | None = None,
        adapter_scale: float = 1.0,
        max_outputs: int = OUTPUTS,
    ) -> None:
        self.model = model
        self.ids: list[int] = []
        params = lib.llama_context_default_params()
        params.n_ctx = n_ctx or model.n_ctx_train
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = 1
        params.n_outputs_max = max_outputs
        self.n_threads = n_threads or physical_cores()
        params.n_threads = params.n_threads_batch = self.n_threads
        params.swa_full = False
        params.no_perf = True
        native.recent_complaints.clear()
        self.handle = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise Fault(
                "context",
                f"no memory for a context of {params.n_ctx} tokens"
                + (f": {native.recent_complaints[-1]}" if native.recent_complaints else ""),
                "Choose a smaller context (n_ctx) or fewer GPU layers (gpu_layers).",
            )
        self.n_ctx = int(lib.llama_n_ctx(self.handle))
        self.memory = lib.llama_get_memory(self.handle)
        self.abort = native.AbortFlag()
        self.abort.attach(self.handle)
        self._batch = lib.llama_batch_init(BATCH, 0, 1)
        self._token = np.ctypeslib.as_array(self._batch.token, (BATCH,))
        self._pos = np.ctypeslib.as_array(self._batch.pos, (BATCH,))
        self._logits = np.ctypeslib.as_array(self._batch.logits, (BATCH,))
        np.ctypeslib.as_array(self._batch.n_seq_id, (BATCH,))[:] = 1
        for i in range(BATCH):
            self._batch.seq_id[i][0] = _SEQUENCE
        if adapter is not None:
            handles = (lib.llama_adapter_lora_p_ctypes * 1)(adapter.handle)
            scales = (ctypes.c_float * 1)(adapter_scale)
            if lib.llama_set_adapters_lora(self.handle, handles, 1, scales) != 0:
                self.close()
                raise Fault(
                    "adapter-load", f"the adapter {Path(adapter.path).name} cannot be applied"
                )

    @property
    def keeps_everything(self) -> bool:
        """Whether trimming back to any position is exact (no sliding window, no recurrent state)."""
        return not self.model.swa_window and not self.model.recurrent

    def decode(self, tokens: Sequence[int], *, outputs: int = 0) -> None:
        """Append `tokens` (at most BATCH) to the sequence; keep logit rows of the last `outputs` of them.

        Raises Cancelled when the abort flag stopped it (the cache is trimmed to what it had), Fault otherwise.
        """
        n = len(tokens)
        start = len(self.ids)
        if start + n > self.n_ctx:
            raise Fault("context-full", f"{start + n} tokens do not fit a context of {self.n_ctx}")
        self._token[:n] = tokens
        self._pos[:n] = range(start, start + n)
        self._logits[:n] = 0
        if outputs:
            self._logits[n - outputs : n] = 1
        self._batch.n_tokens = n
        status = lib.llama_decode(self.handle, self._batch)
        if status == 0:
            self.ids.extend(tokens)
            return
        self._resync()
        if status == _ABORTED:
            raise Cancelled
        if status == 1:
            raise Fault("context-full", f"no free place in the context of {self.n_ctx} tokens")
        raise Fault(
            "decode",
            f"llama.cpp failed to decode (status {status})",
            "Send the message again; see the engine log.",
        )

    def _resync(self) -> None:
        """After a failed or aborted decode the cache may hold part of the batch: trim to what is known."""
        known = len(self.ids)
        if int(
            lib.llama_memory_seq_pos_max(self.memory, _SEQUENCE)
        ) >= known and not lib.llama_memory_seq_rm(self.memory, _SEQUENCE, known, -1):
            self.clear()

    def logits(self, row: int = -1) -> npt.NDArray[np.float32]:
        """A view, (n_vocab,) float32, on row `row` of the last decode's outputs; valid until the next decode."""
        pointer = lib.llama_get_logits_ith(self.handle, row)
        if not pointer:
            raise Fault("decode", "llama.cpp has no logits for this token")
        return np.ctypeslib.as_array(pointer, (self.model.n_vocab,))

    def logit_rows(self, n: int) -> npt.NDArray[np.float32]:
        """A view, (n, n_vocab) float32, on all rows of the last decode, which had `n` outputs; valid until the next."""
        pointer = lib.llama_get_logits(self.handle)
        if not pointer:
            raise Fault("decode", "llama.cpp has no logits for these tokens")
        return np.ctypeslib.as_array(pointer, (n, self.model.n_vocab))

    def clear(self) -> None:
        lib.llama_memory_clear(self.memory, True)
        self.ids.clear()

    def can_trim(self, n: int) -> bool:
        """Whether keeping only the first `n` tokens leaves a cache that gives exact logits.

        A sliding-window cache drops old cells, and llama.cpp still answers True when asked to trim behind them; the
        window before position n must be there.
        """
        if n >= len(self.ids) or n == 0 or self.keeps_everything:
            return True
        if self.model.recurrent:
            return False
        first = int(lib.llama_memory_seq_pos_min(self.memory, _SEQUENCE))
        return first >= 0 and first <= max(0, n - self.model.swa_window)

    def trim(self, n: int) -> bool:
        """Keep the first `n` tokens. False: it could not be done exactly, and nothing was changed."""
        if n >= len(self.ids):
            return True
        if n == 0:
            self.clear()
            return True
        if not self.can_trim(n):
            return False
        if not lib.llama_memory_seq_rm(self.memory, _SEQUENCE, n, -1):
            self.clear()
            return False
        del self.ids[n:]
        return True

    def save_state(self) -> bytes:
        """The sequence's state as bytes, for `restore_state` in a context of the same parameters."""
        size = int(lib.llama_state_seq_get_size(self.handle, _SEQUENCE))
        data = np.empty(size, dtype=np.uint8)
        pointer = data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        written = int(lib.llama_state_seq_get_data(self.handle, pointer, size, _SEQUENCE))
        return data[:written].tobytes()

    def restore_state(self, data: bytes | memoryview, ids: Sequence[int]) -> bool:
        """Replace the cache by `data`, which was saved with exactly `ids` in it. False leaves an empty cache."""
        self.clear()
        view = np.frombuffer(data, dtype=np.uint8)  # no copy: llama.cpp only reads it
        buffer = view.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        if int(lib.llama_state_seq_set_data(self.handle, buffer, len(data), _SEQUENCE)) == 0:
            self.clear()
            return False
        if int(lib.llama_memory_seq_pos_max(self.memory, _SEQUENCE)) != len(ids) - 1:
            self.clear()
            return False
        self.ids = list(ids)
        return True

    def close(self) -> None:
        if self.handle is not None:
            lib.llama_batch_free(self._batch)
            lib.llama_free(self.handle)
            self.handle = None
