"""A judge over a scripted engine: a small rubric, a side with a pack, and replies as a model would write them."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from tests.support.scripted_engine import Script
from urial_tui.chat.active import ActiveSide
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.judge.rubrics import Rubric, parse_rubric
from urial_tui.prompts.packs import Example, Pack
from urial_tui.prompts.styles import Style, style_of_pack
from urial_tui.prompts.types import Turn

SCORE = """\
id = "two"
version = 3
kind = "score"
name = "Two"
description = "Two aspects"
instructions = "Judge."
closing = "Now judge."
reason_chars = 60

[[aspect]]
id = "clarity"
name = "Clarity"
question = "Is it clear?"
levels = ["no", "hardly", "so-so", "rather", "yes"]

[[aspect]]
id = "truth"
name = "Truth"
question = "Is it true?"
na = true
levels = ["no", "hardly", "so-so", "rather", "yes"]
"""
PAIR = """\
id = "pair"
version = 1
kind = "pairwise"
name = "Pair"
instructions = "Compare."
closing = "Now compare."

[[aspect]]
id = "clarity"
name = "Clarity"
question = "Which is clearer?"

[[aspect]]
id = "overall"
name = "Overall"
question = "Which one?"
"""
CONVERSATION = (Turn("user", "Why?"), Turn("assistant", "Because."))
PACK = Pack(
    "house", "House", "1", "en", "", "", "Be fair.", (Example("Hi?", "Hi."),), hash="p" * 64
)


def rubric(text: str = SCORE, **changes: str) -> Rubric:
    for old, new in changes.items():
        text = text.replace(old, new)
    return parse_rubric(text, Path("rubric.toml"), hashlib.sha256(text.encode()).hexdigest())


def side(style: Style | None = None, **changes: Any) -> ActiveSide:
    values: dict[str, Any] = {
        "notation": "smol@house",
        "spec": ContextSpec("smol.gguf"),
        "style": style or style_of_pack(PACK),
        "sampling": Sampling(),
        "max_tokens": 100,
        "sha256_of": lambda path: f"sha of {path}",
        "versions": {"llama-cpp-python": "1"},
    }
    return ActiveSide(**(values | changes))


def scored(clarity: str, truth: str, reason: str = "Since.") -> str:
    """A reply by the rubric `SCORE`."""
    return json.dumps(
        {
            "clarity": {"reason": reason, "score": clarity},
            "truth": {"reason": reason, "score": truth},
        }
    )


def compared(clarity: str, overall: str) -> str:
    """A reply by the rubric `PAIR`."""
    return json.dumps(
        {
            "clarity": {"reason": "c", "better": clarity},
            "overall": {"reason": "o", "better": overall},
        }
    )


def reply(text: str, *masses: tuple[float, ...], **rest: Any) -> Script:
    """The reply in tokens of one character, each choice in one of its own."""
    return Script(tuple(re.findall(r"N/A|tie|.", text, re.S)), masses=masses, **rest)
