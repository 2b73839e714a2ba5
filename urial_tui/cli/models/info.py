"""`urial-tui models info`: everything that is known of one model, and about how much memory it takes."""

import dataclasses
from typing import Any

import click

from urial_tui.cli.common.catalog import open_catalog
from urial_tui.cli.common.completing import model_names
from urial_tui.cli.common.wording import human_size
from urial_tui.cli.models.text import facts_json, say
from urial_tui.models.gguf.header import GgufHeader, read_header
from urial_tui.models.hashes import file_sha256
from urial_tui.models.library import Library
from urial_tui.models.memory import estimate
from urial_tui.models.resolve import resolve_side
from urial_tui.safetext import json_line
from urial_tui.settings import current_settings
from urial_tui.sides import Side


@click.command(short_help="Describe one model.")
@click.argument("model", shell_complete=model_names)
@click.option("--sha256", "hash_it", is_flag=True, help="Compute the sha256 if it is not known.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def info(model: str, hash_it: bool, as_json: bool) -> None:
    """Describe MODEL: a name from `models list`, such as `demo`, or a path.

    Its header is checked; of a split model, every part. The memory is an estimate for one context of the size that the
    settings say.
    """
    settings = current_settings()
    catalog = open_catalog()
    facts = catalog.find(model)
    path = catalog.file(facts)
    header = read_header(path)
    told = facts_json(facts) | _from_header(header)
    if header.kind == "model":
        checked = resolve_side(Side(str(path)), Library([]), settings).header
        memory = estimate(
            checked,
            settings.n_ctx,
            n_batch=settings.n_batch,
            kv_type=settings.kv_type,
            flash_attention=settings.flash_attention,
        )
        told["memory"] = {
            "n_ctx": settings.n_ctx or header.context_length,
            **dataclasses.asdict(memory),
            "total": memory.total,
        }
    if hash_it:
        told["sha256"] = file_sha256(path)
    if as_json:
        click.echo(json_line(told, indent=2))
        return
    for key, value in told.items():
        if key != "error":
            say(f"{key:<23} {_shown(key, value)}")


def _from_header(header: GgufHeader) -> dict[str, Any]:
    """What the list does not need."""
    return {
        "path": str(header.path),
        "layers": header.n_layers,
        "embedding": header.n_embd,
        "heads": header.n_head,
        "kv_heads": max(header.kv_heads, default=0),
        "sliding_window": header.sliding_window,
        "adapter_type": header.adapter_type,
        "lora_alpha": header.lora_alpha,
        "gguf_version": header.version,
    }


def _shown(key: str, value: Any) -> str:
    if key == "memory":
        parts = ", ".join(
            f"{name} {human_size(size)}"
            for name, size in value.items()
            if name not in ("n_ctx", "total") and size
        )
        return f"about {human_size(value['total'])} at {value['n_ctx']} tokens ({parts})"
    if key == "size":
        return human_size(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return "-" if value in (None, "", 0) else str(value)
