"""Owned handles of weights: `Model` (one GGUF, its vocabulary) and `Adapter` (one LoRA). Explicit `close()`."""

import ctypes
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from urial_tui.engine.worker import native
from urial_tui.engine.worker.faults import Fault

lib = native.lib
_PIECE = 64
_TOKENIZED = 16
"""Texts whose ids are remembered: a pack's constant part is tokenised for every message."""
_OFFLOADED = re.compile(r"offloaded (\d+)/\d+ layers")


class Model:
    """A loaded model. `gpu_layers` -1 takes as many as fit and steps down when the device runs out of memory."""

    def __init__(
        self, path: str, gpu_layers: int = -1, on_progress: Callable[[float], bool] | None = None
    ) -> None:
        self.path = path
        self._pieces: dict[int, bytes] = {}
        self._tokenized: dict[tuple[str, bool], list[int]] = {}
        began = time.monotonic()
        self.handle, self.gpu_layers = _load(path, gpu_layers, on_progress)
        self.load_s = time.monotonic() - began
        self.vocab = lib.llama_model_get_vocab(self.handle)
        self.n_vocab = int(lib.llama_vocab_n_tokens(self.vocab))
        self.n_layers = int(lib.llama_model_n_layer(self.handle))
        self.n_ctx_train = int(lib.llama_model_n_ctx_train(self.handle))
        self.n_params = int(lib.llama_model_n_params(self.handle))
        self.size_bytes = int(lib.llama_model_size(self.handle))
        self.swa_window = int(lib.llama_model_n_swa(self.handle))
        self.recurrent = bool(
            lib.llama_model_is_recurrent(self.handle) or lib.llama_model_is_hybrid(self.handle)
        )
        self.bos: int | None = None
        if self.n_vocab and lib.llama_vocab_get_add_bos(self.vocab):
            bos = int(lib.llama_vocab_bos(self.vocab))
            self.bos = bos if bos >= 0 else None
        if lib.llama_model_has_encoder(self.handle):
            self.close()
            raise Fault(
                "unsupported-model",
                f"{Path(path).name} is an encoder model and cannot write text",
                "Use a decoder-only model (llama, gemma, qwen, mistral and their like).",
            )

    @property
    def description(self) -> str:
        text = ctypes.create_string_buffer(256)
        lib.llama_model_desc(self.handle, text, ctypes.sizeof(text))
        return text.value.decode("utf-8", "replace")

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids of `text`, no BOS added. With `special`, literals of special tokens become those tokens."""
        found = self._tokenized.get((text, special))
        if found is not None:
            return list(found)
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) + 8
        while True:
            ids = (lib.llama_token * room)()
            n = lib.llama_tokenize(self.vocab, data, len(data), ids, room, False, special)
            if n >= 0:
                if len(self._tokenized) >= _TOKENIZED:
                    self._tokenized.pop(next(iter(self._tokenized)))
                self._tokenized[(text, special)] = ids[:n]
                return list(ids[:n])
            room = -n

    def piece(self, token: int) -> bytes:
        """The token's raw bytes; a control token gives the bytes of its literal."""
        found = self._pieces.get(token)
        if found is None:
            room = _PIECE
            while True:
                data = ctypes.create_string_buffer(room)
                n = lib.llama_token_to_piece(self.vocab, token, data, room, 0, True)
                if n >= 0:
                    found = data.raw[:n]
                    break
                room = -n
            self._pieces[token] = found
        return found

    def is_eog(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_eog(self.vocab, token))

    def is_control(self, token: int) -> bool:
        return bool(lib.llama_vocab_is_control(self.vocab, token)) or self.is_eog(token)

    def literal(self, token: int) -> str:
        text = lib.llama_vocab_get_text(self.vocab, token)
        return text.decode("utf-8", "replace") if text else ""

    def close(self) -> None:
        if self.handle is not None:
            lib.llama_model_free(self.handle)
            self.handle = None


class Adapter:
    """A LoRA loaded for one model; applied in a context with a scale."""

    def __init__(self, model: Model, path: str) -> None:
        self.path = path
        native.recent_complaints.clear()
        self.handle = lib.llama_adapter_lora_init(model.handle, os.fsencode(path))
        if not self.handle:
            raise Fault(
                "adapter-load",
                f"llama.cpp cannot use the adapter {Path(path).name} with {Path(model.path).name}{_because()}",
                "The adapter must be a LoRA GGUF made for this model's architecture.",
            )

    def close(self) -> None:
        if self.handle is not None:
            lib.llama_adapter_lora_free(self.handle)
            self.handle = None


def _because() -> str:
    return ": " + native.recent_complaints[0] if native.recent_complaints else ""


def _load(
    path: str, gpu_layers: int, on_progress: Callable[[float], bool] | None
) -> tuple[object, int]:
    """The handle and how many layers are on a device. Raises Fault "model-load" or "cancelled"."""
    aborted = False

    @lib.llama_progress_callback  # type: ignore[untyped-decorator]
    def progress(fraction: float, _data: object) -> bool:
        nonlocal aborted
        if on_progress is not None and not on_progress(fraction):
            aborted = True
        return not aborted

    offloaded = 0

    def listen(line: str) -> None:
        nonlocal offloaded
        if match := _OFFLOADED.search(line):
            offloaded = int(match[1])

    can_offload = bool(lib.llama_supports_gpu_offload())
    attempts = _gpu_attempts(path, gpu_layers) if can_offload else [0]
    native.recent_complaints.clear()
    native.on_log_line.append(listen)
    try:
        for layers in attempts:
            params = lib.llama_model_default_params()
            params.n_gpu_layers = layers
            params.progress_callback = progress
            offloaded = 0
            handle = lib.llama_model_load_from_file(os.fsencode(path), params)
            if handle:
                return handle, offloaded
            if aborted:
                raise Fault("cancelled", f"loading {Path(path).name} was cancelled")
    finally:
        native.on_log_line.remove(listen)
    raise Fault(
        "model-load",
        f"llama.cpp cannot load {Path(path).name}{_because()}",
        "The file may be damaged, of an architecture that this llama.cpp does not know, or larger than the memory.",
    )


def _gpu_attempts(path: str, wanted: int) -> list[int]:
    """Layer counts to try in turn. Automatic: everything where the weights fit the free device memory with a fifth
    to spare for KV cache and compute buffers, then the share that fits, then half of it, then none."""
    if wanted >= 0:
        return [wanted]
    everything = 999
    free = sum(device[2] for device in native.devices() if not device[0].startswith("CPU"))
    size = Path(path).stat().st_size
    if free <= 0 or size * 1.2 <= free:
        return [everything, 32, 16, 8, 0]
    share = free / (size * 1.2)
    layers = max(1, int(40 * share))
    return [layers, layers // 2, 0]
