"""A data set by name: fetched once and kept with its commit, offline afterwards; which file it is; what goes wrong."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_hub import COMMIT, FakeHub, FakeRepo, Fault, serving
from urial_tui import paths
from urial_tui.errors import UrialError, UsageError
from urial_tui.models.hub import datasets
from urial_tui.models.hub.datasets import dataset_file, dataset_name
from urial_tui.models.hub.types import HubFile

REPO = "re-align/just-eval-instruct"
ROWS = b"".join(
    json.dumps({"id": n, "instruction": f"Question {n}?"}).encode() + b"\n" for n in range(5000)
)
NAME = "test_all_with_tags.jsonl"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def repo(hub: FakeHub) -> FakeRepo:
    return hub.add(f"datasets/{REPO}", {"README.md": b"#", "test_all.jsonl": b"{}", NAME: ROWS})


def fails(kind: str, name: str = REPO, file: str = "") -> UrialError:
    with pytest.raises(UrialError) as error:
        dataset_file(name, file)
    assert error.value.kind == kind, error.value
    assert error.value.hint
    return error.value


def test_a_data_set_is_fetched_once_and_read_offline_afterwards(
    hub: FakeHub, repo: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    found = dataset_file(REPO, on_bytes=lambda done, total: seen.append((done, total)))
    assert (found.repo, found.commit, found.path, found.fetched) == (REPO, COMMIT, NAME, True)
    assert found.file.read_bytes() == ROWS
    assert found.file.is_relative_to(paths.cache_dir())
    assert stat.S_IMODE(found.file.stat().st_mode) == 0o600
    assert seen[-1] == (len(ROWS), len(ROWS))
    asked = len(hub.requests)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    again = dataset_file(REPO)
    assert (again.file, again.sha256, again.fetched) == (found.file, found.sha256, False)
    assert dataset_file(REPO, NAME).file == found.file
    assert len(hub.requests) == asked


def test_a_kept_file_stays_until_it_is_asked_for_anew(hub: FakeHub, repo: FakeRepo) -> None:
    first = dataset_file(REPO)
    repo.files[NAME], repo.commit = b'{"instruction": "New?"}\n', "f" * 40
    assert dataset_file(REPO).sha256 == first.sha256
    newer = dataset_file(REPO, refresh=True)
    assert (newer.commit, newer.file.read_bytes()) == ("f" * 40, repo.files[NAME])


def test_a_file_that_changed_on_disk_is_fetched_again(hub: FakeHub, repo: FakeRepo) -> None:
    path = dataset_file(REPO).file
    path.write_bytes(ROWS.replace(b"Question 7?", b"Question 8?"))
    assert dataset_file(REPO).fetched
    assert path.read_bytes() == ROWS


def test_a_named_file_does_not_become_the_one_without_a_name(hub: FakeHub, repo: FakeRepo) -> None:
    assert dataset_file(REPO, "test_all.jsonl").path == "test_all.jsonl"
    assert dataset_file(REPO).path == NAME


def test_offline_and_not_here_says_to_give_the_file(
    hub: FakeHub, repo: FakeRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    error = fails("hub-offline")
    assert "--input FILE" in error.hint
    assert hub.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "--input FILE" in fails("hub-unreachable").hint


def test_refusals_of_the_hub_are_in_words(hub: FakeHub, repo: FakeRepo) -> None:
    assert "no data set org/none" in fails("hub-not-found", "org/none").message
    repo.gated = True
    assert f"/datasets/{REPO}" in fails("hub-gated").hint
    repo.gated = False
    hub.faults[f"/api/datasets/{REPO}"] = Fault(status=500)
    assert fails("hub-error").message


def test_a_connection_that_breaks_is_taken_up_again(hub: FakeHub, repo: FakeRepo) -> None:
    hub.cdn_faults[NAME] = Fault(times=2, drop_after=100_000)
    assert dataset_file(REPO).file.read_bytes() == ROWS
    assert len(hub.ranges(NAME)) == 3
    assert hub.ranges(NAME)[1].startswith("bytes=")


def test_other_bytes_than_were_listed_are_refused_and_not_kept(
    hub: FakeHub, repo: FakeRepo
) -> None:
    hub.cdn_faults[NAME] = Fault(flip=100)
    fails("hub-damaged")
    hub.cdn_faults[NAME] = Fault(body=b"<html>log in" + b" " * len(ROWS))
    fails("hub-damaged")
    assert not list(datasets.folder().rglob("*.jsonl"))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["test.jsonl", "test_all.jsonl", NAME], NAME),
        (["train.jsonl", "test_all.jsonl", "test_safe.jsonl"], "test_all.jsonl"),
        (["alpaca_eval.json", "alpaca_eval_gpt4.json", "comparisons.csv"], "alpaca_eval.json"),
        (["data/question.jsonl", "model_answer/x.jsonl"], "data/question.jsonl"),
        (["README.md", "only.csv", ".gitattributes", "dataset_infos.json"], "only.csv"),
    ],
)
def test_which_file_is_taken(files: list[str], expected: str) -> None:
    listed = [HubFile(path, 10) for path in files]
    assert datasets.chosen("tatsu-lab/alpaca_eval", listed).path == expected


@pytest.mark.parametrize(
    "files", [["a.csv", "b.csv"], ["data.parquet"], ["../x.json", "C:/y.json"]]
)
def test_an_unclear_file_has_to_be_named(files: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        datasets.chosen("o/n", [HubFile(path, 10) for path in files])
    assert error.value.kind == "dataset-file"
    assert ".." not in error.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REPO, (REPO, "")),
        (f"https://huggingface.co/datasets/{REPO}", (REPO, "")),
        (f"{REPO}:a/b.json", (REPO, "a/b.json")),
        ("data/rows.jsonl", None),
        ("rows", None),
        ("/a/b", None),
        ("../b/c", None),
    ],
)
def test_names_of_data_sets(text: str, expected: tuple[str, str] | None) -> None:
    assert dataset_name(text) == expected
