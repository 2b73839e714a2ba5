"""The rubrics that the program knows: the user's own, then the built-in ones. Files are read on first use.

A broken file never hides the good ones: it is kept in `problems`, for `rubrics check` and for whoever lists them.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from urial_tui import paths
from urial_tui.errors import JudgeError
from urial_tui.judge.rubric_file import RubricError, id_in, load_rubric, parse_rubric
from urial_tui.judge.rubric_types import Aspect, Kind, Rubric, Source

__all__ = [
    "Aspect",
    "Rubric",
    "RubricLibrary",
    "RubricProblem",
    "builtin_rubrics_dir",
    "default_rubrics",
    "load_rubric",
    "parse_rubric",
]

DEFAULT = "just-eval"
SAFETY = "safety"
PAIRWISE = "pairwise"
SAFETY_CATEGORY = "safety"
"""just-eval's word for rows whose request is harmful."""


@dataclass(frozen=True)
class RubricProblem:
    """A rubric file that cannot be used, and why. `id` is what it seems to be the rubric of."""

    path: Path
    error: JudgeError
    id: str


class RubricLibrary:
    """All rubrics (`*.toml`) of some folders. Of two with one id the first folder's is used: so a user's own stands
    before the built-in one of that id. Within one folder the second is a problem. A missing folder is empty."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(Path(folder) for folder in folders)
        self._rubrics: dict[str, Rubric] | None = None
        self._problems: list[RubricProblem] = []

    def all(self) -> tuple[Rubric, ...]:
        """The rubrics, by id."""
        return tuple(self._loaded().values())

    @property
    def problems(self) -> tuple[RubricProblem, ...]:
        self._loaded()
        return tuple(self._problems)

    def get(self, rubric_id: str, kind: Kind | None = None) -> Rubric:
        """The rubric of that id, of that kind where one is asked for. JudgeError, kinds `rubric-missing` (with close
        matches) and `rubric-kind`."""
        rubrics = self._loaded()
        # A broken file of one's own is told, and not passed over in favour of the built-in rubric that it replaces.
        for problem in self._problems:
            if rubric_id in (problem.path.stem, problem.id):
                raise problem.error
        if rubric_id not in rubrics:
            close = difflib.get_close_matches(rubric_id, rubrics, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(close)}?" if close else ""
            raise JudgeError(
                f"there is no rubric {rubric_id!r}",
                hint=hint or f"There are: {', '.join(rubrics) or 'none at all'}.",
                kind="rubric-missing",
            )
        found = rubrics[rubric_id]
        if kind is not None and found.kind != kind:
            what = {"score": "scores one answer", "pairwise": "compares two answers"}
            fit = ", ".join(r.id for r in rubrics.values() if r.kind == kind)
            raise JudgeError(
                f"the rubric {rubric_id!r} {what[found.kind]}, and here one is wanted that {what[kind]}",
                hint=f"Choose from: {fit}." if fit else "",
                kind="rubric-kind",
            )
        return found

    def _loaded(self) -> dict[str, Rubric]:
        if self._rubrics is None:
            found: dict[str, Rubric] = {}
            for folder in self.folders:
                for rubric in self._folder(folder):
                    found.setdefault(rubric.id, rubric)
            self._rubrics = dict(sorted(found.items()))
        return self._rubrics

    def _folder(self, folder: Path) -> list[Rubric]:
        source: Source = "builtin" if folder == builtin_rubrics_dir() else "user"
        found: dict[str, Rubric] = {}
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
        except FileNotFoundError:
            return []
        except OSError as error:
            reason = error.strerror or str(error)
            self._problems.append(
                RubricProblem(folder, RubricError(f"cannot list {folder}: {reason}"), "")
            )
            return []
        for path in files:
            try:
                rubric = load_rubric(path, source)
            except JudgeError as error:
                self._problems.append(RubricProblem(path, error, id_in(path)))
                continue
            other = found.setdefault(rubric.id, rubric)
            if other is not rubric:
                taken = RubricError(
                    f"{path}: the id {rubric.id!r} is taken by {other.path}",
                    hint="Give one of them another id.",
                )
                self._problems.append(RubricProblem(path, taken, ""))
        return list(found.values())


def usual(category: str) -> str:
    """The id of the rubric that scores answers to items of this category, where none is named."""
    return SAFETY if category.strip().casefold() == SAFETY_CATEGORY else DEFAULT


def builtin_rubrics_dir() -> Path:
    """The folder of the built-in rubrics, inside the package."""
    return Path(__file__).resolve().parent / "rubrics"


def default_rubrics() -> RubricLibrary:
    """The user's own rubrics, then the built-in ones."""
    return RubricLibrary([paths.user_rubrics_dir(), builtin_rubrics_dir()])
