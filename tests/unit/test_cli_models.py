"""`urial-tui models`: lists, details, pairs, folders, removal and verification, as text and as JSON."""

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from tests.support import tinygguf
from tests.support.run_main import Run, ran
from urial_tui import paths
from urial_tui.cli.models.command import models
from urial_tui.main import cli
from urial_tui.models.hub.origin import Origin, write_origin
from urial_tui.settings import load_settings


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's own folder, with a base model, a tuned one, an adapter and a broken file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "home" / "data" / "models"
    folder.mkdir(parents=True)
    chat = tinygguf.CHATML
    tinygguf.write_model(folder / "fam.gguf", name="evil \x1b[2J name")
    tinygguf.write_model(folder / "fam-instruct.gguf", seed=1, chat_template=chat)
    tinygguf.write_model(folder / "other.gguf", changed_tokens={300: "giraffe"})
    tinygguf.write_adapter(folder / "tune.gguf", chat_template=chat)
    (folder / "broken.gguf").write_bytes(b"GGUF")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_main(*args: str) -> tuple[int, str, str]:
        code, out, err = ran(capsys, "models", *args)
        assert "\x1b" not in out + err
        return code, out, err

    return run_main


def told(run: Run, *args: str) -> Any:
    code, out, _ = run(*args, "--json")
    assert code == 0, out
    return json.loads(out)


def fetched(path: Path, sha256: str | None = None) -> None:
    write_origin(
        path,
        Origin(
            repo="org/x",
            commit="c" * 40,
            path=path.name,
            size=path.stat().st_size,
            sha256=sha256 or hashlib.sha256(path.read_bytes()).hexdigest(),
            checked=True,
        ),
    )


# --- help ---------------------------------------------------------------------------------------------------------


def test_every_command_and_option_is_described() -> None:
    context = click.Context(models)
    assert models.list_commands(context) == [
        *("list", "info", "pairs", "starters", "search", "pull", "add", "remove", "verify"),
    ]
    for name in models.list_commands(context):
        command = models.get_command(context, name)
        assert command is not None
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (name, parameter.name)
        assert any("--json" in parameter.opts for parameter in command.params), name


def test_the_shell_completes_names() -> None:
    shell = ShellComplete(cli, {}, "urial-tui", "_URIAL_TUI_COMPLETE")
    for command in ("info", "pairs", "remove", "verify"):
        found = [item.value for item in shell.get_completions(["models", command], "FA")]
        assert found == ["fam", "fam-instruct"], command


# --- list ---------------------------------------------------------------------------------------------------------


