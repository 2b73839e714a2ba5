"""Owned handles of weights: `Model` (one GGUF, its vocabulary) and `Adapter` (one LoRA). Explicit `close()`."""

import ctypes
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from urial_tui.engine.memory import Bytes
from urial_tui.engine.offload import fewer
from urial_tui.engine.worker import native
from urial_tui.engine.worker.buffers import BufferLog
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.parameters import ALL, model_params
from urial_tui.engine.worker.placement import out_of_memory

lib = native.lib
IdSets = tuple[npt.NDArray[np.int64], ...]
_PIECE = 64
_BEGINNINGS = 64
_TOKENIZED = 16
"""Texts whose ids are remembered: a pack's constant part is tokenised for every message."""
_OFFLOADED = re.compile(r"offloaded (\d+)/\d+ layers")
_LAYERS = re.compile(r"n_layer\s+= (\d+)")


class Model:
    """A loaded model with `layers` on the devices (-1: all of them). With `step_down`, a device that runs out of
    memory gets a quarter of the model fewer, until it fits or nothing is left there.

    `gpu_layers` is what it became, `devices` are the names of the GPUs that have some of it, `weights` its size.
    """

    def __init__(
        self,
        path: str,
        layers: int = 0,
        on_progress: Callable[[float], bool] | None = None,
        *,
        main_gpu: int = -1,
        step_down: bool = False,
    ) -> None:
        self.path = path
        self._pieces: dict[int, bytes] = {}
        self._tokenized: dict[tuple[str, bool], list[int]] = {}
        self._beginnings: dict[tuple[bytes, tuple[bytes, ...], bytes], IdSets] = {}
        began = time.monotonic()
        loaded = _load(path, layers, on_progress, main_gpu, step_down)
        self.handle, self.gpu_layers = loaded.handle, loaded.layers
        self.weights: Bytes = loaded.buffers.weights
        self.devices: list[str] = loaded.buffers.devices()
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

    def beginning(self, lead: bytes, options: tuple[bytes, ...], end: bytes) -> IdSets:
        """For each option the ids of the tokens that begin with lead + option + end, or with which that text begins,
        a byte of the option among it; no control tokens. The vocabulary is looked through once for each `lead`."""
        key = (lead, options, end)
        found = self._beginnings.get(key)
        if found is None:
            texts = [lead + option + end for option in options]
            sets: list[list[int]] = [[] for _ in options]
            for token in range(self.n_vocab):
                piece = self.piece(token)
                if len(piece) <= len(lead) or not piece.startswith(lead):
                    continue
                for ids, text in zip(sets, texts, strict=True):
                    whole = piece.startswith(text) or text.startswith(piece)
                    if whole and not self.is_control(token):
                        ids.append(token)
            if len(self._beginnings) >= _BEGINNINGS:
                self._beginnings.clear()
            found = self._beginnings[key] = tuple(np.array(ids, np.int64) for ids in sets)
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
        buffers = BufferLog()
        native.recent_complaints.clear()
        with buffers.listening():
            self.handle = lib.llama_adapter_lora_init(model.handle, os.fsencode(path))
        self.size: Bytes = buffers.adapter
        if not self.handle and out_of_memory(native.recent_complaints):
            raise Fault(
                "memory",
                f"no memory for the adapter {Path(path).name}{_because()}",
                "Choose fewer GPU layers (gpu_layers).",
            )
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


@dataclass(frozen=True)
class _Loaded:
    handle: object
    layers: int
    buffers: BufferLog


def _load(
    path: str,
    layers: int,
    on_progress: Callable[[float], bool] | None,
    main_gpu: int,
    step_down: bool,
) -> _Loaded:
    """Raises Fault "memory", "model-load" or "cancelled". Only a lack of memory is tried again with fewer layers."""
    while True:
        attempt = _Attempt(on_progress)
        native.recent_complaints.clear()
        handle = attempt.run(path, layers, main_gpu)
        if handle:
            return _Loaded(handle, attempt.offloaded, attempt.buffers)
        if attempt.aborted:
            raise Fault("cancelled", f"loading {Path(path).name} was cancelled")
        if not out_of_memory(native.recent_complaints):
            raise Fault(
                "model-load",
                f"llama.cpp cannot load {Path(path).name}{_because()}",
                "The file may be damaged, of an architecture that this llama.cpp does not know, "
                "or larger than the memory.",
            )
        if not step_down or layers == 0:
            raise _no_memory(path, layers, attempt.n_layers)
        wanted = attempt.n_layers + 1 if layers == ALL else layers
        layers = fewer(wanted, attempt.n_layers)


class _Attempt:
    """One try to load, and what llama.cpp's log said meanwhile."""

    def __init__(self, on_progress: Callable[[float], bool] | None) -> None:
        self._on_progress = on_progress
        self.aborted = False
        self.offloaded = 0
        self.n_layers = 0
        self.buffers = BufferLog()

    def run(self, path: str, layers: int, main_gpu: int) -> object:
        """The handle; NULL when it failed."""
        params = model_params(layers, main_gpu)
        # The callback must live as long as the call.
        params.progress_callback = callback = lib.llama_progress_callback(self._progress)
        with native.listening(self._hear), self.buffers.listening():
            handle = lib.llama_model_load_from_file(os.fsencode(path), params)
        del callback
        return handle

    def _progress(self, fraction: float, _data: object) -> bool:
        if self._on_progress is not None and not self._on_progress(fraction):
            self.aborted = True
        return not self.aborted

    def _hear(self, line: str) -> None:
        if match := _OFFLOADED.search(line):
            self.offloaded = int(match[1])
        elif (match := _LAYERS.search(line)) and not self.n_layers:
            self.n_layers = int(match[1])


def _no_memory(path: str, layers: int, n_layers: int) -> Fault:
    """What to do depends on whose memory it was."""
    name = Path(path).name
    if layers == 0:
        return Fault(
            "memory",
            f"not enough memory to load {name}{_because()}",
            "Choose a smaller quantisation of the model or a smaller model, or end other programs.",
        )
    steps = n_layers + 1
    shown = steps if layers == ALL else min(layers, steps)
    return Fault(
        "memory",
        f"the GPU has no memory for {shown} of {steps} layers of {name}{_because()}",
        "Set gpu_layers to auto or to a smaller number; 0 stays on the CPU.",
    )
