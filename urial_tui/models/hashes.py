"""sha256 of model files, computed on request and kept by path, size and modification time.

`known_sha256` only looks; `file_sha256` reads the whole file when it must (about a second a
gigabyte) and is meant for a background thread. The embedded model's hash is known beforehand.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from urial_tui import files, paths
from urial_tui.errors import ModelError, UrialError
from urial_tui.models import demo

_BLOCK: Final = 4 * 1024 * 1024
_MAX_ENTRIES: Final = 1000


class HashingStopped(Exception):
    """`should_stop` said so; nothing was kept."""


def _cache_file() -> Path:
    return paths.cache_dir() / "hashes.json"


def _key(path: Path) -> tuple[str, int, int]:
    try:
        info = path.stat()
    except OSError as error:
        raise ModelError(
            f"cannot read {path}: {error.strerror or error}", kind="unreadable"
        ) from error
    return str(path.resolve()), info.st_size, info.st_mtime_ns


def kept_hashes() -> dict[str, Any]:
    """The cache as it is on disk: absolute path to size, modification time and hash."""
    try:
        found = json.loads(_cache_file().read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def known_sha256(path: Path, kept: Mapping[str, Any] | None = None) -> str | None:
    """The hash of `path` when it is known already; None otherwise. Never reads the file itself.

    `kept` is what `kept_hashes` gave, to ask for many files with one look into the cache.
    """
    try:
        name, size, mtime_ns = _key(path)
    except ModelError:
        return None
    if path == demo.demo_path() and demo.is_assembled():
        return demo.SHA256
    entry = (kept_hashes() if kept is None else kept).get(name)
    if isinstance(entry, list) and entry[:2] == [size, mtime_ns] and len(entry) == 3:
        return str(entry[2])
    return None


def file_sha256(
    path: Path,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    again: bool = False,
) -> str:
    """The hash of `path`, from the cache or by reading it; with `again` always by reading it. Safe to call from
    any thread. `on_progress` gets the bytes read and the bytes in all.

    Raises ModelError when the file cannot be read or changes meanwhile, HashingStopped when
    `should_stop`, asked every 4 MB, returns True.
    """
    known = None if again else known_sha256(path)
    if known is not None:
        return known
    before = _key(path)
    digest = hashlib.sha256()
    done = 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                if should_stop is not None and should_stop():
                    raise HashingStopped
                digest.update(block)
                done += len(block)
                if on_progress is not None:
                    on_progress(done, before[1])
    except OSError as error:
        raise ModelError(
            f"cannot read {path}: {error.strerror or error}", kind="unreadable"
        ) from error
    if _key(path) != before:
        raise ModelError(f"{path} changed while it was read", kind="changed")
    _keep(before, digest.hexdigest())
    return digest.hexdigest()


def remember_sha256(path: Path, sha256: str) -> None:
    """Keep a hash that was computed while `path` was written, so that it is not read again for it.

    Raises ModelError when there is no such file.
    """
    _keep(_key(path), sha256)


def _keep(key: tuple[str, int, int], sha256: str) -> None:
    """Add to the cache. Two programs may lose each other's entry, which costs one more reading."""
    entries = kept_hashes()
    entries.pop(key[0], None)
    entries[key[0]] = [key[1], key[2], sha256]
    for oldest in list(entries)[:-_MAX_ENTRIES]:
        del entries[oldest]
    target = _cache_file()
    try:
        paths.ensure_private_dir(target.parent)
        files.write_private(target, json.dumps(entries), sync=False)
    except (OSError, UrialError):
        return
