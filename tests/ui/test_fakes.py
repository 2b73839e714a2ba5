"""The interface is written against the real classes, which mypy holds; its tests' fakes are called the same way."""

import inspect
from typing import Any

import pytest

from tests.support.fake_chat import FakeChat
from tests.support.fake_desk import FakeDesk
from tests.support.fake_judging import FakeJudging
from tests.ui.test_export_dialog import FakeExports
from urial_tui.chat.chat import Chat
from urial_tui.exchange.exporting import ExportDesk
from urial_tui.judge.desk import JudgeDesk
from urial_tui.models.desk import ModelDesk

PAIRS = [
    (FakeChat, Chat),
    (FakeDesk, ModelDesk),
    (FakeJudging, JudgeDesk),
    (FakeExports, ExportDesk),
]


def called(method: Any) -> list[tuple[str, Any, bool]]:
    """How a method is called: name, kind and whether it may be left out of each parameter."""
    parameters = inspect.signature(method).parameters.values()
    return [(one.name, one.kind, one.default is one.empty) for one in parameters]


@pytest.mark.parametrize(("fake", "real"), PAIRS, ids=lambda kind: kind.__name__)
def test_a_fake_is_called_as_the_real_thing_is(fake: type, real: type) -> None:
    shared = [
        name
        for name, method in inspect.getmembers(fake, inspect.isfunction)
        if not name.startswith("_") and inspect.isfunction(getattr(real, name, None))
    ]
    assert shared
    for name in shared:
        ours, theirs = getattr(fake, name), getattr(real, name)
        assert called(ours) == called(theirs), name
        assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(theirs), name
