"""What `urial-tui models pull` says: the models of a repository, how far it is, what is here now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from urial_tui.cli.common.wording import human_size
from urial_tui.errors import UrialError
from urial_tui.models.fit import Verdict, verdict_for_size
from urial_tui.models.hub.download import id_of
from urial_tui.models.hub.names import target_of
from urial_tui.models.hub.origin import read_origin
from urial_tui.models.hub.types import DownloadStatus, Quant, RepoListing
from urial_tui.models.library import Library
from urial_tui.models.machine import main_memory
from urial_tui.models.resolve import read_whole
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.settings import current_settings
from urial_tui.sides import Side

Json = dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """A model that is to be here."""

    listing: RepoListing
    quant: Quant

    @property
    def id(self) -> str:
        return id_of(self.listing, self.quant)

    def paths(self, folder: Path) -> list[Path]:
        return [target_of(folder, self.listing.id, file.path) for file in self.quant.files]


def quant_lines(quants: Sequence[Quant]) -> Iterator[str]:
    """The models of a repository, one a line."""
    width = max((len(quant.label) for quant in quants), default=0)
    for quant in quants:
        parts = f", {len(quant.files)} parts" if len(quant.files) > 1 else ""
        fitting = verdict(quant.size)
        fits = f"  {fitting}" if fitting != "unknown" else ""
        yield sanitize_line(
            f"  {quant.label:<{width}}  {human_size(quant.size):>9}{fits}{parts}", 200
        )


def verdict(n_bytes: int) -> Verdict:
    """Whether a model file of that size would fit into the memory that is free now."""
    return verdict_for_size(n_bytes, main_memory())


def notes(listing: RepoListing) -> None:
    """What to know of a repository besides, on standard error."""
    if listing.gated:
        say(f"note: {listing.id} is gated; its terms have to be accepted on its page")
    for problem in listing.problems[:5]:
        say(f"note: {problem}")


def progress_line(statuses: Sequence[DownloadStatus]) -> str:
    """`Q4_K_M  1.2 of 4.9 GB  24 %  31.0 MB/s  2:01 left`."""
    done, total = sum(each.done for each in statuses), sum(each.total for each in statuses)
    rate = sum(each.rate for each in statuses)
    name = statuses[0].label if len(statuses) == 1 else f"{len(statuses)} models"
    shown = [name, f"{human_size(done)} of {human_size(total)}", f"{done * 100 // max(total, 1)} %"]
    states = {each.state for each in statuses}
    if "fetching" in states and rate:
        left = round((total - done) / rate)
        shown += [
            f"{human_size(round(rate))}/s",
            f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left",
        ]
    elif "stalled" in states:
        shown.append("nothing comes, trying again")
    elif "verifying" in states:
        shown.append("checking")
    return "  ".join(shown)


def result(chosen: Chosen, folder: Path, status: DownloadStatus | None) -> Json:
    """What `--json` tells of one model. `status` None: it was there already."""
    files = []
    for path, file in zip(chosen.paths(folder), chosen.quant.files, strict=True):
        origin = read_origin(path)
        sha256 = origin.sha256 if origin is not None else None
        files.append({"path": str(path), "file": file.path, "size": file.size, "sha256": sha256})
    complete = status is None or status.state == "done"
    return {
        "repo": chosen.listing.id,
        "commit": chosen.listing.commit,
        "quant": chosen.quant.label,
        "path": files[0]["path"],
        "size": chosen.quant.size,
        "sha256": files[0]["sha256"] if len(files) == 1 else None,
        "files": files,
        "license": chosen.listing.license or None,
        "base_model": chosen.listing.base_model or None,
        "complete": complete,
        "already_there": status is None or (status.state == "done" and not status.fetched),
        "resumed_bytes": status.resumed if status is not None else 0,
        "fetched_bytes": status.fetched if status is not None else 0,
        "note": status.note if status is not None else "",
        "problem": problem_of(chosen.paths(folder)[0]) if complete else None,
    }


def problem_of(path: Path) -> Json | None:
    """Why the model that is here cannot be used, as errors are told; None where its header says that it can.

    A right sha256 shows only that it is what its owner put there.
    """
    try:
        read_whole(path)
    except UrialError as error:
        return error.as_dict()
    return None


def tell(chosen: Chosen, found: Json) -> None:
    """One model in words, once it is here."""
    if not found["complete"]:
        return
    size = human_size(chosen.quant.size)
    if found["already_there"]:
        text = f"{chosen.id} is here already: {found['path']} ({size})"
    else:
        checked = all(file.sha256 for file in chosen.quant.files)
        how = "its sha256 is the hub's" if checked else "the hub tells no sha256 for it"
        text = f"{chosen.id} is here: {found['path']} ({size}; {how})"
    click.echo(sanitize_line(text, 600))
    problem = found["problem"]
    if problem is not None:
        say(f"but it cannot be used: {sanitize_line(problem['message'], 600)}")
        if problem.get("hint"):
            say(f"hint: {sanitize_line(problem['hint'], 600)}")
        return
    name = _name_of(Path(found["path"]))
    if name:
        click.echo(sanitize_line(f"In a SIDE it is called {Side(name)}", 200))


def _name_of(path: Path) -> str:
    """What the library calls the model; "" where it does not say."""
    try:
        library = Library.from_settings(current_settings())
        return next((each.name for each in library.entries() if each.path == path), "")
    except UrialError:
        return ""


def listing_json(listing: RepoListing) -> Json:
    """What `--list --json` prints."""
    return {
        "repo": listing.id,
        "commit": listing.commit,
        "gated": listing.gated,
        "license": listing.license or None,
        "base_model": listing.base_model or None,
        "quants": [
            {
                "quant": quant.label,
                "size": quant.size,
                "fits": verdict(quant.size),
                "files": [
                    {"file": file.path, "size": file.size, "sha256": file.sha256}
                    for file in quant.files
                ],
            }
            for quant in listing.quants
        ],
        "left_out": list(listing.problems),
    }


def say(text: str) -> None:
    """A line on standard error."""
    click.echo(sanitize(text), err=True)
