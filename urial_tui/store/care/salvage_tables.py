"""The tables of a damaged history, one by one: by SQLite where it finds them whole, else page by page.

A page that nothing leads to, because the page above it is damaged, is given to the one damaged table that all its rows
fit. Strict types make that a sharp question.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from urial_tui.errors import StoreError
from urial_tui.store.care.pages import Cell, Cut, Damaged, Pages
from urial_tui.store.database.connection import Connection, Row
from urial_tui.store.schema import migrate
from urial_tui.store.schema.steps import MIGRATIONS

DERIVED = ("session_lock", "run_lock", "session_side", "shift_total")
"""Tables that nothing is lost with: locks of programs, names and counts that are made anew."""
_PYTHON: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (int, float),
    "TEXT": (str,),
    "BLOB": (bytes,),
    "ANY": (object,),
}
_EMPTY: dict[str, Any] = {"INTEGER": 0, "REAL": 0.0, "TEXT": "", "BLOB": b"", "ANY": ""}
_STANDS_FOR = {"status": "interrupted"}


@dataclass(frozen=True)
class TableSaved:
    """What became of a table. `lost` None: nothing tells; `about`: reckoned from the rows on its other pages."""

    table: str
    saved: int
    lost: int | None = 0
    about: bool = False
    shortened: int = 0
    """So many rows are there without their last values."""


@dataclass(frozen=True)
class _Column:
    name: str
    types: tuple[type, ...]
    optional: bool
    default: Any
    """What stands for a value that is gone."""

    def mended(self, cut: Cut) -> Any:
        """Of a text, what could be read; half a number, JSON or list of ids is nothing."""
        if self.types == (str,) and self.default in (None, ""):
            return cut.read.decode("utf-8", "ignore")
        return self.default


@dataclass(frozen=True)
class _Table:
    """A table with its columns as they are stored. Rows of earlier schemas have the first `least` of them, or more."""

    name: str
    columns: tuple[_Column, ...]
    least: int
    numbered: bool
    """Whether each row has a number that is stored outside of it; False: WITHOUT ROWID."""
    key: int | None
    """The column that is this number."""

    def row(self, cell: Cell) -> tuple[Any, ...] | None:
        """The values, when this can be a row of the table."""
        values = cell.values
        if not self.least <= len(values) <= len(self.columns):
            return None
        if self.numbered != (cell.rowid is not None):
            return None
        if self.key is not None:
            values = (*values[: self.key], cell.rowid, *values[self.key + 1 :])
        made = []
        for value, column in zip(values, self.columns, strict=False):
            kept = column.mended(value) if isinstance(value, Cut) else value
            if not (column.optional if kept is None else isinstance(kept, column.types)):
                return None
            made.append(kept)
        return tuple(made)


@dataclass
class _Found:
    """A damaged table, and how its pages came out."""

    table: _Table
    pages: int = 0
    damaged: int = 0
    broken_rows: int = 0
    shortened: int = 0


class Tables:
    """Copies into `db`, where the damaged file is attached as `old`, what SQLite or `pages` can read of it."""

    def __init__(self, db: Connection, pages: Pages) -> None:
        self._db = db
        self._pages = pages
        self._saved: dict[str, TableSaved] = {}
        self.rebuilt = 0
        self.damaged_pages = 0

    @property
    def counts(self) -> tuple[TableSaved, ...]:
        return tuple(self._saved.values())

    def copy(self) -> None:
        """All tables; foreign keys are off."""
        roots = self._roots()
        with closing(Connection(None)) as earlier:
            migrate.migrate(earlier, MIGRATIONS[: self._pages.user_version])
            tables = [
                _describe(earlier, name) for name in table_names(earlier) if name not in DERIVED
            ]
        damaged: list[_Found] = []
        for table in tables:
            if not self._copied_whole(table):
                found = _Found(table)
                damaged.append(found)
                if table.name in roots:
                    self._insert(table, self._rows(found, roots[table.name]))
                else:  # the page that says where the table is
                    found.damaged += 1
        if damaged:
            self._take_orphans(damaged, roots.values())
        for table in tables:
            self._count(table.name, next((f for f in damaged if f.table is table), None))
        self.damaged_pages = sum(found.damaged for found in damaged)

    def mended(self, rebuilt: int, left_out: Mapping[str, int]) -> None:
        """Tell what came of the rows that were read."""
        self.rebuilt = rebuilt
        for name, saved in self._saved.items():
            n = int(self._db.value(f"SELECT count(*) FROM {name}"))
            lost = None if saved.lost is None else saved.lost + left_out.get(name, 0)
            self._saved[name] = replace(saved, saved=n, lost=lost)

    def _roots(self) -> dict[str, int]:
        """Where tables and indexes begin, as far as the schema can be read."""
        found = {}
        for number in self._pages.below(1):
            with suppress(Damaged):
                for cell in self._pages.page(number).cells:
                    match cell.values:
                        case ("table" | "index", str(name), str(), int(root), *_) if root > 0:
                            found[name] = root
        return found

    def _copied_whole(self, table: _Table) -> bool:
        """Let SQLite copy the table, if it finds nothing wrong with it."""
        columns = ", ".join(column.name for column in table.columns)
        try:
            if self._db.tuples(f"PRAGMA old.quick_check('{table.name}')") != [("ok",)]:
                return False
            # OR IGNORE also keeps SQLite from copying pages as they are, rows unseen.
            self._db.execute(
                f"INSERT OR IGNORE INTO main.{table.name} ({columns}) "
                f"SELECT {columns} FROM old.{table.name}"
            )
        except StoreError as error:
            if error.kind in ("disk-full", "io"):
                raise
            return False
        return True

    def _rows(self, found: _Found, root: int) -> Iterator[tuple[Any, ...]]:
        """The rows on the pages below `root` that can be read."""
        for number in self._pages.below(root):
            try:
                page = self._pages.page(number)
            except Damaged:
                found.damaged += 1
                continue
            found.pages += 1
            found.broken_rows += page.broken
            for cell in page.cells:
                row = found.table.row(cell)
                if row is not None:
                    found.shortened += not cell.is_whole
                    yield row

    def _insert(self, table: _Table, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows that break a rule of the table, or are there already, are left out."""
        for length, same in groupby(rows, key=len):
            columns = ", ".join(column.name for column in table.columns[:length])
            values = ", ".join("?" * length)
            with self._db.transaction():
                self._db.executemany(
                    f"INSERT OR IGNORE INTO main.{table.name} ({columns}) VALUES ({values})", same
                )

    def _take_orphans(self, damaged: list[_Found], roots: Iterable[int]) -> None:
        """Rows on pages that nothing leads to, where one damaged table alone can have them."""
        reached = {number for root in (1, *roots) for number in self._pages.below(root)}
        lost = set(range(2, self._pages.count + 1)) - reached - self._pages.free()
        for number in sorted(lost):
            if not self._pages.has_rows(number):
                continue
            try:
                page = self._pages.page(number)
            except Damaged:
                continue
            fitting = []
            for found in damaged:
                rows = [row for cell in page.cells if (row := found.table.row(cell)) is not None]
                if rows and len(rows) == len(page.cells):
                    fitting.append((found, rows))
            if len(fitting) == 1:
                found, rows = fitting[0]
                found.pages += 1
                found.broken_rows += page.broken
                found.shortened += sum(not cell.is_whole for cell in page.cells)
                self._insert(found.table, rows)

    def _count(self, name: str, found: _Found | None) -> None:
        saved = int(self._db.value(f"SELECT count(*) FROM main.{name}"))
        if found is None:
            self._saved[name] = TableSaved(name, saved)
            return
        expected = self._expected(name)
        lost: int | None = None
        if expected is not None:
            lost = max(0, expected - saved)
        elif saved and found.pages >= found.damaged:  # else too little is left to reckon from
            lost = round(found.damaged * saved / found.pages) + found.broken_rows
        about = expected is None and bool(lost)
        self._saved[name] = TableSaved(name, saved, lost, about, found.shortened)

    def _expected(self, name: str) -> int | None:
        """How many rows the table had, by an index of it that can be read."""
        counts = []
        with suppress(StoreError):
            for row in self._db.rows(f"PRAGMA old.index_list('{name}')"):
                if not row["partial"] and row["origin"] != "pk":
                    with suppress(StoreError):
                        sql = f"SELECT count(*) FROM old.{name} INDEXED BY {row['name']}"
                        counts.append(int(self._db.value(sql)))
        return max(counts, default=None)


