"""Files of an export are whole at their names or not there: links, full disks, folders in the way, `kill -9`."""

import os
import random
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.judged_runs import items, judged_run
from tests.support.pty_history import history_file
from tests.support.pty_processes import begin, end
from urial_tui import files
from urial_tui.errors import ExchangeError, StoreError
from urial_tui.exchange.exports import Document, Names
from urial_tui.exchange.writing import write, write_file
from urial_tui.store.store import Store

DOCUMENTS = [Document(f"{name}.json", b"new " + name.encode(), 1) for name in "abc"]


def parts(*texts: bytes) -> Iterator[bytes]:
    yield from texts


@pytest.mark.parametrize(
    "name",
    [
        "CON",
        "nul",
        "Com1",
        "LPT9",
        "aux",
        "prn",
        "con.x",
        "../x",
        "a/b",
        "a\\b",
        "\0",
        "\u202e",
        "",
    ],
)
def test_names_of_files_are_no_devices_and_have_no_separators(name: str) -> None:
    made = Names().make(name, extension=".md")
    stem = made.removesuffix(".md")
    assert stem.lower() not in {"con", "nul", "com1", "lpt9", "aux", "prn"}
    assert stem
    assert not set(made) & set("/\\\0\u202e")
    assert "." not in stem


def test_content_may_be_made_while_it_is_written(tmp_path: Path) -> None:
    document = Document("x.csv", parts(b"1\n", b"2\n"), None, {}, b"head\n")
    written = write_file(tmp_path / "here.csv", document)
    assert written.path.read_bytes() == b"head\n1\n2\n"
    assert written.rows == 2
    assert written.path.stat().st_mode & 0o777 == 0o600


def test_folders_of_a_format_are_made_for_the_user_alone(tmp_path: Path) -> None:
    (written,) = write(tmp_path / "out", [Document("model/judge/a.json", b"x", 1)])
    assert written.path == tmp_path / "out" / "model" / "judge" / "a.json"
    for folder in ("out", "out/model", "out/model/judge"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_no_folder_of_a_format_is_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model").symlink_to(elsewhere)
    with pytest.raises(ExchangeError, match="is not a folder"):
        write(tmp_path / "out", [Document("model/a.json", b"x", 1)], force=True)
    assert not list(elsewhere.iterdir())


def test_a_file_at_a_link_is_refused_and_with_force_replaces_it(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(ExchangeError) as refused:
        write_file(tmp_path / "link", DOCUMENTS[0])
    assert refused.value.kind == "exists"
    write_file(tmp_path / "link", DOCUMENTS[0], force=True)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize("by_link", [False, True])
@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_file_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, by_link: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    there = Path("a.json")
    with socket.socket(socket.AF_UNIX) as made:
        os.mkfifo(there) if kind == "pipe" else made.bind(str(there))
        target = tmp_path / "a.json"
        if by_link:
            target = tmp_path / "link"
            target.symlink_to(there)
        for write_it in (
            lambda: write_file(target, DOCUMENTS[0], force=True),
            lambda: write_file(target, DOCUMENTS[0]),
        ):
            with pytest.raises(ExchangeError, match="not a regular file") as refused:
                write_it()
            assert refused.value.kind == "unwritable"
        if not by_link:
            with pytest.raises(ExchangeError, match="not a regular file"):
                write(tmp_path, DOCUMENTS, force=True)
        mode = there.lstat().st_mode
        assert stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        assert target.is_symlink() == by_link
    assert len(list(tmp_path.iterdir())) == 1 + by_link


@pytest.mark.skipif(not Path("/dev/stdout").is_symlink(), reason="no such link here")
def test_the_name_of_standard_output_is_refused_with_what_to_say_instead() -> None:
    with pytest.raises(ExchangeError, match="not a regular file") as refused:
        write_file(Path("/dev/stdout"), DOCUMENTS[0])
    assert "`-o -`" in refused.value.hint


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(ExchangeError, match="is a link, which is not followed") as refused:
        write(tmp_path / "link", DOCUMENTS, force=True)
    assert refused.value.kind == "unwritable"
    assert not list((tmp_path / "real").iterdir())


@pytest.mark.parametrize("place", ["no/folder/x", "file/x", "x" * 300])
def test_places_that_cannot_be_written_are_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExchangeError) as refused:
        write_file(tmp_path / place, DOCUMENTS[0])
    assert refused.value.kind == "unwritable"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_made_is_told_with_what_helps(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExchangeError) as refused:
        write(tmp_path / "file" / "new", DOCUMENTS)
    assert refused.value.kind == "unwritable"
    assert "-o" in refused.value.hint
    assert "URIAL_TUI_HOME" not in refused.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_is_read_only_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ExchangeError) as refused:
        write(tmp_path, DOCUMENTS)
    assert refused.value.kind == "unwritable"


