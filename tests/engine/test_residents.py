"""Whose weights a context takes, and stepping down when a device has no memory: no GPU is needed to see it happen."""

from pathlib import Path
from typing import Any

import pytest

from urial_tui.engine.protocol import ContextSpec
from urial_tui.engine.worker import residents
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.residents import Residents


class FakeModel:
    """A model of 19 layers and an output: it takes as many as it is asked for."""

    loaded: list[int] = []
    closed: list[int] = []

    def __init__(self, path: str, layers: int, on_load: object, **options: Any) -> None:
        self.n_layers = 19
        self.gpu_layers = 20 if layers < 0 else min(layers, 20)
        self.load_s = 1.0
        self.options = options
        FakeModel.loaded.append(self.gpu_layers)

    def close(self) -> None:
        FakeModel.closed.append(self.gpu_layers)


class FakeContext:
    """A context for which the device has memory beside at most `room` layers."""

    room = 99
    refusal = "memory"

    def __init__(self, model: FakeModel, **_options: object) -> None:
        if model.gpu_layers > FakeContext.room:
            raise Fault(FakeContext.refusal, "no memory")

    def warm(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeModel.loaded, FakeModel.closed = [], []
    monkeypatch.setattr(FakeContext, "room", 99)
    monkeypatch.setattr(FakeContext, "refusal", "memory")
    monkeypatch.setattr(residents, "Model", FakeModel)
    monkeypatch.setattr(residents, "Context", FakeContext)
    monkeypatch.setattr(residents, "PrefixCache", lambda *args: None)
    monkeypatch.setattr(residents, "gpus", lambda main_gpu: ())
    monkeypatch.setattr(residents, "first_layers", lambda spec, devices: spec.gpu_layers)
    monkeypatch.setattr(residents, "_key", lambda spec, context: {})


def test_automatic_layers_become_a_quarter_of_the_model_fewer_until_the_context_fits(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeContext, "room", 6)
    found = Residents(None).get(ContextSpec(str(tiny)))
    assert FakeModel.loaded == [20, 15, 10, 5]
    assert FakeModel.closed == [20, 15, 10]
    assert found.model.gpu_layers == 5


def test_a_context_that_never_fits_ends_on_the_cpu_and_then_says_so(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeContext, "room", -1)
    with pytest.raises(Fault, match="no memory"):
        Residents(None).get(ContextSpec(str(tiny)))
    assert FakeModel.loaded == [20, 15, 10, 5, 0]


def test_layers_that_the_user_chose_are_not_changed(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeContext, "room", 6)
    with pytest.raises(Fault, match="no memory"):
        Residents(None).get(ContextSpec(str(tiny), gpu_layers=20))
    assert FakeModel.loaded == [20]


def test_a_context_that_is_refused_for_another_reason_is_not_tried_again(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeContext, "room", 6)
    monkeypatch.setattr(FakeContext, "refusal", "context")
    with pytest.raises(Fault):
        Residents(None).get(ContextSpec(str(tiny)))
    assert FakeModel.loaded == [20]


def test_weights_that_a_generator_uses_stay_when_a_reference_finds_no_memory(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Residents(None)
    generator = found.get(ContextSpec(str(tiny)))
    monkeypatch.setattr(FakeContext, "room", 6)
    with pytest.raises(Fault, match="no memory"):
        found.get(ContextSpec(str(tiny), slot="reference-0"))
    assert FakeModel.loaded == [20] and FakeModel.closed == []
    assert found.get(ContextSpec(str(tiny))) is generator


def test_a_reference_shares_the_generator_s_weights_whatever_layers_it_asks_for(tiny: Path) -> None:
    found = Residents(None)
    generator = found.get(ContextSpec(str(tiny), gpu_layers=20))
    for number, layers in enumerate((0, 7, -1)):
        spec = ContextSpec(str(tiny), gpu_layers=layers, slot=f"reference-{number}")
        assert found.get(spec).model is generator.model
        assert found.get(spec).shared
    assert not generator.shared
    assert FakeModel.loaded == [20]


def test_a_generator_gets_its_own_layers_and_references_come_back_on_its_weights(
    tiny: Path,
) -> None:
    found = Residents(None)
    reference = ContextSpec(str(tiny), gpu_layers=0, slot="reference-0")
    found.get(reference)
    generator = found.get(ContextSpec(str(tiny), gpu_layers=20))
    assert (FakeModel.loaded, FakeModel.closed) == ([0, 20], [0])
    assert found.get(reference).model is generator.model
    found.close(ContextSpec(str(tiny), gpu_layers=20))
    assert FakeModel.closed == [0]
    found.close(reference)
    assert FakeModel.closed == [0, 20]


def test_another_context_size_of_the_generator_takes_the_same_weights(tiny: Path) -> None:
    found = Residents(None)
    first, second = (found.get(ContextSpec(str(tiny), n_ctx=n)) for n in (256, 512))
    assert first.model is second.model and first is not second


def test_options_that_exclude_each_other_are_refused_before_anything_is_loaded(
    tiny: Path,
) -> None:
    for spec, words in (
        (ContextSpec(str(tiny), kv_type="q8_0", flash_attention="off"), "needs flash attention"),
        (ContextSpec(str(tiny), kv_type="q2_K"), "no KV cache type"),
        (ContextSpec(str(tiny), flash_attention="maybe"), "flash attention cannot be"),
        (ContextSpec(str(tiny), n_batch=8), "batch of 8"),
    ):
        with pytest.raises(Fault, match=words) as caught:
            Residents(None).get(spec)
        assert (caught.value.kind, bool(caught.value.hint)) == ("options", True)
    assert FakeModel.loaded == []
