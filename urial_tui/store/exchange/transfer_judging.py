"""Runs, judgements and comparisons of `transfer`: what was changed in memory, written to the file. Ours wins."""

from collections.abc import Sequence

from urial_tui.store.database.connection import Connection
from urial_tui.store.database.json_columns import to_json
from urial_tui.store.exchange import lossless
from urial_tui.store.exchange.upsert import upsert
from urial_tui.store.judging import comparisons, judgements


def write_run(memory: Connection, target: Connection, run_id: str) -> None:
    """A run with its sides and items. Inside the caller's transaction, as all of these."""
    tree = lossless.read(memory, "run", run_id)
    if tree is not None:
        lossless.write(target, "run", tree, upsert)


def make_room_for_session(target: Connection, session: lossless.Tree) -> None:
    """Take away what another program wrote in the place of this session's rows: a conversation about the same item of
    a run, what the same judges said of its answers."""
    for answer in session.get("answers", [])[:1]:
        target.execute(
            "DELETE FROM session WHERE id IN (SELECT session_id FROM run_answer "
            "WHERE run_id = ? AND item = ? AND side = ? AND session_id <> ?)",
            (answer["run_id"], answer["item"], answer["side"], session["id"]),
        )
    for message in lossless.messages(session):
        for row in message.get("judgements", []):
            key = (message["id"], row["judge_key"], row["rubric_hash"])
            judgements.remove_earlier(target, *key, but=row["id"])


def write_comparisons(memory: Connection, target: Connection, ids: Sequence[str]) -> None:
    """Comparisons, once the messages are there; one of an answer that another program deleted is dropped."""
    for row in memory.rows(
        "SELECT id FROM comparison WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (to_json(list(ids)),),
    ):
        tree = lossless.read(memory, "comparison", row["id"])
        assert tree is not None  # asked for in the same call
        pair = sorted((tree["message_a"], tree["message_b"]))
        if target.value("SELECT count(*) FROM message WHERE id IN (?, ?)", pair) < 2:
            continue
        comparisons.remove_earlier(
            target, pair, tree["judge_key"], tree["rubric_hash"], but=tree["id"]
        )
        lossless.write(target, "comparison", tree, upsert)
