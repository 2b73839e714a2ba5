"""What cannot be used is said in words, with what to do, on the ordinary screen, and with an exit code."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.pty.conftest import Start
from tests.pty.driving import until_ready
from tests.support.pty_processes import environment, program
from tests.support.pty_program import Terminal

ESCAPE = b"\x1b"


def broken_files(folder: Path, tiny: Path) -> dict[str, Path]:
    """Things that are no model, by what they are."""
    found = {name: folder / f"{name}.gguf" for name in ("missing", "text", "short", "empty")}
    found["text"].write_text("this is not a model\n" * 100)
    found["short"].write_bytes(tiny.read_bytes()[:-100_000])
    found["empty"].touch()
    found["folder"] = folder / "folder.gguf"
    found["folder"].mkdir()
    return found


def refusal(terminal: Terminal, code: int) -> str:
    """The message of a program that refused before it took the screen."""
    assert terminal.ended() == code, terminal.picture()
    assert b"Traceback" not in terminal.raw
    assert b"\x1b[?1049h" not in terminal.raw, "the screen was taken for an error"
    assert terminal.unrestored() == []
    text = " ".join(terminal.text().split())
    assert text.startswith("error: ")
    assert " hint: " in text
    return text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "missing.gguf"),
        ("text", "not a GGUF"),
        ("short", "incomplete"),
        ("empty", "empty.gguf"),
        ("folder", "folder"),
    ],
)
def test_what_is_no_model(start: Start, tmp_path: Path, tiny: Path, kind: str, words: str) -> None:
    path = broken_files(tmp_path, tiny)[kind]
    assert words in refusal(start("--side", str(path), size=(200, 30)), 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_model(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "locked.gguf"
    path.write_bytes(b"GGUF")
    path.chmod(0)
    assert "locked.gguf" in refusal(start("--side", str(path), size=(200, 30)), 3)


def test_an_unknown_pack_names_those_that_are_like_it(start: Start) -> None:
    words = refusal(start("--pack", "urial-generall", size=(200, 30)), 2)
    assert "urial-generall" in words
    assert "urial-general " in words or "urial-general?" in words


def test_a_side_that_cannot_be_read(start: Start) -> None:
    assert "a++b" in refusal(start("--side", "a++b", size=(200, 30)), 2)


def test_an_unknown_session(start: Start) -> None:
    assert refusal(start("--session", "nothing", size=(200, 30)), 5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("side = 'unclosed\n", "settings.toml"),
        ("n_ctx = 'many'\n", "n_ctx"),
        ("n_ctxx = 4096\n", "n_ctxx"),
        ("\x00\xff", "settings.toml"),
    ],
)
def test_broken_settings(start: Start, home: Path, text: str, words: str) -> None:
    (home / "config" / "settings.toml").write_text(text, encoding="latin-1")
    assert words in refusal(start(size=(200, 30)), 2)


def test_a_broken_pack_of_the_users_does_not_stop_the_program(start: Start, home: Path) -> None:
    (home / "config" / "packs").mkdir()
    (home / "config" / "packs" / "mine.toml").write_text("id = [")
    terminal = start()
    until_ready(terminal)


def test_a_model_that_is_gone_since_it_was_set_is_said_on_the_screen(
    start: Start, home: Path
) -> None:
    gone = home / "gone.gguf"
    (home / "config" / "settings.toml").write_text(f"side = '\"{gone}\"'\n")
    terminal = start()
    terminal.until_text("gone.gguf")
    terminal.until_text("failed")
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []


def test_a_home_that_cannot_be_written_is_said_and_the_chat_works(start: Start, home: Path) -> None:
    (home / "data").write_text("in the way")
    terminal = start()
    terminal.until_text("The history cannot be written")
    until_ready(terminal)


def piped(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*program(), *arguments],
        input=b"",
        capture_output=True,
        env=environment(home),
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", [[], ["--demo"], ["--pack", "urial-brief"]])
def test_without_a_terminal_it_is_refused_without_a_control_sequence(
    home: Path, arguments: list[str]
) -> None:
    done = piped(home, *arguments)
    assert done.returncode == 2
    assert b"needs a terminal" in done.stderr
    assert done.stdout == b""
    assert ESCAPE not in done.stderr
    assert sorted(p.name for p in home.iterdir()) == ["config"], "nothing is made for a refusal"


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_one_redirected_stream_is_enough_to_refuse(home: Path, closed: str) -> None:
    master, slave = os.openpty()
    try:
        streams = {"stdin": slave, "stdout": slave, "stderr": slave} | {closed: subprocess.PIPE}
        process = subprocess.Popen(program(), env=environment(home), **streams)
        process.communicate(timeout=60)
        assert process.returncode == 2
    finally:
        os.close(slave)
        os.close(master)
