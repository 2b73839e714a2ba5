"""Each error that the page about troubleshooting explains, or the guide quotes, is one that the program can say."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
QUOTED = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
GUIDE = " ".join((ROOT / "docs" / "guide.md").read_text("utf-8").split())

LEAST = 10
"""Letters that a text of the program has of its own; one that is nearly all placeholder fits everything."""


def pattern(node: ast.AST) -> str | None:
    """A text of the code as a pattern, with a group for each thing that is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value) if len(node.value) >= LEAST else None
    if not isinstance(node, ast.JoinedStr):
        return None
    fixed = [part.value for part in node.values if isinstance(part, ast.Constant)]
    if sum(len(str(text).strip()) for text in fixed) < LEAST:
        return None
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "(.*)"
        for part in node.values
    )


@cache
def texts() -> frozenset[str]:
    """All that the program and the Makefile may say, as patterns."""
    found = set()
    for file in sorted((ROOT / "urial_tui").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (text := pattern(node)) is not None:
                found.add(text)
    for line in re.findall(r'echo "([^"]+)"', (ROOT / "Makefile").read_text("utf-8")):
        found.add(re.sub(r"\\\$\\\(\w+\\\)", "(.*)", re.escape(line)))
    return frozenset(found)


@cache
def patterns() -> list[re.Pattern[str]]:
    return [re.compile(text, re.DOTALL) for text in texts()]


def is_said(text: str) -> bool:
    """Whether a text of the code is this one. What is filled in is in CAPITALS, a signal's name, or a text itself."""
    for known in patterns():
        match = known.fullmatch(text)
        if match and all(
            re.fullmatch(r"(by )?[A-Z0-9x() ,]*", filled) or re.escape(filled) in texts()
            for filled in match.groups()
        ):
            return True
    return False


def test_the_test_knows_what_the_program_does_not_say() -> None:
    assert is_said("there is no model called NAME")
    assert not is_said("there is no model named NAME")
    assert not is_said("there is no model called by that name")


@pytest.mark.parametrize("text", QUOTED)
def test_an_error_that_is_explained_is_one_of_the_program(text: str) -> None:
    assert is_said(text)


def test_the_page_explains_some() -> None:
    assert len(QUOTED) > 30
    assert len(set(QUOTED)) == len(QUOTED)


def test_the_words_of_an_error_that_the_guide_quotes_are_the_programs() -> None:
    quoted = re.findall(r"(?<![*\w])\*([a-z][^*]*)\*(?=: )", GUIDE)
    assert len(quoted) > 3
    unsaid = [words for words in quoted if not any(re.escape(words) in text for text in texts())]
    assert unsaid == []
