"""The items of `shift --input`, and the file of finished ones: read, checked, cut where it was cut off, appended to.

Input is just-eval's format: a JSON array of objects with `instruction`, and `output` where there is an answer already.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from urial_tui.errors import UrialError, UsageError
from urial_tui.exchange.shift_json import Item, read_item
from urial_tui.prompts.files import decode, read_bytes
from urial_tui.runs.json_rows import (
    MAX_INPUT_BYTES,
    BadRow,
    array_of,
    check_text,
    id_of,
    instruction_of,
    row_of,
)
from urial_tui.safetext import json_line

_HEAD = b'{"fingerprint": "'
"""How every line of the output begins, so that a line that was cut off can be told from another program's text."""
_FOREIGN = "not an item of this command"
_OTHER = "made from another input, with other sides, settings or software"


@dataclass(frozen=True)
class Row:
    """One thing to compare. `answer` None: the generator writes it. `problem`: why the row cannot be used."""

    index: int
    query: str
    answer: str | None = None
    id: Any = None
    problem: UrialError | None = None


def load_rows(path: Path) -> tuple[list[Row], str]:
    """The rows and the sha256 of the file. Raises PromptError or UsageError for a file that is no such array."""
    data = read_bytes(path, "a list of items", MAX_INPUT_BYTES)
    rows = array_of(decode(data, path), path)
    return [_row(index, row) for index, row in enumerate(rows)], hashlib.sha256(data).hexdigest()


def _row(index: int, value: Any) -> Row:
    id_ = None
    try:
        row = row_of(value)
        id_ = id_of(row, index)
        query, answer = instruction_of(row), row.get("output")
        if answer is not None and not isinstance(answer, str):
            raise BadRow("its `output` is not a text")
        if answer is not None and not answer.strip():
            raise BadRow("its `output` is empty")
        check_text(query + (answer or ""))
    except BadRow as error:
        return _bad(index, id_, str(error))
    return Row(index, query, answer, id_)


def _bad(index: int, id_: Any, why: str) -> Row:
    error = UsageError(
        f"item {index}: {why}", hint="Correct the item; the others are done.", kind="bad-item"
    )
    return Row(index, "", None, id_, error)


class OutputFile:
    """Finished items, one JSON line each, mode 0600. Every line is written whole and brought to the disk."""

    def __init__(self, path: Path, mark: str) -> None:
        self._path, self._mark = path, mark
        self._file: int | None = None

    def open(self) -> list[Item]:
        """Items that are there already. The begun last line of an item is cut off.

        Until `close` no other `OutputFile` can use the file, where the system has locks. Raises UsageError when the
        file holds something else, UrialError when it cannot be used. The file is then as it was.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            self._file = os.open(self._path, flags, 0o600)
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                self.close()
                raise UsageError(f"{self._path} is not a regular file", hint="Choose another name.")
            if not _lock(self._file):
                raise UrialError(
                    f"another program is writing to {self._path}",
                    hint="Wait until it is done, or choose another file with --output.",
                    kind="output-busy",
                )
            with os.fdopen(os.dup(self._file), "rb") as reader:
                reader.seek(0)
                items, whole = self._read(reader)
            if os.fstat(self._file).st_size > whole:
                os.ftruncate(self._file, whole)
        except OSError as error:
            self.close()
            raise self._cannot("use", error) from error
        except UrialError:
            self.close()
            raise
        return items

    def _read(self, lines: Iterable[bytes]) -> tuple[list[Item], int]:
        items: dict[int, Item] = {}
        whole = 0
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                self._check_begun(line, number)
                break
            item = self._item(line, number)
            items.setdefault(item.index, item)
            whole += len(line)
        return list(items.values()), whole

    def _check_begun(self, line: bytes, number: int) -> None:
        """Raises UsageError for a last line without its end that is not surely the beginning of an item of ours."""
        if line.startswith(_HEAD) and not _alike(line, _HEAD + self._mark.encode("ascii") + b'"'):
            raise self._mismatch(number, _OTHER)
        # After whole items of ours even one character begins the next; alone in a file it is anything.
        if not line.startswith(_HEAD) and (number == 1 or not _HEAD.startswith(line)):
            raise self._mismatch(number, _FOREIGN)

    def _item(self, line: bytes, number: int) -> Item:
        try:
            record = json.loads(line)
            mark = record["fingerprint"]
            item = read_item(record)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._mismatch(number, _FOREIGN) from error
        if mark != self._mark:
            raise self._mismatch(number, _OTHER)
        return item

    def _mismatch(self, number: int, why: str) -> UsageError:
        return UsageError(
            f"{self._path}, line {number}: {why}",
            hint="Choose another file with --output, or move this one away.",
            kind="output-mismatch",
        )

    def append(self, item: Item) -> None:
        """Raises UrialError when it cannot be written; the lines before it stay whole."""
        assert self._file is not None
        data = line_of(item).encode("utf-8")
        before = os.fstat(self._file).st_size
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            raise self._cannot("write", error) from error

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _cannot(self, what: str, error: OSError) -> UrialError:
        return UrialError(
            f"cannot {what} {self._path}: {error.strerror or error}",
            hint="Check the folder, the permissions and the free space; links are not followed.",
            kind="output",
        )


def line_of(item: Item) -> str:
    return json_line(item.record) + "\n"


def _alike(one: bytes, other: bytes) -> bool:
    """Whether one begins with the other."""
    return one.startswith(other) or other.startswith(one)


def _lock(file: int) -> bool:
    """Lock an open file until it is closed; False when another program has it. True where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # some network file systems have none; a study there must still be possible
        return True
    return True
