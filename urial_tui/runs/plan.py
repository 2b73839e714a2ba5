"""What a run is before it begins: its sides made ready to use, how each decodes, and the mark by which it is found.

The same input, sides (by the content of their files), references and settings make the same run. Threads and layers on
a GPU do not: each answer's own provenance has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from urial_tui.chat.active import ActiveSide
from urial_tui.chat.identity import fingerprint, identity
from urial_tui.chat.references import ActiveReference, trace_side
from urial_tui.engine.protocol import Sampling
from urial_tui.errors import UsageError
from urial_tui.runs.inputs import InputSet
from urial_tui.store.runs.types import RunStart

_FORMAT = 1
_CONTEXT = ("n_ctx", "n_batch", "flash_attention", "kv_type")
"""Options of a context that change the numbers and are part of what a run is."""


@dataclass(frozen=True)
class RunSide:
    """A side of a run. The references have contexts of their own, one a number."""

    side: ActiveSide
    references: tuple[ActiveReference, ...]
    sampling: Sampling
    max_tokens: int

    @property
    def model_path(self) -> str:
        return self.side.spec.model_path


def run_side(
    side: ActiveSide,
    references: Sequence[ActiveReference],
    *,
    temperature: float,
    seed: int | None,
    max_tokens: int | None,
) -> RunSide:
    """The side with its own sampling settings at this temperature: 0 is greedy, as the published analyses decode."""
    sampling = msgspec.structs.replace(side.sampling, temperature=temperature, seed=seed)
    return RunSide(side, tuple(references), sampling, max_tokens or side.max_tokens)


def run_start(
    name: str, asked: InputSet, sides: Sequence[RunSide], given: dict[str, Any]
) -> RunStart:
    """Everything that is stored of a run; `given` are the command's own settings. The hashes of the sides' files should
    be known by now. Raises UsageError for a side that is there twice."""
    first = sides[0]
    identities = [_identity(side) for side in sides]
    for number, one in enumerate(identities):
        if one in identities[:number]:
            raise UsageError(
                f"the side {sides[number].side.notation} is there twice",
                hint="Name each side once; another style or another adapter is another side.",
                kind="same-side",
            )
    context = {key: getattr(first.side.spec, key) for key in _CONTEXT}
    versions = dict(first.side.versions)
    references = tuple(reference.notation for reference in first.references)
    return RunStart(
        name=name,
        fingerprint=fingerprint(
            {
                "format": _FORMAT,
                "input": asked.sha256,
                "input_format": asked.format,
                "sides": identities,
                "context": context,
                "llama-cpp-python": versions.get("llama-cpp-python", ""),
            }
        ),
        input_name=asked.name,
        input_format=asked.format,
        input_sha256=asked.sha256,
        sides=tuple(side.side.notation for side in sides),
        references=references,
        settings=given
        | context
        | {
            "decoding": [_plain(side.sampling) | {"max_tokens": side.max_tokens} for side in sides],
            "files": [_files(side.side) for side in sides],
        },
        versions=versions,
    )


def groups(sides: Sequence[RunSide]) -> list[list[int]]:
    """The numbers of the sides, those that share weights together, in the order of their first one."""
    found: dict[str, list[int]] = {}
    for number, side in enumerate(sides):
        found.setdefault(side.model_path, []).append(number)
    return list(found.values())


def differences(before: RunStart, now: RunStart) -> tuple[str, ...]:
    """What makes another run of the same input, in words."""
    found = []
    if before.sides != now.sides:
        found.append("sides")
    if before.references != now.references:
        found.append("references")
    for key in ("temperature", "seed", "max_tokens", *_CONTEXT):
        if before.settings.get(key) != now.settings.get(key):
            found.append(key)
    if before.versions.get("llama-cpp-python") != now.versions.get("llama-cpp-python"):
        found.append("llama-cpp-python")
    return tuple(found) or ("the content of a side's files or prompts",)


def _identity(side: RunSide) -> dict[str, Any]:
    own = trace_side("generator", side.side, side.side.style, (), None, None)
    references = [
        trace_side("reference", ref.side, ref.style, (), None, None) for ref in side.references
    ]
    return identity(own) | {
        "sampling": _plain(side.sampling),
        "max_tokens": side.max_tokens,
        "references": [identity(reference) for reference in references],
    }


def _files(side: ActiveSide) -> dict[str, Any]:
    return {
        "model_sha256": side.model_sha256,
        "adapter_sha256": side.adapter_sha256,
        "style": side.style.id,
        "pack_hash": side.style.hash,
        "template_hash": side.style.template_hash,
    }


def _plain(sampling: Sampling) -> dict[str, Any]:
    return dict(msgspec.structs.asdict(sampling))
