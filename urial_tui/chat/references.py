"""References: sides that score tokens they did not write. Resolving them, checking them, giving them to the engine.

`Chat` and the command `shift` share this. A reference has a context of its own, never the generator's.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from urial_tui.chat.active import ActiveSide, as_prompt, context_options
from urial_tui.chat.noise import Measurement
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import Engine, OnProgress
from urial_tui.errors import EngineError
from urial_tui.prompts.styles import Style
from urial_tui.prompts.types import Turn
from urial_tui.sides import RAW, SAME, parse_side
from urial_tui.store.types import TraceSide

_NAMED = 3
"""So many differing tokens are named in a refusal."""


@dataclass(frozen=True)
class ActiveReference:
    """A resolved reference. `style` None is `same`: exactly the generator's own prompt ids; `side.style` is then of no
    meaning."""

    notation: str
    side: ActiveSide
    style: Style | None

    @property
    def spec(self) -> wire.ContextSpec:
        return self.side.spec


@dataclass(frozen=True)
class CheckedReference:
    """`fingerprint` names the generator's vocabulary, of which `n_common` ids are compared. `warnings` in words."""

    fingerprint: str
    n_common: int
    warnings: tuple[str, ...] = ()


async def resolve_reference(
    resolve: Callable[[str], Awaitable[ActiveSide]],
    notation: str,
    number: int,
    generator: ActiveSide | None = None,
) -> ActiveReference:
    """Find the reference's files and style. Here alone the style may be `same`. Raises UrialError.

    `number` is its place among the references: it keeps the contexts of equal sides apart. On the model file of
    `generator` it shares the weights, and so their layers on the GPU.
    """
    wanted = parse_side(notation)
    same = wanted.style == SAME
    # `same` renders nothing, so any style that every model has will do to find the files.
    active = await resolve(str(wanted.with_style(RAW)) if same else notation)
    layers = active.spec.gpu_layers
    if generator is not None and generator.spec.model_path == active.spec.model_path:
        layers = generator.spec.gpu_layers
    elif active.reference_gpu_layers is not None:
        layers = active.reference_gpu_layers
    spec = msgspec.structs.replace(active.spec, slot=f"reference-{number}", gpu_layers=layers)
    text = str(parse_side(active.notation).with_style(SAME)) if same else active.notation
    side = replace(active, notation=text, spec=spec)
    return ActiveReference(text, side, None if same else active.style)


def as_reference(
    ref: ActiveReference,
    turns: Sequence[Turn],
    *,
    prefill: str = "",
    ids: tuple[int, ...] = (),
    answer: int = 0,
) -> wire.Reference:
    """What the engine is given: the conversation in the reference's own style, then `ids` as they are, the last
    `answer` of which are the answer's own. May take a while (a chat template runs in a process): call it in a thread.
    """
    if ref.style is None:
        return wire.Reference(ref.spec, None)
    prompt = as_prompt(ref.style.render(turns, prefill), ids)
    return wire.Reference(ref.spec, msgspec.structs.replace(prompt, answer=answer))


async def check_reference(
    engine: Engine,
    generator: ActiveSide,
    ref: ActiveReference,
    on_progress: OnProgress | None = None,
) -> CheckedReference:
    """Compare the vocabularies id by id; loads what is missing. Raises EngineError, kind `vocabulary` when they
    differ: the message names the first differing ids."""
    checked = await engine.check_pair(generator.spec, ref.spec, on_progress)
    if not checked.compatible:
        raise _refusal(generator, ref, checked)
    warnings = list(checked.warnings)
    ours, theirs = generator.quantization, ref.side.quantization
    if ours and theirs and ours != theirs:
        warnings.append(f"quantisation differs: {ours} against {theirs}")
    return CheckedReference(checked.fingerprint, checked.n_common, tuple(warnings))


def _refusal(generator: ActiveSide, ref: ActiveReference, checked: wire.PairChecked) -> EngineError:
    named = "; ".join(
        f"id {token.id}: {_piece(token.generator)} against {_piece(token.reference)}"
        for token in checked.differing[:_NAMED]
    )
    reason = checked.reason or "their tokens differ"
    return EngineError(
        f"{ref.notation} cannot score {generator.notation}: {reason}"
        + (f" ({named})" if named else ""),
        hint="Choose a reference with the same tokenizer as the generator.",
        kind="vocabulary",
    )


def _piece(raw: bytes | None) -> str:
    return "none" if raw is None else ascii(raw)[1:]


def trace_side(
    role: Literal["generator", "reference"],
    side: ActiveSide,
    style: Style | None,
    prompt_ids: tuple[int, ...],
    info: wire.ContextInfo | None,
    measured: Measurement | None,
    error: str = "",
) -> TraceSide:
    """The provenance of one side of a trace. `style` None is `same`; `info` None: the side is not loaded."""
    return TraceSide(
        role=role,
        side=side.notation,
        model_path=side.spec.model_path,
        model_sha256=side.model_sha256,
        adapter_path=side.spec.adapter_path,
        adapter_sha256=side.adapter_sha256,
        adapter_scale=side.spec.adapter_scale,
        style=style.id if style else SAME,
        pack_id=style.pack.id if style and style.pack else None,
        pack_hash=style.hash if style else None,
        template_hash=style.template_hash if style else None,
        prompt_ids=prompt_ids,
        n_ctx=info.n_ctx if info else 0,
        noise=measured.noise if measured else None,
        null_rate=measured.null_rate if measured else None,
        error=error,
        context=context_options(side.spec, info) if info else None,
    )
