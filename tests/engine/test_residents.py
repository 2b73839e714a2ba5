"""Stepping down when a device has no memory for the context: no GPU is needed to see it happen."""

import pytest

from urial_tui.engine.protocol import ContextSpec
from urial_tui.engine.worker import residents
from urial_tui.engine.worker.faults import Fault


class FakeModel:
    """Takes as many layers as it is asked for; 999 means its 20."""

    loaded: list[int] = []

    def __init__(self, path: str, layers: int, on_load: object) -> None:
        self.gpu_layers = 20 if layers < 0 else min(layers, 20)
        self.load_s = 1.0
        FakeModel.loaded.append(self.gpu_layers)

    def close(self) -> None:
        pass


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that has memory for the context beside at most 6 layers."""
    FakeModel.loaded = []

    def context(model: FakeModel, **_options: object) -> object:
        if model.gpu_layers > 6:
            raise Fault("context", "no memory")
        return object()

    monkeypatch.setattr(residents, "Model", FakeModel)
    monkeypatch.setattr(residents, "Context", context)
    monkeypatch.setattr(residents, "PrefixCache", lambda *args: None)
    monkeypatch.setattr(residents, "_warm", lambda context: None)
    monkeypatch.setattr(residents, "_key", lambda spec, context: {})


def test_automatic_layers_are_halved_until_the_context_fits(fits: None, tiny) -> None:
    found = residents.Residents(None).get(ContextSpec(str(tiny)))
    assert FakeModel.loaded == [20, 10, 5]
    assert found.model.gpu_layers == 5


def test_layers_that_the_user_chose_are_not_changed(fits: None, tiny) -> None:
    with pytest.raises(Fault, match="no memory"):
        residents.Residents(None).get(ContextSpec(str(tiny), gpu_layers=20))
    assert FakeModel.loaded == [20]
