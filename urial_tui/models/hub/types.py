"""What the hub tells and how a download stands: values only, so that the interface can name them without the hub.

Texts come from the hub as they are; they are sanitised where they are shown.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from urial_tui.errors import UrialError

DownloadState = Literal[
    "waiting", "fetching", "stalled", "verifying", "paused", "done", "failed", "cancelled"
]
"""`waiting`: another download goes first. `stalled`: nothing came for a while, it goes on by itself. `paused`,
`failed`: what is on disk is kept and can be resumed; so is what an earlier run of the program left behind."""


@dataclass(frozen=True)
class HubRepo:
    """A repository in a list of search results."""

    id: str
    downloads: int = 0
    likes: int = 0
    gated: bool = False
    license: str = ""
    base_model: str = ""
    """The repository that it was made from, where it says so."""
    updated: str = ""
    """ISO date."""


@dataclass(frozen=True)
class HubFile:
    """A file in a repository. `size` in bytes; `sha256` as the hub knows it."""

    path: str
    size: int
    sha256: str | None = None


@dataclass(frozen=True)
class Quant:
    """One model to fetch: a quantisation, in one file or in parts that belong together, in order."""

    label: str
    """`Q4_K_M`; where a repository has several files of one quantisation, enough of the name to tell them apart."""
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class RepoListing:
    """What a repository has to fetch, at one commit."""

    id: str
    commit: str
    quants: tuple[Quant, ...]
    gated: bool = False
    license: str = ""
    base_model: str = ""
    problems: tuple[str, ...] = ()
    """What was left out and why, in words: a model with missing parts, a file whose name cannot be used."""


@dataclass(frozen=True)
class DatasetListing:
    """The files of a data set, of any kind, at one commit."""

    id: str
    commit: str
    files: tuple[HubFile, ...]


@dataclass(frozen=True)
class DataFile:
    """A file of a data set that is here. `path` is its name in the data set, `file` where it is kept."""

    repo: str
    commit: str
    path: str
    file: Path
    sha256: str
    fetched: bool = False
    """It came from the hub just now."""


@dataclass(frozen=True)
class DownloadStatus:
    """One download as it stands. `done` and `total` in bytes, all files together; `rate` in bytes a second over the
    last seconds; `eta_s` None while it is not known."""

    id: str
    repo: str
    label: str
    state: DownloadState
    done: int = 0
    total: int = 0
    rate: float = 0.0
    eta_s: float | None = None
    error: UrialError | None = None
    path: Path | None = None
    """The model, once it is done: its first part."""
    resumed: int = 0
    """Bytes of `done` that were on disk already when this run of the program began to fetch it."""
    fetched: int = 0
    """Bytes that came from the hub in this run, those that had to come twice included."""
    note: str = ""
    """What happened besides, in words: fetching began anew because the file changed on the hub, or the like."""

    @property
    def is_active(self) -> bool:
        return self.state in ("waiting", "fetching", "stalled", "verifying")
