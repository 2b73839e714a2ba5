"""What the headers of model files say, remembered between starts by path, size and modification time.

The catalog asks here instead of reading headers, so that a second start reads none. One file in the cache folder: it is
private, replaced in one step, bounded, and ignored when it is broken. Not safe to share between threads.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from urial_tui import __version__, files, paths
from urial_tui.errors import ModelError, UrialError
from urial_tui.models.gguf.header import GgufHeader, read_header
from urial_tui.models.vocabulary import compute_fingerprint

MAX_ENTRIES: Final = 5000
MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_TEXT: Final = 300
"""Characters that are kept of a name, a licence and the like."""
_FORMAT: Final = f"1 {__version__}"
"""Another program version reads the headers again: it may look at more of them."""
_LASTING: Final = frozenset({"not-gguf", "no-vocabulary"})
"""Errors that stay while the file is the same, beside those whose kind begins with `gguf-`."""

_Identity = tuple[int, int]


@dataclass(frozen=True)
class Description:
    """One file's header in short. Texts are cut, as the file has them. `problem` is the error's."""

    kind: str = ""
    title: str = ""
    architecture: str = ""
    size_label: str = ""
    n_params: int = 0
    quantization: str = ""
    context_length: int = 0
    tokenizer: str = ""
    n_vocab: int = 0
    has_template: bool = False
    license: str = ""
    base_model: str = ""
    finetune: str = ""
    problem: str = ""
    vocabulary: str = ""
    """The fingerprint, once it was asked for."""


_TYPES: Final = {field.name: type(field.default) for field in dataclasses.fields(Description)}


class Index:
    """The descriptions of files. `open` reads what is kept, `save` keeps what was added."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = _load(file)
        self._used: dict[str, None] = {}
        self._changed: set[str] = set()

    @classmethod
    def open(cls) -> "Index":
        return cls(paths.cache_dir() / "library.json")

    def forget(self) -> None:
        """Look at every file again, whatever is kept."""
        self._entries.clear()

    def describe(self, path: Path) -> Description:
        """What `path` is: a damaged or missing file is a description with a `problem`, never an error."""
        try:
            identity = _identity(path)
        except ModelError as error:
            return _described_problem(error)
        known = self._known(path, identity)
        if known is not None:
            return known
        try:
            found = _described(read_header(path))
        except ModelError as error:
            found = _described_problem(error)
            if not (error.kind.startswith("gguf-") or error.kind in _LASTING):
                return found
        self._keep(path, identity, found)
        return found

    def fingerprint(self, path: Path) -> str:
        """The fingerprint of `path`'s vocabulary. Raises ModelError."""
        described = self.describe(path)
        if described.vocabulary:
            return described.vocabulary
        identity = _identity(path)
        found = compute_fingerprint(path)
        if not described.problem:
            self._keep(path, identity, dataclasses.replace(described, vocabulary=found))
        return found

    def save(self) -> None:
        """Keep what was added, beside what other programs added meanwhile. A disk that refuses is no error: the
        headers are then read again."""
        if not self._changed:
            return
        entries = _load(self._file) | {key: self._entries[key] for key in self._changed}
        for key in self._used:
            if key in entries:
                entries[key] = entries.pop(key)  # the oldest go first
        for oldest in list(entries)[:-MAX_ENTRIES]:
            del entries[oldest]
        files = {key: [*identity, _shortened(found)] for key, (identity, found) in entries.items()}
        if _write(self._file, {"format": _FORMAT, "files": files}):
            self._changed.clear()

    def _known(self, path: Path, identity: _Identity) -> Description | None:
        self._used[str(path)] = None
        entry = self._entries.get(str(path))
        return entry[1] if entry is not None and entry[0] == identity else None

    def _keep(self, path: Path, identity: _Identity, found: Description) -> None:
        self._entries[str(path)] = (identity, found)
        self._changed.add(str(path))


def _identity(path: Path) -> _Identity:
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        kind = "not-found" if isinstance(error, FileNotFoundError) else "unreadable"
        raise ModelError(f"cannot read {path}: {why or error}", kind=kind) from error
    return info.st_size, info.st_mtime_ns


def _described(header: GgufHeader) -> Description:
    return Description(
        kind=_cut(header.kind),
        title=_cut(header.name),
        architecture=_cut(header.architecture),
        size_label=_cut(header.size_label),
        n_params=header.n_params,
        quantization=_cut(header.quantization),
        context_length=header.context_length,
        tokenizer=_cut(header.tokenizer),
        n_vocab=header.n_vocab,
        has_template=header.has_chat_template,
        license=_cut(header.license),
        base_model=_cut(header.base_model),
        finetune=_cut(header.finetune),
    )


def _described_problem(error: ModelError) -> Description:
    return Description(problem=error.message)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def _shortened(found: Description) -> dict[str, Any]:
    """What differs from the defaults."""
    return {name: value for name, value in dataclasses.asdict(found).items() if value}


def _load(file: Path) -> dict[str, tuple[_Identity, Description]]:
    """The entries of the file; those that are not as they should be are left out."""
    try:
        with file.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
        document = json.loads(content) if len(content) <= MAX_BYTES else {}
        if document["format"] != _FORMAT:
            return {}
        kept = document["files"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    entries = {}
    for key, entry in kept:
        match entry:
            case [int(size), int(mtime_ns), dict(values)] if all(
                type(value) is _TYPES.get(name) for name, value in values.items()
            ):
                entries[key] = ((size, mtime_ns), Description(**values))
    return entries


def _write(file: Path, document: dict[str, Any]) -> bool:
    try:
        paths.ensure_private_dir(file.parent)
        files.write_private(file, json.dumps(document, separators=(",", ":")), sync=False)
    except (OSError, UrialError):
        return False
    return True