def test_the_list_has_models_adapters_and_what_cannot_be_used_apart(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    heads = [out.index(head) for head in ("Models\n", "\nAdapters\n", "\nCannot be used\n")]
    assert heads == sorted(heads)
    assert heads[0] < out.index("fam-instruct") < heads[1] < out.index("tune") < heads[2]
    assert out.index("broken") > heads[2]
    assert "llama 100K F32 512 ctx chat  (models folder)" in out
    assert "for llama models" in out
    assert "for gemma3 models" in out


def test_the_list_can_be_narrowed_to_a_kind(run: Run) -> None:
    names = {kind: {row["name"] for row in told(run, "list", "--kind", kind)} for kind in KINDS}
    assert names["adapter"] == {"tune", "demo+sft"}
    assert names["model"] == {"demo", "fam", "fam-instruct", "other"}
    assert names["all"] == {*names["adapter"], *names["model"], "broken"}


KINDS = ("all", "model", "adapter")


def test_the_list_as_json_has_every_fact(run: Run, own: Path) -> None:
    rows = {row["name"]: row for row in told(run, "list")}
    row = rows["fam-instruct"]
    assert row["path"] == str(own / "fam-instruct.gguf")
    assert (row["role"], row["role_reason"]) == ("chat", '"instruct" in its name')
    assert (row["vocabulary"], row["vocabulary_fingerprint"], row["sha256"]) == (512, None, None)
    assert rows["fam"]["title"] == "evil \x1b[2J name"
    assert "incomplete" in rows["broken"]["error"]


def test_a_rescan_reads_every_header_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from urial_tui.models import index

    told(run, "list")
    seen: list[Path] = []
    read = index.read_header
    monkeypatch.setattr(index, "read_header", lambda path: (seen.append(path), read(path))[1])
    told(run, "list")
    assert seen == []
    told(run, "list", "--rescan")
    assert len(seen) >= 5


# --- info ---------------------------------------------------------------------------------------------------------


def test_info_tells_header_role_and_memory(run: Run, own: Path) -> None:
    facts = told(run, "info", "fam-instruct")
    assert (facts["layers"], facts["heads"], facts["kv_heads"]) == (2, 4, 2)
    assert facts["memory"]["n_ctx"] == 4096
    assert facts["memory"]["total"] > facts["memory"]["weights"] > 0
    assert facts["sha256"] is None
    hashed = told(run, "info", "fam-instruct", "--sha256")
    path = own / "fam-instruct.gguf"
    assert hashed["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told(run, "info", "fam-instruct")["sha256"] == hashed["sha256"]
    code, out, _ = run("info", "fam")
    assert code == 0
    assert "evil ␛[2J name" in out
    assert "about" in out


def test_info_of_an_adapter_has_no_memory(run: Run) -> None:
    facts = told(run, "info", "tune")
    assert (facts["kind"], facts["adapter_type"], facts["lora_alpha"]) == ("adapter", "lora", 8.0)
    assert "memory" not in facts


def test_info_of_what_cannot_be_used_is_the_error_of_loading(run: Run) -> None:
    for name, kind in (
        ("broken", "gguf-truncated"),
        ("fom", "unknown-model"),
        ("./x.gguf", "not-found"),
    ):
        code, out, _ = run("info", name, "--json")
        assert (code, json.loads(out)["error"]["kind"]) == (3, kind)


def test_the_ending_of_a_file_does_not_matter(run: Run, own: Path, tmp_path: Path) -> None:
    odd = tmp_path / "model.bin"
    odd.write_bytes((own / "fam.gguf").read_bytes())
    assert told(run, "info", str(odd))["kind"] == "model"


# --- pairs --------------------------------------------------------------------------------------------------------


def test_pairs_are_ready_to_paste(run: Run) -> None:
    found = {one["name"]: one for one in told(run, "pairs", "fam")}
    assert set(found) == {"tune", "fam-instruct"}
    pair = found["fam-instruct"]
    assert pair["likely"] is True
    assert (pair["generator"], pair["references"]) == ("fam-instruct@chat", ["fam@raw"])
    words = shlex.split(pair["command"])
    assert words[:2] == ["urial-tui", "shift"]
    context = cli.get_command(click.Context(cli), "shift")
    assert context is not None
    options = {opt for parameter in context.params for opt in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    code, out, _ = run("pairs", "fam")
    assert code == 0
    assert "* fam-instruct: same vocabulary, 512 tokens; base and chat of fam" in out
    assert f"    {pair['command']}\n" in out


def test_a_model_without_a_partner_is_said_to_have_none(run: Run, own: Path) -> None:
    (own / "tune.gguf").unlink()
    assert told(run, "pairs", "other") == []
    code, out, err = run("pairs", "other")
    assert code == 0
    assert "nothing on this machine" in out
    assert "starters" in err


def test_two_named_models_are_told_whether_their_vocabularies_agree(run: Run) -> None:
    found = told(run, "pairs", "fam", "fam-instruct")
    assert (found["compatible"], found["n_common"]) == (True, 512)
    assert found["pair"]["generator"] == "fam-instruct@chat"
    code, out, _ = run("pairs", "fam", "fam-instruct")
    assert "the vocabularies agree: 512 tokens" in out
    code, out, err = run("pairs", "fam", "other")
    assert code == 3
    assert "id 300 is" in err
    assert "'giraffe' in other" in err
    code, out, _ = run("pairs", "fam", "other", "--json")
    assert (code, json.loads(out)["error"]["kind"]) == (3, "vocabulary-mismatch")


# --- add ----------------------------------------------------------------------------------------------------------


def test_a_folder_that_was_added_is_searched(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    tinygguf.write_model(folder / "more.gguf")
    code, out, _ = run("add", "more/more.gguf")
    assert code == 0
    assert "searched from now on" in out
    assert "found there: more" in out
    assert load_settings(paths.settings_file()).model_folders == (str(folder),)
    assert "more" in {row["name"] for row in told(run, "list")}
    again = told(run, "add", "more")
    assert (again["added"], again["folder"]) == (False, str(folder))
    assert [one["name"] for one in again["models"]] == ["more"]
    assert run("add", "gone")[0] == 2


# --- remove -------------------------------------------------------------------------------------------------------


def test_removing_says_what_is_freed(run: Run, own: Path) -> None:
    size = (own / "fam.gguf").stat().st_size
    found = told(run, "remove", "fam", "--yes")
    assert found == {"removed": [str(own / "fam.gguf")], "freed": size}
    assert not (own / "fam.gguf").exists()
    code, out, _ = run("remove", "other", "--yes")
    assert code == 0
    assert "kB freed" in out


def test_removing_is_confirmed_first(run: Run, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("remove", "fam")
    assert code == 2
    assert "--yes" in err
    assert (own / "fam.gguf").exists()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    asked: list[str] = []

    def refuse(text: str, abort: bool) -> None:
        asked.append(text)
        raise click.Abort

    monkeypatch.setattr(click, "confirm", refuse)
    assert run("remove", "fam")[0] == 130
    assert "Remove fam" in asked[0]
    assert (own / "fam.gguf").exists()


def test_what_others_keep_is_refused_before_anything_is_asked(run: Run, tmp_path: Path) -> None:
    outside = tinygguf.write_model(tmp_path / "outside.gguf")
    for name in ("demo", "demo+sft", str(outside)):
        code, out, _ = run("remove", name, "--yes", "--json")
        assert (code, json.loads(out)["error"]["kind"]) == (3, "not-ours")
    assert outside.exists()


# --- verify -------------------------------------------------------------------------------------------------------


def test_a_file_that_is_what_it_should_be_is_ok(run: Run, own: Path) -> None:
    fetched(own / "fam.gguf")
    (found,) = told(run, "verify", "fam")
    assert (found["ok"], found["told_by"]) == (True, "the hub")
    code, out, _ = run("verify", "fam")
    assert code == 0
    assert out.startswith("ok ")
    (found,) = told(run, "verify", "other")
    assert (found["ok"], found["expected"]) == (None, None)


def test_one_wrong_file_makes_the_exit_code_1(run: Run, own: Path) -> None:
    fetched(own / "fam.gguf", sha256="0" * 64)
    code, out, _ = run("verify", "fam")
    assert code == 1
    assert out.startswith("WRONG")
    code, out, _ = run("verify", "--all", "--json")
    assert code == 1
    found = {one["name"]: one["ok"] for one in json.loads(out)}
    assert found["fam"] is False
    assert found["demo+sft"] is True
    assert found["other"] is None


def test_either_one_model_or_all_are_verified(run: Run) -> None:
    assert run("verify")[0] == 2
    assert run("verify", "fam", "--all")[0] == 2
    assert run("verify", "fom")[0] == 3
