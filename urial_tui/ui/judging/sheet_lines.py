"""A sheet as lines: the aspects with their marks, and what the one under the cursor asks. Pure drawing, safe text."""

from rich.cells import cell_len

from urial_tui.ui.drawing.lines import Line, fit, fit_line, safe, wrapped
from urial_tui.ui.judging.sheet import Sheet
from urial_tui.ui.judging.words import mark_words

GAP = " │ "
FULL, EMPTY_CELL = "■", "□"
UNCUT = 2000
"""More than a rubric's texts may have."""
MARK = 4
"""Cells for a mark in words."""


def tall_lines(sheet: Sheet, legend: str, width: int) -> list[Line]:
    """For a pane beside the text: the aspects, then all that is known of the one under the cursor."""
    return [*_aspects(sheet, width), [], *_asked(sheet, width, whole=True), [], *_legend(legend, width)]  # fmt: skip


def flat_lines(sheet: Sheet, legend: str, width: int, rows: int) -> list[Line]:
    """For a pane below the text, at most `rows` lines: the aspects at the left, what is asked at the right."""
    names = max(cell_len(safe(one.name, 40)) for one in sheet.rubric.aspects)
    left_width = min(max(names + 2 + MARK + 7, 20), width // 2)
    right_width = width - left_width - len(GAP)
    left = _scrolled(_aspects(sheet, left_width), sheet.at, rows - 1)
    left += [[]] * (rows - 1 - len(left))
    left += _legend(legend, left_width)[:1]
    right = _asked(sheet, right_width, whole=False)[:rows]
    lines: list[Line] = []
    for row in range(rows):
        own = left[row] if row < len(left) else []
        used = sum(cell_len(text) for text, _ in own)
        other = right[row] if row < len(right) else []
        lines.append([*own, (" " * max(left_width - used, 0), ""), (GAP, "dim"), *other])
    return lines


def _scrolled(lines: list[Line], at: int, rows: int) -> list[Line]:
    """So many of the lines that the one at the cursor is among them."""
    first = min(max(at - rows + 1, 0), max(len(lines) - rows, 0))
    return lines[first : first + rows]


def _aspects(sheet: Sheet, width: int) -> list[Line]:
    lines: list[Line] = []
    for number, aspect in enumerate(sheet.rubric.aspects):
        here = number == sheet.at
        mark = sheet.marks.get(aspect.id)
        bar = _bar(mark)
        room = max(width - 2 - MARK - 1 - cell_len(bar), 4)
        name = fit(safe(aspect.name, 40), room, pad=True)
        lines.append(
            fit_line(
                [
                    (">" if here else " ", "here" if here else ""),
                    (" " + name, "strong" if here else ""),
                    (mark_words(mark).rjust(MARK) + " ", "strong" if mark is not None else "dim"),
                    (bar, "bar" if mark is not None else "dim"),
                ],
                width,
            )
        )
    return lines


def _bar(mark: int | str | None) -> str:
    """Five cells for a score; three places for a choice."""
    if isinstance(mark, int):
        return FULL * mark + EMPTY_CELL * (5 - mark)
    places = {"a": 0, "tie": 2, "b": 4}
    if isinstance(mark, str) and mark in places:
        at = places[mark]
        return "·" * at + FULL + "·" * (4 - at)
    return "·····"


def _asked(sheet: Sheet, width: int, *, whole: bool) -> list[Line]:
    """The question of the aspect under the cursor and what each score means."""
    aspect = sheet.aspect
    lines = wrapped(safe(aspect.question, 600), width, "strong", most=4 if whole else 2)
    given = sheet.marks.get(aspect.id)
    if whole and aspect.levels:
        lines.append([])
    for number, level in enumerate(aspect.levels, start=1):
        chosen = number == given
        most = 6 if whole else 2 if chosen else 1
        look = "strong" if chosen else "dim"
        rows = wrapped(f"{number} {safe(level, 600)}", width, look, most=most, indent=2)
        if chosen:
            rows[0] = [(rows[0][0][0][:1], "here"), (rows[0][0][0][1:], "strong")]
        lines += rows
    return lines


def rubric_lines(sheet: Sheet, width: int) -> tuple[list[Line], int]:
    """All aspects with every level, uncut, and at which line the one under the cursor begins."""
    lines: list[Line] = []
    at = 0
    for number, aspect in enumerate(sheet.rubric.aspects):
        if number == sheet.at:
            at = len(lines)
        na = "  (may be n/a)" if aspect.na else ""
        lines += wrapped(safe(aspect.name, 40) + na, width, "title")
        lines += wrapped(safe(aspect.question, UNCUT), width, "strong", most=UNCUT)
        for score, level in enumerate(aspect.levels, start=1):
            look = "strong" if sheet.marks.get(aspect.id) == score else ""
            lines += wrapped(f"{score} {safe(level, UNCUT)}", width, look, most=UNCUT, indent=2)
        lines.append([])
    return lines, at


def _legend(legend: str, width: int) -> list[Line]:
    return wrapped(legend, width, "dim", most=3)
