"""Files of other tools, and our own, into the history: which format a file is in, by its content, and what it becomes.

`read` looks at a file and refuses it before anything is written; `write` puts all files into the history, or none. A
new format is a module and a line here.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from urial_tui.errors import ExchangeError, UsageError
from urial_tui.exchange.incoming import (
    alpaca,
    chats,
    jsonl,
    just_eval,
    mt_bench,
    pairwise,
    reading,
    texts,
)
from urial_tui.exchange.incoming.types import Importer, Loaded, Options, Row, Tally, Write
from urial_tui.runs.json_rows import BadRow
from urial_tui.store.store import Store

JSONL: Final = "jsonl"
TEXT: Final = "text"
IMPORTERS: Final[dict[str, Importer]] = {
    "just-eval": just_eval.IMPORTER,
    "urial-pairwise": pairwise.IMPORTER,
    "alpaca-eval": alpaca.IMPORTER,
    "mt-bench": mt_bench.IMPORTER,
    "chat": chats.IMPORTER,
    TEXT: texts.IMPORTER,
}
"""By name, in the order in which a file is tried; our own format is read line by line and stands apart."""
FORMATS: Final = (JSONL, *IMPORTERS)


@dataclass(frozen=True)
class Import:
    """A file that was read: its format, what writes it, and which of the options `run` and `questions` it uses."""

    path: Path
    format: str
    write: Write
    uses: Set[str] = frozenset()


def read(path: Path, format_: str | None, options: Options) -> Import:
    """Look at a file, in the format of that name or in the one that its content shows.

    Raises ExchangeError: `unreadable`, `too-large`, `not-text`, `not-json`, `unknown-format`, `bad-row`.
    """
    if format_ == JSONL or (format_ is None and jsonl.is_ours(path)):

        def write_ours(store: Store, tally: Tally) -> None:
            jsonl.take(path, store, tally, as_new=options.as_new)

        return Import(path, JSONL, write_ours)
    loaded = _load(path, as_text=format_ == TEXT)
    named_by_user = format_ is not None
    if format_ is None:
        format_ = next((name for name, its in IMPORTERS.items() if its.recognises(loaded)), None)
    if format_ in (None, chats.FORMAT):
        _refuse_without_header(loaded)
    if format_ is None or not IMPORTERS[format_].takes(loaded):
        named = "no known format" if format_ is None else format_
        raise ExchangeError(
            f"{path} is in {named}" if format_ is None else f"{path} is not in the format {named}",
            hint=f"Known are: {', '.join(FORMATS)}. Any text is read with --format {TEXT}.",
            kind="unknown-format",
        )
    its = IMPORTERS[format_]
    write = its.make(loaded, options)
    if format_ == TEXT and not named_by_user:
        write = _said_to_be_text(write)
    return Import(path, format_, write, its.uses(loaded))


def _said_to_be_text(write: Write) -> Write:
    def and_say(store: Store, tally: Tally) -> None:
        write(store, tally)
        tally.notes.append(
            "it is in no other known format, so it was taken as a plain text to be scored"
        )

    return and_say


def refuse_unused(imports: Sequence[Import], options: Options) -> None:
    """Raises UsageError where a run or a file of questions was named, and no file makes use of it."""
    for name, given, why in (
        ("run", options.run, "no file has what was said of answers"),
        ("questions", options.questions, "no file has answers of MT-Bench"),
    ):
        if given is not None and not any(name in one.uses for one in imports):
            formats = ", ".join(sorted({one.format for one in imports}))
            raise UsageError(
                f"--{name} is of no use here: {why} (recognised: {formats})",
                hint=f"Leave --{name} out, or say with --format what the files are.",
            )


def write(store: Store, imports: Sequence[Import]) -> list[Tally]:
    """Write all of them in one transaction; what each became.

    Raises ExchangeError or StoreError; the history is then as it was.
    """
    tallies = [Tally(one.path, one.format) for one in imports]
    with store.importing():
        for one, tally in zip(imports, tallies, strict=True):
            one.write(store, tally)
    return tallies


def _refuse_without_header(loaded: Loaded) -> None:
    """A line of our own format has messages or items, as a chat has. Raises ExchangeError (`bad-row`)."""
    for row in loaded.rows:
        if jsonl.is_kind(row.value):
            raise jsonl.no_header(loaded.path, row.where)


def _load(path: Path, *, as_text: bool) -> Loaded:
    data = reading.read_all(path)
    text = reading.decoded(data, path)
    if not text.strip():
        raise ExchangeError(f"{path} is empty", kind="unknown-format")
    begin = text.lstrip()[:1]
    if as_text or begin not in ("[", "{") or reading.is_prose(text):
        return Loaded(path, data, text)
    try:
        rows = _rows(text, begin)
    except BadRow as error:
        raise ExchangeError(
            f"{path}: {error}",
            hint=f"Nothing was imported. If it is a text, say --format {TEXT}.",
            kind="not-json",
        ) from None
    if len(rows) > reading.MAX_ROWS:
        raise ExchangeError(
            f"{path} has more than {reading.MAX_ROWS:,} rows", hint="Split it.", kind="too-large"
        )
    for row in rows:
        try:
            reading.check(row.value)
        except BadRow as error:
            raise reading.bad_rows(path, [f"{row.where}: {error}"]) from None
    return Loaded(path, data, text, rows)


def _rows(text: str, begin: str) -> tuple[Row, ...]:
    """The objects of an array, of lines, or the only one. Raises BadRow."""
    if begin == "[":
        values = reading.rows_of(text)
        if not values:
            raise BadRow("it is an empty array")
        return tuple(_row(f"row {number}", value) for number, value in enumerate(values, 1))
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(lines) > 1 and not lines[0][1].rstrip().endswith("}"):  # one object over many lines
        return (_row("the object", reading.parsed(text)),)
    try:
        return tuple(_row(f"line {n}", reading.parsed(line)) for n, line in lines)
    except BadRow as error:
        if len(lines) == 1:
            raise
        where = next(n for n, line in lines if _is_bad(line))
        raise BadRow(f"line {where}: {error}") from None


def _row(where: str, value: object) -> Row:
    if not isinstance(value, dict):
        raise BadRow(f"{where} is not an object")
    return Row(where, value)


def _is_bad(line: str) -> bool:
    try:
        return not isinstance(reading.parsed(line), dict)
    except BadRow:
        return True
