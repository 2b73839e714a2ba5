"""`urial-tui judge` on the real engine with a tiny model, killed with -9: each answer is judged once, none is lost."""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from tests.engine.test_judge import SEED
from tests.support.judging import SCORE
from tests.support.pty_history import history_file
from tests.support.pty_processes import PATIENCE, begin, run
from tests.support.store_runs import answer, make_run
from tests.support.tinygguf import write_model
from urial_tui.store.runs.types import RunItem
from urial_tui.store.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")

N_ITEMS = 12
PACK = """\
id = "house"
name = "House"
version = "1"
language = "en"
license = ""
system = "Be fair."

[[example]]
query = "Hi?"
answer = "Hi."
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a run that both sides have answered, a small rubric and a pack that judges by it."""
    home = tmp_path / "home"
    for kind, name, text in (
        ("rubrics", "two.toml", SCORE.replace("reason_chars = 60", "reason_chars = 40")),
        ("packs", "house.toml", PACK),
    ):
        folder = home / "config" / kind
        folder.mkdir(parents=True)
        (folder / name).write_text(text)
    path = history_file(home)
    path.parent.mkdir(parents=True)
    with Store.open(path) as store:
        made = make_run(store)
        more = [
            RunItem(n, n, (f"And {n}?",)) for n in range(len(store.run_items(made.id)), N_ITEMS)
        ]
        store.add_run_items(made.id, more)
        for item in store.run_items(made.id):
            for side in range(2):
                answer(store, made, item.index, side, tail=f" {item.index} {side}")
    return home


def judged(home: Path) -> dict[str, str]:
    """The judgements of the run: message ids by the judgements' own."""
    with Store.open(history_file(home), readonly=True) as store:
        return {j.id: j.message_id for j in store.judgements(run_id=store.find_run("last").id)}


def test_a_judge_that_is_killed_goes_on_and_judges_each_answer_once(
    home: Path, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "judge.gguf", seed=SEED)
    command = (
        "judge", "--run", "last", "--judge", f"{model}@house", "--rubric", "two",
        "--ctx", "2048", "--threads", "1",
    )  # fmt: skip
    rng = random.Random()
    for _ in range(2):
        before = judged(home)
        process = begin(home, *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while len(judged(home)) < len(before) + rng.randint(1, 5):
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        assert before.items() <= judged(home).items()
    before = judged(home)
    assert 2 <= len(before) < 2 * N_ITEMS
    done = run(home, *command)
    assert done.code == 0, done.err
    after = judged(home)
    assert before.items() <= after.items()
    assert len(after) == len(set(after.values())) == 2 * N_ITEMS
    with Store.open(history_file(home), readonly=True) as store:
        assert store.check() == []
