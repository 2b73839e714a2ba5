"""The words of `words` for runs, judgements and comparisons."""

from urial_tui.store.schema.words import LOCK, SEQ, Words

_JUDGE = {
    "judge_kind": "`model` or `person`",
    "judge": "the side of a model, the name of a person",
    "judge_key": "names everything that the judgement depends on but rubric and text",
    "provenance": "a JSON object with what that is",
    "rubric": "the rubric's id",
    "rubric_version": "its version",
    "rubric_hash": "sha256 of its file",
    "outcome": "`ok`; `na`: does not apply; `invalid`: nothing readable; `refused`: the judge declined",
    "shortened": "a JSON object: for each text that was cut, the characters shown and those in all",
    "note": "of a person, or why it is `invalid`",
    "blind": "1: a person who did not see which side wrote it",
    "own": "1: a judge whose model wrote it itself",
    "timings": "a JSON object, in seconds",
}
_JUDGED_BY = ("judge_kind", "judge", "judge_key", "rubric", "rubric_hash", "own", "blind")
_ANSWERED = {
    "run": "the run's name",
    "run_id": "the run",
    "item": "the row of the instruction set, from 0",
    "source_id": "its own id",
    "dataset": "as in the row",
    "category": "as in the row",
    "side": "which side answered",
    "side_number": "its number, from 0",
    "turn": "which turn, from 0",
}

RUNS = {
    "run": Words(
        "an instruction set that one or more sides answer (`urial-tui run`)",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "name": "its name",
            "fingerprint": "names everything that the answers depend on: the same command finds its run by it",
            "created_at": "when it was begun",
            "updated_at": "the last time that items were added; answers have their own times",
            "input_name": "the file of the instructions",
            "input_format": "its format",
            "input_sha256": "its sha256",
            "reference_sides": "a JSON array: the sides that score each answer",
            "settings": "a JSON object: sampling, limits and the like",
            "versions": "a JSON object: program, llama-cpp-python, ...",
        },
    ),
    "run_side": Words(
        "the sides that answer, in the order of the command",
        {"run_id": "the run", "number": "counts from 0", "side": "the side"},
    ),
    "run_item": Words(
        "the rows of the instruction set",
        {
            "run_id": "the run",
            "item": "counts from 0",
            "source_id": "the row's own id, a text or a number",
            "turns": "a JSON array of the user's messages",
            "n_turns": "how many they are",
            "dataset": "as in the row",
            "category": "as in the row",
            "task": "a JSON array, as in the row",
            "topic": "a JSON array, as in the row",
            "extra": "a JSON object with the row's other fields",
        },
    ),
    "run_answer": Words(
        "which message answers what: one row at most for each turn of an item and side. The answer counts when its "
        "message is `complete`; any other is made again when the run goes on",
        {
            "run_id": "the run",
            "item": "the item",
            "side": "`run_side.number`",
            "turn": "counts from 0",
            "session_id": "the conversation",
            "message_id": "the answer in it",
        },
    ),
    "run_answer_text": Words(
        "a view: the answers of runs, ready to be read",
        {
            **_ANSWERED,
            "question": "the user's message",
            "answer": "the answer",
            "status": "as in **message**",
            "error": "as in **message**",
            "finish_reason": "as in **generation**",
            "completion_tokens": "as in **generation**",
            "session_id": "the conversation",
            "message_id": "the answer",
        },
    ),
    "run_lock": Words(
        "which program writes a run and all its conversations now", {"run_id": "the run", **LOCK}
    ),
}

JUDGING = {
    "judgement": Words(
        "scores of one answer by one judge. A judge (`judge_key`) and a rubric (`rubric_hash`) have one at most for "
        "each answer; a later one takes its place",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "message_id": "the answer",
            "created_at": "when it was judged",
            **_JUDGE,
            "raw": "a JSON array with what the judge wrote, one text an attempt",
            "prompt": "what the judge read",
        },
    ),
    "judgement_score": Words(
        "the aspects of a judgement",
        {
            "judgement_seq": "`judgement.seq`",
            "number": "the aspect's place in the rubric",
            "aspect": "its name",
            "outcome": "as in **judgement**, of this aspect",
            "score": "1 to 5 where `outcome` is `ok`, else NULL: no other outcome is a number",
            "expected": "mean of the judge's own distribution over the five scores; NULL without `ok`",
            "spread": "its standard deviation",
            "probabilities": "a JSON array: the masses of the digits 1 to 5; they need not sum to 1",
            "p_na": "the mass of N/A",
            "reason": "what the judge wrote before the score",
        },
    ),
    "score": Words(
        "a view: one row for each aspect of each judgement, ready to be averaged. Where the answer is not of a run, "
        "`run` and what belongs to it is NULL, and `side` is that of the generation",
        {
            **_ANSWERED,
            "message_id": "the answer",
            "judgement_id": "`judgement.id`",
            **{name: _JUDGE[name] for name in _JUDGED_BY},
            "aspect": "its name",
            "outcome": "of this aspect",
            "score": "1 to 5, or NULL",
            "expected": "as in **judgement_score**",
            "spread": "as in **judgement_score**",
            "reason": "as in **judgement_score**",
        },
    ),
    "comparison": Words(
        "which of two answers is better, by one judge. A judge and a rubric have one at most for each pair, whichever "
        "of the two is called A",
        {
            "seq": SEQ,
            "id": "26 characters that sort by time",
            "message_a": "the answer that is called A",
            "message_b": "the other one",
            "created_at": "when they were compared",
            **_JUDGE,
            "raw": "a JSON array with what the judge wrote: A shown first, then B shown first",
            "prompts": "a JSON array with what it read, likewise",
            "words_a": "how long A is, in words",
            "words_b": "how long B is",
        },
    ),
    "comparison_pick": Words(
        "the aspects of a comparison",
        {
            "comparison_seq": "`comparison.seq`",
            "number": "the aspect's place in the rubric",
            "aspect": "its name",
            "outcome": "as in **judgement**, of this aspect",
            "winner": "`a`, `b` or `tie` where `outcome` is `ok`, else NULL. Two orders that disagree are a tie",
            "a_first": "who won when A was shown first",
            "b_first": "who won when B was shown first; a person sees one order",
            "p_a_first": "A's share of the probability of A and B when A was shown first",
            "p_b_first": "the same when B was shown first",
            "reasons": "a JSON array",
        },
    ),
    "preference": Words(
        "a view: one row for each aspect of each comparison",
        {
            "comparison_id": "`comparison.id`",
            "message_a": "the answer that is called A",
            "message_b": "the other one",
            "side_a": "who wrote A",
            "side_b": "who wrote B",
            "run_id_a": "the run of A; NULL outside of runs, like the next four",
            "run_id_b": "the run of B",
            "item_a": "what A answers",
            "item_b": "what B answers",
            "turn": "which turn",
            **{name: _JUDGE[name] for name in _JUDGED_BY},
            "words_a": "how long A is, in words",
            "words_b": "how long B is",
            "aspect": "its name",
            "outcome": "of this aspect",
            "winner": "`a`, `b`, `tie` or NULL",
            "a_first": "as in **comparison_pick**",
            "b_first": "as in **comparison_pick**",
            "p_a_first": "as in **comparison_pick**",
            "p_b_first": "as in **comparison_pick**",
        },
    ),
}
