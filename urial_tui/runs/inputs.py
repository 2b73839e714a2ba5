"""Reading an instruction set: which format a file is in, by its content, and its rows as items of a run.

just-eval and AlpacaEval rows (a JSON array, or one object a line), MT-Bench questions, tables with a header, plain
lines. One bad row refuses the file before anything is answered: a run over half of a set would not be comparable.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from urial_tui.errors import UsageError
from urial_tui.prompts.files import decode, read_bytes
from urial_tui.runs.input_rows import cells_item, instruction_item, line_item, question_item
from urial_tui.runs.json_rows import MAX_INPUT_BYTES, BadRow, array_of, object_of
from urial_tui.safetext import sanitize_line
from urial_tui.store.runs.types import RunItem

InputFormat = Literal["just-eval", "alpaca-eval", "mt-bench", "csv", "lines"]

NAMES: Final[dict[InputFormat, str]] = {
    "just-eval": "just-eval rows",
    "alpaca-eval": "AlpacaEval rows",
    "mt-bench": "MT-Bench questions",
    "csv": "a table",
    "lines": "plain lines",
}
MAX_ITEMS: Final = 100_000
COLUMNS: Final = ("instruction", "prompt", "query", "question", "input")
"""Which column of a table has the instruction: the first of these that is there."""
_NAMED: Final = 5
"""So many bad rows are named in a refusal."""
_JUST_EVAL: Final = frozenset(("id", "source_id", "category", "task", "topic", "datasplit"))
_HINT: Final = (
    "An input is a JSON array or JSON lines with `instruction` (just-eval, AlpacaEval) or `turns` (MT-Bench), "
    "a CSV with such a column, or one instruction a line."
)


@dataclass(frozen=True)
class InputSet:
    """What a run is asked. `name` is the file's, `sha256` of its bytes; `notes` say what was unusual, in words."""

    name: str
    format: InputFormat
    sha256: str
    items: tuple[RunItem, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Raw:
    """A row before it is checked: where it is, in words, and what makes an item of it (raises BadRow)."""

    where: str
    make: Callable[[int], RunItem]


def read_input(path: Path, name: str = "") -> InputSet:
    """Read the instruction set in the file `path`; `name` is what it is called, the file's own name by default.

    Raises PromptError for a file that cannot be read, UsageError (`bad-input`, `bad-rows`) for one that is no
    instruction set or has rows that cannot be asked; the first few are named.
    """
    data = read_bytes(path, "an instruction set", MAX_INPUT_BYTES)
    text = decode(data, path).removeprefix("\ufeff")
    format_, rows = _rows(text, path)
    items: list[RunItem] = []
    problems: list[str] = []
    wrong = 0
    for index, row in enumerate(rows):
        if index >= MAX_ITEMS:
            raise UsageError(
                f"{path} has more than {MAX_ITEMS:,} rows", hint="Split it.", kind="bad-input"
            )
        try:
            items.append(row.make(index))
        except BadRow as error:
            wrong += 1
            if len(problems) < _NAMED:
                problems.append(f"{row.where}: {error}")
    if wrong:
        raise _refusal(path, format_, problems, wrong)
    if not items:
        raise UsageError(f"{path}: there are no items in it", hint=_HINT, kind="bad-input")
    return InputSet(
        name or path.name,
        format_,
        hashlib.sha256(data).hexdigest(),
        tuple(items),
        tuple(_notes(items)),
    )


def _refusal(path: Path, format_: InputFormat, problems: list[str], wrong: int) -> UsageError:
    more = f"; and {wrong - len(problems)} more" if wrong > len(problems) else ""
    count = "one row" if wrong == 1 else f"{wrong} rows"
    return UsageError(
        f"{path}, read as {NAMES[format_]}: {count} cannot be used: {'; '.join(problems)}{more}",
        hint="Correct or remove them; nothing was started.",
        kind="bad-rows",
    )


def _rows(text: str, path: Path) -> tuple[InputFormat, Iterable[_Raw]]:
    """The format and the rows, unchecked. Raises UsageError."""
    begin = text.lstrip()[:1]
    if begin == "[":
        values = [(f"row {n}", value) for n, value in enumerate(array_of(text, path, _HINT), 1)]
        return _of_objects(values)
    if begin == "{":
        return _of_objects(list(_lines_of_json(text)))
    table = _table(text, path)
    if table is not None:
        return "csv", table
    return "lines", _plain(text)


def _lines_of_json(text: str) -> Iterator[tuple[str, Any]]:
    """(where, value or BadRow) of each line that is not blank."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"line {number}", object_of(line)
            except BadRow as error:
                yield f"line {number}", error


def _of_objects(values: list[tuple[str, Any]]) -> tuple[InputFormat, Iterable[_Raw]]:
    rows = [value for _, value in values if isinstance(value, dict)]
    format_: InputFormat
    if any("turns" in row and "instruction" not in row for row in rows):
        format_ = "mt-bench"
    elif any(_JUST_EVAL & row.keys() for row in rows):
        format_ = "just-eval"
    else:
        format_ = "alpaca-eval"
    make = question_item if format_ == "mt-bench" else instruction_item
    return format_, (_Raw(where, _making(make, value)) for where, value in values)


def _making(make: Callable[[int, Any], RunItem], value: Any) -> Callable[[int], RunItem]:
    def made(index: int) -> RunItem:
        if isinstance(value, BadRow):
            raise value
        return make(index, value)

    return made


def _plain(text: str) -> Iterator[_Raw]:
    for number, line in enumerate(text.split("\n"), 1):
        shown = line.removesuffix("\r")
        if shown.strip():
            yield _Raw(f"line {number}", partial(line_item, text=shown))


def _table(text: str, path: Path) -> Iterator[_Raw] | None:
    """The rows of a table; None where the first line is no header with a column for the instruction."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    for delimiter in (",", ";", "\t"):
        try:
            header = next(csv.reader([first], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        names = [name.strip().lower() for name in header]
        column = next((name for name in COLUMNS if name in names), None)
        if column is not None:
            if len(set(names)) < len(names):
                raise UsageError(
                    f"{path}: two columns of its header have the same name",
                    hint="Rename one of them.",
                    kind="bad-input",
                )
            return _cells(text, names, column, delimiter)
    return None


def _cells(text: str, names: list[str], column: str, delimiter: str) -> Iterator[_Raw]:
    # Not splitlines(): it also ends lines at characters that a cell may hold.
    lines = (line + "\n" for line in text.split("\n"))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begun = False
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _Raw(f"line {reader.line_num}", _failing(f"it is not CSV ({error})"))
            return
        if not any(cell.strip() for cell in cells):
            continue
        if not begun:
            begun = True
            continue
        where = f"line {reader.line_num}"
        if len(cells) > len(names):
            yield _Raw(where, _failing(f"it has {len(cells)} cells, the header {len(names)}"))
            continue
        row = dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=True))
        yield _Raw(where, partial(cells_item, row=row, column=column))


def _failing(why: str) -> Callable[[int], RunItem]:
    def fail(_index: int) -> RunItem:
        raise BadRow(why)

    return fail


def _notes(items: list[RunItem]) -> Iterator[str]:
    twice = [id_ for id_, count in Counter(item.source_id for item in items).items() if count > 1]
    if twice:
        named = ", ".join(sanitize_line(str(id_), 40) for id_ in twice[:_NAMED])
        what = "one id is" if len(twice) == 1 else f"{len(twice)} ids are"
        yield f"{what} there more than once ({named}): rows are told apart by their place"
