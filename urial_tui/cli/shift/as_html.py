"""`shift --html`: compared answers as a page in a file, whole or not at all, never in place of something else."""

from collections.abc import Sequence
from pathlib import Path

from urial_tui.cli.common import outputs
from urial_tui.exchange.shift_json import Item
from urial_tui.exchange.shift_page import SHIFT, page


def check_target(path: Path) -> None:
    """Refuse early what `write_page` could not write. Raises UsageError."""
    outputs.check_page(path, SHIFT)


def write_page(path: Path, items: Sequence[Item], *, complete: bool = True) -> None:
    """Write the page, whole or not at all, mode 0600. Raises UrialError when it cannot be written."""
    check_target(path)
    outputs.write_page(path, page(items, complete=complete), SHIFT)
