"""Which options a context may have and which of them go together: batch, flash attention, type of the KV cache.

Settings, command lines and the engine process check with these words; the memory estimate counts with these sizes.
Nothing here knows llama.cpp: its own names for the words are in the worker.
"""

from typing import Final

from urial_tui.errors import SettingsError

N_BATCH: Final = 512
"""Tokens of one decode at the most, where nobody says otherwise; the logical and the physical batch are the same."""
LEAST_BATCH: Final = 64
"""Scoring decodes up to 47 tokens at once: 32 of an answer, a short last chunk and what is short of the prompt."""
MOST_BATCH: Final = 16384
OUTPUT_ROWS: Final = 40
"""Most logit rows of one decode: an answer is scored in chunks of 32, a short last one joined to the one before."""

FLASH_ATTENTION: Final = ("auto", "on", "off")
KV_TYPES: Final[dict[str, tuple[int, int]]] = {
    "f16": (1, 2),
    "bf16": (1, 2),
    "f32": (1, 4),
    "q8_0": (32, 34),
    "q4_0": (32, 18),
}
"""Type of keys and values alike -> (elements of a block, bytes of a block). llama.cpp can mix types and has more of
them; these are the ones that its kernels serve on every device."""
QUANTISED: Final = ("q8_0", "q4_0")


def refusal(n_batch: int, flash_attention: str, kv_type: str) -> tuple[str, str] | None:
    """Why these options cannot be used together, and what to do about it; None when they can."""
    if kv_type not in KV_TYPES:
        return f"there is no KV cache type {kv_type!r}", f"Choose one of {', '.join(KV_TYPES)}."
    if flash_attention not in FLASH_ATTENTION:
        return (
            f"flash attention cannot be {flash_attention!r}",
            f"Choose one of {', '.join(FLASH_ATTENTION)}.",
        )
    if not LEAST_BATCH <= n_batch <= MOST_BATCH:
        return (
            f"a batch of {n_batch} tokens cannot be used",
            f"Choose a number from {LEAST_BATCH} to {MOST_BATCH}.",
        )
    if kv_type in QUANTISED and flash_attention == "off":
        return (
            f"a KV cache of the type {kv_type} needs flash attention, which is off",
            "Set flash_attention to auto or on, or kv_type to f16.",
        )
    return None


def check_options(n_batch: int, flash_attention: str, kv_type: str) -> None:
    """Raise SettingsError for options that cannot be used together, before anything is loaded."""
    refused = refusal(n_batch, flash_attention, kv_type)
    if refused is not None:
        raise SettingsError(refused[0], hint=refused[1], kind="options")
