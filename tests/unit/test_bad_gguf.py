"""Every file of the corpus of bad GGUFs is an error in words, quickly and in little memory, for whoever looks at it."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support import bad_gguf
from tests.support.bad_gguf import ADAPTER_CASES, CASES, Case, Parts
from tests.support.run_main import Run, ran
from urial_tui.errors import ModelError
from urial_tui.models.adapter_fit import check_adapter
from urial_tui.models.catalog import Catalog
from urial_tui.models.gguf.header import read_header
from urial_tui.models.library import Library
from urial_tui.models.places import Place
from urial_tui.models.token_text import token_texts
from urial_tui.models.vocabulary import compute_fingerprint
from urial_tui.settings import Settings

KINDS = {
    *("is-directory", "not-found", "unreadable", "not-gguf", "gguf-version", "gguf-unsupported"),
    *("gguf-damaged", "gguf-truncated", "split-part", "not-a-model"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return bad_gguf.good_parts(tmp_path_factory.mktemp("good"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home" / "app"))
    return tmp_path / "home"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(ran, capsys)


def test_the_corpus_is_large_and_made_from_a_good_file(good: Parts, tmp_path: Path) -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(case.refused for case in CASES) >= 100
    path = tmp_path / "same.gguf"
    path.write_bytes(good.written())
    assert read_header(path).n_vocab == 512


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_info_says_what_is_wrong_with_a_bad_file(
    case: Case, good: Parts, tmp_path: Path, run: Run
) -> None:
    path = tmp_path / "bad.gguf"
    case.write(path, good)
    code, out, _ = run("models", "info", str(path), "--json")
    told = json.loads(out)
    if not case.refused and "error" in told and not isinstance(told["error"], dict):
        assert (code, told["path"]) == (0, str(path))
        return
    assert code == ModelError.exit_code
    assert told["error"]["kind"] in KINDS
    assert "bad.gguf" in told["error"]["message"]
    assert told["error"]["hint"] or told["error"]["kind"] == "not-gguf"


def test_a_folder_of_bad_files_is_listed_with_what_is_wrong_with_each(
    good: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    refused = {}
    for number, case in enumerate(CASES):
        path = folder / f"bad-{number:03}.gguf"
        case.write(path, good)
        if case.refused and path.is_file():
            refused[path.stem] = case.name
    library = Library([Place(folder, "here")])
    found = {facts.name: facts for facts in Catalog(library, Settings()).facts()}
    usable = [refused[name] for name in refused if not found[name].problem]
    assert usable == []
    assert not any(found[name].is_model for name in refused)
    # What is wrong is remembered, too: a second start reads none of them.
    monkeypatch.setattr("urial_tui.models.index.read_header", lambda path: pytest.fail(str(path)))
    again = {facts.name: facts for facts in Catalog(library, Settings()).facts()}
    assert {name: again[name].problem for name in refused} == {
        name: found[name].problem for name in refused
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_readers_of_the_vocabulary_fail_in_words_too(
    case: Case, good: Parts, tmp_path: Path
) -> None:
    path = tmp_path / "bad.gguf"
    case.write(path, good)
    for read in (compute_fingerprint, lambda file: token_texts(file, ["eos_token", "unk_token"])):
        try:
            read(path)
        except ModelError as error:
            assert "bad.gguf" in error.message


@pytest.mark.parametrize("case", ADAPTER_CASES, ids=lambda case: case.name)
def test_a_bad_adapter_is_refused_before_it_is_loaded(
    case: Case, good: Parts, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(good.written())
    path = tmp_path / "bad.gguf"
    case.write(path, bad_gguf.good_adapter_parts(tmp_path))
    try:
        check_adapter(read_header(path), read_header(model))
    except ModelError as error:
        assert "bad.gguf" in error.message
        assert error.hint
    else:
        assert not case.refused


LIMITED = """
import resource, signal, sys
from pathlib import Path
from urial_tui.errors import ModelError
from urial_tui.models.gguf.header import read_header
from urial_tui.models.vocabulary import compute_fingerprint

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 100 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for name in sorted(Path(sys.argv[1]).iterdir()):
    for read in (read_header, compute_fingerprint):
        signal.setitimer(signal.ITIMER_VIRTUAL, 1.0)  # of processor time; its signal ends the process
        try:
            read(name)
            print(name.name, "read")
        except ModelError as error:
            print(name.name, error.kind)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_no_bad_file_takes_a_second_or_a_hundred_megabytes(good: Parts, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number, case in enumerate(CASES):
        case.write(folder / f"{number:03}.gguf", good)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-300:]
    assert len(done.stdout.splitlines()) == 2 * len(CASES)


def test_a_header_as_large_as_it_may_be_stays_within_the_limits(tmp_path: Path) -> None:
    """Not one of a corpus of small files: as many strings as are stepped over, and as long texts as are kept."""
    path = tmp_path / "bad" / "large.gguf"
    path.parent.mkdir()
    keys = [bad_gguf.Key(b"general.architecture", bad_gguf.TEXT, bad_gguf.string("llama"))]
    keys += [
        bad_gguf.Key(b"general.%d" % number, bad_gguf.TEXT, bad_gguf.string("x" * 4096))
        for number in range(4000)
    ]
    texts = bad_gguf.array(bad_gguf.TEXT, 2_900_000, bytes(8 * 2_900_000))
    keys.append(bad_gguf.Key(b"tokenizer.ggml.tokens", bad_gguf.ARRAY, texts))
    path.write_bytes(Parts(tuple(keys), (), b"").header())
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux's /proc")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path.parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["large.gguf read", "large.gguf no-vocabulary"]
