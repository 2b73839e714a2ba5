"""Ids and times of rows. Ids are 26 characters of time-ordered text, so that sorting by id is sorting by age.

An id is 48 bits of milliseconds since 1970 and 80 random bits in Crockford's base 32, lower case (the layout of a
ULID). Within one process ids only grow, also inside one millisecond and when the clock is set back.
"""

import secrets
import threading
import time
from datetime import UTC, datetime

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


def _encode(value: int) -> str:
    digits = []
    for _ in range(LENGTH):
        digits.append(ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(digits))


def now() -> str:
    """The time as rows hold it: UTC, ISO 8601, milliseconds, `Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def storable(text: str) -> str:
    """`text` with lone surrogates (undecodable bytes of a command line) as U+FFFD: SQLite text is UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
