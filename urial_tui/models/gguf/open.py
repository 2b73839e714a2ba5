"""Opens a file that should be a GGUF, and says in words what it is when it is something else.

For everything in `models` that reads GGUF files. Nothing behind the magic and the version is read here.
"""

import stat
import struct
from pathlib import Path
from typing import BinaryIO, Final

from urial_tui.errors import ModelError
from urial_tui.models.gguf.bytes import BoundedBytes


def open_gguf(path: Path) -> BinaryIO:
    """The file, if it is one that can be read. Raises ModelError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ModelError(
                f"{path} is a folder, not a model",
                hint="Name one GGUF file in it, or add it to model_folders in the settings.",
                kind="is-directory",
            )
        if not stat.S_ISREG(mode):
            raise ModelError(f"{path} is not a regular file", kind="not-gguf")
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        broken = path.is_symlink()
        raise ModelError(
            f"{path} is a link to a file that is gone" if broken else f"there is no file {path}",
            hint="Check the path; `urial-tui models list` shows what is on this machine.",
            kind="not-found",
        ) from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise ModelError(
            f"cannot read {path}: {why or error}",
            hint="Check the permissions of the file and its folder.",
            kind="unreadable",
        ) from error


_OTHER_FORMATS: Final = (
    (b"ggjt", "a GGML file from before GGUF"),
    (b"tjgg", "a GGML file from before GGUF"),
    (b"lmgg", "a GGML file from before GGUF"),
    (b"fmgg", "a GGML file from before GGUF"),
    (b"algg", "an adapter from before GGUF"),
    (b"PK\x03\x04", "a PyTorch or zip archive"),
    (b"\x80\x02", "a PyTorch checkpoint"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


def read_magic(data: BoundedBytes) -> int:
    """The version, when this is a GGUF file that can be read; the cursor is then at the number of tensors.

    Raises ModelError for anything else, in words that say what it is.
    """
    path, head = data.path, data.peek(32)
    if head[:4] != b"GGUF":
        found = next((words for magic, words in _OTHER_FORMATS if head.startswith(magic)), "")
        if not found and head[8:10] == b'{"':
            found = "a safetensors file; convert it with llama.cpp's convert_hf_to_gguf.py"
        if not head:
            found = "an empty file"
        raise ModelError(
            f"{path} is not a GGUF file" + (f": it is {found}" if found else ""),
            hint="urial-tui runs GGUF models, the format of llama.cpp.",
            kind="not-gguf",
        )
    if len(head) < 24:
        raise data.truncated()
    (version,) = struct.unpack_from("<I", head, 4)
    if version not in (2, 3):
        if version & 0xFFFF == 0 and version:
            problem, hint = "a big-endian GGUF file", "Get a little-endian version of the model."
        else:
            problem = f"a GGUF file of version {version}; versions 2 and 3 can be read"
            hint = "Convert it again." if version < 2 else "It may need a newer urial-tui."
        raise ModelError(f"{path} is {problem}", hint=hint, kind="gguf-version")
    data.skip(8)
    return int(version)
