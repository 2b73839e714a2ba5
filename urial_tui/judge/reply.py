"""A judge's reply: the JSON schema that it is written under, and what can be read of it, however it ended.

A reply that was cut in the middle is read up to there. Nothing is guessed: a score that is not exactly one of the
rubric's choices is not a score.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from urial_tui.engine.protocol import Probe
from urial_tui.judge.frame import choice_key
from urial_tui.judge.rubric_types import CHOICES, NA, SCORES, Rubric

REFUSED = "refused"
_BLANK = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder(strict=False)
"""Control characters in texts are read: a grammar lets one through inside a broken UTF-8 sequence."""


@dataclass(frozen=True)
class Chosen:
    """What the judge chose for an aspect, and why. `masses` are those of the probe's options at that place, () where
    there is none."""

    choice: str
    reason: str
    masses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Reply:
    """`chosen` has the aspects that could be read. `refused`: the judge's words when it declined."""

    chosen: dict[str, Chosen]
    refused: str | None = None

    def readable(self, rubric: Rubric) -> bool:
        """Whether nothing is missing."""
        return self.refused is not None or len(self.chosen) == len(rubric.aspects)


def schema_of(rubric: Rubric) -> str:
    """The JSON schema of the reply: the aspects in the rubric's order, reason before choice; or a refusal."""
    reason = {"type": "string", "maxLength": rubric.reason_chars}
    verdict = _object(
        {
            aspect.id: _object(
                {"reason": reason, choice_key(rubric): {"enum": list(rubric.options(aspect))}}
            )
            for aspect in rubric.aspects
        }
    )
    return json.dumps({"anyOf": [verdict, _object({REFUSED: reason})]})


def probe_of(rubric: Rubric) -> Probe:
    """Asks for the masses of the rubric's choices wherever one is written."""
    options = CHOICES if rubric.kind == "pairwise" else (*SCORES, NA)
    return Probe(before=rf'"{choice_key(rubric)}"\s*:\s*"', options=options, end='"')


def read_reply(
    rubric: Rubric, raw: bytes, probed: Sequence[tuple[int, tuple[float, ...]]] = ()
) -> Reply:
    """What the reply says. `probed` has masses and where in `raw` (bytes) the token begins that they belong to."""
    text = raw.decode("utf-8", "surrogateescape")
    aspects = {aspect.id: aspect for aspect in rubric.aspects}
    key = choice_key(rubric)
    chosen: dict[str, Chosen] = {}
    seen: set[str] = set()
    for name, value, start, end in _members(text):
        if name == REFUSED and isinstance(value, str) and not seen:
            return Reply({}, clean(value))
        if name in seen or name not in aspects:
            chosen.pop(name, None)  # said twice, it says nothing
            continue
        seen.add(name)
        if not isinstance(value, dict) or value.keys() != {"reason", key}:
            continue
        choice, reason = value[key], value["reason"]
        if not isinstance(reason, str) or choice not in rubric.options(aspects[name]):
            continue
        first, last = _n_bytes(text[:start]), _n_bytes(text[:end])
        masses = [m for place, m in probed if first <= place < last]
        chosen[name] = Chosen(choice, clean(reason), masses[-1] if masses else ())
    return Reply(chosen)


def clean(text: str) -> str:
    """`text` without halves of surrogate pairs, which JSON can write and UTF-8 cannot."""
    return _SURROGATE.sub("\ufffd", text)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _members(text: str) -> Iterator[tuple[str, Any, int, int]]:
    """(name, value, begin and end of the value) of the object that `text` is, as far as it can be read."""
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        return
    at = _skip(text, at + 1)
    try:
        while text[at : at + 1] == '"':
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, at)
            if text[at : at + 1] != ":":
                return
            start = _skip(text, at + 1)
            value, end = _DECODER.raw_decode(text, start)
            yield name, value, start, end
            at = _skip(text, end)
            if text[at : at + 1] != ",":
                return
            at = _skip(text, at + 1)
    except (ValueError, RecursionError):
        return


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _n_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
