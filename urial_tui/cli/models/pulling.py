"""The work behind `urial-tui models pull`: which quantisation, whether it fits, progress, Ctrl+C that pauses."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

import click

from urial_tui import paths
from urial_tui.cli.common.progress import ProgressLine
from urial_tui.cli.common.wording import human_size
from urial_tui.cli.models.pulling_report import (
    Chosen,
    Json,
    listing_json,
    notes,
    progress_line,
    quant_lines,
    result,
    say,
    tell,
    verdict,
)
from urial_tui.errors import ModelError, UrialError, UsageError
from urial_tui.models.hub import starters
from urial_tui.models.hub.client import Hub
from urial_tui.models.hub.download import is_whole
from urial_tui.models.hub.downloads import Downloads
from urial_tui.models.hub.names import repo_and_quant
from urial_tui.models.hub.quants import find_quant
from urial_tui.models.hub.ticket import tickets_for
from urial_tui.models.hub.types import DownloadStatus, RepoListing
from urial_tui.safetext import json_line

DEFAULT_QUANT: Final = "Q4_K_M"


def show_quants(name: str, revision: str | None, *, as_json: bool) -> None:
    """Print the models of a repository. Raises UrialError."""
    repo, _ = repo_and_quant(name)
    listing = Hub().listing(repo, revision)
    if as_json:
        click.echo(json_line(listing_json(listing), indent=2))
        return
    for line in quant_lines(listing.quants):
        click.echo(line)
    notes(listing)


def pull(name: str, revision: str | None, *, yes: bool, as_json: bool) -> None:
    """Have the model here. Raises UrialError; KeyboardInterrupt after Ctrl+C, which pauses."""
    starter = starters.find_starter(name) if name.startswith(starters.PREFIX) else None
    if starter is not None and revision is not None:
        raise UsageError("--revision is for one repository", hint="Leave it out.")
    if starter is None:
        wanted = [repo_and_quant(name)]
    else:
        wanted = [(model.repo, model.quant) for model in (starter.base, starter.aligned)]
    hub = Hub()
    chosen = [
        _choose(hub.listing(repo, revision), quant, quiet=as_json or starter is not None)
        for repo, quant in wanted
    ]
    folder = paths.models_dir()
    there = [each for each in chosen if _is_here(each, folder)]
    missing = [each for each in chosen if each not in there]
    for each in missing:
        _warn_of_size(each, yes=yes, as_json=as_json)
    found = _fetch(missing, folder, as_json=as_json)
    failed = next((status.error for status in found.values() if status.error is not None), None)
    results = [result(each, folder, found.get(each.id)) for each in chosen]
    if not as_json:
        for each, outcome in zip(chosen, results, strict=True):
            tell(each, outcome)
        if failed is not None:
            raise failed
        _leave_if_unusable(results)
        return
    if starter is None:
        if failed is not None:
            raise failed
        click.echo(json_line(results[0], indent=2))
        _leave_if_unusable(results)
        return
    whole: Json = {"starter": starter.id, "models": results}
    click.echo(
        json_line(whole | ({"error": failed.as_dict()} if failed is not None else {}), indent=2)
    )
    if failed is not None:
        raise SystemExit(failed.exit_code)
    _leave_if_unusable(results)


def _leave_if_unusable(results: Sequence[Json]) -> None:
    """Leave with the code of a model's error when one of those that are here cannot be used; it is told already."""
    if any(each["problem"] is not None for each in results):
        raise SystemExit(ModelError.exit_code)


def _choose(listing: RepoListing, wanted: str, *, quiet: bool) -> Chosen:
    """The quant that was named, the only one, or the usual one. Raises UsageError that lists them."""
    if not listing.quants:
        raise ModelError(
            f"{listing.id} has no GGUF model to fetch",
            hint="; ".join(listing.problems[:3]) or "Look for one: urial-tui models search WORDS",
            kind="no-quants",
        )
    labels = ", ".join(quant.label for quant in listing.quants)
    if wanted:
        named = find_quant(listing.quants, wanted)
        if named is None:
            left_out = [
                problem for problem in listing.problems if wanted.lower() in problem.lower()
            ]
            raise UsageError(
                f"{listing.id} has no {wanted!r}" + (f" ({left_out[0]})" if left_out else ""),
                hint=f"It has {labels}.",
                kind="unknown-quant",
            )
        return Chosen(listing, named)
    if not quiet:
        for line in quant_lines(listing.quants):
            click.echo(line, err=True)
        notes(listing)
    usual = find_quant(listing.quants, DEFAULT_QUANT)
    taken = listing.quants[0] if len(listing.quants) == 1 else usual
    if taken is None:
        raise UsageError(
            f"{listing.id} has several models, and none is called {DEFAULT_QUANT}",
            hint=f"Name one: {listing.id}:QUANT. It has {labels}.",
            kind="quant-needed",
        )
    if not quiet and len(listing.quants) > 1:
        say(f"Taking {taken.label}. To take another one: {listing.id}:QUANT")
    return Chosen(listing, taken)


def _is_here(chosen: Chosen, folder: Path) -> bool:
    wanted = tickets_for(chosen.listing, chosen.quant)
    return all(
        is_whole(path, each) for path, each in zip(chosen.paths(folder), wanted, strict=True)
    )


def _warn_of_size(chosen: Chosen, *, yes: bool, as_json: bool) -> None:
    """Say that it will not run here; on a terminal, ask."""
    if verdict(chosen.quant.size) != "does not fit":
        return
    say(f"warning: {chosen.id} does not fit into the memory that is free here")
    asks = not (yes or as_json) and sys.stdin.isatty() and sys.stderr.isatty()
    if asks and not click.confirm("Fetch it all the same?", err=True):
        raise SystemExit(1)


def _fetch(missing: Sequence[Chosen], folder: Path, *, as_json: bool) -> dict[str, DownloadStatus]:
    """Fetch them all, and how each ended, by id."""
    if not missing:
        return {}
    line = ProgressLine()
    latest: dict[str, DownloadStatus] = {}
    told: set[str] = set()

    def on_change(status: DownloadStatus) -> None:
        latest[status.id] = status
        if status.note and status.note not in told:
            told.add(status.note)
            line.clear()
            say(f"note: {status.note}")
        line.show(progress_line(list(latest.values())))

    downloads = Downloads(folder, on_change)
    ids: list[str] = []
    try:
        with _signals():
            for each in missing:
                ids.append(downloads.start(each.listing, each.quant))
            return {id: downloads.wait(id) for id in ids}
    except (KeyboardInterrupt, SystemExit):
        downloads.close()
        line.clear()
        with contextlib.suppress(OSError):  # after a hangup nobody reads it
            _paused([status for status in downloads.all() if status.id in ids], as_json=as_json)
        raise
    finally:
        downloads.close()
        line.clear()


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and SIGHUP pause, too, and give the exit code that shells expect."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None:
                before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _paused(statuses: Sequence[DownloadStatus], *, as_json: bool) -> None:
    done, total = sum(each.done for each in statuses), sum(each.total for each in statuses)
    message = f"paused: {human_size(done)} of {human_size(total)} are here"
    hint = "The same command goes on from there."
    if as_json:
        error = UrialError(message, hint=hint, kind="interrupted")
        click.echo(json_line({"error": error.as_dict()}))
    else:
        say(f"{message}. {hint}")
