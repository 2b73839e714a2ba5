"""Reads the small text files of this package (packs, official prompts, conversations) with clear errors."""

import stat
from pathlib import Path

from urial_tui.errors import PromptError


def read_bytes(path: Path, what: str, limit: int) -> bytes:
    """The file's bytes. PromptError when it is missing, no regular file, unreadable or over `limit` bytes."""
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise PromptError(f"{path} is a folder, not {what}", hint="Give the path of one file.")
        if not stat.S_ISREG(info.st_mode):
            raise PromptError(f"{path} is not a regular file", hint="Copy its content to a file.")
        if info.st_size > limit:
            raise PromptError(
                f"{path} has {info.st_size:,} bytes; {what} may have {limit:,}",
                hint="Is this the right file?",
            )
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise PromptError(f"there is no file {path}", hint="Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise PromptError(f"cannot read {path}: {reason}", hint="Check the permissions.") from error
    if len(data) > limit:
        raise PromptError(f"{path} is longer than {limit:,} bytes", hint="Is this the right file?")
    return data


def decode(data: bytes, path: Path) -> str:
    """UTF-8 text, unchanged. PromptError names the line of the first byte that is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PromptError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text",
            hint="Save the file as UTF-8.",
        ) from error
