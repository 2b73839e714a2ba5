"""`urial-tui run` on the real engine with a tiny model: killed with -9, on a full disk, and gone on with."""

import json
import os
import random
from pathlib import Path

import pytest

from tests.support.pty_history import history_file
from tests.support.pty_processes import NO_BYTECODE, run
from tests.support.run_command import assert_each_once
from tests.support.run_kills import Killing
from tests.support.tinygguf import write_model
from urial_tui.store.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")

N_ITEMS = 8


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    model = write_model(tmp_path / "tiny.gguf")
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(f"How do I do {n} of them?" for n in range(N_ITEMS)))
    return (
        "run", "--input", str(lines), "--side", f"{model}@raw", "--side", f"{model}@zero-shot",
        "--max-tokens", "24", "--ctx", "256", "--threads", "1",
    )  # fmt: skip


def test_a_run_that_is_killed_twice_has_every_answer_once(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    killing = Killing(tmp_path / "home", command, N_ITEMS, 2, random.Random())
    killing.kill_once()
    killing.kill_once()
    killing.finish()


def test_a_run_with_scores_that_is_killed_has_every_answer_and_every_trace(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    side = command[4]
    home = tmp_path / "home"
    killing = Killing(home, (*command, "--reference", side), N_ITEMS, 2, random.Random())
    killing.kill_once()
    killing.finish()
    with Store.open(history_file(home), readonly=True) as store:
        (found,) = store.runs()
        shifts = store.answer_shifts(found.id)
        assert len(shifts) == N_ITEMS * 2
        own = {a.message_id for a in store.run_answers(found.id, side=0)}
        for shift in shifts:
            if shift.message_id in own:
                assert (shift.marginal, shift.shifted) == (0, 0), "a side against itself"


@pytest.mark.accept
def test_a_run_that_is_killed_again_and_again_has_every_answer_once(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    for seed in range(10):
        killing = Killing(tmp_path / f"home{seed}", command, N_ITEMS, 2, random.Random(seed))
        while killing.kills < 6 and killing.kill_once():
            pass
        killing.finish()


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """A limit on the size of files stands for the disk."""
    import resource

    home = tmp_path / "home"
    assert run(home, *command, "--limit", "1").code == 0
    room = history_file(home).stat().st_size + 30_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = run(home, *command, "--json", preexec_fn=limit, env=NO_BYTECODE)
    found = json.loads(done.out)
    assert (done.code, found["error"]["kind"]) == (5, "io"), "what a limit on files looks like"
    assert 2 <= found["done"] < 2 * N_ITEMS
    assert run(home, *command).code == 0
    with Store.open(history_file(home), readonly=True) as store:
        (stored,) = store.runs()
        assert_each_once(store.run_answers(stored.id), N_ITEMS, 2)
        assert store.check() == []
