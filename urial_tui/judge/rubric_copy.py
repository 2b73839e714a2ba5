"""A copy of a rubric in the user's own folder, to be changed there. What is there is never replaced."""

import hashlib
import re

from urial_tui import paths
from urial_tui.errors import JudgeError, PromptError
from urial_tui.files import write_private
from urial_tui.judge.rubric_file import MAX_BYTES, RUBRIC_ID, load_rubric, parse_rubric
from urial_tui.judge.rubric_types import Rubric
from urial_tui.prompts.files import decode, read_bytes

_ID_LINE = re.compile(r"^id[ \t]*=.*$", re.M)


def copy_rubric(rubric: Rubric, new_id: str | None = None) -> Rubric:
    """Write the rubric's file, comments included, to ID.toml, and read it back. Under its own id the copy is used in
    its place from then on. Raises JudgeError (kinds `rubric`, `rubric-there`)."""
    assert rubric.path is not None
    wanted = new_id if new_id is not None else rubric.id
    if RUBRIC_ID.fullmatch(wanted) is None:
        raise JudgeError(
            f"{wanted!r} cannot be an id",
            hint="Use lower-case letters, digits and single hyphens.",
            kind="rubric",
        )
    target = paths.user_rubrics_dir() / f"{wanted}.toml"
    if target.exists() or target.is_symlink():
        raise JudgeError(
            f"there is a file {target} already",
            hint="Edit it, move it away, or give the copy another name with --id.",
            kind="rubric-there",
        )
    try:
        text = decode(read_bytes(rubric.path, "a rubric", MAX_BYTES), rubric.path)
    except PromptError as error:
        raise JudgeError(error.message, hint=error.hint, kind="rubric") from error
    if wanted != rubric.id:
        text = _ID_LINE.sub(f'id = "{wanted}"', text, count=1)
    data = text.encode("utf-8")
    if parse_rubric(text, target, hashlib.sha256(data).hexdigest()).id != wanted:
        raise JudgeError(
            f"the id of {rubric.path} cannot be changed by itself",
            hint='Write it on a line of its own: id = "..."',
            kind="rubric",
        )
    try:
        write_private(paths.ensure_private_dir(target.parent) / target.name, data)
    except OSError as error:
        raise JudgeError(
            f"cannot write {target}: {error.strerror or error}",
            hint="Check the permissions and the free space.",
            kind="rubric",
        ) from error
    return load_rubric(target, "user")
