"""What the documents point to is there, for everybody who clones the repository."""

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1[`~]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_TARGET = re.compile(
    r"""\]\(\s*<?([^)\s>]+)>?[^)]*\)      # [text](target "title"), ![text](target)
      | ^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?   # [name]: target
      | \b(?:src|href)=["']([^"']+)["']   # HTML
    """,
    re.VERBOSE | re.MULTILINE,
)


def targets(text: str) -> list[str]:
    """The targets of a page's links and images, code left out."""
    return ["".join(found) for found in _TARGET.findall(_CODE.sub("", _BLOCK.sub("", text)))]


def headings(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    lines = re.findall(r"^#{1,6} +(.+?)\s*$", _BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.fixture(scope="module")
def tracked() -> set[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not in a git checkout, so nothing says which files are published: {error}")
    files = {ROOT / name for name in listed.decode().split("\0") if name}
    if ROOT / "README.md" not in files:
        pytest.skip("not in a git checkout of this project")
    return files


def test_the_test_finds_links() -> None:
    text = (
        "[a](b.md) ![c](d/e.svg \"f\") `[no](x.md)`\n```\n[no](y.md)\n```\n[g]: h.md\n<img src='i'>"
    )
    assert targets(text) == ["b.md", "d/e.svg", "h.md", "i"]
    assert headings("# One, two\n```\n# no\n```\n## `x` y") == {"one-two", "x-y"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_and_images_point_to_published_files(page: Path, tracked: set[Path]) -> None:
    missing = []
    for target in targets(page.read_text("utf-8")):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (page.parent / name).resolve() if name else page
        there = file in tracked or any(file in known.parents for known in tracked)
        if there and anchor and file.suffix == ".md":
            there = anchor in headings(file.read_text("utf-8"))
        if not there:
            missing.append(target)
    assert missing == []


def test_the_documents_are_published_themselves(tracked: set[Path]) -> None:
    assert [page.name for page in PAGES if page not in tracked] == []
