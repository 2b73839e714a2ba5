"""Constant prompt prefixes kept on disk: the context's state bytes behind a header that says what they belong to.

A file is used only when everything that decides its bytes agrees: model, adapter, library version, context
parameters, token ids, checksum. Anything else is ignored and removed. Files are written atomically, mode 0600, and
the least recently used go when the quota is reached.
"""

import contextlib
import hashlib
import json
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np

from urial_tui.errors import UrialError
from urial_tui.files import replacing
from urial_tui.paths import ensure_private_dir

MAGIC = b"URIALST1"
DEFAULT_QUOTA = 512 * 1024 * 1024


class StateStore:
    """A folder of states. Every failure of the disk is a miss, never an error of the request."""

    def __init__(self, folder: Path, quota_bytes: int = DEFAULT_QUOTA) -> None:
        self._folder = folder
        self._quota = quota_bytes

    def load(self, key: dict[str, object], ids: list[int]) -> memoryview | None:
        """The state that was saved for exactly this key and these ids."""
        path = self._path(key, ids)
        try:
            data = memoryview(path.read_bytes())
        except OSError:
            return None
        payload = _open(data, key, ids)
        if payload is None:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return payload

    def save(self, key: dict[str, object], ids: list[int], state: bytes) -> bool:
        """Write the state; False when the disk does not let us (or the quota is smaller than the state)."""
        if len(state) > self._quota:
            return False
        header = json.dumps(
            {"key": key, "ids_sha256": _ids_digest(ids), "n": len(ids), "crc32": zlib.crc32(state)},
            sort_keys=True,
        ).encode()
        try:
            ensure_private_dir(self._folder)
            self._make_room(len(state))
            with replacing(self._path(key, ids)) as file:
                file.write(MAGIC + struct.pack("<I", len(header)) + header)
                file.write(state)
        except (OSError, UrialError):
            return False
        return True

    def _path(self, key: dict[str, object], ids: list[int]) -> Path:
        text = json.dumps(key, sort_keys=True) + _ids_digest(ids)
        return self._folder / (hashlib.sha256(text.encode()).hexdigest()[:40] + ".state")

    def _make_room(self, need: int) -> None:
        files = []
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.suffix == ".part" and time.time() - status.st_mtime > 3600:
                    path.unlink()
                elif path.suffix == ".state":
                    files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files, key=lambda file: file[0]):
            if total + need <= self._quota:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size


def _open(data: memoryview, key: dict[str, object], ids: list[int]) -> memoryview | None:
    if len(data) < 12 or data[:8] != MAGIC:
        return None
    (length,) = struct.unpack("<I", data[8:12])
    if length > 65536 or len(data) < 12 + length:
        return None
    try:
        header = json.loads(bytes(data[12 : 12 + length]))
    except ValueError:
        return None
    payload = data[12 + length :]
    expected = {
        "key": key,
        "ids_sha256": _ids_digest(ids),
        "n": len(ids),
        "crc32": zlib.crc32(payload),
    }
    return payload if header == expected else None


def _ids_digest(ids: list[int]) -> str:
    return hashlib.sha256(np.asarray(ids, dtype="<i4").tobytes()).hexdigest()
