"""Measured rounding noise of models on this machine, kept in one JSON file in the cache folder.

A measurement belongs to the files' sizes and times, the adapter's scale, the llama-cpp-python version and the device
settings (threads, GPU layers and device, batch, attention, cache): when one of them changes, the model is measured
anew. A broken file is ignored and replaced.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from urial_tui import files, paths
from urial_tui.engine.protocol import ContextSpec, Measured
from urial_tui.errors import UrialError

_MAX_ENTRIES = 500
_OWN = 7
"""Parts of a key after those of the files: the version and the device settings."""
_PARTS = 3 + _OWN


@dataclass(frozen=True)
class Measurement:
    """What engine Measured says: `noise` in nats, `mean_kl` in nats, `changed` and `null_rate` are shares of tokens."""

    noise: float
    null_rate: float
    mean_kl: float
    changed: float
    tokens: int


class Measurements:
    """The kept measurements. `version` is llama-cpp-python's; `file` None keeps them for this program only.

    Small and quick enough to be asked from an event loop. Writing never fails: what cannot be kept is measured again.
    """

    def __init__(self, file: Path | None, version: str = "") -> None:
        self._file, self._version = file, version
        self._known: dict[str, Measurement] | None = None

    def get(self, spec: ContextSpec) -> Measurement | None:
        """What is known of the model and adapter of `spec`; contexts of the same files share it."""
        return self._entries().get(self._key(spec))

    def put(self, spec: ContextSpec, measured: Measured) -> Measurement:
        """Keep a result, in place of an older one."""
        found = Measurement(
            measured.noise, measured.null_rate, measured.mean_kl, measured.changed, measured.tokens
        )
        # Another program may have written meanwhile: add to what is there now.
        self._known = self._read() | self._entries() | {self._key(spec): found}
        for oldest in list(self._known)[:-_MAX_ENTRIES]:
            del self._known[oldest]
        self._write()
        return found

    def known(self) -> list[tuple[str, str | None, Measurement]]:
        """(model file, adapter file or None, measurement) of everything that was measured with this library version
        and whose files are still as they were."""
        found = []
        for key, measurement in self._entries().items():
            parts = _parsed(key)
            adapter = parts[3] if len(parts) == _PARTS + 4 else None
            if len(parts) not in (_PARTS, _PARTS + 4) or parts[-_OWN] != self._version:
                continue
            if _identity(str(parts[0])) != parts[:3]:
                continue
            if adapter is None or _identity(str(adapter))[1:] == parts[5:7]:
                found.append((str(parts[0]), adapter and str(adapter), measurement))
        return found

    def _key(self, spec: ContextSpec) -> str:
        adapter = [spec.adapter_path, spec.adapter_scale] if spec.adapter_path else []
        return json.dumps(
            [
                *_identity(spec.model_path),
                *adapter,
                *(_identity(spec.adapter_path)[1:] if spec.adapter_path else ()),
                self._version,
                spec.n_threads or os.cpu_count(),
                spec.gpu_layers,
                spec.main_gpu,
                spec.n_batch,
                spec.flash_attention,
                spec.kv_type,
            ]
        )

    def _entries(self) -> dict[str, Measurement]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[str, Measurement]:
        if self._file is None:
            return {}
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(found, dict):
            return {}
        read = {key: _measurement(value) for key, value in found.items()}
        return {key: value for key, value in read.items() if value is not None}

    def _write(self) -> None:
        if self._file is None or self._known is None:
            return
        text = json.dumps({key: asdict(value) for key, value in self._known.items()})
        try:
            paths.ensure_private_dir(self._file.parent)
            files.write_private(self._file, text, sync=False)
        except (OSError, UrialError):
            return


def _identity(path: str) -> list[Any]:
    """Path, size and modification time; a file that is gone has neither, and no measurement either."""
    try:
        info = Path(path).stat()
    except OSError:
        return [path, None, None]
    return [str(Path(path).resolve()), info.st_size, info.st_mtime_ns]


def _parsed(key: str) -> list[Any]:
    """The parts of an entry's key; empty when the file was written by something else."""
    try:
        parts = json.loads(key)
    except (ValueError, RecursionError):
        return []
    return parts if isinstance(parts, list) else []


def _measurement(value: Any) -> Measurement | None:
    """An entry of the file, None when it is not one."""
    if not isinstance(value, dict) or set(value) != set(Measurement.__dataclass_fields__):
        return None
    numbers = list(value.values())
    if any(isinstance(n, bool) or not isinstance(n, int | float) or not n >= 0 for n in numbers):
        return None
    return Measurement(**value)
