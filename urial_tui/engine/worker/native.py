"""The whole of llama.cpp that this program uses, in one place. Nothing else imports llama_cpp.

llama-cpp-python's low-level names move between versions, so the names are listed here and checked when the engine
process starts: a build that lacks one is refused with its name instead of failing in the middle of an answer.
"""

import collections
import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator

import llama_cpp
import llama_cpp.llama_cpp as lib
from llama_cpp import _ggml

from urial_tui.engine.memory import Device

__all__ = [
    "REQUIRED",
    "VERSION",
    "AbortFlag",
    "backends",
    "devices",
    "lib",
    "listening",
    "missing_symbols",
    "recent_complaints",
    "start",
]

VERSION: str = llama_cpp.__version__

REQUIRED = [
    "llama_backend_init",
    "llama_log_set",
    "llama_model_default_params",
    "llama_context_default_params",
    "llama_model_load_from_file",
    "llama_model_free",
    "llama_init_from_model",
    "llama_free",
    "llama_model_get_vocab",
    "llama_vocab_n_tokens",
    "llama_vocab_is_eog",
    "llama_vocab_is_control",
    "llama_vocab_bos",
    "llama_vocab_get_add_bos",
    "llama_vocab_get_text",
    "llama_vocab_get_attr",
    "llama_vocab_type",
    "llama_tokenize",
    "llama_token_to_piece",
    "llama_model_n_layer",
    "llama_model_n_ctx_train",
    "llama_model_n_swa",
    "llama_model_n_params",
    "llama_model_size",
    "llama_model_desc",
    "llama_model_has_encoder",
    "llama_model_is_recurrent",
    "llama_model_is_hybrid",
    "llama_n_ctx",
    "llama_get_memory",
    "llama_memory_clear",
    "llama_memory_seq_rm",
    "llama_memory_seq_pos_min",
    "llama_memory_seq_pos_max",
    "llama_batch_init",
    "llama_batch_free",
    "llama_decode",
    "llama_get_logits",
    "llama_get_logits_ith",
    "llama_set_abort_callback",
    "llama_state_seq_get_size",
    "llama_state_seq_get_data",
    "llama_state_seq_set_data",
    "llama_adapter_lora_init",
    "llama_adapter_lora_free",
    "llama_set_adapters_lora",
    "llama_sampler_chain_default_params",
    "llama_sampler_chain_init",
    "llama_sampler_chain_add",
    "llama_sampler_free",
    "llama_sampler_init_greedy",
    "llama_sampler_init_dist",
    "llama_sampler_init_top_k",
    "llama_sampler_init_top_p",
    "llama_sampler_init_min_p",
    "llama_sampler_init_temp",
    "llama_sampler_init_penalties",
    "llama_sampler_init_grammar",
    "llama_sampler_sample",
    "llama_sampler_accept",
    "llama_sampler_apply",
    "llama_sampler_get_seed",
    "llama_supports_gpu_offload",
    "llama_print_system_info",
    "LLAMA_SPLIT_MODE_NONE",
    "LLAMA_FLASH_ATTN_TYPE_AUTO",
    "LLAMA_FLASH_ATTN_TYPE_DISABLED",
    "LLAMA_FLASH_ATTN_TYPE_ENABLED",
    "GGML_TYPE_F32",
    "GGML_TYPE_F16",
    "GGML_TYPE_Q4_0",
    "GGML_TYPE_Q8_0",
]

GGML_TYPE_BF16 = 30
"""ggml's number for it; the binding leaves it out."""


def missing_symbols() -> tuple[str, ...]:
    """Names of REQUIRED that this build of llama-cpp-python does not have."""
    return tuple(name for name in REQUIRED if not hasattr(lib, name))


# --- llama.cpp's log ------------------------------------------------------------------------------------------------

_WARN = 3
_CONTINUATION = 5
recent_complaints: collections.deque[str] = collections.deque(maxlen=12)
"""The last warnings and errors of llama.cpp, to explain a failure that only returns NULL."""
_listeners: list[Callable[[str], None]] = []
_log_lock = threading.Lock()


