"""Whether the terminal takes what it is sent: over a slow line, what waits to be drawn keeps the answers to keys back.

Textual writes from a thread of its own and never says how far that is; the terminal's file itself tells.
"""

import select
import sys


def is_behind() -> bool:
    """Whether the terminal has so much to take still that a write would wait. False where that cannot be told."""
    stream = sys.__stderr__  # the one that Textual draws to
    if stream is None:
        return False
    try:
        _, writable, _ = select.select([], [stream.fileno()], [], 0)
    except (OSError, ValueError):  # not a terminal (any more), or a system that cannot select files
        return False
    return not writable
