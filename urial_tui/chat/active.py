"""A side that is ready to use: where its files are, how its conversations render, which context runs it."""

from dataclasses import dataclass, field

from urial_tui.engine.protocol import ContextSpec, Prompt, Sampling, Span, Stops
from urial_tui.prompts.styles import Style
from urial_tui.prompts.types import Rendered


@dataclass(frozen=True)
class ActiveSide:
    """`notation` is canonical SIDE text, style included; `model_sha256` is None until it has been computed."""

    notation: str
    label: str
    spec: ContextSpec
    style: Style
    sampling: Sampling
    max_tokens: int
    model_sha256: str | None = None
    adapter_sha256: str | None = None
    versions: dict[str, str] = field(default_factory=dict)


def as_prompt(rendered: Rendered, ids: tuple[int, ...] = ()) -> Prompt:
    """What the engine is given for a rendered conversation."""
    return Prompt(
        spans=tuple(Span(span.text, span.user) for span in rendered.spans),
        ids=ids,
        constant=rendered.constant,
    )


def as_stops(rendered: Rendered, prefilled: bytes = b"") -> Stops:
    return Stops(texts=rendered.stops, fence=rendered.fence, prefilled=prefilled)
