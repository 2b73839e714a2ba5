"""Work on a history in a process of its own that tests kill: `python -m tests.support.care_program WORK PATH [TARGET]`.

WORK is `open` (which brings an old schema up to date), `compact`, `backup`, `salvage`, or `export-FORMAT`. It prints
`begin` when everything is loaded and the work begins.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_run
from urial_tui.exchange.writing import write_export
from urial_tui.store.care import care
from urial_tui.store.care.salvage import salvage
from urial_tui.store.database import files
from urial_tui.store.store import Store


def export(path: Path, target: Path, name: str) -> None:
    """The last run in one format."""
    with Store.open(path, readonly=True) as store:
        source, wanted, format_ = (
            source_of_run(store, store.find_run("last")),
            Wanted(),
            EXPORTERS[name],
        )
        made = format_.export(source, wanted)
        write_export(
            made, target, one_file=format_.one_file(wanted, one_session=False), force=False
        )


def work(name: str, path: Path, target: Path) -> Callable[[], object]:
    if name.startswith("export-"):
        return lambda: export(path, target, name.removeprefix("export-"))
    return {
        "open": lambda: Store.open(path).close(),
        "compact": lambda: care.compact(path),
        "backup": lambda: files.copy_database(path, target),
        "salvage": lambda: salvage(path, target),
    }[name]


if __name__ == "__main__":
    Store.in_memory().close()  # what is imported late
    doing = work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    sys.stdout.write("begin\n")
    sys.stdout.flush()
    doing()
