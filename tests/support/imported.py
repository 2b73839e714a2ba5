"""Files of other tools as tests write them, taken into a history, and runs as they leave it again."""

import json
from pathlib import Path
from typing import Any

import pytest

from urial_tui.errors import ExchangeError
from urial_tui.exchange import (
    just_eval,
    writing,
)
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.incoming import imports as importing
from urial_tui.exchange.incoming.types import Options, Tally
from urial_tui.exchange.sources import source_of_run
from urial_tui.store.store import Store


def put(path: Path, value: Any) -> Path:
    """A file with a JSON value, with lines of a list of texts, or with a text."""
    if isinstance(value, str):
        path.write_text(value, "utf-8")
    else:
        path.write_text(json.dumps(value), "utf-8")
    return path


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def take(store: Store, path: Path, format_: str | None = None, **options: Any) -> Tally:
    (tally,) = importing.write(store, [importing.read(path, format_, Options(**options))])
    return tally


def refused(path: Path, format_: str | None = None, **options: Any) -> ExchangeError:
    """What is said of a file; nothing of it reaches a history."""
    with Store.in_memory() as store:
        with pytest.raises(ExchangeError) as raised:
            take(store, path, format_, **options)
        assert store.stats().sessions == store.stats().runs == 0
    assert raised.value.exit_code == 7
    return raised.value


def newer_runs(store: Store, n: int = 10_001) -> None:
    """So many runs without answers."""
    store._db.execute(
        "INSERT INTO run (id, name, fingerprint, created_at, updated_at, input_name, input_format, input_sha256) "
        "WITH RECURSIVE made (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < ?) "
        "SELECT printf('zz%d', n), 'run', '', '', '', '', '', '' FROM made",
        (n,),
    )


def output(n: int, generator: str = "gpt", **more: Any) -> dict[str, Any]:
    return {"instruction": f"Question {n}", "output": f"Answer {n}", "generator": generator} | more


def judged(n: int, score: Any = "4", **more: Any) -> dict[str, Any]:
    parsed = {
        aspect: {"reason": f"because {n}", "score": score}
        for aspect in just_eval.MODES["score_multi"]
    }
    return {
        "id": n,
        "input": f"Question {n}",
        "output_cand": f"Answer {n}",
        "generator_cand": "gpt",
        "eval_config": {"mode": "score_multi", "gpt": "judge-1", "max_words": -1},
        "prompt": f"Judge {n}",
        "result": json.dumps(parsed, indent=4),
        "parsed_result": parsed,
    } | more


def back(store: Store, run_id: str, folder: Path, format_: Any = just_eval) -> dict[str, Any]:
    """The files of a run's export, by name."""
    made = format_.export(source_of_run(store, store.run(run_id)), Wanted())
    written = writing.write(folder, made.documents)
    return {str(one.path.relative_to(folder)): one.path.read_text("utf-8") for one in written}


QUESTIONS = [
    {"question_id": 81, "category": "writing", "turns": ["First?", "Second?"]},
    {"question_id": 82, "category": "math", "turns": ["One?"]},
]


def mt_answer(id_: int, model: str, *turns: str) -> dict[str, Any]:
    return {
        "question_id": id_,
        "answer_id": "x",
        "model_id": model,
        "choices": [{"index": 0, "turns": list(turns)}],
        "tstamp": 1.5,
    }


def shown(store: Store, session_id: str) -> list[tuple[str, str]]:
    session = store.session(session_id)
    return [(m.role, m.content) for m in store.branch(session.leaf_id or "")]


def node(id_: str, parent: str | None, role: str, text: str, *children: str) -> dict[str, Any]:
    return {
        "id": id_,
        "parent": parent,
        "children": list(children),
        "message": {
            "author": {"role": role},
            "create_time": 1700000000.25,
            "content": {"content_type": "text", "parts": [text]},
        },
    }
