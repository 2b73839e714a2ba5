"""What the folders of other programs tell of a GGUF file: its real name, its repository, the hash that it should have.

For `places`, which walks them. Each program keeps files its own way: Hugging Face and llama.cpp as links into a store
of blobs named by hash, LM Studio by owner and repository, Ollama as blobs with names in manifests, older llama.cpp in
one folder with everything in the file's name. Only names, links and small files of those programs are read.
"""

import json
import os
import re
from pathlib import Path
from typing import Any, Final

_MAX_SMALL: Final = 256 * 1024
"""Bytes of a manifest or a settings file that are read."""
_SHA256: Final = re.compile(r"(?:sha256[-:])?([0-9a-f]{64})")
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_HUB_FOLDER: Final = re.compile(r"models--([^-].*?)--(.+)")
_MANIFEST: Final = re.compile(r"manifest=([^=]+)=([^=]+)=.+\.json")
_IN_ADDRESS: Final = re.compile(r"https?://[^/]+/([^/]+/[^/]+)/resolve/")


def hub_repo(path: Path) -> str:
    """`OWNER/REPO` of a file in a cache with the layout of Hugging Face's; "" elsewhere."""
    for part in reversed(path.parts[:-1]):
        found = _HUB_FOLDER.fullmatch(part)
        if found:
            return f"{found[1]}/{found[2]}"
    return ""


def folder_repo(path: Path, root: Path) -> str:
    """`OWNER/REPO` of a file at OWNER/REPO/FILE or deeper below `root`; "" for one that lies higher."""
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return ""
    return "/".join(parts[:2]) if len(parts) >= 3 else ""


def named_sha256(path: Path) -> str | None:
    """The hash that a store of blobs gives the file as its name: Ollama's, or Hugging Face's behind a link."""
    target = path
    if path.is_symlink():
        try:
            target = path.readlink()
        except OSError:
            return None
    if target.parent.name != "blobs":
        return None
    found = _SHA256.fullmatch(target.name)
    return found[1] if found else None


class FlatNames:
    """The names of llama.cpp's older cache, where `OWNER_REPO_FILE.gguf` is one file name.

    `names` is what the folder holds. The owner and the repository are told by a manifest or by the file's own record
    beside it; where there is neither, what stands behind the usual `-GGUF_` is the file.
    """

    def __init__(self, folder: Path, names: list[str]) -> None:
        self._folder = folder
        self._names = set(names)
        found = (_MANIFEST.fullmatch(name) for name in names)
        self._repos = [(match[1], match[2]) for match in found if match]

    def of(self, stem: str) -> tuple[str, str]:
        """(name, `OWNER/REPO` or "") of the file whose name is `stem` and `.gguf`."""
        for owner, repo in self._repos:
            prefix = f"{owner}_{repo}_"
            if stem.startswith(prefix):
                return stem.removeprefix(prefix), f"{owner}/{repo}"
        record = f"{stem}.gguf.json"
        if record in self._names:
            found = _IN_ADDRESS.match(str(small_json(self._folder / record).get("url", "")))
            if found:
                prefix = found[1].replace("/", "_") + "_"
                return stem.removeprefix(prefix), found[1]
        head, mark, tail = stem.partition("-GGUF_")
        if mark and tail and "_" in head:
            owner, _, repo = head.partition("_")
            return tail, f"{owner}/{repo}-GGUF"
        return stem, ""


def ollama_layers(manifest: Path) -> list[tuple[str, str]]:
    """(suffix of the name, sha256) of the model and its adapters in an Ollama manifest."""
    layers = small_json(manifest).get("layers")
    found: list[tuple[str, str]] = []
    for layer in layers if isinstance(layers, list) else ():
        if not isinstance(layer, dict):
            continue
        kind = str(layer.get("mediaType")).rpartition(".")[2]
        digest = _DIGEST.fullmatch(str(layer.get("digest")))
        if digest and kind in ("model", "adapter"):
            found.append(("" if kind == "model" else "-adapter", digest[1]))
    return found


def lm_studio_folders(home: Path) -> list[Path]:
    """Where LM Studio keeps models: its folders of the past and of today, and the one that its settings name."""
    roots = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    pointer = _small_text(home / ".lmstudio-home-pointer").strip()
    if pointer.startswith(os.sep):
        roots.insert(0, Path(pointer))
    folders = []
    for root in roots:
        chosen = small_json(root / "settings.json").get("downloadsFolder")
        if isinstance(chosen, str) and chosen.startswith(os.sep) and "\0" not in chosen:
            folders.append(Path(chosen))
        folders.append(root / "models")
    return list(dict.fromkeys(folders))


def small_json(path: Path) -> dict[str, Any]:
    """A JSON object that another program wrote; empty when it is anything else or too long."""
    try:
        found = json.loads(_small_text(path) or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _small_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_SMALL + 1)
        return content.decode() if len(content) <= _MAX_SMALL else ""
    except (OSError, ValueError):
        return ""
