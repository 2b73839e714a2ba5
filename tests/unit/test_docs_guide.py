"""Commands and keys that pages written by people show are those of the program."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tests.unit.test_docs_commands import make
from urial_tui.main import cli
from urial_tui.ui.commands import ALL_COMMANDS
from urial_tui.ui.keymap import key_name, widget_bindings

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if page.name not in make.PAGES
]
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")

OTHER_KEYS = {"Shift+Tab", "Ctrl+Q", "Ctrl+C"}
"""Textual's own, and those that no command shows."""


def calls(text: str) -> list[str]:
    """What a page would have people type after `urial-tui`: lines of blocks, and code in the prose."""
    text = re.sub(r"\\\n\s*", "", text)
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(
        r"^ *(?:\$ )?(?:[A-Z_]+=\S+ )*urial-tui (.+)$", "\n".join(blocks), re.MULTILINE
    )
    prose = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    spans = re.findall(r"`urial-tui ([^`\n]+)`", prose)
    return [re.split(r"\s{2,}#|\s[|<>&;]|\s{3,}", call)[0].strip() for call in lines + spans]


def wrong(call: str) -> str:
    """What the program does not know of a call; "" where it knows all. A word in CAPITALS stands for anything."""
    words = shlex.split(re.sub(r"[][]|(?<=\w)'(?=s\b)", "", call))
    command: click.Command = cli
    context = click.Context(cli, info_name="urial-tui")
    takes = 0
    for word in words:
        if takes:
            takes -= 1
        elif word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            options = [one for one in command.params if name in (*one.opts, *one.secondary_opts)]
            if not options and name not in ("-h", "--help"):
                return f"{context.command_path} has no {name}"
            for option in options:
                flag = isinstance(option, click.Option) and (option.is_flag or option.count)
                takes = 0 if flag or "=" in word else option.nargs
        elif isinstance(command, click.Group):
            if word.isupper() or "…" in word or word == "...":
                return ""
            found = command.get_command(context, word)
            if found is None:
                return f"{context.command_path} has no {word}"
            command, context = found, click.Context(found, parent=context, info_name=word)
    return ""


def test_the_test_knows_what_is_wrong() -> None:
    block = "```sh\nurial-tui ask --demo \\\n  'x'   # words\n$ urial-tui board | head\n```\n`urial-tui runs list`"
    assert calls(block) == ["ask --demo 'x'", "board", "runs list"]
    assert wrong("models pull REPO") == wrong("--side x.gguf") == wrong("COMMAND --help") == ""
    assert (
        wrong("doctor --pair a b --json") == wrong('ask --side=demo "--not-an-option of ours"')[:0]
    )
    assert wrong("asks") and wrong("ask --dem x") and wrong("history lists") and wrong("--sides x")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_can_be_typed(page: Path) -> None:
    found = {call: wrong(call) for call in calls(page.read_text("utf-8"))}
    assert {call: what for call, what in found.items() if what} == {}


def test_the_targets_of_make_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    known |= set(re.findall(r"^FLAVOURS := (.+)$", makefile, re.MULTILINE)[0].split())
    named = {
        target
        for page in PAGES
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {"run", "test", "cuda", "docs-check"} <= named
    assert named - known == set()


def bound() -> set[str]:
    """The names of all keys that something is bound to."""
    keys = [one.keys for one in ALL_COMMANDS]
    keys += [one.key for bindings in widget_bindings().values() for one in bindings]
    return {key_name(key) for some in keys for key in some.split(",") if key}


def test_the_keys_of_the_guide_are_bound() -> None:
    named = set(re.findall(r"`((?:(?:Shift|Ctrl|Alt)\+)(?:F\d+|[A-Z]\w*)|F\d+)`", GUIDE))
    assert len(named) > 20
    assert named - bound() - OTHER_KEYS == set()


def test_what_the_guide_would_look_for_in_the_palette_is_there() -> None:
    near = r"\*([A-Z][^*\n]+?)\*(?=[^*]{0,20}(?:`Ctrl\+P`|command palette))"
    named = re.findall(near, " ".join(GUIDE.split()))
    assert len(named) > 3
    assert set(named) - {one.title for one in ALL_COMMANDS if one.palette} == set()
