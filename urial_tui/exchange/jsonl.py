"""Our own format, lossless: a header, runs, sessions and comparisons, each a line with everything that belongs to it.

What is exported, imported into an empty history (`incoming.jsonl`) and exported again is the same file, byte for byte.
Both ways keep no more than one line in memory. `store.exchange.lossless` has what is in a line.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from urial_tui.errors import ExchangeError
from urial_tui.exchange.exports import Document, Export, Names, Wanted
from urial_tui.exchange.sources import Source
from urial_tui.store.exchange import lossless_json
from urial_tui.store.exchange.lossless_parts import Kind
from urial_tui.store.schema.steps import LATEST
from urial_tui.store.store import Store

FORMAT: Final = "urial-tui"
VERSION: Final = 1
HEADER: Final = {"type": "header", "format": FORMAT, "version": VERSION, "schema": LATEST}


def export(source: Source, wanted: Wanted) -> Export:
    """The conversations of `source`, whole: sides, judges and parts are not chosen here.

    Raises ExchangeError (`not-here`).
    """
    if wanted.sides or wanted.judges or wanted.what != "all":
        raise ExchangeError(
            "jsonl has everything that belongs to a session, and cannot leave a part of it out",
            hint="Leave out --side, --judge and --what.",
            kind="not-here",
        )
    runs = [] if source.run is None else [source.run.id]
    name = Names().make(source.name, extension=".jsonl")
    content = lines(source.store, source.sessions, runs)
    return Export((Document(name, content, None, {"kind": "history"}, head=header()),))


def header() -> bytes:
    return (json.dumps(HEADER, separators=(",", ":")) + "\n").encode("ascii")


def lines(store: Store, session_ids: Sequence[str], run_ids: Sequence[str] = ()) -> Iterator[bytes]:
    """The lines after the header: the runs, the sessions in the order in which they were made, the comparisons."""
    ids = store.in_order(session_ids)
    wanted: tuple[tuple[Kind, Sequence[str]], ...] = (
        ("run", store.runs_of(ids, run_ids)),
        ("session", ids),
        ("comparison", store.comparisons_within(ids)),
    )
    for kind, its in wanted:
        for id_ in its:
            tree = store.dump(kind, id_)
            if tree is not None:  # else deleted meanwhile
                yield lossless_json.to_json(kind, tree).encode("ascii") + b"\n"