def table_names(db: Connection) -> list[str]:
    """Our tables, parents before what belongs to them; not those of the search index, which is made anew."""
    rows = db.rows(
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT GLOB '*_fts*' "
        "AND name NOT GLOB 'sqlite_*' AND name <> 'migration' ORDER BY rootpage"
    )
    return [row["name"] for row in rows]


def _describe(db: Connection, name: str) -> _Table:
    info = db.rows(f"PRAGMA table_info({name})")
    sql = str(db.value("SELECT sql FROM sqlite_master WHERE name = ?", (name,)))
    numbered = "WITHOUT ROWID" not in sql
    if not numbered:
        # The key is stored first.
        info = sorted((row for row in info if row["pk"]), key=lambda row: int(row["pk"])) + [
            row for row in info if not row["pk"]
        ]
    keys = [n for n, row in enumerate(info) if row["pk"] and row["type"] == "INTEGER"]
    key = keys[0] if keys and numbered else None
    needed = [n for n, row in enumerate(info) if row["notnull"] and row["dflt_value"] is None]
    return _Table(
        name,
        tuple(_column(row, optional=not row["notnull"] and n != key) for n, row in enumerate(info)),
        least=max(needed, default=0) + 1,
        numbered=numbered,
        key=key,
    )


def _column(info: Row, *, optional: bool) -> _Column:
    default: Any = None
    if info["name"] in _STANDS_FOR:
        default = _STANDS_FOR[info["name"]]
    elif not optional:
        written = info["dflt_value"]
        default = _EMPTY[info["type"]] if written is None else ast.literal_eval(written)
    return _Column(info["name"], _PYTHON[info["type"]], optional, default)
