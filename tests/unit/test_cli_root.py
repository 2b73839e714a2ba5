"""The entry: what all commands share: help, errors, exit codes, interrupts, pipes, crashes."""

import errno
import io
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest

from tests.support.run_main import Run, ran
from urial_tui import __version__
from urial_tui.errors import ModelError
from urial_tui.main import COMMANDS, cli, main

PROGRAM = [sys.executable, "-m", "urial_tui"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("URIAL_TUI_DEBUG", raising=False)
    return tmp_path / "home"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(ran, capsys)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Make `urial-tui doctor` do something else."""

    def replace(body: Callable[[], Any]) -> None:
        @click.command("doctor")
        @click.option("--json", "as_json", is_flag=True)
        def stand_in(as_json: bool) -> None:
            body()

        monkeypatch.setattr("urial_tui.cli.doctor.command.doctor", stand_in)

    return replace


def program(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *args], capture_output=True, text=True, check=False, timeout=60, **options
    )


def test_help_lists_every_command_and_imports_none(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    for name, lazy in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(lazy.help)}$", out, re.MULTILINE)
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, urial_tui.main as m\n"
            "try: m.main(['--help'])\n"
            "except SystemExit: pass\n"
            "print([n for n in sys.modules if n.startswith('urial_tui.cli')], file=sys.stderr)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    # The root command shares its options with others; no command is among what is imported.
    assert (
        loaded.stderr.strip()
        == "['urial_tui.cli', 'urial_tui.cli.common', 'urial_tui.cli.common.context_options']"
    )


def test_help_is_quick() -> None:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        assert program("--help").returncode == 0
        times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.3


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_of_its_own(name: str, run: Run) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: urial-tui {name}")


def test_the_version(run: Run) -> None:
    assert run("--version")[:2] == (0, f"urial-tui, version {__version__}\n")


def test_without_a_terminal_the_interface_is_refused_with_a_hint() -> None:
    done = program(stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "needs a terminal" in done.stderr
    assert "urial-tui ask" in done.stderr


def test_an_unknown_command_suggests_one(run: Run) -> None:
    code, out, err = run("histroy")
    assert (code, out) == (2, "")
    assert "'histroy'" in err
    assert "Did you mean history?" in err
    assert "urial-tui ask" in run("What is a haiku?")[2]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--nothing"], "--nothing"),
        (["settings", "set"], "KEY"),
        (["settings", "show", "extra"], "extra"),
        (["--pack", "x", "doctor"], "behind the command"),
        (["--demo", "--side", "x"], "exclude"),
    ],
)
def test_wrong_usage_is_exit_2_on_stderr(run: Run, args: list[str], words: str) -> None:
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert words in err


def test_an_error_is_a_line_a_hint_and_its_exit_code(
    run: Run, command: Callable[[Callable[[], Any]], None]
) -> None:
    def fail() -> None:
        raise ModelError("no \x1b[31mmodel", hint="Get one.", kind="gone")

    command(fail)
    code, out, err = run("doctor")
    assert (code, out) == (3, "")
    assert "\x1b" not in err
    assert err.splitlines()[0].startswith("error: no ")
    assert err.splitlines()[1] == "hint: Get one."
    code, out, err = run("doctor", "--json")
    assert (code, err) == (3, "")
    error = json.loads(out)["error"]
    assert error == {"kind": "gone", "message": "no \x1b[31mmodel", "hint": "Get one."}


def test_wrong_usage_with_json_is_json(run: Run) -> None:
    code, out, err = run("settings", "show", "--json", "extra")
    assert (code, err) == (2, "")
    assert json.loads(out)["error"]["kind"] == "usage"


def test_ctrl_c_is_exit_130(run: Run, command: Callable[[Callable[[], Any]], None]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    command(interrupted)
    code, _, err = run("doctor")
    assert code == 130
    assert "Traceback" not in err


def test_a_command_may_choose_its_exit_code(
    run: Run, command: Callable[[Callable[[], Any]], None]
) -> None:
    command(lambda: click.get_current_context().exit(7))
    assert run("doctor")[0] == 7
    command(lambda: sys.exit(9))
    assert run("doctor")[0] == 9


def test_a_crash_is_one_line_and_a_private_log(
    run: Run,
    command: Callable[[Callable[[], Any]], None],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a mistake\nof two lines")

    command(broken)
    code, out, err = run("doctor")
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert "ZeroDivisionError: a mistake" in err
    assert [line.partition(":")[0] for line in err.splitlines()] == ["error", "hint"]
    (log,) = (home / "state").glob("crash-*.log")
    assert str(log) in err
    assert "ZeroDivisionError: a mistake" in log.read_text()
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("URIAL_TUI_DEBUG", "1")
    assert "Traceback" in run("doctor")[2]


def test_a_crash_without_a_writable_folder_still_says_what_happened(
    run: Run,
    command: Callable[[Callable[[], Any]], None],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home.write_text("a file where the folder should be")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(home))
    command(lambda: 1 // 0)
    code, _, err = run("doctor")
    assert code == 1
    assert "ZeroDivisionError" in err


def test_old_crash_logs_are_removed(
    run: Run, command: Callable[[Callable[[], Any]], None], home: Path
) -> None:
    (home / "state").mkdir(parents=True)
    for i in range(20):
        (home / "state" / f"crash-2000010{i:02}.log").touch()
    command(lambda: 1 // 0)
    run("doctor")
    logs = sorted((home / "state").glob("crash-*.log"))
    assert len(logs) == 10
    assert "ZeroDivision" in logs[-1].read_text()


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*PROGRAM, "settings", "show"],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode != 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "settings", "show"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert os.strerror(errno.ENOSPC) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "list"),
        ("history", "list", "--json"),
        ("search", "walk", "--json"),
        ("export", "--format", "jsonl", "--all", "-o", "-"),
        ("import", "again.txt"),
        ("history", "tag", "new", "last"),
        ("history", "schema"),
        ("--help",),
    ],
)
def test_a_command_whose_output_cannot_be_written_says_so_and_is_no_crash(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    env = os.environ | {"URIAL_TUI_HOME": str(home)}
    (tmp_path / "talk.txt").write_text("I walk.")
    (tmp_path / "again.txt").write_text("I walk again.")

    def program(*told: str, out: Any = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *told],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            env=env,
            cwd=tmp_path,
        )

    program("import", "talk.txt")
    with Path("/dev/full").open("w") as full:
        done = program(*arguments, out=full)
    assert done.returncode == 1
    said = f"error: cannot write to standard output: {os.strerror(errno.ENOSPC)}\n"
    assert done.stderr.startswith(said)
    assert "what the command had changed by then stays changed" in done.stderr
    assert not list(home.glob("state/crash-*.log"))
    if arguments[0] == "import":
        assert len(json.loads(program("history", "list", "--json").stdout)) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_an_error_that_cannot_be_written_as_json_is_said_in_words(home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "history", "show", "zz", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 5
    assert "error: there is no history at" in done.stderr
    assert "cannot write to standard output" in done.stderr


def test_text_that_the_locale_cannot_show_does_not_break_the_output(
    run: Run, command: Callable[[Callable[[], Any]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    command(lambda: print("caf\u00e9"))
    with pytest.raises(SystemExit) as left:
        main(["doctor"])
    assert left.value.code == 0
    assert raw.getvalue() == b"caf\\xe9\n"


def test_settings_are_set_shown_and_unset(run: Run, home: Path) -> None:
    assert run("settings", "path")[1] == f"{home / 'config' / 'settings.toml'}\n"
    assert not home.exists()
    assert run("settings", "set", "gpu_layers", "-1")[0] == 0
    assert run("settings", "set", "sampling.top_k", "40")[1] == "sampling.top_k = 40\n"
    told = json.loads(run("settings", "show", "--json")[1])["sampling.top_k"]
    assert told == {"value": 40, "from": "file", "variable": "URIAL_TUI_SAMPLING_TOP_K"}
    assert run("settings", "unset", "sampling.top_k")[0] == 0
    told = json.loads(run("settings", "show", "--json")[1])["sampling.top_k"]
    assert (told["value"], told["from"]) == (None, "default")
    assert "top_k" not in (home / "config" / "settings.toml").read_text()
    code, _, err = run("settings", "set", "top_k", "40")
    assert code == 2
    assert "sampling.top_k" in err


def test_a_keymap_that_cannot_be_used_is_told_with_both_ids(run: Run) -> None:
    keymap = '{ "chat.side" = "f3", "chat.fly" = "f7", "chat.new" = "hyperdrive" }'
    _, out, err = run("settings", "set", "keymap", keymap)
    assert "chat.fly" in out and "f3 is wanted by both chat.pack and chat.side" in err
    _, _, err = run("settings", "show")
    for words in (
        "f3 is wanted by both chat.pack and chat.side; chat.side keeps F5",
        "the keymap names 'chat.fly', which is no command",
        "chat.new: 'hyperdrive' is not the name of a key",
    ):
        assert f"note: keymap: {words}" in err
    assert len(json.loads(run("settings", "show", "--json")[1])["keymap"]["problems"]) == 3
    checks = json.loads(run("doctor", "--json")[1])["checks"]
    told = [(one["status"], one["detail"]) for one in checks if one["name"] == "keymap"]
    assert len(told) == 3 and {status for status, _ in told} == {"warn"}
    run("settings", "set", "keymap", '{ "chat.side" = "f11" }')
    assert run("settings", "show")[2] == ""


def test_one_key_of_the_interface_is_set_and_unset_by_its_binding(run: Run, home: Path) -> None:
    code, out, _ = run("settings", "set", "keymap.chat.board", "f11")
    assert code == 0 and out == 'keymap = {"chat.board": "f11"}\n'
    run("settings", "set", "keymap.chat.new", "ctrl+y")
    told = json.loads(run("settings", "show", "--json")[1])["keymap"]["value"]
    assert told == {"chat.board": "f11", "chat.new": "ctrl+y"}
    assert "which is no command" in run("settings", "set", "keymap.chat.fly", "f9")[2]
    run("settings", "unset", "keymap.chat.fly")
    run("settings", "unset", "keymap.chat.board")
    assert run("settings", "unset", "keymap.none")[1] == 'keymap = {"chat.new": "ctrl+y"}\n'
    assert run("settings", "unset", "keymap.chat.new")[1] == "keymap = {}\n"
    assert "chat" not in (home / "config" / "settings.toml").read_text()
    code, _, err = run("settings", "set", "keymap", "chat.board=f1")
    assert code == 2 and "settings set keymap.chat.board f11" in err


def test_a_theme_that_does_not_exist_is_refused_and_told_where_it_is_set(
    run: Run, home: Path
) -> None:
    code, _, err = run("settings", "set", "theme", "foo")
    assert code == 2
    assert "there is no theme 'foo'" in err and "nord" in err and "urial-day" in err
    assert not home.exists()
    assert run("settings", "set", "theme", "nord")[0] == 0
    file = home / "config" / "settings.toml"
    file.write_text('theme = "foo"\n')
    checks = json.loads(run("doctor", "--json")[1])["checks"]
    (told,) = [one for one in checks if one["name"] == "theme"]
    assert told["status"] == "warn" and "'foo'" in told["detail"] and "nord" in told["hint"]


def test_a_broken_settings_file_stops_commands_but_not_the_doctor(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "config" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text("side = \n")
    code, _, err = run("models", "list")
    assert code == 2
    assert f"{file}" in err
    monkeypatch.setattr("urial_tui.cli.common.engine_access.describe", _description)
    code, out, _ = run("doctor", "--json")
    assert code == 1
    checks = json.loads(out)["checks"]
    (failed,) = [check for check in checks if check["status"] == "fail"]
    assert (failed["group"], failed["name"]) == ("settings", "file")


def _description() -> Any:
    from tests.support.scripted_engine import CPU_DEVICE
    from urial_tui.engine.protocol import Description

    return Description(1, "0.3.36", "AVX2 = 1", False, (CPU_DEVICE,), (), ("CPU",))


def test_the_doctor_is_content_with_a_fresh_home_and_makes_nothing(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urial_tui.cli.common.engine_access.describe", _description)
    code, out, _ = run("doctor", "--json")
    report = json.loads(out)
    assert [check for check in report["checks"] if check["status"] == "fail"] == []
    assert code == 0
    assert report["ok"] is True
    groups = {check["group"] for check in report["checks"]}
    assert groups == {
        "versions", "engine", "paths", "settings", "packs", "history", "models", "terminal"
    }  # fmt: skip
    assert not home.exists()
    code, out, _ = run("doctor")
    assert code == 0
    assert "FAIL" not in out
    assert "0 failed" in out


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise RuntimeError("the engine is gone")

    monkeypatch.setattr("urial_tui.cli.common.engine_access.describe", broken)
    code, out, _ = run("doctor")
    assert code == 1
    assert "the engine is gone" in out
    assert "terminal" in out


def test_models_are_listed_and_shown(run: Run, home: Path) -> None:
    from tests.support import tinygguf

    folder = home / "data" / "models"
    folder.mkdir(parents=True)
    tinygguf.write_model(folder / "tiny.gguf", name="evil \x1b[2J name")
    (folder / "broken.gguf").write_bytes(b"GGUF")
    rows = {row["name"]: row for row in json.loads(run("models", "list", "--json")[1])}
    assert set(rows) == {"demo", "demo+sft", "broken", "tiny"}
    assert (rows["demo+sft"]["kind"], rows["demo+sft"]["source"]) == ("adapter", "shipped")
    assert json.loads(run("models", "info", "demo+sft", "--json")[1])["chat_template"] is True
    assert (rows["tiny"]["kind"], rows["tiny"]["quantization"]) == ("model", "F32")
    assert "incomplete" in rows["broken"]["error"]
    out = run("models", "list")[1]
    assert "tiny" in out
    assert "models folder" in out
    out = run("models", "info", "tiny")[1]
    assert "\x1b" not in out
    assert "llama" in out
    facts = json.loads(run("models", "info", "tiny", "--json", "--sha256")[1])
    assert facts["vocabulary"] == 512
    assert len(facts["sha256"]) == 64
    assert facts["memory"]["n_ctx"] == 4096
    code, _, err = run("models", "info", "tniy")
    assert code == 3
    assert "tiny" in err


def test_every_command_in_the_table_is_a_click_command() -> None:
    context = click.Context(cli)
    for name in COMMANDS:
        found = cli.get_command(context, name)
        assert isinstance(found, click.Command)
        assert found.help
