"""The work behind `packs import`: read, convert, check that the result loads, write it in one step."""

from pathlib import Path
from typing import Any, Literal, cast

from urial_tui import files, paths
from urial_tui.errors import PromptError
from urial_tui.prompts.importer import import_official, pack_id_for
from urial_tui.prompts.official import load_official
from urial_tui.prompts.pack_file import parse_pack
from urial_tui.prompts.pack_text import pack_to_toml
from urial_tui.prompts.render import pack_shape
from urial_tui.prompts.styles import default_library


def import_file(
    file: Path,
    pack_id: str | None,
    *,
    name: str,
    language: str,
    shape: str,
    output: Path | None,
    force: bool,
) -> dict[str, Any]:
    """Import one official file. `path` of the result is None when the text is meant for stdout.

    PromptError when the file or the id cannot be used, or when the target exists and `force` is off.
    """
    prompt = load_official(file)
    chosen = pack_id or pack_id_for(file.name)
    known = cast(Literal["official", "examples"], shape)
    imported = import_official(prompt, chosen, known, name=name, language=language)
    comment = f"Made from {file.name} (sha256 {prompt.hash}).\nFormat: docs/packs.md"
    text = pack_to_toml(imported.pack, comment)
    to_stdout = output is not None and str(output) == "-"
    target = None if to_stdout else output or paths.user_packs_dir() / f"{chosen}.toml"
    written = parse_pack(text, target or Path("-"), "")
    if pack_shape(written) != pack_shape(imported.pack):
        raise PromptError(
            f"{file} has texts that a pack cannot hold", hint="Use it with --pack-file."
        )
    if target is not None:
        if output is None:
            _refuse_taken_id(chosen, target)
            paths.ensure_private_dir(target.parent)
        _write(target, text, force)
    return {
        "id": chosen,
        "path": str(target) if target else None,
        "shape": shape,
        "identical": imported.identical,
        "examples": len(imported.pack.examples),
        "notes": list(imported.notes),
        **({"toml": text} if target is None else {}),
    }


def _refuse_taken_id(pack_id: str, target: Path) -> None:
    taken = next((pack for pack in default_library().all() if pack.id == pack_id), None)
    if taken is not None and taken.path != target:
        raise PromptError(
            f"there is already a pack with the id {pack_id!r}: {taken.path}",
            hint="Choose another one with --id.",
        )


def _write(target: Path, text: str, force: bool) -> None:
    """Whole or not at all: a temporary file beside the target, then one rename."""
    if target.exists() and not force:
        raise PromptError(
            f"{target} exists already", hint="Replace it with --force, or choose --output."
        )
    try:
        files.write_private(target, text)
    except OSError as error:
        raise PromptError(
            f"cannot write {target}: {error.strerror or error}",
            hint="Check the folder and its permissions.",
        ) from error