def test_what_fails_while_content_is_made_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"begun"
        raise StoreError("the history went away")

    documents = [DOCUMENTS[0], Document("inner/x.json", failing(), None)]
    with pytest.raises(StoreError, match="went away"):
        write(tmp_path / "new" / "deep", documents)
    assert not list((tmp_path / "new").iterdir())


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, [Document("a.json", b"old", 1)])
    real = os.fsync
    calls = iter(range(9))

    def full(descriptor: int) -> None:
        if next(calls) == 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExchangeError, match="No space left"):
        write(tmp_path, DOCUMENTS, force=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a process of its own that is killed at its `step`-th call of the system that matters; whether it
    lived to the end."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try:
        count = 0

        def counting(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        os.fsync = counting(os.fsync)  # type: ignore[assignment]
        os.fdopen = counting(os.fdopen)  # type: ignore[assignment]
        Path.replace = counting(Path.replace)  # type: ignore[method-assign]
        files.new_part = counting(files.new_part)  # type: ignore[assignment]
        work()
        os._exit(0)
    finally:
        os._exit(9)


@pytest.mark.parametrize("old", [False, True])
def test_a_kill_at_any_step_leaves_whole_files_only(tmp_path: Path, old: bool) -> None:
    lived = 0
    for step in range(1, 16):
        folder = tmp_path / str(step)
        folder.mkdir()
        if old:
            write(folder, [Document(f"{name}.json", b"old", 1) for name in "abc"])
        lived += killed_at(step, lambda folder=folder: write(folder, DOCUMENTS, force=True))
        for path in folder.iterdir():
            if path.suffix == ".part":
                continue
            whole = {b"new " + path.stem.encode()} | ({b"old"} if old else set())
            assert path.read_bytes() in whole
        if old:
            assert len([path for path in folder.iterdir() if path.suffix == ".json"]) == 3
    assert lived == 3, "twelve steps: three files are made, opened, brought to the disk, named"


@pytest.mark.accept
def test_exports_that_are_killed_at_any_moment_leave_whole_files(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    with Store.open(history_file(home)) as store:
        run = judged_run(store, items(200))
    rng = random.Random(1)
    kills = 0
    takes: dict[str, float] = {}
    for format_ in ("just-eval", "mt-bench", "html", "csv", "jsonl") * 12:
        place = out / (f"page.{format_}" if format_ in ("html", "jsonl") else format_)
        command = ("export", "--format", format_, "--run", run.id, "--force", "-o", str(place))
        whole = tmp_path / "whole" / place.name
        whole.parent.mkdir(exist_ok=True)
        out.mkdir(exist_ok=True)
        if not whole.exists():
            began = time.monotonic()
            assert end(begin(home, *command[:-1], str(whole))).code == 0
            takes[format_] = time.monotonic() - began
        process = begin(home, *command)
        try:
            process.wait(timeout=rng.uniform(0.1, 1.0) * takes[format_])
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        for path in (place, *place.rglob("*")) if place.exists() else ():
            if path.is_file() and path.suffix != ".part":
                assert path.read_bytes() == (whole / path.relative_to(place)).read_bytes()
    assert kills > 20, "the moments are wrong"
