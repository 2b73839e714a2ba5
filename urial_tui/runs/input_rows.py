"""One row of an instruction set as an item of a run, a function a format. Raises BadRow for what cannot be asked.

Called by `inputs`, which knows how each format is told from the others.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from urial_tui.runs.json_rows import BadRow, check_value, id_of, instruction_of, row_of
from urial_tui.store.runs.types import RunItem

MAX_TURN_CHARS: Final = 1_000_000
MAX_EXTRA_CHARS: Final = 256 * 1024
"""Of a row's other fields, as JSON."""
MAX_TAGS: Final = 64
_MAX_TAG_CHARS: Final = 4096
_OWN: Final = frozenset(("instruction", "dataset", "category", "task", "topic"))
_ANSWERS: Final = frozenset(("output", "generator", "model_input"))
"""What others wrote: answers are made here, so that these are not kept."""
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def instruction_item(index: int, value: Any) -> RunItem:
    """A row with an `instruction`: just-eval's and AlpacaEval's. `output` and `generator` of others are ignored."""
    row = row_of(value)
    check_value({name: found for name, found in row.items() if name not in _ANSWERS})
    id_ = id_of(row, index) if row.get("id") is not None else None
    source = row.get("source_id") if id_ is None else id_
    if source is not None and (isinstance(source, bool) or not isinstance(source, str | int)):
        raise BadRow("its source_id is neither text nor a number")
    used = {"id"} if id_ is not None else {"source_id"}
    return RunItem(
        index=index,
        source_id=index if source is None else source,
        turns=(_turn(instruction_of(row)),),
        dataset=_word(row, "dataset"),
        category=_word(row, "category"),
        task=tags_of(row.get("task"), "task"),
        topic=tags_of(row.get("topic"), "topic"),
        extra=_extra(row, _OWN | _ANSWERS | used),
    )


def question_item(index: int, value: Any) -> RunItem:
    """A row of MT-Bench's question.jsonl: `question_id`, `category`, one or two `turns`."""
    row = row_of(value)
    check_value(row)
    turns = row.get("turns")
    if not isinstance(turns, list) or not turns:
        raise BadRow("it has no `turns`")
    if len(turns) > 2:
        raise BadRow(f"it has {len(turns)} turns, and a run asks one or two")
    for number, turn in enumerate(turns, 1):
        if not isinstance(turn, str):
            raise BadRow(f"its turn {number} is not a text")
        if not turn.strip():
            raise BadRow(f"its turn {number} is empty")
    return RunItem(
        index=index,
        source_id=id_of(row, index, "question_id"),
        turns=tuple(_turn(turn) for turn in turns),
        dataset=_word(row, "dataset"),
        category=_word(row, "category"),
        extra=_extra(row, frozenset(("question_id", "turns", "category", "dataset"))),
    )


def line_item(index: int, text: str) -> RunItem:
    """A plain line."""
    check_value(text)
    return RunItem(index=index, source_id=index, turns=(_turn(text),))


def cells_item(index: int, row: Mapping[str, str], column: str) -> RunItem:
    """A row of a table by column names, in lower case; `column` has the instruction."""
    check_value(dict(row))
    id_column = next((name for name in ("id", "source_id", "question_id") if row.get(name)), None)
    own = {column, "dataset", "category", "task", "topic", *([id_column] if id_column else [])}
    return RunItem(
        index=index,
        source_id=row[id_column] if id_column else index,
        turns=(_turn(instruction_of(dict(row), column)),),
        dataset=row.get("dataset", ""),
        category=row.get("category", ""),
        task=tags_of(row.get("task"), "task"),
        topic=tags_of(row.get("topic"), "topic"),
        extra=_extra(row, frozenset(own)),
    )


def tags_of(value: Any, name: str) -> tuple[str, ...]:
    """just-eval's tags as they occur: a list, one text, or the text of a list, ['a', 'b']. Raises BadRow."""
    if value is None:
        return ()
    if isinstance(value, str):
        found = _listed(value)
    elif isinstance(value, list):
        found = value
    else:
        raise BadRow(f"its {name} is neither a text nor a list")
    if len(found) > MAX_TAGS or not all(
        isinstance(tag, str) and len(tag) <= _MAX_TAG_CHARS for tag in found
    ):
        raise BadRow(f"its {name} is not a short list of words")
    return tuple(dict.fromkeys(tag.strip() for tag in found if tag.strip()))


def _listed(text: str) -> list[Any]:
    """The tags in a text. What looks like a list and is none is one tag."""
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")):
        return [stripped]
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        inner = stripped[1:-1].strip()
        quoted = [one or other for one, other in _QUOTED.findall(inner)]
        return quoted if quoted or not inner else [stripped]
    return found if isinstance(found, list) else [stripped]


def _turn(text: str) -> str:
    if len(text) > MAX_TURN_CHARS:
        raise BadRow(
            f"its text has {len(text):,} characters; a run asks at most {MAX_TURN_CHARS:,}"
        )
    return text


def _word(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise BadRow(f"its {name} is not a text")
    return found


def _extra(row: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    extra = {name: value for name, value in row.items() if name not in own}
    if extra and len(json.dumps(extra, ensure_ascii=False)) > MAX_EXTRA_CHARS:
        raise BadRow("its other fields are too large to keep")
    return extra
