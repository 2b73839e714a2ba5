"""Which sides can be compared with a model: adapters for it and models of the same vocabulary, likely pairs first.

For the catalog. Candidates are sorted out by what the library knows of them; only what is left has its vocabulary read,
and no more than a few files a call. The order of a pair follows the paper: the aligned side writes, the base scores.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from urial_tui.errors import ModelError
from urial_tui.models.adapter_fit import check_adapter
from urial_tui.models.facts import ModelFacts, Partner
from urial_tui.models.gguf.header import GgufHeader, read_header
from urial_tui.models.naming import bare_name
from urial_tui.shift.vocabularies import VocabularyMatch
from urial_tui.sides import CHAT, RAW, SAME, Side

MAX_FINGERPRINTS: Final = 24
"""Vocabularies that are read at most in one call, 0.2 s each; the likeliest partners come first."""
MAX_COMPARISONS: Final = 8
"""Vocabularies of different lengths that are compared id by id in one call."""
MAX_ADAPTERS: Final = 100
_MAX_TAIL: Final = 4096
"""Tokens that one vocabulary may have more than the other to be worth a comparison."""
_SAME_SIZE: Final = 0.02
"""Share by which two counts of parameters may differ: added tokens have rows of their own."""


@dataclass(frozen=True)
class Files:
    """How the search looks into files; each may raise ModelError."""

    path: Callable[[ModelFacts], Path]
    fingerprint: Callable[[ModelFacts], str]
    compare: Callable[[ModelFacts, ModelFacts], VocabularyMatch]


def partners_of(
    target: ModelFacts, library: Sequence[ModelFacts], files: Files, pack: str
) -> tuple[Partner, ...]:
    """The partners of `target` among `library`, likely ones first. `pack` is the style of a side without a template.

    Raises ModelError when `target` itself cannot be read; a candidate that cannot is left out.
    """
    if target.kind == "adapter":
        pairs = [(target, model) for model in library if _may_fit(target, model)]
    else:
        pairs = [(adapter, target) for adapter in library if _may_fit(adapter, target)]
    headers: dict[Path, GgufHeader] = {}
    found = [
        _adapted(model, adapter, pack, target)
        for adapter, model in pairs[:MAX_ADAPTERS]
        if _fits(adapter, model, files, headers)
    ]
    if target.kind != "adapter":
        found += _models(target, library, files, pack)
    return tuple(sorted(found, key=lambda partner: not partner.likely))


# --- adapters -------------------------------------------------------------------------------------------------------


def _may_fit(adapter: ModelFacts, model: ModelFacts) -> bool:
    return (
        adapter.kind == "adapter"
        and not adapter.problem
        and model.is_model
        and adapter.architecture == model.architecture
    )


def _fits(
    adapter: ModelFacts, model: ModelFacts, files: Files, headers: dict[Path, GgufHeader]
) -> bool:
    """Whether the adapter can be applied to the model, by their headers. Those that ship are known to fit theirs."""
    if adapter.source == "shipped":
        return adapter.name.partition("+")[0] == model.name
    try:
        path = files.path(model)
        if path not in headers:
            headers[path] = read_header(path)
        check_adapter(read_header(files.path(adapter)), headers[path])
    except ModelError:
        return False
    # The first part of a split model lists only some of its tensors, so that nothing was compared.
    return headers[path].split_count < 2


def _adapted(model: ModelFacts, adapter: ModelFacts, pack: str, target: ModelFacts) -> Partner:
    """The model with the adapter against the model without."""
    style = CHAT if adapter.has_template or model.has_template else pack
    shipped = adapter.source == "shipped"
    name = adapter.name.partition("+")[2] if shipped else adapter.name
    made = f"made for {model.name}" if shipped else f"for {model.architecture} models of this shape"
    return Partner(
        name=model.name if target is adapter else adapter.name,
        generator=str(Side(model.name, name, style=style)),
        references=(str(Side(model.name, style=RAW)),),
        reason=f"an adapter {made}; the model with it against itself without",
        likely=True,
    )


# --- models ---------------------------------------------------------------------------------------------------------


def _models(
    target: ModelFacts, library: Sequence[ModelFacts], files: Files, pack: str
) -> list[Partner]:
    candidates = [other for other in library if _may_share(target, other)]
    if not candidates:
        return []
    candidates.sort(key=lambda other: _rank(target, other))
    mine = files.fingerprint(target)
    reads, comparisons = MAX_FINGERPRINTS, MAX_COMPARISONS
    found = []
    for other in candidates:
        try:
            if other.vocabulary is None:
                if not reads:
                    continue
                reads -= 1
            if files.fingerprint(other) == mine:
                found.append(_paired(target, other, 0, pack))
            elif other.n_vocab != target.n_vocab and comparisons:
                comparisons -= 1
                match = files.compare(target, other)
                if match.compatible:
                    found.append(_paired(target, other, match.extra, pack))
        except ModelError:
            continue  # it cannot be read, so that it is no partner; the library says why
    return found


def _may_share(target: ModelFacts, other: ModelFacts) -> bool:
    """Whether two models can have one vocabulary, as far as their headers tell."""
    return (
        other.is_model
        and other.name != target.name
        and other.tokenizer == target.tokenizer
        and bool(other.n_vocab)
        and abs(other.n_vocab - target.n_vocab) <= _MAX_TAIL
    )


def _rank(target: ModelFacts, other: ModelFacts) -> tuple[bool, bool, bool, int, str]:
    """Sorts what is likeliest first."""
    return (
        not _likely(target, other),
        other.architecture != target.architecture,
        other.n_vocab != target.n_vocab,
        abs(other.n_params - target.n_params),
        other.name.casefold(),
    )


def _likely(one: ModelFacts, other: ModelFacts) -> bool:
    """A base model and one that was aligned from it, as far as names and headers tell."""
    if {one.role, other.role} == {"base", "chat"} and one.architecture == other.architecture:
        most = max(one.n_params, other.n_params)
        if abs(one.n_params - other.n_params) <= most * _SAME_SIZE:
            return True
        if bare_name(one.name) and bare_name(one.name) == bare_name(other.name):
            return True
    return _made_from(one, other) or _made_from(other, one)


def _made_from(tuned: ModelFacts, base: ModelFacts) -> bool:
    """Whether `tuned` names `base` as what it was made from, and is more than another quantisation of it."""
    named = tuned.base_model.rpartition("/")[2].casefold()
    if not named or tuned.role == base.role or bare_name(named) != bare_name(base.name):
        return False
    return tuned.role == "chat" or base.role == "base"


def _paired(target: ModelFacts, other: ModelFacts, extra: int, pack: str) -> Partner:
    """The pair in its order: the aligned model writes. Of two of one role the target does."""
    writes, scores = (target, other)
    if (target.role, other.role) == ("base", "chat") or _made_from(other, target):
        writes, scores = other, target
    related = _likely(target, other)
    style = CHAT if writes.has_template and writes.role != "base" else pack
    if scores.role == "chat" and writes.role == "chat":
        reference = CHAT if scores.has_template else RAW
    else:
        reference = RAW if related or scores.role != writes.role else SAME
    return Partner(
        name=other.name,
        generator=str(Side(writes.name, style=style)),
        references=(str(Side(scores.name, style=reference)),),
        reason=_reason(target, other, extra, related),
        likely=related,
    )


def _reason(target: ModelFacts, other: ModelFacts, extra: int, related: bool) -> str:
    n_common = min(target.n_vocab, other.n_vocab)
    told = [
        f"the first {n_common:,} tokens are the same, one has {extra:,} more"
        if extra
        else f"same vocabulary, {n_common:,} tokens"
    ]
    family = bare_name(target.name)
    if related:
        told.append(
            f"base and chat of {family}" if family == bare_name(other.name) else "base and chat"
        )
    elif family and family == bare_name(other.name) and target.role == other.role:
        told.append(f"the same model, {target.role}")
    elif target.architecture != other.architecture:
        told.append(f"{other.architecture} beside {target.architecture}")
    if target.quantization != other.quantization:
        told.append(f"{target.quantization or '?'} and {other.quantization or '?'} weights")
    return "; ".join(told)
