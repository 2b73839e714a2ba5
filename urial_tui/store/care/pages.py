"""The pages of a database file, read without SQLite: what it refuses over one bad page can mostly still be read.

Used by `salvage` alone, on a copy. After "Database File Format", sqlite.org/fileformat2.html; the sections are named
where they matter. Nothing that the file says is believed: what does not fit raises `Damaged`.
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

MAGIC = b"SQLite format 3\0"
_HEADER = 100
"""Bytes before the first page's own header."""
_TABLE_LEAF, _TABLE_INNER, _INDEX_LEAF, _INDEX_INNER = 13, 5, 10, 2


class Damaged(Exception):
    """A page or a row that cannot be read."""


@dataclass(frozen=True)
class Cut:
    """A value whose end, or all of it, was on a page that cannot be read."""

    read: bytes


@dataclass(frozen=True)
class Cell:
    """A row as it is on a page. `rowid` None: of a table WITHOUT ROWID, or an index. Its last values may be `Cut`."""

    rowid: int | None
    values: tuple[Any, ...]
    is_whole: bool = True


@dataclass
class Page:
    """What could be read of one page. `broken` cells could not."""

    cells: list[Cell] = field(default_factory=list)
    broken: int = 0


class Pages:
    """The pages of the file at `path`, which must not change meanwhile; close it after use."""

    def __init__(self, path: Path) -> None:
        """Raises Damaged for a header that is none, and OSError."""
        with path.open("rb") as file:
            if len(file.read(_HEADER)) < _HEADER:
                raise Damaged("no header")
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._read_header()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._data.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_header(self) -> None:
        """Section 1.3."""
        if self._data[:16] != MAGIC:
            raise Damaged("no header")
        (size,) = struct.unpack_from(">H", self._data, 16)
        self.size = 65536 if size == 1 else size
        if self.size < 512 or self.size & (self.size - 1):
            raise Damaged(f"pages of {self.size} bytes")
        self._usable = self.size - self._data[20]
        if self._usable < 480:
            raise Damaged("hardly any room on a page")
        self.count = len(self._data) // self.size
        (self._freelist,) = struct.unpack_from(">I", self._data, 32)
        self.user_version, _, self.application_id = struct.unpack_from(">III", self._data, 60)

    def kind(self, number: int) -> int:
        """The first byte of a page's header; of a b-tree page, which kind it is."""
        return self._data[(number - 1) * self.size + (_HEADER if number == 1 else 0)]

    def has_rows(self, number: int) -> bool:
        """Whether it looks like a page with rows of a table, also of one WITHOUT ROWID."""
        return self.kind(number) in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER)

    def free(self) -> set[int]:
        """The pages that hold nothing (section 1.5), as far as their list can be followed."""
        found: set[int] = set()
        trunk = self._freelist
        while 0 < trunk <= self.count and trunk not in found:
            found.add(trunk)
            at = (trunk - 1) * self.size
            trunk, n = struct.unpack_from(">II", self._data, at)
            if n > self._usable // 4 - 2:
                break
            found.update(struct.unpack_from(f">{n}I", self._data, at + 8))
        return found

    def page(self, number: int) -> Page:
        """A page of a b-tree with its rows (section 1.6). Raises Damaged; a broken row is only counted."""
        kind, pointers, _ = self._layout(number)
        page = Page()
        if kind == _TABLE_INNER:
            return page
        data = self._bytes(number)
        for pointer in pointers:
            try:
                page.cells.append(self._cell(data, kind, pointer))
            except (Damaged, IndexError, struct.error):
                page.broken += 1
        return page

    def below(self, root: int) -> Iterator[int]:
        """A page and all that it leads to, each once, also those that cannot be read."""
        ahead, seen = [root], set()
        while ahead:
            number = ahead.pop()
            if number not in seen:
                seen.add(number)
                yield number
                with suppress(Damaged):
                    ahead += reversed(self.children(number))

    def children(self, number: int) -> list[int]:
        """The pages below an inner page; none below a leaf. Raises Damaged."""
        return self._layout(number)[2]

    def _bytes(self, number: int) -> bytes:
        """The part of a page that is used. Raises Damaged for one that is not there."""
        if not 0 < number <= self.count:
            raise Damaged(f"page {number} is not there")
        start = (number - 1) * self.size
        return self._data[start : start + self._usable]

    def _layout(self, number: int) -> tuple[int, tuple[int, ...], list[int]]:
        """Kind, where its cells are, and the pages below."""
        data = self._bytes(number)
        header = _HEADER if number == 1 else 0
        kind, _, n, _, _ = struct.unpack_from(">BHHHB", data, header)
        if kind not in (_TABLE_LEAF, _TABLE_INNER, _INDEX_LEAF, _INDEX_INNER):
            raise Damaged(f"page {number} is of no known kind")
        inner = kind in (_TABLE_INNER, _INDEX_INNER)
        first = header + (12 if inner else 8)
        if first + 2 * n > len(data):
            raise Damaged(f"page {number} has more cells than room")
        pointers = struct.unpack_from(f">{n}H", data, first)
        if any(not first + 2 * n <= pointer <= len(data) - 4 for pointer in pointers):
            raise Damaged(f"page {number} has cells outside of itself")
        below = []
        if inner:
            below = [struct.unpack_from(">I", data, pointer)[0] for pointer in pointers]
            below.append(struct.unpack_from(">I", data, header + 8)[0])
        return kind, pointers, below

    def _cell(self, data: bytes, kind: int, at: int) -> Cell:
        rowid = None
        if kind == _INDEX_INNER:
            at += 4
        size, at = _varint(data, at)
        if kind == _TABLE_LEAF:
            rowid, at = _varint(data, at)
            rowid -= (rowid >> 63) << 64
        payload = self._payload(data, size, at, is_index=kind != _TABLE_LEAF)
        return Cell(rowid, record(payload, size), is_whole=len(payload) == size)

    def _payload(self, data: bytes, size: int, at: int, *, is_index: bool) -> bytes:
        """A row's bytes, with those on overflow pages (section 1.6, "cell payload") as far as they can be followed."""
        usable = self._usable
        most = (usable - 12) * 64 // 255 - 23 if is_index else usable - 35
        if size <= most:
            return data[at : at + size]
        if size > len(self._data):
            raise Damaged("a row larger than the file")
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
        parts = [data[at : at + local]]
        (following,) = struct.unpack_from(">I", data, at + local)
        left = size - local
        while left > 0:
            try:
                data = self._bytes(following)
            except Damaged:
                break
            (following,) = struct.unpack_from(">I", data, 0)
            last = left <= usable - 4
            if last != (following == 0):  # another page than it was
                break
            parts.append(data[4 : 4 + left])
            left -= usable - 4
        return b"".join(parts)


