"""The chat screen is made of parts: each command is one part's business, and one part gives the focus."""

import ast
from collections import Counter
from pathlib import Path

import urial_tui.ui.chat
from tests.ui.driving import make_app
from urial_tui.ui.chat.part import Part
from urial_tui.ui.commands import CHAT_COMMANDS

FOLDER = Path(urial_tui.ui.chat.__file__).parent


def parts_of(screen: object) -> list[Part]:
    return [one for one in vars(screen).values() if isinstance(one, Part)]


async def test_every_command_of_the_chat_is_the_business_of_one_part():
    screen = make_app().chat_screen
    given = Counter(action for part in parts_of(screen) for action in part.actions())
    wanted = {c.action for c in CHAT_COMMANDS if not c.action.startswith("app.")}
    assert given == Counter(wanted)
    for action in wanted:
        assert callable(getattr(screen, f"action_{action}")), action


def test_only_the_owner_of_the_focus_gives_it_to_a_widget():
    def gives(tree: ast.AST) -> list[int]:
        return [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("focus", "set_focus")
        ]

    found = {path.name: gives(ast.parse(path.read_text("utf-8"))) for path in FOLDER.glob("*.py")}
    assert found.pop("focus.py")
    assert {name: lines for name, lines in found.items() if lines} == {}
