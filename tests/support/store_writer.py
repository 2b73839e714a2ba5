"""Programs that tests start as processes of their own: `python -m tests.support.store_writer MODE FILE ...`.

`stream FILE`: writes conversations without end until it is killed. Prints a JSON line after each write that the store
has acknowledged; what is printed must be there after the kill.
`hold FILE SESSION`, `hold-run FILE RUN`: takes the lock, prints `locked`, waits for the end of stdin.
"""

import json
import random
import sys
from pathlib import Path

from tests.support.store_rows import END, START, tokens
from tests.support.store_traces import START as TRACE
from tests.support.store_traces import generator_score, reference_score
from urial_tui.shift.records import TokenScore
from urial_tui.store.store import Store
from urial_tui.store.types import Draft


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def scored(i: int) -> TokenScore:
    return TokenScore(i, 1000 + i, generator_score(), (reference_score(), reference_score(4)))


def stream(path: Path) -> None:
    store = Store.open(path)
    session = store.create_session("demo@urial-general")
    store.lock(session.id, "writer")
    say(session=session.id)
    parent = None
    turn = 0
    while True:
        draft = f"draft {turn} è {random.random()}"
        store.save_draft(session.id, Draft(draft))
        say(draft=draft)
        user = store.add_user_message(
            session.id, parent, f"question {turn} " + "x" * random.randrange(3000)
        )
        say(user=user.id, content=user.content)
        answer = store.begin_answer(session.id, user.id)
        generation = store.begin_generation(answer.id, START)
        trace = store.begin_trace(answer.id, TRACE)
        say(answer=answer.id)
        for n in range(random.randrange(1, 12)):
            store.append_tokens(answer.id, generation, tokens(n * 8, 8), " word" * 8)
            say(appended=answer.id, n_tokens=(n + 1) * 8)
            store.append_scores(trace, [scored(i) for i in range(n * 8, n * 8 + 8)], {7: b" word"})
            say(scored=answer.id, n_scores=(n + 1) * 8)
        store.finish_trace(trace, complete=True, timings={})
        store.finish_answer(answer.id, generation, "complete", END)
        say(finished=answer.id)
        parent = answer.id
        turn += 1


def hold(path: Path, id_: str, *, run: bool) -> None:
    store = Store.open(path)
    if run:
        store.lock_run(id_, "urial-tui run")
    else:
        store.lock(id_, "urial-tui ask")
    say(locked=True)
    sys.stdin.read()
    store.close()


if __name__ == "__main__":
    if sys.argv[1] == "stream":
        stream(Path(sys.argv[2]))
    else:
        hold(Path(sys.argv[2]), sys.argv[3], run=sys.argv[1] == "hold-run")
