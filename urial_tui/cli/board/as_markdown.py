"""A board as Markdown: the same tables, whose texts cannot become markup."""

import re
from collections.abc import Sequence

from urial_tui.cli.board.tables import heading, sections
from urial_tui.cli.board.values import Table
from urial_tui.judge.board.types import Board, PublishedTable
from urial_tui.safetext import sanitize

_MARKUP = re.compile(r"([\\`*_{}\[\]#|~!])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str) -> str:
    """One safe line whose characters all mean themselves."""
    line = " ".join(sanitize(text).split())
    for character, entity in _ENTITIES.items():
        line = line.replace(character, entity)
    line = _MARKUP.sub(r"\\\1", line)
    # An address would become a link without any brackets.
    return re.sub(r"(?i)\b(https?|ftp|www)([:.])", r"\1&#8203;\2", line)


def board_markdown(
    board: Board, *, compatible: bool = False, published: Sequence[PublishedTable] = ()
) -> str:
    """The whole board, with intervals in the tables."""
    lines = ["# Board", ""]
    lines += [f"- {escaped(line)}" for line in heading(board)]
    for run in board.runs:
        if run.input_name:
            lines.append(f"- input {escaped(run.input_name)}, sha256 {escaped(run.input_sha256)}")
    for rubric in dict.fromkeys(panel.rubric for panel in board.panels):
        lines.append(
            f"- rubric {escaped(rubric.id)} v{rubric.version}, sha256 {escaped(rubric.hash)}"
        )
    found = sections(board, intervals=True, compatible=compatible, published=published)
    for title, tables in found:
        if title:
            lines += ["", f"## {escaped(title)}"]
        for table in tables:
            lines += ["", *_table(table)]
    if board.notes:
        lines += ["", "## Notes", "", *(f"- {escaped(note)}" for note in board.notes)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    places = [n for n, column in enumerate(table.columns) if not column.bar]
    lines = [f"{'#' * table.level} {escaped(table.title)}", ""] if table.title else []
    names = [escaped(table.columns[n].name) for n in places]
    lines.append("| " + " | ".join(names) + " |")
    lines.append(
        "| " + " | ".join("---:" if table.columns[n].right else "---" for n in places) + " |"
    )
    lines += ["| " + " | ".join(escaped(row[n]) for n in places) + " |" for row in table.rows]
    if table.about:
        lines += ["", "  \n".join(escaped(line) for line in table.about)]
    return lines
