"""`urial-tui models`: what GGUF files are on this machine, and what one of them is."""

import json
from pathlib import Path
from typing import Any

import click

from urial_tui import paths
from urial_tui.cli.models_hub import pull, search, starters
from urial_tui.errors import ModelError
from urial_tui.models import adapters, demo
from urial_tui.models.gguf_header import GgufHeader, read_header
from urial_tui.models.hashes import file_sha256, known_sha256
from urial_tui.models.library import Library, LibraryEntry
from urial_tui.models.memory import estimate
from urial_tui.models.resolve import resolve_side
from urial_tui.safetext import sanitize_line
from urial_tui.settings import load_settings
from urial_tui.sides import DEMO, Side


@click.group()
def models() -> None:
    """List and describe models on this machine."""


for _command in (search, pull, starters):
    models.add_command(_command)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def list_command(as_json: bool) -> None:
    """List the models and adapters that were found. Their names can be used in any SIDE."""
    library = Library.from_settings(load_settings(paths.settings_file()))
    rows = [_demo_row(), *_shipped_rows(), *(_row(entry) for entry in library.entries())]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    width = min(max(len(str(row["name"])) for row in rows), 48)
    for row in rows:
        what = row["error"] or " ".join(
            str(part)
            for part in (row["kind"], row["architecture"], row["size_label"], row["quantization"])
            if part
        )
        line = f"{row['name']:<{width}}  {human_size(row['size']):>9}  {what}  ({row['source']})"
        click.echo(sanitize_line(line, 400))
    for problem in library.problems:
        click.echo("note: " + sanitize_line(problem, 400), err=True)


@models.command("show")
@click.argument("model")
@click.option("--sha256", "hash_it", is_flag=True, help="Compute the sha256 if it is not known.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def show_command(model: str, hash_it: bool, as_json: bool) -> None:
    """Describe MODEL: a name from `models list`, such as `demo`, or a path."""
    settings = load_settings(paths.settings_file())
    library = Library.from_settings(settings)
    path = _find(model, library)
    header = read_header(path)
    facts = _facts(header)
    if header.kind == "model":
        header = resolve_side(Side(model), library, settings).header
        memory = estimate(header, settings.n_ctx)
        facts["memory"] = {
            "n_ctx": settings.n_ctx or header.context_length,
            "weights": memory.weights,
            "kv_cache": memory.kv_cache,
            "compute": memory.compute,
            "total": memory.total,
        }
    facts["sha256"] = file_sha256(path) if hash_it else known_sha256(path)
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if key == "memory":
            parts = ", ".join(
                f"{name} {human_size(value[name])}" for name in ("weights", "kv_cache", "compute")
            )
            shown = f"about {human_size(value['total'])} at {value['n_ctx']} tokens ({parts})"
        elif key in ("file_size",):
            shown = human_size(value)
        else:
            shown = "-" if value in (None, "", 0) else str(value)
        click.echo(f"{key:<18} {sanitize_line(shown, 400)}")


def _find(model: str, library: Library) -> Path:
    """Like a SIDE's MODEL, adapters allowed."""
    if model == DEMO:
        return demo.demo_model()
    base, _, adapter = model.partition("+")
    shipped = adapters.shipped(base, adapter)
    if shipped is not None:
        return shipped
    path = Path(model).expanduser()
    if path.exists():
        return path
    try:
        return library.find(model).path
    except ModelError:
        if len(path.parts) > 1 and path.suffix == ".gguf":
            return path
        raise


def _facts(header: GgufHeader) -> dict[str, Any]:
    return {
        "path": str(header.path),
        "kind": header.kind,
        "name": header.name,
        "architecture": header.architecture,
        "size_label": header.size_label,
        "quantization": header.quantization,
        "parameters": header.n_params,
        "file_size": header.file_size,
        "context_length": header.context_length,
        "layers": header.n_layers,
        "embedding": header.n_embd,
        "heads": header.n_head,
        "kv_heads": max(header.kv_heads, default=0),
        "sliding_window": header.sliding_window,
        "vocabulary": header.n_vocab,
        "tokenizer": header.tokenizer,
        "chat_template": header.has_chat_template,
        "adapter_type": header.adapter_type,
        "lora_alpha": header.lora_alpha,
        "license": header.license,
    }


def _demo_row() -> dict[str, Any]:
    path = demo.demo_path()
    if not path.exists():
        problem = "" if demo.is_installed() else "not installed: pip install 'urial-tui[demo]'"
        row = _empty_row(DEMO, path, "embedded", 0)
        return row | {"kind": "" if problem else "not used yet", "error": problem}
    entry = LibraryEntry(DEMO, path, "embedded", path.stat().st_size, (path,))
    return _row(entry)


def _shipped_rows() -> list[dict[str, Any]]:
    """The adapters that ship for the embedded model, as a SIDE names them."""
    rows = []
    for adapter in adapters.shipped_names(DEMO):
        path = adapters.shipped(DEMO, adapter)
        assert path is not None
        size = path.stat().st_size if path.exists() else 0
        entry = LibraryEntry(str(Side(DEMO, adapter)), path, "shipped", size, (path,))
        rows.append(_row(entry))
    return rows


def _empty_row(name: str, path: Path, source: str, size: int) -> dict[str, Any]:
    texts = dict.fromkeys(("kind", "architecture", "size_label", "quantization", "error"), "")
    return {"name": name, "path": str(path), "source": source, "size": size} | texts


def _row(entry: LibraryEntry) -> dict[str, Any]:
    row = _empty_row(entry.name, entry.path, entry.source, entry.size)
    if entry.missing_parts:
        return row | {"error": f"{entry.missing_parts} parts are missing"}
    try:
        header = read_header(entry.path)
    except ModelError as error:
        return row | {"error": error.message}
    return row | {
        "kind": header.kind,
        "architecture": header.architecture,
        "size_label": header.size_label,
        "quantization": header.quantization,
    }


def human_size(n_bytes: int) -> str:
    """Bytes in the unit that reads best, 1000-based as file sizes on hubs are."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit in ("B", "kB") else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
