"""Every command and option is documented: `docs/commands.md` is what the program says of itself, and of all of it."""

import importlib.util
import re
from pathlib import Path

import click
import pytest

from urial_tui.main import cli

DOCS = Path(__file__).parents[2] / "docs"
_SPEC = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
assert _SPEC is not None and _SPEC.loader is not None
make = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(make)

COMMANDS = {name: command for name, command, _ in make.commands(cli, "urial-tui", None)}
HAND_WRITTEN = "\n".join(
    page.read_text("utf-8")
    for page in [DOCS.parent / "README.md", *DOCS.glob("*.md")]
    if page.name not in (*make.PAGES, "ARCHITECTURE.md")
)


@pytest.mark.parametrize("page", make.PAGES)
def test_a_generated_page_is_what_the_program_says_today(page: str) -> None:
    assert (DOCS / page).read_text("utf-8") == make.PAGES[page](), "run: make docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_and_its_options_and_arguments_are(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, parameter.name
        elif isinstance(parameter, click.Argument):
            metavar = parameter.make_metavar(click.Context(command))
            (word, *_) = re.findall("[A-Z]+", metavar)
            assert re.search(rf"\b{word}s?\b", command.help), f"{metavar} is not explained"


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if not isinstance(c, click.Group)])
def test_a_command_occurs_in_a_page_that_a_person_wrote(name: str) -> None:
    short = re.escape(name.removeprefix("urial-tui "))
    assert re.search(rf"(urial-tui |`){short}\b", HAND_WRITTEN)
