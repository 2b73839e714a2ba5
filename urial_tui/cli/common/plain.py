"""Plain output: for screen readers, logs and terminals that cannot move their cursor.

`URIAL_TUI_PLAIN`, set to anything, asks for it; `TERM=dumb` does, too. Then nothing that was printed is changed again,
and nothing is drawn: no line that counts up, no bars, no attributes. Every number is still there.
"""

import os


def plain() -> bool:
    return bool(os.environ.get("URIAL_TUI_PLAIN")) or os.environ.get("TERM") == "dumb"
