"""Which of default, file, environment and option counts, and what is said of variables that cannot be used."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from urial_tui import paths
from urial_tui.cli.doctor.command import doctor
from urial_tui.cli.settings import settings as command
from urial_tui.errors import SettingsError
from urial_tui.models.own_folder import add_folder
from urial_tui.services import Services
from urial_tui.settings import FIELDS, Settings, read_layers, save_settings, variable_of
from urial_tui.settings.layers import BY_VARIABLE, unknown_variables

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    for variable in BY_VARIABLE:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture
def write() -> Write:
    def to_file(text: str) -> Path:
        file = paths.settings_file()
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return to_file


def test_the_environment_goes_before_the_file_and_an_option_before_both(write: Write) -> None:
    file = write("n_ctx = 512\nn_threads = 2\nn_batch = 64\n[sampling]\ntop_k = 5\n")
    environ = {
        "URIAL_TUI_N_CTX": "1024",
        "URIAL_TUI_N_BATCH": "128",
        "URIAL_TUI_SAMPLING_TEMPERATURE": " 0.7 ",
    }
    found = read_layers(file, {"n_batch": 256}, environ)
    assert (found.value("n_ctx"), found.origins["n_ctx"]) == (1024, "environment")
    assert (found.value("n_threads"), found.origins["n_threads"]) == (2, "file")
    assert (found.value("n_batch"), found.origins["n_batch"]) == (256, "option")
    assert found.settings.sampling.temperature == 0.7
    assert found.settings.sampling.top_k == 5
    assert found.origins["theme"] == "default"
    assert set(found.origins) == {item.key for item in FIELDS}


def test_every_kind_of_setting_can_be_given_by_a_variable(write: Write) -> None:
    environ = {
        "URIAL_TUI_SCORING": "false",
        "URIAL_TUI_GPU_LAYERS": "auto",
        "URIAL_TUI_MODEL_FOLDERS": "/a:/b",
        "URIAL_TUI_REFERENCES": "[]",
        "URIAL_TUI_KV_TYPE": "q8_0",
        "URIAL_TUI_KEYMAP": '{"app.help" = "f11"}',
        "URIAL_TUI_SIDE": "m@raw",
        "URIAL_TUI_JUDGE": "",
    }
    found = read_layers(write("judge = 'j'\n"), environ=environ).settings
    assert (found.scoring, found.gpu_layers, found.kv_type) == (False, -1, "q8_0")
    assert (found.model_folders, found.references) == (("/a", "/b"), ())
    assert (found.keymap, found.side) == ({"app.help": "f11"}, "m@raw")
    assert found.judge == "j"  # an empty variable counts as unset


def test_wrong_variables_are_named_all_at_once_with_what_is_expected(home: Path) -> None:
    environ = {"URIAL_TUI_N_CTX": "many", "URIAL_TUI_SAMPLING_TOP_P": "2"}
    with pytest.raises(SettingsError) as caught:
        read_layers(home / "no.toml", environ=environ)
    assert "URIAL_TUI_N_CTX: n_ctx must be 0 or a whole number" in caught.value.message
    assert "URIAL_TUI_SAMPLING_TOP_P: sampling.top_p must be a number from 0 to 1" in (
        caught.value.message
    )
    assert "variable" in caught.value.hint


def test_each_setting_has_a_variable_of_its_own_that_is_no_other_one_of_the_program() -> None:
    assert len(BY_VARIABLE) == len(FIELDS)
    assert not set(BY_VARIABLE) & {"URIAL_TUI_HOME", "URIAL_TUI_DEBUG", "URIAL_TUI_TEST_DATA"}


def test_variables_that_mean_nothing_are_found_with_a_close_one() -> None:
    environ = {
        "URIAL_TUI_NCTX": "1",
        "URIAL_TUI_ZZZZZZ": "1",
        "URIAL_TUI_N_CTX": "1",
        "URIAL_TUI_HOME": "/x",
        "OTHER": "1",
    }
    assert unknown_variables(environ) == {
        "URIAL_TUI_NCTX": "Did you mean URIAL_TUI_N_CTX?",
        "URIAL_TUI_ZZZZZZ": "Unset it.",
    }


def test_the_program_uses_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_N_CTX", "1024")
    assert Services().settings.n_ctx == 1024
    assert Services(overrides={"n_ctx": 256}).settings.n_ctx == 256
    assert Services(Settings()).settings.n_ctx == 4096


def test_saving_does_not_write_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_N_CTX", "1024")
    save_settings({"n_threads": 2}, paths.settings_file())
    assert paths.settings_file().read_text() == "n_threads = 2\n"


def test_a_folder_is_not_added_where_a_variable_says_the_folders(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_MODEL_FOLDERS", str(home / "other"))
    (home / "mine").mkdir()
    with pytest.raises(SettingsError, match="URIAL_TUI_MODEL_FOLDERS"):
        add_folder(home / "mine")
    assert not paths.settings_file().exists()


def test_show_says_where_each_value_is_from(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("n_threads = 2\n")
    monkeypatch.setenv("URIAL_TUI_N_CTX", "1024")
    lines = CliRunner().invoke(command, ["show"]).output.splitlines()
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    assert told["n_ctx"] == "environment 1024 tokens"
    assert told["n_threads"] == "file 2"
    assert told["n_batch"] == "default 512 tokens"
    as_json = json.loads(CliRunner().invoke(command, ["show", "--json"]).output)
    assert as_json["n_ctx"] == {
        "value": 1024,
        "from": "environment",
        "variable": variable_of("n_ctx"),
    }
    assert as_json["n_threads"]["from"] == "file"


def test_setting_what_a_variable_overrides_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_N_CTX", "1024")
    done = CliRunner().invoke(command, ["set", "n_ctx", "2048"])
    assert done.stdout == "n_ctx = 2048 tokens\n"
    assert "URIAL_TUI_N_CTX is set and goes before the file" in done.stderr
    assert "URIAL" not in CliRunner().invoke(command, ["set", "n_threads", "2"]).stderr


def test_the_doctor_tells_wrong_and_unknown_variables_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("URIAL_TUI_N_CTX", "many")
    monkeypatch.setenv("URIAL_TUI_NBATCH", "512")
    monkeypatch.setattr(
        "urial_tui.cli.doctor.command._GROUPS", {"settings": _settings_of_the_doctor()}
    )
    monkeypatch.setattr("urial_tui.cli.doctor.command._models", lambda overrides: iter(()))
    report = json.loads(CliRunner().invoke(doctor, ["--json"]).output)
    found = {check["status"]: check for check in report["checks"]}
    assert "URIAL_TUI_N_CTX" in found["fail"]["detail"]
    assert found["warn"]["detail"] == "URIAL_TUI_NBATCH is no setting"
    assert "URIAL_TUI_N_BATCH" in found["warn"]["hint"]
    assert found["ok"]["name"] == "file"


def _settings_of_the_doctor() -> object:
    from urial_tui.cli.doctor import command as module

    return module._settings


@pytest.mark.parametrize("key", ["side", "judge", "references"])
def test_what_is_no_side_is_refused_from_a_variable_and_an_option(home: Path, key: str) -> None:
    variable = f"URIAL_TUI_{key.upper()}"
    with pytest.raises(SettingsError, match=f"variable {variable}: {key} must be a .*'demo@@'"):
        read_layers(home / "none.toml", environ={variable: "demo@@"})
    value = ["demo@@"] if key == "references" else "demo@@"
    with pytest.raises(SettingsError, match=f"{key} must be a .*'demo@@'"):
        read_layers(home / "none.toml", {key: value}, {})
