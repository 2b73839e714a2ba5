"""Cells of CSV that a spreadsheet takes for what they are."""

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The full-width signs too, which spreadsheets of East Asia take for the others."""


def csv_cell(value: object) -> object:
    """A text as a spreadsheet takes it for a text: one that begins like a formula gets a `'`. Numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def csv_line(values: Iterable[object]) -> bytes:
    """A row, with its end. None and what is false or true are empty, 0 and 1."""
    out = io.StringIO()
    row = [int(v) if isinstance(v, bool) else csv_cell(v) for v in values]
    csv.writer(out, lineterminator="\r\n").writerow(row)
    return out.getvalue().encode()
