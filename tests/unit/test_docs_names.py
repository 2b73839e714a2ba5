"""Modules, files and names that ARCHITECTURE.md and CONTRIBUTING.md speak of are there, and the layers are those that
are checked.

Between backticks a path is read from the repository, from `urial_tui/` or from the page's folder, a dotted name from
`urial_tui`; `*` and words in CAPITALS stand for anything. After "**Title** (" only such names are allowed.
"""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "urial_tui"
PAGES = [ROOT / "docs" / "ARCHITECTURE.md", ROOT / "docs" / "CONTRIBUTING.md"]

_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"[\w*-][\w.*-]*(/[\w.*-]+)*/?")
_FILE = re.compile(r"[\w*-]+\.(py|toml|tcss|md|html)")
_DOTTED = re.compile(r"[a-z_]+(\.[A-Za-z_]\w*)+")
_NO_MODULE = (".db", ".log", ".json")
"""Endings of files that the program makes."""


def spans(text: str) -> list[str]:
    """What stands between backticks, word by word, blocks left out."""
    found = re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))
    return [word for span in found for word in span.split()]


def is_path(word: str) -> bool:
    return bool(_PATH.fullmatch(word) and "/" in word) or bool(_FILE.fullmatch(word))


def is_there(word: str) -> bool:
    """Whether a word, if it is a path or a dotted name, means something."""
    if is_path(word):
        if word.isupper():  # OWNER/NAME
            return True
        pattern = re.sub(r"\b[A-Z]{3,}\b(?!\.md)", "*", word).rstrip("/")
        if "/" not in pattern and any(PACKAGE.rglob(pattern)):
            return True
        return any(any(folder.glob(pattern)) for folder in (ROOT, PACKAGE, ROOT / "docs"))
    if _DOTTED.fullmatch(word) and not word.endswith(_NO_MODULE):
        return resolves(word.removeprefix("urial_tui.").split("."))
    return True


def resolves(parts: list[str]) -> bool:
    """Whether a module is called this, or a name in one."""
    place, taken = PACKAGE, 0
    while taken < len(parts) and (place / parts[taken] / "__init__.py").is_file():
        place, taken = place / parts[taken], taken + 1
    if taken < len(parts) and (place / f"{parts[taken]}.py").is_file():
        place, taken = place / f"{parts[taken]}.py", taken + 1
    if taken == 0:
        return False
    file = place if place.suffix else place / "__init__.py"
    return ".".join(parts[taken:]) in {"", *names(file)}


@cache
def names(file: Path) -> frozenset[str]:
    """What a module defines or takes in, and with its class the members of each class."""
    found: set[str] = set()

    def read(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(before + node.name)
            if isinstance(node, ast.ClassDef):
                read(node.body, f"{before}{node.name}.")
            if isinstance(node, ast.ImportFrom):
                found.update(before + (one.asname or one.name) for one in node.names)
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            found.update(before + one.id for one in targets if isinstance(one, ast.Name))

    read(ast.parse(file.read_text("utf-8")).body, "")
    return frozenset(found)


def parts_of_titles(text: str) -> list[str]:
    """The code between the brackets behind a bold title: **Title** (`a`, `b`)."""
    titles = re.findall(r"\*\*[^*\n]+\*\* \(([^)]*`[^)]*)\)", _BLOCK.sub("", text))
    return [word for title in titles for word in re.findall(r"`([^`]+)`", title)]


def test_the_test_knows_what_is_not_there() -> None:
    there = [
        "chat/chat.py",
        "chat.chat.Chat.send",
        "store.sessions.search",
        "`",
        "sampling",
        "n_ctx",
    ]
    there += ["engine/worker/", "cli/board/as_*.py", "urial_tui/cli/NAME/command.py", "native.py"]
    there += ["OWNER/NAME", "history.db", "docs/ARCHITECTURE.md", "urial_tui.engine.worker"]
    assert [word for word in there if not is_there(word)] == []
    gone = [
        "chat/chats.py",
        "chat.chat.Chat.sent",
        "store.session_filter",
        "engine/work/",
        "natives.py",
    ]
    gone += [
        "store.search.x",
        "urial_tui/cli/NAME/commands.py",
        "docs/ARCHITEKTUR.md",
        "summary.mean",
    ]
    assert [word for word in gone if is_there(word)] == []
    text = "**One** (`a`, `b.c`) `d e`\n```\n`f`\n```\n**Two**: (`g`)"
    assert spans(text) == ["a", "b.c", "d", "e", "g"]
    assert parts_of_titles(text) == ["a", "b.c"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    words = spans(page.read_text("utf-8"))
    assert sum(is_path(word) or bool(_DOTTED.fullmatch(word)) for word in words) > 20
    assert [word for word in words if not is_there(word)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_titles_name_modules_in_full(page: Path) -> None:
    words = parts_of_titles(page.read_text("utf-8"))
    assert [word for word in words if not (is_path(word) or _DOTTED.fullmatch(word))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_table_that_is_said_to_be_in_a_file_is_there(page: Path) -> None:
    said = re.findall(r"`([A-Z_]+)`\s+(?:of|in)\s+`([\w/.]+\.py)`", page.read_text("utf-8"))
    missing = [
        (name, file)
        for name, file in said
        if not any((top / file).is_file() and name in names(top / file) for top in (ROOT, PACKAGE))
    ]
    assert missing == []


def test_the_layers_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (layers,) = [one["layers"] for one in contracts["contracts"] if one["name"] == "layers"]
    checked = [[name.removeprefix("urial_tui.") for name in layer.split(" | ")] for layer in layers]
    page = PAGES[0].read_text("utf-8")
    block = page.partition("## Layers")[2].partition("```\n")[2].partition("```")[0]
    lines = re.findall(r"^([a-z_]+(?: \| [a-z_]+)*)(?: {2,}|$)", block, re.MULTILINE)
    assert [line.split(" | ") for line in lines] == checked
