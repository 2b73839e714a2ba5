"""Where GGUF files are kept on this machine, by this program and by others, and a bounded search there.

Only directory entries, links and small files of other programs are read. A search ends at limits of
depth, entries and time, and says so; folders that are links are not entered.
"""

import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from urial_tui import paths
from urial_tui.models import stores
from urial_tui.settings import Settings

MAX_DEPTH: Final = 8
MAX_SEEN: Final = 100_000
MAX_FOUND: Final = 5_000
MAX_SECONDS: Final = 10.0
OLLAMA_SERVICE: tuple[str, ...] = ("/usr/share/ollama/.ollama/models", "/var/lib/ollama")
"""Where Ollama's installer and the packages of Linux distributions have its service keep models."""
_HUB_HOSTS: Final = frozenset({"hf.co", "huggingface.co"})

Layout = Literal["files", "repos", "flat", "ollama"]
"""`repos`: OWNER/REPO/FILE. `flat`: llama.cpp's older cache. A cache like Hugging Face's is known by its folders' names
in any of them."""


@dataclass(frozen=True)
class Place:
    """A folder to look in. `label` is how the list names it; `asked_for` by the user's settings."""

    path: Path
    label: str
    layout: Layout = "files"
    asked_for: bool = False


@dataclass(frozen=True)
class Found:
    """A GGUF file: its name without the ending, size in bytes, and what tells it from other files."""

    name: str
    path: Path
    source: str
    size: int
    identity: tuple[int, int]
    repo: str = ""
    """`OWNER/REPO` on the hub, as its folder says."""
    named_sha256: str | None = None
    """The hash that the store it lies in has for it, unverified."""


def known_places(settings: Settings) -> tuple[Place, ...]:
    """The app's folder, the user's folders, then other tools' folders. They need not exist."""
    home = Path.home()
    env = os.environ
    cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache")
    hub = env.get("HF_HUB_CACHE") or Path(env.get("HF_HOME") or cache / "huggingface") / "hub"
    found = [Place(paths.models_dir(), "models folder", "repos")]
    found += [
        Place(Path(folder).expanduser(), "your folder", asked_for=True)
        for folder in settings.model_folders
    ]
    found += [
        Place(Path(hub), "Hugging Face cache"),
        *(Place(path, "LM Studio", "repos") for path in stores.lm_studio_folders(home)),
        Place(Path(env.get("OLLAMA_MODELS") or home / ".ollama" / "models"), "Ollama", "ollama"),
        *(Place(Path(folder), "Ollama", "ollama") for folder in OLLAMA_SERVICE),
        Place(Path(env.get("LLAMA_CACHE") or cache / "llama.cpp"), "llama.cpp cache", "flat"),
        Place(home / "Library" / "Caches" / "llama.cpp", "llama.cpp cache", "flat"),
    ]
    return tuple(found)


def scan(where: Sequence[Place]) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """The GGUF files in `where`, in that order, and what could not be looked at, in words."""
    walk = _Walk(time.monotonic() + MAX_SECONDS)
    found: list[Found] = []
    for place in where:
        if place.asked_for and not place.path.is_dir():
            walk.problems.append(f"{place.path}, from model_folders, is not a folder")
        for name, path, repo in _SEARCHES[place.layout](place, walk):
            try:
                info = path.stat()
            except OSError:
                continue
            if stat.S_ISREG(info.st_mode):
                found.append(
                    Found(
                        name,
                        path,
                        place.label,
                        info.st_size,
                        (info.st_dev, info.st_ino),
                        stores.hub_repo(path) or repo,
                        stores.named_sha256(path),
                    )
                )
            if len(found) >= MAX_FOUND:
                walk.stop(f"more than {MAX_FOUND} models were found; the rest is left out")
                break
    return tuple(found), tuple(walk.problems)


class _Walk:
    """The limits that one scan has, over all places."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.seen = 0
        self.over = False
        self.problems: list[str] = []

    def stop(self, why: str) -> None:
        if not self.over:
            self.problems.append(why)
        self.over = True

    def entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """What is in `folder`, sorted; nothing once a limit is reached."""
        if self.over:
            return []
        listed: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self.seen += 1
                    if self.seen > MAX_SEEN or time.monotonic() > self.deadline:
                        self.stop(f"the search for models stopped in {folder}: too many files")
                        break
                    listed.append(entry)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.problems.append(f"cannot look into {folder}: {error.strerror or error}")
        return sorted(listed, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_gguf(name: str) -> bool:
    return name.lower().endswith(".gguf") and not name.startswith(".")


def _files(place: Place, walk: _Walk) -> Iterator[tuple[str, Path, str]]:
    """Every GGUF file below the place: name, path, repository."""
    pending = [(place.path, 0)]
    while pending:
        folder, depth = pending.pop()
        below: list[tuple[Path, int]] = []
        listed = walk.entries(folder)
        flat = None
        if place.layout == "flat" and not depth:
            flat = stores.FlatNames(folder, [entry.name for entry in listed])
        for entry in listed:
            if _is_folder(entry):
                if depth < MAX_DEPTH and entry.name != ".git":
                    below.append((Path(entry.path), depth + 1))
            elif _is_gguf(entry.name):
                name, repo = entry.name[: -len(".gguf")], ""
                if flat is not None:
                    name, repo = flat.of(name)
                elif place.layout == "repos":
                    repo = stores.folder_repo(Path(entry.path), place.path)
                yield name, Path(entry.path), repo
        pending.extend(reversed(below))


def _ollama(place: Place, walk: _Walk) -> Iterator[tuple[str, Path, str]]:
    """Names from the manifests, files from the blobs: manifests/HOST/OWNER/MODEL/TAG."""
    pending = [(place.path / "manifests", ())]  # type: list[tuple[Path, tuple[str, ...]]]
    while pending:
        folder, parts = pending.pop()
        for entry in walk.entries(folder):
            if _is_folder(entry):
                if len(parts) < 4:
                    pending.append((Path(entry.path), (*parts, entry.name)))
            elif len(parts) >= 2:
                owner = [part for part in parts[1:] if part != "library"]
                name = f"{'/'.join(owner)}:{entry.name}"
                repo = "/".join(owner) if parts[0] in _HUB_HOSTS and len(owner) == 2 else ""
                for suffix, digest in stores.ollama_layers(Path(entry.path)):
                    yield name + suffix, _ollama_blob(place.path, digest), repo


def _ollama_blob(store: Path, digest: str) -> Path:
    """Older versions put a colon into the name."""
    blob = store / "blobs" / f"sha256-{digest}"
    older = store / "blobs" / f"sha256:{digest}"
    return older if not blob.exists() and older.exists() else blob


_SEARCHES: Final = {"files": _files, "repos": _files, "flat": _files, "ollama": _ollama}
