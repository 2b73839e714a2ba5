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

from urial_tui.engine.memory import Bytes
from urial_tui.engine.options import N_BATCH
from urial_tui.engine.worker import native
from urial_tui.engine.worker.buffers import BufferLog
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.model import Adapter, Model
from urial_tui.engine.worker.parameters import context_params
from urial_tui.engine.worker.placement import out_of_memory

lib = native.lib
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
    """`n_ctx` 0 means the model's training length; the other options are those of a ContextSpec.

    Raises Fault "memory" when there is no memory for it, "context" when llama.cpp refuses it for another reason.
    """

    def __init__(
        self,
        model: Model,
        *,
        n_ctx: int,
        n_threads: int = 0,
        adapter: Adapter | None = None,
        adapter_scale: float = 1.0,
        n_batch: int = N_BATCH,
        flash_attention: str = "auto",
        kv_type: str = "f16",
    ) -> None:
        self.model = model
        self.adapter = adapter
        self.ids: list[int] = []
        self.n_threads = n_threads or physical_cores()
        params = context_params(
            n_ctx or model.n_ctx_train,
            n_batch=n_batch,
            flash_attention=flash_attention,
            kv_type=kv_type,
            n_threads=self.n_threads,
        )
        self._buffers = BufferLog()
        self._rows = 1
        self._row: npt.NDArray[np.float32] | None = None
        self._row_at = 0
        native.recent_complaints.clear()
        with self._buffers.listening():
            self.handle = lib.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise _refused(params.n_ctx, kv_type)
        self.n_ctx = int(lib.llama_n_ctx(self.handle))
        self.n_batch = int(lib.llama_n_batch(self.handle))
        self.memory = lib.llama_get_memory(self.handle)
        self.abort = native.AbortFlag()
        self.abort.attach(self.handle)
        self._batch = lib.llama_batch_init(self.n_batch, 0, 1)
        self._token = np.ctypeslib.as_array(self._batch.token, (self.n_batch,))
        self._pos = np.ctypeslib.as_array(self._batch.pos, (self.n_batch,))
        self._logits = np.ctypeslib.as_array(self._batch.logits, (self.n_batch,))
        np.ctypeslib.as_array(self._batch.n_seq_id, (self.n_batch,))[:] = 1
        for i in range(self.n_batch):
            self._batch.seq_id[i][0] = _SEQUENCE
        if adapter is not None:
            handles = (lib.llama_adapter_lora_p_ctypes * 1)(adapter.handle)
            scales = (ctypes.c_float * 1)(adapter_scale)
            if lib.llama_set_adapters_lora(self.handle, handles, 1, scales) != 0:
                self.close()
                raise Fault(
                    "adapter-load", f"the adapter {Path(adapter.path).name} cannot be applied"
                )

    def warm(self) -> None:
        """Decode one token and forget it: the first real token should not pay for touching the weights, nor for the
        buffers that an adapter makes llama.cpp reserve anew. Raises Fault "memory" when they find none."""
        native.recent_complaints.clear()
        try:
            with self._buffers.listening():
                self.decode((self.model.bos or 0,), outputs=1)
        except Fault as fault:
            if out_of_memory(native.recent_complaints):
                raise _refused(self.n_ctx) from fault
            raise
        self.clear()

    def buffers(self) -> tuple[Bytes, Bytes, Bytes]:
        """What the KV cache, the compute buffers and the kept logit rows take now. The rows grow with the most that
        one decode was asked for, which llama.cpp does not log."""
        log = self._buffers
        rows = self._rows * self.model.n_vocab * 4
        output = Bytes(max(log.output.main, rows), log.output.device)
        return log.kv_cache, log.compute, output

    @property
    def keeps_everything(self) -> bool:
        """Whether trimming back to any position is exact (no sliding window, no recurrent state)."""
        return not self.model.swa_window and not self.model.recurrent

    def decode(self, tokens: Sequence[int], *, outputs: int = 0) -> None:
        """Append `tokens` (at most `n_batch`) to the sequence; keep logit rows of the last `outputs` of them.

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
            self._rows = max(self._rows, outputs)
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
        # Making a view takes longer than asking for the row, which is at the same place token after token.
        address = ctypes.addressof(pointer.contents)
        if self._row is None or address != self._row_at:
            self._row, self._row_at = np.ctypeslib.as_array(pointer, (self.model.n_vocab,)), address
        return self._row

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


def _refused(n_ctx: int, kv_type: str = "") -> Fault:
    """Why there is no context of that size, from what llama.cpp complained about."""
    complaints = list(native.recent_complaints)
    because = f": {complaints[-1]}" if complaints else ""
    if out_of_memory(complaints):
        return Fault(
            "memory",
            f"no memory for a context of {n_ctx} tokens{because}",
            "Choose a smaller context (n_ctx) or batch (n_batch), a smaller kv_type, or fewer GPU layers (gpu_layers).",
        )
    hint = "See the engine log."
    if "cache type" in because or "flash" in because.lower():
        hint = (
            f"The model does not go with kv_type {kv_type}: choose f16, or another flash_attention."
        )
    return Fault("context", f"llama.cpp cannot make a context of {n_ctx} tokens{because}", hint)
