"""A judge over a scripted engine: what it asks, when it asks again, what it keeps, and who it is."""

import re
from dataclasses import replace

import pytest

from tests.support.judging import CONVERSATION, PAIR, compared, reply, rubric, scored, side
from tests.support.scripted_engine import Script, ScriptedEngine
from urial_tui.engine.protocol import ContextSpec
from urial_tui.errors import EngineError
from urial_tui.judge.flipping import flipped
from urial_tui.judge.judging import Judge
from urial_tui.judge.records import as_comparison, as_judgement
from urial_tui.judge.rubrics import Rubric
from urial_tui.judge.verdicts import Scored
from urial_tui.prompts.types import Turn

MASSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.05)
QUERY = (Turn("user", "Why?"),)


async def judged(*scripts: Script, of: Rubric | None = None) -> tuple[Scored, ScriptedEngine]:
    engine = ScriptedEngine(scripts)
    return await Judge(engine, side()).score(of or rubric(), CONVERSATION), engine


async def test_a_reply_becomes_scores_with_their_expected_values() -> None:
    result, engine = await judged(reply(scored("4", "N/A"), MASSES, MASSES))
    clarity, truth = result.scores
    assert (result.outcome, clarity.score, truth.outcome) == ("ok", 4, "na")
    assert (clarity.expected, clarity.spread) == pytest.approx((4.0, 1.0))
    assert clarity.probabilities == MASSES[:5] and truth.p_na == MASSES[5]
    assert result.raw == (scored("4", "N/A"),) and result.timings["attempts"] == 1
    (call,) = engine.generations()
    assert call.sampling is not None and call.sampling.temperature == 0.0
    assert call.sampling.json_schema is not None and '"clarity"' in call.sampling.json_schema
    assert "".join(span.text for span in call.prompt.spans) == result.prompt


async def test_what_cannot_be_read_is_asked_once_more_and_both_replies_are_kept() -> None:
    cut = scored("4", "5")[:40]
    result, engine = await judged(reply(cut), reply(scored("2", "1")))
    assert [score.score for score in result.scores] == [2, 1]
    assert result.raw == (cut, scored("2", "1"))
    first, second = (call.sampling for call in engine.generations())
    assert (first.temperature, second.temperature) == (0.0, 0.3) and first.seed != second.seed


async def test_after_two_bad_replies_the_better_one_counts_and_the_rest_is_invalid() -> None:
    half = scored("4", "5")[: scored("4", "5").index("},") + 5]
    for first, second in ((half, "{"), ("{", half), (half, half.replace('"4"', '"3"'))):
        result, engine = await judged(reply(first), reply(second))
        wanted = 4 if '"4"' in first + second else 3
        assert [s.score for s in result.scores] == [wanted, None]
        assert [s.outcome for s in result.scores] == ["ok", "invalid"]
        assert (result.outcome, len(engine.generations())) == ("ok", 2)
    result, _ = await judged(reply("no"), reply("{"))
    assert result.outcome == "invalid" and result.raw == ("no", "{")


async def test_a_refusal_is_taken_at_once_but_never_for_a_score() -> None:
    declined = '{"refused": "No."}'
    result, engine = await judged(reply(declined))
    assert (result.outcome, len(engine.generations())) == ("refused", 1)
    half = scored("4", "5")[: scored("4", "5").index("},") + 5]
    result, _ = await judged(reply(half), reply(declined))
    assert [s.score for s in result.scores] == [4, None]


async def test_an_engine_that_dies_is_an_error_and_no_judgement() -> None:
    with pytest.raises(EngineError) as caught:
        await judged(Script(fail_after=2))
    assert caught.value.kind == "engine-died"


async def test_a_judge_that_prefers_a_place_gives_ties_and_no_wins() -> None:
    engine = ScriptedEngine([reply(compared("A", "A"), (0.9, 0.1, 0.0), (0.6, 0.2, 0.0))])
    result = await Judge(engine, side()).compare(rubric(PAIR), QUERY, "Because.", "So.")
    assert [(p.winner, p.first, p.second) for p in result.picks] == [("tie", "a", "b")] * 2
    assert [(p.p_first, p.p_second) for p in result.picks] == [
        pytest.approx((0.9, 0.1)),
        pytest.approx((0.75, 0.25)),
    ]
    first, second = result.prompts
    assert re.findall(r"begin: (answer .) ===\n(.*)", first) == [
        ("answer A", "Because."),
        ("answer B", "So."),
    ]
    assert re.findall(r"begin: (answer .) ===\n(.*)", second) == [
        ("answer A", "So."),
        ("answer B", "Because."),
    ]
    assert len(engine.generations()) == 2


