"""Files that are written whole or not at all, for the user alone: settings, caches, records, exports.

A temporary file beside the target takes its place by one rename: a reader sees the old file or the new one, and a
symbolic link in the target's place is replaced, never followed. What is no file there (a pipe, a device) stays.
"""

import contextlib
import errno
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_NAME_CHARS = 40
"""So much of the target's name is in that of the temporary file: no file system allows more than 255 bytes."""

NOT_REGULAR = "not a regular file"
_LINKS_TO_OPEN = ("/dev", "/dev/fd", "/proc/self/fd")


@contextlib.contextmanager
def replacing(
    path: Path, *, sync: bool = True, modified_ns: int | None = None
) -> Iterator[IO[bytes]]:
    """A new file, mode 0600, that takes the place of `path` when the block ends; not when it raises.

    `sync`: also after a power cut the file is whole. Leave it out for what can be made again. `modified_ns` is the
    modification time that it gets. Raises OSError.
    """
    if is_special(path):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    handle, part = new_part(path)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        if modified_ns is not None:
            os.utime(part, ns=(time.time_ns(), modified_ns))
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def is_special(path: Path) -> bool:
    """Whether a pipe, a socket, a device or a link to one is there, which no file may take the place of. A link in
    /dev is one wherever it leads: /dev/stdout may be a file just now."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return path.is_symlink() and path.absolute().parent.as_posix() in _LINKS_TO_OPEN
    return True


def new_part(path: Path) -> tuple[int, Path]:
    """An open temporary file beside `path`, mode 0600, and where it is; the caller renames or removes it.

    Raises OSError.
    """
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name[:_NAME_CHARS]}.", suffix=".part"
    )
    return handle, Path(name)


def write_private(path: Path, content: bytes | str, *, sync: bool = True) -> None:
    """Put `content` (text as UTF-8) into `path`, in a folder that is there. Raises OSError."""
    with replacing(path, sync=sync) as file:
        file.write(content.encode() if isinstance(content, str) else content)
