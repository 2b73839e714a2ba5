"""What `--input` names: a file, or a data set of the hub, which is fetched when it is not here yet."""

from dataclasses import dataclass
from pathlib import Path

import click

from urial_tui.cli.common.progress import ProgressLine
from urial_tui.errors import UsageError
from urial_tui.models.hub.datasets import dataset_file, dataset_name
from urial_tui.runs.inputs import InputSet, read_input
from urial_tui.safetext import sanitize_line


@dataclass(frozen=True)
class Loaded:
    """`data_set` has repository, commit and file of an input from the hub."""

    asked: InputSet
    data_set: dict[str, str] | None = None


def load(source: str, *, refresh: bool) -> Loaded:
    """Read the input. A file that is there is taken before a data set of the same name. Raises UrialError."""
    named = None if _is_there(source) else dataset_name(source)
    if named is None:
        if refresh:
            raise UsageError("--refresh is for a data set of the hub", hint="Leave it out.")
        return Loaded(read_input(Path(source)))
    line = ProgressLine()
    try:
        found = dataset_file(
            *named,
            refresh=refresh,
            on_bytes=lambda done, total: line.show(
                f"fetching {named[0]}: {done / 1e6:.1f} of {total / 1e6:.1f} MB"
            ),
        )
    finally:
        line.clear()
    if found.fetched:
        where = f"{found.repo}, {found.path}, commit {found.commit[:12]}"
        click.echo(f"fetched {sanitize_line(where, 300)}; later runs read it from here", err=True)
    asked = read_input(found.file, f"{found.repo}/{found.path}")
    return Loaded(asked, {"repo": found.repo, "commit": found.commit, "file": found.path})


def _is_there(source: str) -> bool:
    try:
        return Path(source).exists()
    except (OSError, ValueError):
        return False
