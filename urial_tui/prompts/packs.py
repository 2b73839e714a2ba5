"""The packs that the program knows: the built-in ones and the user's own. Pack files are read on first use.

A broken file never hides the good ones: it is kept in `problems`, for `packs lint` and the pack picker to show.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from urial_tui.errors import PromptError
from urial_tui.prompts.locate import builtin_packs_dir
from urial_tui.prompts.pack_file import load_pack, parse_pack
from urial_tui.prompts.pack_types import Example, Format, Pack, Source

__all__ = [
    "Example",
    "Format",
    "Pack",
    "PackLibrary",
    "PackProblem",
    "Source",
    "load_pack",
    "parse_pack",
]


@dataclass(frozen=True)
class PackProblem:
    """A pack file that cannot be used, and why."""

    path: Path
    error: PromptError


class PackLibrary:
    """All packs (`*.toml`) of some folders. Of two packs with one id the first folder's is used, never silently:
    the other one is a problem. A folder that does not exist is empty."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(Path(folder) for folder in folders)
        self._packs: dict[str, Pack] | None = None
        self._problems: list[PackProblem] = []

    def ids(self) -> tuple[str, ...]:
        """The ids in the order of `all`."""
        return tuple(self._loaded())

    def all(self) -> tuple[Pack, ...]:
        """The packs, folder by folder, by id within a folder."""
        return tuple(self._loaded().values())

    @property
    def problems(self) -> tuple[PackProblem, ...]:
        self._loaded()
        return tuple(self._problems)

    def get(self, pack_id: str) -> Pack:
        """The pack of that id. PromptError (kind `unknown-pack`) with close matches when there is none."""
        packs = self._loaded()
        if pack_id in packs:
            return packs[pack_id]
        broken = [p for p in self._problems if p.path.stem == pack_id]
        if broken:
            raise broken[0].error
        close = difflib.get_close_matches(pack_id, packs, n=3, cutoff=0.5)
        if not close and Path(pack_id).is_file():
            raise PromptError(
                f"{pack_id} is no pack: its name ends neither in .toml nor in .txt",
                hint="A pack's file is called *.toml, an official URIAL file *.txt.",
                kind="unknown-pack",
            )
        if close:
            hint = f"Did you mean {' or '.join(close)}?"
        elif packs:
            hint = f"There are: {', '.join(packs)}."
        else:
            hint = "No pack was found at all; is the installation complete?"
        raise PromptError(f"there is no pack {pack_id!r}", hint=hint, kind="unknown-pack")

    def reload(self) -> None:
        """Forget what was read, so that changed files are read again."""
        self._packs = None
        self._problems = []

    def _loaded(self) -> dict[str, Pack]:
        if self._packs is None:
            self._packs = {}
            for folder in self.folders:
                self._load_folder(folder, self._packs)
        return self._packs

    def _load_folder(self, folder: Path, packs: dict[str, Pack]) -> None:
        source: Source = "builtin" if folder == builtin_packs_dir() else "user"
        found: list[Pack] = []
        try:
            paths = sorted(folder.glob("*.toml"))
        except OSError as error:
            reason = error.strerror or str(error)
            self._problems.append(
                PackProblem(folder, PromptError(f"cannot list {folder}: {reason}"))
            )
            return
        for path in paths:
            try:
                found.append(load_pack(path, source))
            except PromptError as error:
                self._problems.append(PackProblem(path, error))
        for pack in sorted(found, key=lambda pack: pack.id):
            other = packs.setdefault(pack.id, pack)
            if other is not pack and pack.path is not None:
                taken = PromptError(
                    f"{pack.path}: the id {pack.id!r} is taken by {other.path}",
                    hint="Give one of them another id.",
                )
                self._problems.append(PackProblem(pack.path, taken))