async def test_a_judge_that_prefers_an_answer_names_its_winner() -> None:
    engine = ScriptedEngine([reply(compared("A", "tie")), reply(compared("B", "tie"))])
    result = await Judge(engine, side()).compare(rubric(PAIR), QUERY, "Because.", "So.")
    assert [p.winner for p in result.picks] == ["a", "tie"]


async def test_conversations_that_differ_are_both_shown() -> None:
    engine = ScriptedEngine([reply(compared("A", "A"))])
    talk = [*CONVERSATION, Turn("user", "And?")]
    other = [talk[0], Turn("assistant", "Who knows."), talk[2]]
    result = await Judge(engine, side()).compare(rubric(PAIR), talk, "x", "y", before_b=other)
    titles = re.findall(r"begin: (.*) ===", result.prompts[0])
    assert titles[1] == "earlier answer 1 in conversation A" and titles[3] == "answer A"
    assert titles[5] == "earlier answer 1 in conversation B" and titles[7] == "answer B"
    assert result.prompts[0].count("Who knows.") == 1


def test_a_judges_key_names_what_its_judgements_depend_on_and_nothing_else() -> None:
    engine = ScriptedEngine()

    def key(**changes: object) -> str:
        return Judge(engine, side(**changes)).info.key

    base = key()
    assert base == key(notation="another name for it") == key(max_tokens=7)
    assert base == key(spec=ContextSpec("smol.gguf", n_threads=3))
    different = [
        key(sha256_of=lambda _path: "other"),
        key(spec=ContextSpec("smol.gguf", n_ctx=512)),
        key(spec=ContextSpec("smol.gguf", adapter_path="lora.gguf")),
        key(spec=ContextSpec("smol.gguf", adapter_path="lora.gguf", adapter_scale=0.5)),
        key(versions={"llama-cpp-python": "2"}),
        key(style=replace(side().style, hash="other")),
    ]
    assert len({base, *different}) == len(different) + 1
    info = Judge(engine, side()).info
    assert (info.kind, info.judge) == ("model", "smol@house")
    assert info.provenance["model_sha256"] == "sha of smol.gguf"


async def test_a_judge_has_a_context_of_its_own() -> None:
    engine = ScriptedEngine([reply(scored("3", "3"))])
    judge = Judge(engine, side())
    await judge.score(rubric(), CONVERSATION)
    assert {call.spec.slot for call in engine.calls} == {"judge"}
    await judge.aclose()
    assert not engine.open_contexts


async def test_rows_have_everything_that_was_said() -> None:
    result, _ = await judged(reply(scored("4", "5")))
    info = Judge(ScriptedEngine(), side()).info
    row = as_judgement("m1", info, rubric(), result, own=True)
    assert (row.message_id, row.judge, row.rubric) == ("m1", info, rubric().ref)
    assert (row.scores, row.raw, row.prompt, row.own) == (
        result.scores,
        result.raw,
        result.prompt,
        True,
    )


async def test_a_comparison_seen_from_the_other_side_is_the_same_comparison() -> None:
    engine = ScriptedEngine(
        [reply(compared("A", "A"), (0.9, 0.1, 0.0)), reply(compared("B", "A"), (0.25, 0.75, 0.0))]
    )
    made = await Judge(engine, side()).compare(rubric(PAIR), QUERY, "Because of it.", "So.")
    info = Judge(engine, side()).info
    row = as_comparison("m1", "m2", (3, 1), info, rubric(PAIR), made)
    other = flipped(row)
    clarity = other.picks[0]
    assert (row.picks[0].winner, clarity.winner, other.message_a, other.words_a) == (
        "a",
        "b",
        "m2",
        1,
    )
    assert (clarity.first, clarity.second) == ("b", "b")
    assert (row.picks[0].p_first, row.picks[0].p_second) == pytest.approx((0.9, 0.75))
    assert (clarity.p_first, clarity.p_second) == pytest.approx((0.25, 0.1))
    assert replace(flipped(other), picks=row.picks) == row
