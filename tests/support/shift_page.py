"""A page of scored answers as tests look at it: its elements and scripts, and its script run where there is Node.js."""

import json
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

_CHECK = Path(__file__).with_suffix(".js")


class Reader(HTMLParser):
    """Elements of a page, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.title = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts.append(data)
        if self.tags and self.tags[-1][0] == "title":
            self.title += data


def page_script() -> str:
    return (files("urial_tui.exchange") / "assets" / "shift.js").read_text("utf-8")


def run_page_script(folder: Path, data: Any) -> Any:
    """What the page's script then shows, as the file beside this one asks it. Skips without Node.js."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed, so the page's script cannot be run")
    script = folder / "shift.js"
    script.write_text(page_script(), "utf-8")
    done = subprocess.run(
        [program, _CHECK, script],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
