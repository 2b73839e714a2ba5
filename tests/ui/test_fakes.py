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


OWN = {
    "FakeChat": {
        "add_session", "begin", "called", "compare", "end", "end_trace", "make_ready", "notice",
        "score_tokens", "set_phase", "start_trace", "store_trace", "store_trouble", "stream",
    },
    "FakeDesk": {"begin", "called", "change", "tell"},
    "FakeJudging": {"called", "material"},
    "FakeExports": set(),
}  # fmt: skip
"""What tests ask of a fake, and no interface does. All else has to be there in the real thing."""
MADE_BY_INIT = {"messages"}
"""Properties of a fake that are plain attributes of the real thing."""


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


@pytest.mark.parametrize(("fake", "real"), PAIRS, ids=lambda kind: kind.__name__)
def test_what_a_fake_offers_the_real_thing_has(fake: type, real: type) -> None:
    offered = {name for name in dir(fake) if not name.startswith("_")}
    assert {name for name in offered if not hasattr(real, name)} - MADE_BY_INIT == OWN[
        fake.__name__
    ]