def record(payload: bytes, size: int) -> tuple[Any, ...]:
    """The values of a row of `size` bytes, of which `payload` could be read (section 2.1).

    Raises Damaged unless they fill it exactly.
    """
    end, at = _varint(payload, 0)
    at_value = end
    values = []
    while at < end:
        type_, at = _varint(payload, at)
        length = _length(type_)
        found = payload[at_value : at_value + length]
        values.append(_value(found, type_) if len(found) == length else Cut(found))
        at_value += length
    if at != end or at_value != size or size < len(payload):
        raise Damaged("a row of another length than it says")
    return tuple(values)


def _length(type_: int) -> int:
    """Bytes of a value of a serial type."""
    if type_ >= 12:
        return (type_ - 12) // 2
    if type_ in (10, 11):
        raise Damaged("a value of no known type")
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[type_]


def _value(found: bytes, type_: int) -> Any:
    if type_ >= 12:
        return found.decode("utf-8", "replace") if type_ % 2 else found
    if type_ == 0:
        return None
    if type_ in (8, 9):
        return type_ - 8
    return (
        struct.unpack(">d", found)[0] if type_ == 7 else int.from_bytes(found, "big", signed=True)
    )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, unsigned, and where it ends."""
    value = 0
    for n in range(8):
        byte = data[at + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n + 1
    return value << 8 | data[at + 8], at + 9
