"""Which names from the hub may become files here, and where they go: FOLDER/OWNER/NAME/PATH.gguf.

Called before a listing is shown and again before a file is opened, because a listing may also come from disk. Names
only: nothing is made, opened or followed, apart from the look at what stands in a file's way.
"""

import re
import stat
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from urial_tui.errors import ModelError, UsageError

PART: Final = ".part"
"""What a file's name ends with while it is not complete."""
DATASETS: Final = "datasets/"
"""What stands before the name of a data set in addresses."""
MODELS: Final = (".gguf",)
DATA: Final = (".jsonl", ".json", ".csv", ".txt")
"""What the names of files may end with that a data set is read from."""

_REPO_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_MAX_BYTES: Final = 200
"""Of one component: file systems allow 255, and endings of our own are added."""
_MAX_DEPTH: Final = 4
_NOT_PORTABLE: Final = frozenset('<>:"|?*\\')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def is_repo(repo: str) -> bool:
    """Whether `repo` is OWNER/NAME in the hub's own alphabet, and safe as two folders."""
    parts = repo.split("/")
    return len(parts) == 2 and all(
        _REPO_PART.fullmatch(part) and ".." not in part and not part.endswith((".", ".git"))
        for part in parts
    )


def repo_and_quant(text: str) -> tuple[str, str]:
    """REPO[:QUANT] as people write it, with or without the hub's address in front. QUANT is "" without one.

    Raises UsageError.
    """
    rest = text.strip()
    if "://" in rest:
        split = urlsplit(rest)
        rest = split.path.strip("/")
    else:
        rest = re.sub(r"^(www\.)?(huggingface\.co|hf\.co)/", "", rest)
    repo, _, quant = rest.partition(":")
    repo = "/".join(repo.split("/")[:2]) if "/tree/" in repo or "/blob/" in repo else repo
    if not is_repo(repo):
        raise UsageError(
            f"{text!r} does not name a repository of the hub",
            hint="Write OWNER/NAME or OWNER/NAME:QUANT; `urial-tui models search WORDS` finds names.",
        )
    return repo, quant.strip()


def problem_of(path: str, endings: tuple[str, ...] = MODELS) -> str:
    """Why `path`, relative to its repository, cannot be a file here, in words; "" if it can."""
    if "\0" in path or any(unicodedata.category(char)[0] in "CZ" and char != " " for char in path):
        return "it has control or invisible characters"
    if _NOT_PORTABLE & set(path):
        return "it has characters that not every file system allows"
    parts = path.split("/")
    if len(parts) > _MAX_DEPTH:
        return "it is too many folders deep"
    for part in parts:
        if part in ("", ".", "..") or part.startswith(".") or part != part.strip(" "):
            return "it leaves its folder, or is hidden there"
        if part.endswith(".") or _RESERVED.fullmatch(part):
            return "it is a name that not every file system allows"
        if len(part.encode("utf-8", "replace")) > _MAX_BYTES:
            return "it is too long"
    if not parts[-1].lower().endswith(endings):
        return (
            "it is not a GGUF file" if endings == MODELS else f"it is none of {', '.join(endings)}"
        )
    return ""


def target_of(folder: Path, repo: str, path: str, endings: tuple[str, ...] = MODELS) -> Path:
    """Where the file `path` of `repo` goes. Raises ModelError (`hub-name`) for a name that is not safe."""
    if not is_repo(repo):
        raise ModelError(f"{repo!r} is no name of a repository", kind="hub-name")
    problem = problem_of(path, endings)
    if problem:
        raise ModelError(
            f"the file name {path!r} in {repo} cannot be used: {problem}", kind="hub-name"
        )
    return folder.joinpath(*repo.split("/"), *PurePosixPath(path).parts)


def check_way(folder: Path, target: Path) -> None:
    """Raise ModelError (`in-the-way`) where a link or something that is no folder stands between `folder` and `target`.

    `folder` itself may be a link: that is the user's choice. Below it nothing is written through one.
    """
    between = list(target.relative_to(folder).parents)[:-1]
    for relative in reversed(between):
        _refuse_unless(folder / relative, stat.S_ISDIR, "a folder")
    _refuse_unless(target, stat.S_ISREG, "a file")


def _refuse_unless(path: Path, right: Callable[[int], bool], what: str) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ModelError(
            f"cannot look at {path}: {error.strerror or error}", kind="unreadable"
        ) from error
    if stat.S_ISLNK(mode):
        raise ModelError(
            f"{path} is a link, and nothing is written through links",
            hint="Move it away, and try again.",
            kind="in-the-way",
        )
    if not right(mode):
        raise ModelError(
            f"{path} is not {what}", hint="Move it away, and try again.", kind="in-the-way"
        )
