"""How the `models` commands write models, as text and as JSON."""

from typing import Any

import click

from urial_tui.models.facts import ModelFacts
from urial_tui.safetext import sanitize_line


def say(line: str, *, err: bool = False) -> None:
    """One sanitised line."""
    click.echo(sanitize_line(line, 1000), err=err)


def facts_json(facts: ModelFacts) -> dict[str, Any]:
    """A model as `--json` shows it; null for what is not known, or not yet."""
    return {
        "name": facts.name,
        "path": str(facts.path),
        "source": facts.source,
        "size": facts.size,
        "kind": facts.kind,
        "title": facts.title,
        "architecture": facts.architecture,
        "size_label": facts.size_label,
        "parameters": facts.n_params,
        "quantization": facts.quantization,
        "context_length": facts.context_length,
        "tokenizer": facts.tokenizer,
        "vocabulary": facts.n_vocab,
        "vocabulary_fingerprint": facts.vocabulary,
        "chat_template": facts.has_template,
        "license": facts.license,
        "base_model": facts.base_model,
        "role": facts.role,
        "role_reason": facts.role_reason,
        "parts": facts.parts,
        "missing_parts": facts.missing_parts,
        "sha256": facts.sha256,
        "also": [str(path) for path in facts.also],
        "error": facts.problem,
    }
