"""Writes the traceback of an unexpected error to a private file, and keeps the last few of them."""

import os
import platform
import tempfile
import time
import traceback
from pathlib import Path
from typing import Final

from urial_tui import __version__, paths
from urial_tui.errors import UrialError

KEPT: Final = 10


def internal_error(what: str, error: BaseException, hint: str = "") -> UrialError:
    """A mistake of the program's own that ends one piece of work: `what` failed, and which crash log has the traceback.
    Writes a file."""
    where = write_crash_log(error)
    named = f" and with {where}" if where else ""
    return UrialError(
        f"{what} failed: {type(error).__name__}: {error}",
        hint=f"{hint} Please report this with the steps that led to it{named}.".lstrip(),
        kind="internal",
    )


def write_crash_log(error: BaseException) -> Path | None:
    """The file with the traceback of `error`; None when none can be written.

    It holds versions and the traceback, and neither the command line nor anything of a conversation
    besides what the error's own message says.
    """
    text = (
        f"urial-tui {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n"
        + "".join(traceback.format_exception(error))
    )
    name = f"crash-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    for folder in (paths.state_dir(), Path(tempfile.gettempdir())):
        try:
            paths.ensure_private_dir(folder)
            target = folder / name
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            if folder == paths.state_dir():
                for old in sorted(folder.glob("crash-*.log"))[:-KEPT]:
                    old.unlink(missing_ok=True)
            return target
        except (OSError, UrialError):
            continue
    return None
