"""`doctor --pair` measures two sides on this machine, and the plain doctor tells what was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import tinygguf
from tests.support.scripted_engine import CPU_DEVICE
from tests.support.scripted_scoring import Scoring, ScoringEngine
from urial_tui import paths, services
from urial_tui.chat.noise import Measurements
from urial_tui.cli.common import engine_access
from urial_tui.engine.protocol import ContextSpec, Description, Measured
from urial_tui.main import main

Said = tuple[int, str, str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    described = Description(1, "0.3.36", "AVX2 = 1", False, (CPU_DEVICE,), (), ("CPU",))
    monkeypatch.setattr(engine_access, "describe", lambda: described)


@pytest.fixture
def scoring() -> Scoring:
    return Scoring()


@pytest.fixture
def engine(scoring: Scoring, monkeypatch: pytest.MonkeyPatch) -> ScoringEngine:
    engine = ScoringEngine(scoring=scoring)
    monkeypatch.setattr(services, "EngineClient", lambda **_options: engine)
    return engine


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> Said:
    with pytest.raises(SystemExit) as left:
        main(["doctor", *arguments])
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, out, err


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    one = tinygguf.write_model(tmp_path / "one.gguf")
    other = tinygguf.write_model(tmp_path / "other.gguf", seed=8)
    return [f"{one}@raw", f"{other}@zero-shot"]


def test_a_pair_is_measured_and_kept(
    engine: ScoringEngine, two: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = doctor(capsys, "--json", "--pair", *two)
    report = json.loads(out)
    assert (code, report["ok"]) == (0, True)
    pair = report["pair"]
    assert [pair[role]["side"] for role in ("generator", "reference")] == two
    assert (pair["generator"]["noise"], pair["generator"]["null_rate"]) == (0.25, 0.0)
    assert pair["vocabulary"]["n_common"] == 512
    assert [c["status"] for c in report["checks"]] == ["ok", "warn", "ok", "ok", "ok", "ok"]
    assert len(engine.measured) == 2
    assert engine.closed
    code, out, _ = doctor(capsys, "--json")
    noise = [c for c in json.loads(out)["checks"] if c["name"].startswith("noise of")]
    assert [c["name"] for c in noise] == ["noise of one", "noise of other"]
    assert all(c["detail"].startswith("0.25 nats") for c in noise)


def test_one_model_in_two_styles_is_measured_once(
    engine: ScoringEngine, two: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = doctor(capsys, "--pair", two[0], two[0].replace("@raw", "@same"))
    assert code == 0
    assert len(engine.measured) == 1
    assert "0.0% of 256 tokens are not unshifted" in out


def test_vocabularies_that_differ_are_a_failure(
    engine: ScoringEngine, scoring: Scoring, two: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    scoring.differing = True
    code, out, _ = doctor(capsys, "--json", "--pair", *two)
    report = json.loads(out)
    assert (code, report["ok"]) == (1, False)
    assert report["pair"]["vocabulary"]["compatible"] is False
    assert "id 17" in report["checks"][0]["detail"]


def test_a_model_that_is_not_itself_is_a_failure(
    engine: ScoringEngine,
    two: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def measure(*_: Any) -> Measured:
        return Measured(1, 0.25, 0.1, 0.1, 0.02, 256, 1.0)

    monkeypatch.setattr(engine, "measure", measure)
    code, out, _ = doctor(capsys, "--pair", *two)
    assert code == 1
    assert "2.0% of 256 tokens are not unshifted" in out


def test_a_side_that_is_not_there_is_an_error(
    engine: ScoringEngine, two: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = doctor(capsys, "--json", "--pair", "nowhere.gguf", two[1])
    assert (code, "nowhere.gguf" in json.loads(out)["error"]["message"]) == (3, True)


def test_what_was_measured_of_another_file_is_not_told(tmp_path: Path, two: list[str]) -> None:
    kept = Measurements(paths.measurements_file(), "1")
    model, _, _ = two[0].rpartition("@")
    kept.put(ContextSpec(model, two[1].rpartition("@")[0], 0.5), Measured(1, 0.1, 0, 0, 0, 9, 1.0))
    assert [(m, a) for m, a, _ in kept.known()] == [(model, two[1].rpartition("@")[0])]
    assert Measurements(paths.measurements_file(), "2").known() == []
    Path(model).write_bytes(b"another")
    assert kept.known() == []
