"""A board as one self-contained page: own styles, no script, no network, texts that cannot become markup."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from urial_tui.cli.board.as_svg import bars
from urial_tui.cli.board.tables import PUBLISHED_HEADING, heading, sections
from urial_tui.cli.board.values import Table, label
from urial_tui.cli.common import outputs
from urial_tui.exchange.pages import asset, filled, head, sanitized
from urial_tui.judge.board.types import Board, PublishedTable
from urial_tui.safetext import sanitize

KIND: Final = "board"
"""What the page is marked with."""
_FOLDED = ("group", "agreement")
"""Tables of which there may be many: folded up until they are wanted."""


def check_target(path: Path) -> None:
    """Refuse early what `write_page` could not write. Raises UsageError."""
    outputs.check_page(path, KIND)


def write_page(
    path: Path,
    board: Board,
    *,
    compatible: bool = False,
    published: Sequence[PublishedTable] = (),
    versions: dict[str, str],
) -> None:
    """Write the page, whole or not at all, mode 0600. Raises UrialError when it cannot be written."""
    text = page(board, compatible=compatible, published=published, versions=versions)
    outputs.write_page(path, text, KIND)


def page(
    board: Board,
    *,
    compatible: bool = False,
    published: Sequence[PublishedTable] = (),
    versions: dict[str, str],
) -> str:
    """The whole page as text. `versions` is what made it."""
    names = ", ".join(label(run.name) for run in board.runs)
    parts = {
        "__PAGE__": head(KIND, f"Board: {names}"),
        "__HEAD__": "\n".join(f'<div class="soft">{escape(line)}</div>' for line in heading(board)),
        "__BODY__": "\n".join(_body(board, compatible, published, versions)),
    }
    return filled(asset("urial_tui.cli.board", "board.html"), parts)


def _body(
    board: Board,
    compatible: bool,
    published: Sequence[PublishedTable],
    versions: dict[str, str],
) -> Iterator[str]:
    if board.notes:
        yield '<section class="notes"><h2>Notes</h2><ul>'
        for note in board.notes:
            yield f"<li>{escape(sanitize(note, keep_newlines=False))}</li>"
        yield "</ul></section>"
    panels = iter(board.panels)
    found = sections(board, intervals=True, compatible=compatible, published=published)
    for title, tables in found:
        apart = ' class="published"' if title == PUBLISHED_HEADING else ""
        yield f"<section{apart}>"
        if title:
            yield f"<h2>{escape(title)}</h2>"
        for table in tables:
            yield from _table(table)
            if table.kind == "matrix":
                yield bars(board, next(panels))
        yield "</section>"
    yield "<section><h2>Provenance</h2>"
    made = sanitized(_provenance(board, versions))
    yield f"<pre>{escape(json.dumps(made, ensure_ascii=False, indent=1))}</pre>"
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    folded = table.kind in _FOLDED
    if folded:
        yield f"<details><summary>{escape(table.title)}</summary>"
    elif table.title:
        yield f"<h{table.level}>{escape(table.title)}</h{table.level}>"
    places = [n for n, column in enumerate(table.columns) if not column.bar]
    yield '<div class="scroll"><table><thead><tr>'
    for n in places:
        side = ' class="n"' if table.columns[n].right else ""
        yield f'<th scope="col"{side}>{escape(table.columns[n].name)}</th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield '<tr class="first">' if table.grouped and row[0] else "<tr>"
        for n in places:
            side = ' class="n"' if table.columns[n].right else ""
            yield f"<td{side}>{escape(row[n])}</td>"
        yield "</tr>"
    yield "</tbody></table></div>"
    for line in table.about:
        yield f'<p class="about">{escape(line)}</p>'
    if folded:
        yield "</details>"


def _provenance(board: Board, versions: dict[str, str]) -> dict[str, Any]:
    return {
        "runs": [
            {
                "id": run.id,
                "name": run.name,
                "created_at": run.created_at,
                "input": run.input_name,
                "input_sha256": run.input_sha256,
                "references": list(run.references),
                "settings": run.settings,
                "versions": run.versions,
            }
            for run in board.runs
        ],
        "rubrics": [
            {"id": rubric.id, "version": rubric.version, "sha256": rubric.hash}
            for rubric in board.rubrics
        ],
        "judges": [
            {"judge": j.judge, "kind": j.kind, "key": j.key, "provenance": j.provenance}
            for j in board.judges
        ],
        "intervals": "95 %, percentile bootstrap over items",
        "page": versions,
    }
