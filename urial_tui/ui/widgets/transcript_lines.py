"""Rows of the transcript as text with named styles, and the text under a selection. No drawing.

A row on screen is a marker column (`GUTTER` cells), then the row's text. Style names are the transcript's component
classes without their prefix, several joined by spaces; "" is the widget's own style.
"""

from bisect import bisect_right

from rich.cells import cell_len
from textual.selection import Selection

from urial_tui.ui.widgets.transcript_model import Row, TranscriptModel

GUTTER = 2
"""Cells (and characters) of the marker column."""

CARET = "▍"

Spans = list[tuple[int, int, str]]
"""(start, end, style name), in characters, in order and without gaps."""


def spans_of(row: Row, width: int, *, marked: bool) -> tuple[str, Spans]:
    """The row's text, marker column included, and its styles. `width` is the text's."""
    block = row.block
    marker = "▌ " if marked and row.part != "blank" else "  "
    spans: Spans = [(0, GUTTER, "marker")]
    if row.part == "header":
        return _one(marker, block.header, block.entry.role if not block.left_out else "dim")
    if row.part == "note":
        failed = block.entry.status == "failed" and not block.note_text and not block.streaming
        return _one(marker, block.notes[row.number], "error" if failed else "meta")
    if row.part == "rule":
        return _one("  ", rule_line(block.rule, width), "meta")
    if row.part == "blank":
        return _one(marker, "", "")
    text = marker + block.body.rows[row.number].replace("\t", " ")
    end = len(text)
    written = block.prefill_end - block.body.starts[row.number] + GUTTER
    prefill = min(max(written, GUTTER), end)
    rest = "dim" if block.left_out else ""
    spans.append((GUTTER, prefill, rest or "prefill"))
    if block.look is None and block.cursor is None:
        spans.append((prefill, end, rest))
    else:
        spans += _token_spans(row, prefill, end, rest)
    if block.matches:
        spans = _with_matches(spans, block.matches, block.body.starts[row.number] - GUTTER)
    last = row.number == len(block.body.rows) - 1
    if block.streaming and last and cell_len(text) < width + GUTTER:
        text += CARET
        spans.append((end, end + 1, "caret"))
    return text, [span for span in spans if span[1] > span[0]]


def _token_spans(row: Row, start: int, end: int, rest: str) -> Spans:
    """The body row's characters from `start` on, token by token; `rest` is for what belongs to none."""
    spans: Spans = []
    place = start
    for token, from_, until in row.block.token_spans(row.number):
        first, last = max(from_ + GUTTER, place), until + GUTTER
        names = row.block.token_names(token)
        spans += [(place, first, rest), (first, last, f"{rest} {names}".strip())]
        place = max(place, last)
    return [*spans, (place, end, rest)]


def _with_matches(spans: Spans, matches: list[tuple[int, int]], offset: int) -> Spans:
    """The spans with what a search found marked in them; `offset` is the place of the row's first character."""
    found: Spans = []
    for start, end, name in spans:
        place = start
        if start >= GUTTER:
            first = bisect_right(matches, (start + offset,)) - 1
            for match in matches[max(first, 0) :]:
                begin, stop = max(match[0] - offset, place), min(match[1] - offset, end)
                if begin >= end:
                    break
                if stop > begin:
                    found += [(place, begin, name), (begin, stop, f"{name} match".strip())]
                    place = stop
        found.append((place, end, name))
    return found


def _one(marker: str, text: str, name: str) -> tuple[str, Spans]:
    spans: Spans = [(0, GUTTER, "marker")]
    if text:
        spans.append((GUTTER, GUTTER + len(text), name))
    return marker + text, spans


def rule_line(words: str, width: int) -> str:
    """A horizontal rule with words in it."""
    words = f" {words} "
    side = max((width - len(words)) // 2, 2)
    return ("─" * side + words + "─" * side)[:width]


def selected_text(model: TranscriptModel, selection: Selection) -> str:
    """The text under a selection, whose offsets are (characters of the row with its marker, line).

    Rows that were only wrapped are joined; notes and rules are left out, headers separate messages.
    """
    first = selection.start.y if selection.start is not None else 0
    last = selection.end.y if selection.end is not None else model.height - 1
    out: list[str] = []
    for y in range(max(first, 0), min(last, model.height - 1) + 1):
        row = model.row(y)
        span = selection.get_span(y)
        if row is None or span is None or row.part in ("note", "rule"):
            continue
        if row.part == "blank":
            out.append("\n")
            continue
        text = row.block.header if row.part == "header" else row.block.body.rows[row.number]
        start = max(span[0] - GUTTER, 0)
        end = len(text) if span[1] < 0 else max(span[1] - GUTTER, 0)
        out.append(text[start:end])
        whole = span[1] < 0 or y < last
        ends = row.part == "header" or row.number == len(row.block.body.rows) - 1
        if whole and (ends or row.block.body.hard[row.number]):
            out.append("\n")
    return "".join(out).strip("\n")
