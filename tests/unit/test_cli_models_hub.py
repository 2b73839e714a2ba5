"""`models search | pull | starters`: what is printed where, as text and as JSON, and how it leaves."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_hub import COMMIT, FakeHub, Fault, model_bytes, serving, usable_bytes
from tests.support.run_main import Run, ran
from tests.support.tinygguf import write_model
from urial_tui import paths
from urial_tui.cli.models import pulling, pulling_report
from urial_tui.models.hub import starters
from urial_tui.models.machine import Memory

REPO = "org/m-GGUF"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    tiny = write_model(tmp_path / "tiny.gguf").read_bytes()
    with serving(tmp_path, monkeypatch) as hub:
        monkeypatch.setattr(pulling_report, "main_memory", lambda: Memory(10**9, 2 * 10**9))
        hub.add(REPO, {"m-Q4_K_M.gguf": tiny, "m-Q8_0.gguf": usable_bytes(900_000, 2)})
        yield hub


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(ran, capsys, "models")


def target(name: str = "m-Q4_K_M.gguf", repo: str = REPO) -> Path:
    return paths.models_dir().joinpath(repo, name)


def error_of(out: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(out)["error"]
    return found


def test_search_lists_what_there_is(hub: FakeHub, run: Run) -> None:
    hub.add("zeta/m2-GGUF", {}, downloads=1_234_567, gated=True)
    code, out, err = run("search", "m")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first.startswith("zeta/m2-GGUF")
    assert "1,234,567 downloads" in first
    assert "gated" in first
    assert second.startswith(REPO)
    assert "apache-2.0" in second
    assert "2025-03-12" in second


def test_search_as_json_has_every_fact(hub: FakeHub, run: Run) -> None:
    code, out, _ = run("search", "m-gguf", "--limit", "5", "--json")
    assert code == 0
    assert json.loads(out) == [
        {
            "repo": REPO,
            "downloads": 1000,
            "likes": 10,
            "gated": False,
            "license": "apache-2.0",
            "base_model": "org/base",
            "updated": "2025-03-12",
        }
    ]


def test_a_search_without_results_says_so_and_is_no_error(hub: FakeHub, run: Run) -> None:
    code, out, err = run("search", "nothing of the kind")
    assert (code, out) == (0, "")
    assert "no GGUF repository" in err
    assert run("search", "nothing of the kind", "--json")[1].strip() == "[]"


def test_hidden_characters_of_the_hub_are_shown(hub: FakeHub, run: Run) -> None:
    hub.repos[REPO].tags = ("gguf", "license:\x1b[31mred\u202e")
    _, out, _ = run("search", "m")
    assert "\x1b" not in out
    assert "␛[31mred" in out
    assert "\u202e" not in out


def test_pull_fetches_the_usual_quantisation_and_says_so(hub: FakeHub, run: Run) -> None:
    code, out, err = run("pull", REPO)
    assert code == 0
    assert "Q4_K_M" in err
    assert "Q8_0" in err
    assert "fits" in err
    assert f"Taking Q4_K_M. To take another one: {REPO}:QUANT" in err
    assert str(target()) in out
    assert "sha256 is the hub's" in out
    assert "In a SIDE it is called m-Q4_K_M" in out
    assert target().read_bytes() == hub.repos[REPO].files["m-Q4_K_M.gguf"]
    assert "\r" not in err  # no progress line where nobody looks


def test_pull_as_json_prints_one_object(hub: FakeHub, run: Run) -> None:
    code, out, err = run("pull", f"{REPO}:q8_0", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found | {"sha256": "", "files": []} == {
        "repo": REPO,
        "commit": COMMIT,
        "quant": "Q8_0",
        "path": str(target("m-Q8_0.gguf")),
        "size": 900_000,
        "sha256": "",
        "files": [],
        "license": "apache-2.0",
        "base_model": "org/base",
        "complete": True,
        "already_there": False,
        "resumed_bytes": 0,
        "fetched_bytes": 900_000,
        "note": "",
        "problem": None,
    }
    (file,) = found["files"]
    assert file["sha256"] == found["sha256"]
    assert len(file["sha256"]) == 64
    assert file["path"] == found["path"]


def test_a_file_that_is_right_but_of_no_use_is_told_as_such(hub: FakeHub, run: Run) -> None:
    hub.add("org/x", {"x-Q8_0.gguf": model_bytes(5000, 3)})
    for _ in range(2):  # also when it is here already
        code, out, err = run("pull", "org/x")
        assert code == 3
        assert str(target("x-Q8_0.gguf", "org/x")) in out
        assert "In a SIDE" not in out
        assert "it cannot be used: " in err
    code, out, _ = run("pull", "org/x", "--json")
    assert code == 3
    found = json.loads(out)
    assert found["complete"] is True
    assert found["problem"]["kind"].startswith("gguf")
    assert found["problem"]["message"]


def test_pull_of_what_is_there_says_so_and_asks_for_no_byte(hub: FakeHub, run: Run) -> None:
    run("pull", REPO)
    hub.requests.clear()
    code, out, _ = run("pull", REPO)
    assert code == 0
    assert "is here already" in out
    assert json.loads(run("pull", REPO, "--json")[1])["already_there"] is True
    assert hub.seen("m-Q4_K_M.gguf") == []


def test_pull_takes_the_only_model_whatever_it_is_called(hub: FakeHub, run: Run) -> None:
    hub.add("org/one", {"model.gguf": usable_bytes(1000), "mmproj-F16.gguf": b"x"})
    code, _, err = run("pull", "org/one")
    assert code == 0
    assert "Taking" not in err
    assert target("model.gguf", "org/one").exists()


def test_pull_asks_for_a_name_when_there_is_no_usual_one(hub: FakeHub, run: Run) -> None:
    hub.add("org/two", {"m-Q2_K.gguf": usable_bytes(1000), "m-Q8_0.gguf": usable_bytes(2000)})
    code, out, err = run("pull", "org/two")
    assert (code, out) == (2, "")
    assert "hint: Name one: org/two:QUANT. It has Q2_K, Q8_0." in err
    code, out, _ = run("pull", "org/two", "--json")
    assert code == 2
    assert error_of(out)["kind"] == "quant-needed"


def test_pull_of_an_unknown_quantisation_lists_what_there_is(hub: FakeHub, run: Run) -> None:
    hub.repos[REPO].files["m-BF16-00001-of-00002.gguf"] = usable_bytes(100)
    code, out, _ = run("pull", f"{REPO}:BF16", "--json")
    assert code == 2
    error = error_of(out)
    assert error["kind"] == "unknown-quant"
    assert "1 of its 2 parts are missing" in error["message"]
    assert "Q4_K_M, Q8_0" in error["hint"] or "Q8_0, Q4_K_M" in error["hint"]


def test_pull_of_a_repository_without_models_says_so(hub: FakeHub, run: Run) -> None:
    hub.add("org/none", {"README.md": b"x", "mmproj-F16.gguf": b"x"})
    code, out, _ = run("pull", "org/none", "--json")
    assert code == 3
    assert error_of(out)["kind"] == "no-quants"


def test_list_fetches_nothing(hub: FakeHub, run: Run) -> None:
    hub.repos[REPO].files["big-F16-00001-of-00002.gguf"] = usable_bytes(100)
    code, out, err = run("pull", REPO, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["Q4_K_M", "Q8_0"]
    assert "parts are missing" in err
    found = json.loads(run("pull", REPO, "--list", "--json")[1])
    assert [quant["quant"] for quant in found["quants"]] == ["Q4_K_M", "Q8_0"]
    assert found["quants"][0]["fits"] == "fits"
    assert "parts are missing" in found["left_out"][0]
    assert hub.seen(".gguf") == []
    assert not paths.models_dir().exists()


def test_a_model_that_does_not_fit_is_fetched_with_a_warning(
    hub: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling_report, "main_memory", lambda: Memory(1000, 1000))
    code, _, err = run("pull", f"{REPO}:Q8_0")
    assert code == 0
    assert "does not fit" in err
    assert target("m-Q8_0.gguf").exists()


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_a_model_that_does_not_fit_is_asked_about(
    hub: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    monkeypatch.setattr(pulling_report, "main_memory", lambda: Memory(1000, 1000))
    for stream in (pulling.sys.stdin, pulling.sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    asked: list[str] = []

    def confirm(text: str, **_options: Any) -> bool:
        asked.append(text)
        return answer

    monkeypatch.setattr(pulling.click, "confirm", confirm)
    assert run("pull", f"{REPO}:Q8_0")[0] == (0 if answer else 1)
    assert target("m-Q8_0.gguf").exists() is answer
    assert len(asked) == 1
    assert run("pull", f"{REPO}:Q8_0", "--yes")[0] == 0
    assert len(asked) == 1


def test_a_starting_point_fetches_both_models(
    hub: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/base-GGUF", {"base-Q4_K_M.gguf": usable_bytes(300_000, 4)})
    hub.add("org/chat-GGUF", {"chat-Q4_K_M.gguf": usable_bytes(400_000, 5)})
    _one_starter(monkeypatch)
    code, out, _ = run("pull", "starter:tiny", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["starter"] == "tiny"
    assert [model["repo"] for model in found["models"]] == ["org/base-GGUF", "org/chat-GGUF"]
    assert all(model["complete"] for model in found["models"])
    assert target("base-Q4_K_M.gguf", "org/base-GGUF").exists()
    assert target("chat-Q4_K_M.gguf", "org/chat-GGUF").exists()
    assert "is here already" in run("pull", "starter:tiny")[1]


def test_a_starting_point_of_which_one_model_fails_says_what_is_here(
    hub: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/base-GGUF", {"base-Q4_K_M.gguf": usable_bytes(300_000, 4)})
    hub.add("org/chat-GGUF", {"chat-Q4_K_M.gguf": usable_bytes(400_000, 5)}, gated=True)
    _one_starter(monkeypatch)
    code, out, _ = run("pull", "starter:tiny", "--json")
    assert code == 3
    found = json.loads(out)
    assert found["error"]["kind"] == "hub-gated"
    assert [model["complete"] for model in found["models"]] == [True, False]
    code, out, err = run("pull", "starter:tiny")
    assert code == 3
    assert "org/base-GGUF:Q4_K_M is here" in out
    assert "is gated" in err


def _one_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    base = starters.StarterModel("base", "org/base-GGUF", "Q4_K_M", 300_000, "MIT")
    chat = starters.StarterModel("chat", "org/chat-GGUF", "Q4_K_M", 400_000, "MIT")
    tiny = starters.Starter("tiny", "Tiny", 8, base, chat, "MIT", "It is small.", "A note.")
    monkeypatch.setattr(starters, "starters", lambda: (tiny,))


def test_an_unknown_starting_point_lists_those_that_there_are(hub: FakeHub, run: Run) -> None:
    code, out, _ = run("pull", "starter:nothing", "--json")
    assert code == 3
    assert error_of(out)["kind"] == "unknown-starter"
    assert starters.starters()[0].id in error_of(out)["hint"]
    assert hub.requests == []


def test_starters_are_listed_without_asking_the_hub(hub: FakeHub, run: Run) -> None:
    code, out, _ = run("starters")
    assert code == 0
    for starter in starters.starters():
        assert starter.id in out
        assert starter.base.repo in out
        assert starter.why in out
    rows = json.loads(run("starters", "--json")[1])
    assert [row["id"] for row in rows] == [starter.id for starter in starters.starters()]
    assert rows[0]["base"]["quant"] == starters.starters()[0].base.quant
    assert hub.requests == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=401, headers={"X-Error-Code": "GatedRepo"}), "hub-gated"),
        (Fault(status=403), "hub-unauthorized"),
        (Fault(status=404), "hub-not-found"),
        (Fault(status=429), "hub-rate-limited"),
        (Fault(status=500), "hub-error"),
    ],
)
def test_each_refusal_leaves_with_3_and_its_kind(
    hub: FakeHub, run: Run, fault: Fault, kind: str
) -> None:
    hub.faults["m-Q4_K_M.gguf"] = fault
    code, out, err = run("pull", REPO, "--json")
    assert (code, err) == (3, "")
    assert error_of(out)["kind"] == kind
    code, _, err = run("pull", REPO)
    assert code == 3
    assert "error: " in err
    assert "hint: " in err
    assert not target().exists()


def test_a_damaged_file_leaves_nothing_under_its_name(hub: FakeHub, run: Run) -> None:
    hub.cdn_faults["m-Q4_K_M.gguf"] = Fault(flip=100_000)
    code, out, _ = run("pull", REPO, "--json")
    assert code == 3
    assert error_of(out)["kind"] == "hub-damaged"
    assert not target().parent.exists()


def test_a_file_that_began_anew_is_told(hub: FakeHub, run: Run) -> None:
    hub.cdn_faults["m-Q8_0.gguf"] = Fault(times=1, drop_after=500_000)
    hub.faults["m-Q8_0.gguf"] = Fault(etag="changes")
    code, out, err = run("pull", f"{REPO}:Q8_0", "--json")
    assert code == 0
    assert json.loads(out)["note"] == ""
    hub.repos[REPO].files["m-Q8_0.gguf"] = usable_bytes(800_000, 9)
    hub.repos[REPO].commit = "e" * 40
    hub.cdn_faults["m-Q8_0.gguf"] = Fault(times=2, drop_after=300_000, ignore_range=True)
    code, _, err = run("pull", f"{REPO}:Q8_0")
    assert code == 0
    assert "note: the hub does not resume" in err


def test_offline_by_a_variable_is_said(
    hub: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for command in (("search", "m"), ("pull", REPO)):
        code, out, _ = run(*command, "--json")
        assert code == 3
        assert error_of(out)["kind"] == "hub-offline"
    assert hub.requests == []


@pytest.mark.parametrize("name", ["m", "../../etc", "", "https://huggingface.co/"])
def test_what_names_no_repository_is_a_usage_error(hub: FakeHub, run: Run, name: str) -> None:
    code, _, err = run("pull", name)
    assert code == 2
    assert "does not name a repository" in err
    assert hub.requests == []


def test_a_revision_is_for_a_repository(hub: FakeHub, run: Run) -> None:
    assert run("pull", REPO, "--revision", COMMIT, "--json")[0] == 0
    assert run("pull", REPO, "--revision", "v9")[0] == 3
    code, _, err = run("pull", f"starter:{starters.starters()[0].id}", "--revision", "main")
    assert code == 2
    assert "--revision" in err
