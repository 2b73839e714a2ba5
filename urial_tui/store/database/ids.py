"""Ids and times of rows. Ids are 26 characters of time-ordered text, so that sorting by id is sorting by age.

An id is 48 bits of milliseconds since 1970 and 80 random bits in Crockford's base 32, lower case (the layout of a
ULID). Within one process ids only grow, also inside one millisecond and when the clock is set back.
"""

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_RANDOM_BITS = 80

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id, greater than every id that this process has made before."""
    global _last
    with _lock:
        fresh = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        _last = fresh if fresh > _last else _last + 1
        return _encode(_last)


def beginning(text: str) -> tuple[str, str] | None:
    """The range, lowest and above the highest, of the ids that begin with `text`; None where no id can."""
    if not 0 < len(text) <= LENGTH or not (text.isascii() and text.isalnum()):
        return None
    return text, text + "~"  # the last digit of an id is at most `z`


def listed_ids(rows: Sequence[Mapping[str, Any]]) -> str:
    """The first five rows' ids, for an error that asks for one of them."""
    return ", ".join(row["id"] for row in rows[:5]) + (", ..." if len(rows) > 5 else "")


def _encode(value: int) -> str:
    digits = []
    for _ in range(LENGTH):
        digits.append(ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(digits))


def now() -> str:
    """The time as rows hold it."""
    return stamp(datetime.now(UTC))


def stamp(time: datetime) -> str:
    """A time of any zone as rows hold it: UTC, ISO 8601, milliseconds, `Z`. Such texts sort as their times do."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def storable(text: str) -> str:
    """`text` with lone surrogates (undecodable bytes of a command line) as U+FFFD: SQLite text is UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