@lib.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _data: object) -> None:
    hear(level, text.decode("utf-8", "replace"))


def hear(level: int, line: str) -> None:
    """Take one line of llama.cpp's log: to the complaints, to the listeners, to stderr."""
    with _log_lock:
        if level != _CONTINUATION and level >= _WARN and line.strip():
            recent_complaints.append(line.strip())
        for listener in _listeners:
            listener(line)
        sys.stderr.write(line)


@contextlib.contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Give every line to `listener` meanwhile: how many layers were offloaded and how large buffers are is only said
    there."""
    with _log_lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _log_lock:
            _listeners.remove(listener)


def start() -> None:
    """Initialise llama.cpp and send its log to stderr. Call once, before anything else here."""
    lib.llama_log_set(_log, ctypes.c_void_p(0))
    lib.llama_backend_init()


# --- cancelling inside a decode -------------------------------------------------------------------------------------


class AbortFlag:
    """A flag that llama.cpp polls during a decode without entering Python.

    ggml asks `bool f(void *data)` at every graph node; a Python callback there would take the GIL hundreds of times a
    token. C's `strlen` has the same shape: 0 for an empty string, 1 for a string of one character.
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        strlen = (ctypes.cdll.msvcrt if os.name == "nt" else ctypes.CDLL(None)).strlen
        self._callback = ctypes.cast(strlen, lib.ggml_abort_callback)

    def set(self) -> None:
        self._text[0] = b"x"

    def clear(self) -> None:
        self._text[0] = b"\0"

    def attach(self, context: object) -> None:
        lib.llama_set_abort_callback(
            context, self._callback, ctypes.cast(self._text, ctypes.c_void_p)
        )


# --- devices --------------------------------------------------------------------------------------------------------

_GPU, _INTEGRATED = 1, 2
"""ggml's kinds of a device; 0 is a CPU, 3 an accelerator that works in main memory."""


def devices() -> list[Device]:
    """Each compute device, with what it has free now; the binding itself lacks these calls."""
    ggml = _ggml.libggml
    try:
        ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
        ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
        ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
        for name in ("ggml_backend_dev_name", "ggml_backend_dev_description"):
            getattr(ggml, name).restype = ctypes.c_char_p
            getattr(ggml, name).argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_dev_type.restype = ctypes.c_int
        ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
        ggml.ggml_backend_dev_memory.restype = None
        ggml.ggml_backend_dev_memory.argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(ctypes.c_size_t),
            ctypes.POINTER(ctypes.c_size_t),
        ]
    except AttributeError:
        return []
    found = []
    for index in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        kind = ggml.ggml_backend_dev_type(device)
        found.append(
            Device(
                name=ggml.ggml_backend_dev_name(device).decode("utf-8", "replace"),
                description=ggml.ggml_backend_dev_description(device).decode("utf-8", "replace"),
                free=int(free.value),
                total=int(total.value),
                kind="gpu" if kind in (_GPU, _INTEGRATED) else "cpu",
                integrated=kind == _INTEGRATED,
            )
        )
    return found


def backends() -> list[str]:
    """The names of the backends that this build has: "CPU", "CUDA", "Metal", "Vulkan", ..."""
    ggml = _ggml.libggml
    try:
        ggml.ggml_backend_reg_count.restype = ctypes.c_size_t
        ggml.ggml_backend_reg_get.restype = ctypes.c_void_p
        ggml.ggml_backend_reg_get.argtypes = [ctypes.c_size_t]
        ggml.ggml_backend_reg_name.restype = ctypes.c_char_p
        ggml.ggml_backend_reg_name.argtypes = [ctypes.c_void_p]
    except AttributeError:
        return []
    return [
        ggml.ggml_backend_reg_name(ggml.ggml_backend_reg_get(index)).decode("utf-8", "replace")
        for index in range(ggml.ggml_backend_reg_count())
    ]
