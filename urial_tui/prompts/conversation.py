"""Reads a conversation from a JSON file: an array of alternating texts, the user's first and last."""

import json
from pathlib import Path

from urial_tui.errors import PromptError
from urial_tui.prompts.files import decode, read_bytes
from urial_tui.prompts.types import Turn

MAX_BYTES = 8 * 1024 * 1024


def load_conversation(path: Path) -> list[Turn]:
    """The turns of the file. PromptError says what is wrong and with which entry."""
    path = Path(path)
    text = decode(read_bytes(path, "a conversation", MAX_BYTES), path)
    try:
        rows = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise PromptError(
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}",
            hint='A conversation is a JSON array of texts: ["question", "answer", "next question"].',
        ) from error
    except (RecursionError, ValueError) as error:
        raise PromptError(
            f"{path}: cannot be read as JSON", hint="A conversation is one flat array of texts."
        ) from error
    if not isinstance(rows, list):
        raise PromptError(
            f"{path}: it is not an array",
            hint='A conversation is a JSON array of texts: ["question", "answer", "next question"].',
        )
    turns = [_turn(path, number, row) for number, row in enumerate(rows)]
    if not turns:
        raise PromptError(
            f"{path}: the conversation is empty", hint="It begins with the user's text."
        )
    if turns[-1].role == "assistant":
        raise PromptError(
            f"{path}: it has {len(turns)} texts, so the last one is an answer and nothing is left to answer",
            hint="End with a text of the user; a begun answer is --prefill.",
        )
    return turns


def _turn(path: Path, number: int, row: object) -> Turn:
    where = f"{path}, entry {number + 1}"
    if not isinstance(row, str):
        raise PromptError(f"{where}: not a text but {_kind(row)}", hint="Each entry is one text.")
    user = number % 2 == 0
    if user and not row.strip():
        raise PromptError(f"{where}: the user's text is empty", hint="Take the pair out.")
    return Turn("user" if user else "assistant", checked_text(row, where))


def checked_text(text: str, where: str) -> str:
    """`text`, if it can be sent to a model: PromptError for what UTF-8 cannot express."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PromptError(
            f"{where}: character {error.start + 1} is half of a surrogate pair, not text",
            hint="Take it out; it cannot be written as UTF-8.",
        ) from error
    return text


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
