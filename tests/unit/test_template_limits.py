"""Malicious chat templates: each ends in a typed error within seconds and changes nothing."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.packs import turns
from urial_tui.errors import PromptError
from urial_tui.prompts import templates
from urial_tui.prompts.templates import WALL_S, ChatTemplate
from urial_tui.prompts.types import Turn

BROKEN, MEMORY, TIME, OUTPUT = (
    "template-broken",
    "template-memory",
    "template-time",
    "template-output",
)

ATTACKS = {
    "class": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", {BROKEN}),
    "globals": ("{{ cycler.__init__.__globals__.os.system('touch PLACE') }}", {BROKEN}),
    "builtins": ("{{ raise_exception.__globals__['__builtins__'] }}", {BROKEN}),
    "attr": ("{{ (''|attr('__class__')|attr('__mro__'))[0].x }}", {BROKEN}),
    "format": ("{{ '{0.__class__.__init__.__globals__}'.format(raise_exception) }}", {BROKEN}),
    "item": ("{{ messages['__class__']['__init__'].x }}", {BROKEN}),
    "clock": ("{{ strftime_now.__self__.__class__.mro }}", {BROKEN}),
    "change": ("{% set x = messages.append(1) %}", {BROKEN}),
    "import": ("{% import 'os' as os %}{{ os.system('touch PLACE') }}", {BROKEN}),
    "include": ("{% include '/etc/passwd' %}", {BROKEN}),
    "extends": ("{% extends '/etc/passwd' %}", {BROKEN}),
    "open": ("{{ open('PLACE', 'w') }}", {BROKEN}),
    "range": ("{% for i in range(10**10) %}{% endfor %}", {BROKEN}),
    "loops": (
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        {TIME},
    ),
    "power": ("{{ 10**(10**10) }}", {TIME, MEMORY}),
    "string": ("{{ 'a' * 10**9 }}", {MEMORY}),
    "measured string": ("{{ ('a' * 10**9) | length }}", {MEMORY}),
    "list": ("{{ [1] * 10**9 }}", {MEMORY}),
    "doubling": (
        "{% set ns = namespace(s='aaaaaaaaaa') %}{% for i in range(60) %}"
        "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        {MEMORY, TIME},
    ),
    "width": ("{{ '%99999999999d' % 1 }}", {MEMORY, BROKEN}),
    "recursion": ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", {BROKEN}),
    "nesting": ("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}", {BROKEN}),
    "unary": ("{{ " + "-" * 100_000 + "1 }}", {BROKEN}),
    "output": ("{% for i in range(99999) %}{{ 'a' * 1000 }}{% endfor %}", {OUTPUT}),
}


def attack(text: str) -> PromptError:
    made = ChatTemplate.of("{{ messages[0].content }}" + text, {}, datetime(2024, 1, 1))
    with pytest.raises(PromptError) as caught:
        made.render(turns("Hi"))
    return caught.value


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the processes that were started for templates."""
    ids: list[int] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **more: object) -> None:
            super().__init__(*arguments, **more)  # type: ignore[call-overload]
            ids.append(self.pid)

    monkeypatch.setattr(templates.subprocess, "Popen", Noted)
    return ids


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_a_typed_error_and_has_no_effect(
    name: str, tmp_path: Path, started: list[int]
) -> None:
    text, kinds = ATTACKS[name]
    place = tmp_path / "place"
    begin = time.monotonic()
    error = attack(text.replace("PLACE", str(place)))
    assert error.kind in kinds, error.message
    assert time.monotonic() - begin < 2 * WALL_S
    assert not place.exists()
    assert len(started) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_a_template_that_sleeps_past_the_clock_is_ended(
    monkeypatch: pytest.MonkeyPatch, started: list[int]
) -> None:
    monkeypatch.setattr(templates, "WALL_S", 0.2)
    monkeypatch.setattr(templates, "_START", "import time; time.sleep(60)")
    assert attack("").kind == TIME
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


@pytest.mark.parametrize(
    "code",
    ["", "print('nonsense')", "print('[1]')", "print('{\"spans\": 3}')", "import os; os.abort()"],
)
def test_a_process_that_answers_nonsense_is_a_broken_template(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(templates, "_START", code)
    assert attack(f"{{# {code!r} #}}").kind == BROKEN


def test_the_process_knows_nothing_of_the_users_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "jinja2.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    text = ChatTemplate.of("{{ messages[0].content }}", {}, datetime(2024, 1, 1))
    assert text.render([Turn("user", "environment")]).text == "environment"
    code = (
        "import json, os; print(json.dumps({'error': {'kind': 'x', 'message': str(os.environ)}}))"
    )
    monkeypatch.setattr(templates, "_START", code)
    said = attack("{# environment #}").message
    assert "environ" in said
    assert "secret" not in said and "PYTHON" not in said


def test_no_template_is_compiled_in_this_process() -> None:
    code = (
        "import sys\n"
        "from datetime import datetime\n"
        "from urial_tui.prompts.templates import ChatTemplate\n"
        "from urial_tui.prompts.types import Turn\n"
        "made = ChatTemplate.of('{{ messages[0].content }}', {}, datetime(2024, 1, 1))\n"
        "print(made.render([Turn('user', 'x')]).text, 'jinja2' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["x", "False"]
