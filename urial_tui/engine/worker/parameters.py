"""From the words of a ContextSpec to llama.cpp's parameters, for loading and for trying without allocating."""

import ctypes
from typing import Any

from urial_tui.engine.options import OUTPUT_ROWS
from urial_tui.engine.worker import native

lib = native.lib
ALL = -1
"""llama.cpp's word for every layer."""

FLASH_ATTENTION = {
    "auto": lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
KV_TYPES = {
    "f16": lib.GGML_TYPE_F16,
    "bf16": native.GGML_TYPE_BF16,
    "f32": lib.GGML_TYPE_F32,
    "q8_0": lib.GGML_TYPE_Q8_0,
    "q4_0": lib.GGML_TYPE_Q4_0,
}
_PADDING = 256
_no_devices = (ctypes.c_void_p * 1)(None)


def model_params(layers: int, main_gpu: int) -> Any:
    """`layers` on the devices. None of them: no device at all, so that a full GPU cannot stop what runs on the CPU.
    A `main_gpu` that is not negative is the only one."""
    params = lib.llama_model_default_params()
    params.n_gpu_layers = layers
    if layers == 0:
        params.devices = ctypes.cast(_no_devices, ctypes.c_void_p)
    elif main_gpu >= 0:
        params.split_mode = lib.LLAMA_SPLIT_MODE_NONE
        params.main_gpu = main_gpu
    return params


def context_params(
    n_ctx: int, *, n_batch: int, flash_attention: str, kv_type: str, n_threads: int = 0
) -> Any:
    """One sequence, its rows bounded: llama.cpp reserves n_vocab floats for each, 1 MiB at a 262,144-token
    vocabulary. `n_threads` 0 is llama.cpp's own choice."""
    params = lib.llama_context_default_params()
    # llama.cpp pads the context itself, but bounds the batch by what it was asked for.
    params.n_ctx = -(-n_ctx // _PADDING) * _PADDING
    params.n_batch = params.n_ubatch = n_batch
    params.n_seq_max = 1
    params.n_outputs_max = OUTPUT_ROWS
    if n_threads:
        params.n_threads = params.n_threads_batch = n_threads
    params.flash_attn_type = FLASH_ATTENTION[flash_attention]
    params.type_k = params.type_v = KV_TYPES[kv_type]
    params.swa_full = False
    params.no_perf = True
    return params
