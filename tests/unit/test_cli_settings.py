"""`urial-tui settings` on a file with keys and values that cannot be used: it is the way out, so it works there."""

import json
import re
import shlex
import tomllib
from functools import partial
from pathlib import Path

import pytest

from tests.support.run_main import Run, ran


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def file(home: Path) -> Path:
    path = home / "config" / "settings.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(ran, capsys)


WRONG = '# mine\nn_ctx = "many"\nfoo = 3\nn_batch = 128\n\n[sampling]\ntop_k = 4\nzip = 1\n'


def test_show_lists_what_counts_and_names_what_is_wrong(run: Run, file: Path) -> None:
    file.write_text(WRONG)
    code, out, err = run("settings", "show")
    assert code == 1
    lines = {line.split()[0]: line.split()[1:3] for line in out.splitlines()}
    assert lines["n_batch"] == ["file", "128"] and lines["sampling.top_k"] == ["file", "4"]
    assert lines["n_ctx"] == ["default", "4096"]
    for words in ("line 2: n_ctx must be", "line 3: there is no setting 'foo'", "line 8"):
        assert words in err
    assert "`urial-tui settings unset KEY`" in err
    assert run("settings", "path")[0] == 0


def test_show_has_what_is_wrong_in_its_json_too(
    run: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(WRONG)
    monkeypatch.setenv("URIAL_TUI_N_THREADS", "lots")
    code, out, err = run("settings", "show", "--json")
    assert (code, err) == (1, "")
    told = json.loads(out)
    assert told["n_batch"] == {"value": 128, "from": "file", "variable": "URIAL_TUI_N_BATCH"}
    assert (told["n_ctx"]["value"], told["n_ctx"]["from"]) == (4096, "default")
    assert "line 2" in told["n_ctx"]["problems"][0]
    assert "URIAL_TUI_N_THREADS" in told["n_threads"]["problems"][0]
    assert "line 3" in told["foo"].pop("problems")[0]
    assert told["foo"] == {"value": None, "from": "file", "variable": None}
    assert told["keymap"]["problems"] == []


def test_the_hint_of_an_unknown_key_names_the_command_that_takes_it_out(
    run: Run, file: Path
) -> None:
    for text in ("foo = 3\n", '"a b" = 1\n', "[bar]\nx = 1\n", "[empty]\n", "-x = 1\n"):
        file.write_text(text + "# mine\n[sampling]\ntop_k = 4\n")
        code, _, err = run("models", "list")
        assert code == 2
        (advised,) = re.findall(r"`urial-tui (settings unset .*?)`", err)
        code, out, err = run(*shlex.split(advised))
        assert (code, err) == (0, "") and "no setting" in out
        assert tomllib.loads(file.read_text()) == {"sampling": {"top_k": 4}}
        assert "# mine" in file.read_text() or text.startswith("[")
        assert run("settings", "show")[0] == 0


def test_both_ways_out_of_a_wrong_value_that_the_hint_names_work(run: Run, file: Path) -> None:
    for text, key, value in (
        ("n_ctx = 'many'\nn_batch = 128\n", "n_ctx", "8192"),
        ("n_batch = 128\n[sampling]\ntop_k = -1\n", "sampling.top_k", "9"),
        ("keymap = 3\nn_batch = 128\n", "keymap", "{'chat.board' = 'f11'}"),
        ("n_batch = 128\n[keymap]\n'chat.board' = 3\n", "keymap", "{'chat.board' = 'f11'}"),
    ):
        for done in ("set", "unset"):
            file.write_text(text)
            _, _, err = run("models", "list")
            assert f"`urial-tui settings {done} {key}" in err
            code, _, err = run("settings", done, key, *([value] if done == "set" else []))
            assert (code, err) == (0, "")
            told = json.loads(run("settings", "show", "--json")[1])
            assert told[key]["from"] == ("file" if done == "set" else "default")
            assert told["n_batch"]["value"] == 128


def test_a_wrong_key_of_the_keymap_is_taken_out_alone(run: Run, file: Path) -> None:
    file.write_text("[keymap]\n'chat.board' = 3\n'chat.new' = 'ctrl+y' # mine\nchat.side = 'f9'\n")
    code, _, err = run("settings", "unset", "keymap.chat.board")
    assert code == 0 and "keymap must be" in err  # what is left is not right either
    code, out, err = run("settings", "unset", "keymap.chat.side")
    assert (code, out, err) == (0, 'keymap = {"chat.new": "ctrl+y"}\n', "")
    assert "# mine" in file.read_text()


def test_unset_says_what_is_still_wrong(run: Run, file: Path) -> None:
    file.write_text("foo = 3\nbar = 4\n")
    code, _, err = run("settings", "unset", "foo")
    assert code == 0 and "'bar'" in err and "settings unset bar" in err and "foo" not in err
    assert err.startswith("note: the file still has a mistake: ")


def test_unset_takes_no_table_of_settings_out_and_nothing_that_is_not_there(
    run: Run, file: Path
) -> None:
    text = "[sampling]\ntop_k = 4\nzip = 1\n[bar]\nx = 1\n[bar.y]\nz = 1\n"
    file.write_text(text)
    for key in ("sampling", "foo", "ba", "sampling.zi"):
        code, _, err = run("settings", "unset", key)
        assert code == 2 and "no setting" in err
    assert file.read_text() == text
    run("settings", "unset", "bar")
    run("settings", "unset", "sampling.zip")
    assert file.read_text() == "[sampling]\ntop_k = 4\n"


def test_nothing_is_set_while_something_else_is_wrong(run: Run, file: Path) -> None:
    file.write_text("foo = 3\n")
    code, _, err = run("settings", "set", "n_ctx", "8192")
    assert code == 2 and "`urial-tui settings unset foo`" in err
    assert file.read_text() == "foo = 3\n"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("side", "demo@@", "side must be a side"),
        ("judge", "demo@@", "judge must be a side"),
        ("references", '["demo@raw", "demo@@"]', "and 'demo@@' is none"),
        ("pack", "nope", "there is no pack 'nope'"),
        ("pack", "chat", "needs a model or an adapter"),
        ("side", "demo@nope", "there is no pack 'nope'"),
        ("side", "demo@same", "is for references only"),
        ("judge", "nobody+x@nope", "there is no pack 'nope'"),
        ("references", "demo@raw, demo@nope", "there is no pack 'nope'"),
    ],
)
def test_a_side_that_cannot_be_read_and_a_style_that_is_not_there_are_not_set(
    run: Run, file: Path, key: str, value: str, words: str
) -> None:
    code, out, err = run("settings", "set", key, value)
    assert (code, out) == (2, "")
    assert words in err and "hint: " in err
    assert not file.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pack", "urial-brief"),
        ("pack", "raw"),
        ("side", "nobody"),
        ("side", "nobody+x:0.5@chat"),
        ("judge", "nobody@urial-brief"),
        ("judge", ""),
        ("references", "demo@same, nobody@zero-shot, nobody@chat"),
        ("references", "[]"),
    ],
)
def test_a_style_that_is_there_is_set_and_no_model_is_looked_for(
    run: Run, file: Path, key: str, value: str
) -> None:
    code, _, err = run("settings", "set", key, value)
    assert (code, err) == (0, "")


def test_a_side_in_the_file_that_cannot_be_read_is_named_with_file_and_key(
    run: Run, file: Path
) -> None:
    for text in ("side = 'demo@@'\n", "judge = 'demo@@'\n", "references = ['demo@@']\n"):
        file.write_text(text)
        key = text.partition(" ")[0]
        code, _, err = run("ask", "hi")
        assert code == 2
        assert f"{file}, line 1: {key} must be" in err
        assert f"`urial-tui settings set {key} VALUE` corrects it" in err


def test_a_pack_or_style_of_the_settings_that_is_not_there_is_told_with_its_key(
    run: Run, file: Path
) -> None:
    for key, value in (("pack", "nope"), ("side", "demo@nope")):
        file.write_text(f'{key} = "{value}"\n')
        for command in ("ask", "prompt"):
            code, _, err = run(command, "hi")
            assert code == 2
            assert "there is no pack 'nope'" in err
            assert err.rstrip().endswith(f"Or change `{key}` in the settings.")
            _, _, err = run(command, "--pack", "nono", "hi")
            assert "there is no pack 'nono'" in err and "in the settings" not in err
