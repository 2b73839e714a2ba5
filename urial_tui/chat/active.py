"""A side that is ready to use: where its files are, how its conversations render, which context runs it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from urial_tui.engine.protocol import ContextInfo, ContextSpec, Prompt, Sampling, Span, Stops
from urial_tui.prompts.styles import Style
from urial_tui.prompts.types import Rendered


def _unknown(_path: str) -> str | None:
    return None


async def _nothing_known() -> str:
    return ""


@dataclass(frozen=True)
class ActiveSide:
    """`notation` is canonical SIDE text, style included. `sha256_of` tells a file's hash, None until it is computed."""

    notation: str
    spec: ContextSpec
    style: Style
    sampling: Sampling
    max_tokens: int
    sha256_of: Callable[[str], str | None] = _unknown
    versions: dict[str, str] = field(default_factory=dict)
    quantization: str = ""
    """As the model's header says it, "Q4_K_M"; empty when it is not known."""
    reference_gpu_layers: int | None = None
    """Layers on the GPU when this side is a reference; None: as in `spec`."""
    need: Callable[[], Awaitable[str]] = _nothing_known
    """What it will take and what is free, in words; empty when that is not known. Asked for before it is loaded."""

    @property
    def model_sha256(self) -> str | None:
        return self.sha256_of(self.spec.model_path)

    @property
    def adapter_sha256(self) -> str | None:
        return self.sha256_of(self.spec.adapter_path) if self.spec.adapter_path else None


def context_options(spec: ContextSpec, info: ContextInfo) -> dict[str, Any]:
    """What of a context, beside its size, changes the numbers that it gives: as it came out where the engine chose
    (`device`, `gpu_layers`, `n_threads`), else as it was asked for."""
    return {
        "device": info.device,
        "gpu_layers": info.gpu_layers,
        "n_threads": info.n_threads,
        "n_batch": spec.n_batch,
        "flash_attention": spec.flash_attention,
        "kv_type": spec.kv_type,
    }


def as_prompt(rendered: Rendered, ids: tuple[int, ...] = ()) -> Prompt:
    """What the engine is given for a rendered conversation."""
    return Prompt(
        spans=tuple(Span(span.text, span.user) for span in rendered.spans),
        ids=ids,
        constant=rendered.constant,
    )


def as_stops(rendered: Rendered, prefilled: bytes = b"") -> Stops:
    return Stops(texts=rendered.stops, fence=rendered.fence, prefilled=prefilled)
