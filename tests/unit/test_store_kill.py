"""kill -9 at any moment: what was acknowledged is there, the partial answer says `interrupted`, the draft is back."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.store_writer import scored
from urial_tui.store.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL")


@dataclass
class Acknowledged:
    session: str = ""
    draft: str | None = None
    users: dict[str, str] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    n_tokens: dict[str, int] = field(default_factory=dict)
    n_scores: dict[str, int] = field(default_factory=dict)


def writer(path: Path) -> subprocess.Popen[bytes]:
    """A program that writes answers without end and says what is acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.store_writer", "stream", str(path)],
        stdout=subprocess.PIPE,
        bufsize=0,  # `communicate` does not see what a buffer has read ahead
    )


def write_until_killed(path: Path, delay: float) -> Acknowledged:
    """Run the writer, kill it `delay` seconds after its first acknowledged write; what it had acknowledged."""
    process = writer(path)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(delay)  # the moment is the point of this test
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    return acknowledged([*lines, *rest.splitlines(keepends=True)])


def acknowledged(lines: Iterable[bytes]) -> Acknowledged:
    """What the writer has said."""
    known = Acknowledged()
    for line in lines:
        if not line.endswith(b"\n"):
            continue  # killed while it wrote this line
        said = json.loads(line)
        match said:
            case {"session": session}:
                known.session = session
            case {"draft": draft}:
                known.draft = draft
            case {"user": user, "content": content}:
                known.users[user] = content
            case {"answer": answer}:
                known.begun.append(answer)
            case {"appended": answer, "n_tokens": n}:
                known.n_tokens[answer] = n
            case {"scored": answer, "n_scores": n}:
                known.n_scores[answer] = n
            case {"finished": answer}:
                known.finished.append(answer)
    return known


def check_after_kill(path: Path, known: Acknowledged) -> None:
    raw = sqlite3.connect(path)  # a plain reader recovers the file as well
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()
    with Store.open(path) as store:
        assert store.check() == []
        messages = {m.id: m for m in store.messages(known.session)}
        for user, content in known.users.items():
            assert messages[user].content == content
        for answer in known.finished:
            assert messages[answer].status == "complete"
        for answer in known.begun:
            if answer not in known.finished:
                # The kill may have come after the commit and before the acknowledgement.
                assert messages[answer].status in {"interrupted", "complete"}
        unfinished = [m for m in messages.values() if m.status != "complete"]
        assert len(unfinished) <= 1
        for message in unfinished:
            assert message.status == "interrupted"
            assert message.content == "".join(t.text for t in store.tokens(message.id))
            assert store.leaf_below(message.id).id == message.id
        for answer, n in known.n_tokens.items():
            stored = store.tokens(answer)
            assert len(stored) >= n
            assert [t.i for t in stored] == list(range(len(stored)))
            assert messages[answer].content == " word" * len(stored)
        for answer, n in known.n_scores.items():
            trace = store.trace_of(answer)
            assert trace is not None
            assert len(trace.scores) >= n
            assert trace.scores == tuple(scored(i) for i in range(len(trace.scores)))
            assert trace.complete or answer not in known.finished
        assert store.session(known.session).leaf_id == max(messages, default=None)
        if known.draft is not None:
            # The next draft may be on disk without its acknowledgement.
            turn = int(known.draft.split()[1])
            draft = store.draft(known.session).text
            assert draft == known.draft or draft.startswith(f"draft {turn + 1} ")
        assert store.lock_holder(known.session) is None
        store.lock(known.session, "the next program")
        if unfinished and unfinished[0].content:
            assert store.search("word")


def run(path: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    done = interrupted = 0
    while done < rounds or (not interrupted and done < 4 * rounds):
        known = write_until_killed(path, moments.uniform(0.0, 0.25))
        check_after_kill(path, known)
        interrupted += len(set(known.begun) - set(known.finished))
        done += 1
    assert interrupted > 0, "no kill met a streaming answer: the moments are wrong"


def test_five_kills(tmp_path: Path) -> None:
    run(tmp_path / "history.db", 5, seed=1)


@pytest.mark.accept
def test_fifty_kills(tmp_path: Path) -> None:
    run(tmp_path / "history.db", 50, seed=random.randrange(2**32))
