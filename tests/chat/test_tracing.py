"""Answers that are scored while they are written: what is asked of the engine, told, kept, and survives faults."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from tests.chat.conftest import Room
from tests.support.scripted_engine import Script
from urial_tui.chat.events import (
    StoreTrouble,
    TextStreamed,
    TokensScored,
    TraceEnded,
    TraceStarted,
    TurnEnded,
)
from urial_tui.errors import StoreError, UsageError
from urial_tui.shift.records import TokenScore
from urial_tui.store.store import Store
from urial_tui.store.types import Trace

Make = Callable[..., Room]
PAIR = ("demo@zero-shot", "demo@same")


def the_end(room: Room) -> Trace:
    """The trace of the last TraceEnded event, which must have no error."""
    ended = room.told(TraceEnded)[-1]
    assert ended.error is None and ended.trace is not None
    return ended.trace


async def test_an_answer_is_scored_while_it_is_written_and_the_trace_is_kept(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two three four five", eog=True))
    await room.paired(references=PAIR)
    await room.ask("Count.")
    answer = room.chat.messages[-1]
    trace = the_end(room)
    assert (
        trace
        == await room.store.call(Store.trace_of, answer.id)
        == await room.chat.trace(answer.id)
    )
    assert trace.complete and trace.start.path == "live" and trace.message_id == answer.id
    assert [score.i for score in trace.scores] == [0, 1, 2, 3, 4, 5]
    assert [score.id for score in trace.scores] == [
        token.token_id for token in await room.store.call(Store.tokens, answer.id)
    ]
    assert [score.control for score in trace.scores] == [False] * 5 + [True]
    assert [ref.rank for score in trace.scores for ref in score.references if ref] == [
        rank for rank in (1, 2, 3, 4, 1, 2) for _ in PAIR
    ]
    assert trace.pieces[trace.scores[1].id] == b" two"
    assert trace.timings["tokens"] == 6
    assert [info.n_scores for info in await room.chat.traces(answer.id)] == [6]


async def test_each_reference_gets_the_conversation_in_its_own_style(make_room: Make) -> None:
    room = make_room("First.", "Second.")
    await room.paired(references=PAIR)
    await room.ask("Why?")
    await room.ask("And now?", prefill="Well")
    call = room.engine.generations()[-1]
    assert call.scoring is not None
    zero_shot, same = call.scoring.references
    assert same.prompt is None and zero_shot.prompt is not None
    assert (zero_shot.spec.slot, same.spec.slot) == ("reference-0", "reference-1")
    text = "".join(span.text for span in zero_shot.prompt.spans)
    style = (await room.resolve("demo@zero-shot")).style
    assert "Why?" in text and "First." in text and text.endswith("Well")
    assert len(text) < len("".join(span.text for span in call.prompt.spans))  # type: ignore[union-attr]
    generator, references = the_end(room).start.generator, the_end(room).start.references
    assert generator is not None
    assert (generator.side, generator.style) == ("demo@urial-general", "urial-general")
    assert [(ref.side, ref.style) for ref in references] == [
        ("demo@zero-shot", style.id),
        ("demo@same", "same"),
    ]
    assert references[1].prompt_ids == generator.prompt_ids
    assert room.engine.text_of(references[0].prompt_ids).endswith(b"Well")
    stored = await room.store.call(Store.generation_of, room.chat.messages[-1].id)
    assert stored is not None and generator.prompt_ids == stored.start.prompt_ids


async def test_turns_that_were_left_out_are_left_out_for_the_references_too(
    make_room: Make,
) -> None:
    room = make_room("word " * 20, n_ctx=120)
    await room.paired("demo@zero-shot", references=("demo@raw",))
    await room.chat.set_sampling(room.chat.sampling, 20)
    for number in range(4):
        await room.ask(f"question{number} " * 8)
    scoring = room.engine.generations()[-1].scoring
    stored = await room.store.call(Store.generation_of, room.chat.messages[-1].id)
    assert stored is not None and stored.start.dropped_turns > 0
    assert scoring is not None and scoring.references[0].prompt is not None
    text = "".join(span.text for span in scoring.references[0].prompt.spans)
    assert "question0" not in text and "question3" in text


async def test_a_score_is_told_after_its_token_and_the_trace_ends_before_the_turn(
    make_room: Make,
) -> None:
    room = make_room("a b c d e")
    await room.paired(references=PAIR)
    await room.ask("Go.")
    seen: set[int] = set()
    for event in room.events:
        if isinstance(event, TextStreamed):
            seen.update(token.i for token in event.tokens)
        if isinstance(event, TokensScored):
            assert {score.i for score in event.scores} <= seen
    kinds = [type(event) for event in room.events]
    assert kinds.index(TraceStarted) < kinds.index(TokensScored)
    assert kinds.index(TraceEnded) < kinds.index(TurnEnded)
    (started,) = room.told(TraceStarted)
    assert started.trace.scores == () and not started.trace.complete


async def test_a_reference_that_never_begins_leaves_the_scores_of_the_others_whole(
    make_room: Make,
) -> None:
    room = make_room(Script.of("a b c d e f", reference_fails=(0, 0)))
    await room.paired(references=PAIR)
    await room.ask("Go.")
    trace = await room.store.call(Store.trace_of, room.chat.messages[-1].id)
    assert trace is not None and trace.complete
    assert [bool(side.error) for side in trace.start.references] == [True, False]
    assert all(score.references[1] is not None for score in trace.scores)


async def test_a_reference_that_fails_midway_is_noted_and_the_answer_goes_on(
    make_room: Make,
) -> None:
    room = make_room(Script.of("a b c d e f", reference_fails=(0, 3)))
    await room.paired(references=PAIR)
    await room.ask("Go.")
    answer = room.chat.messages[-1]
    assert (answer.content, answer.status) == ("a b c d e f", "complete")
    ended = room.told(TraceEnded)[-1]
    assert ended.error is not None and ended.error.kind == "logits"
    trace = await room.store.call(Store.trace_of, answer.id)
    assert trace is not None and trace == ended.trace and not trace.complete
    assert [side.error for side in trace.start.references] == ["its logits are not numbers", ""]
    assert [score.references[0] is not None for score in trace.scores] == [True] * 3 + [False] * 3
    assert all(score.references[1] is not None for score in trace.scores)


async def test_when_all_references_fail_the_answer_still_ends_complete(make_room: Make) -> None:
    room = make_room(Script.of("a b c", reference_fails=(-1, 0)))
    await room.paired(references=PAIR)
    await room.ask("Go.")
    assert room.chat.messages[-1].status == "complete"
    ended = room.told(TraceEnded)[-1]
    assert ended.error is not None and ended.trace is not None and not ended.trace.complete
    assert all(side.error for side in ended.trace.start.references)


async def test_an_engine_that_dies_while_scoring_leaves_text_and_scores_and_it_can_be_scored_again(
    make_room: Make,
) -> None:
    room = make_room(Script.of("a b c d e", fail_after=4), "later")
    await room.paired(references=PAIR)
    await room.ask("Go.")
    answer = room.chat.messages[-1]
    assert (answer.content, answer.status) == ("a b c d", "failed")
    ended = room.told(TraceEnded)[-1]
    assert ended.error is not None and ended.error.kind == "engine-died"
    assert ended.trace is not None and not ended.trace.complete
    assert [score.i for score in ended.trace.scores] == [0, 1, 2, 3]
    await room.chat.score(answer.id)
    ended = await room.scored()
    assert ended.error is None and ended.trace is not None and ended.trace.complete
    assert ended.trace.start.path == "canonical" and len(ended.trace.scores) == 4


async def test_stopping_keeps_the_scores_so_far(make_room: Make) -> None:
    room = make_room("a b c d e f", paced=True)
    await room.paired(references=PAIR)
    await room.chat.send("Go.")
    room.engine.pace.let(3)
    await room.until(lambda: len(room.told(TextStreamed)) == 3)
    await room.chat.stop()
    answer = room.chat.messages[-1]
    assert answer.status == "stopped"
    trace = the_end(room)
    assert [score.i for score in trace.scores] == [0, 1, 2] and trace.complete


async def test_scores_are_not_written_before_their_tokens(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urial_tui.chat.tracing.FLUSH_TOKENS", 2)
    room = make_room("a b c d e f g h")
    await room.paired(references=PAIR)
    append, written = Store.append_scores, []

    def append_scores(
        store: Store, trace_id: str, scores: Sequence[TokenScore], pieces: Any
    ) -> None:
        stored = store.tokens(room.chat.messages[-1].id)
        written.append((scores[-1].i, len(stored)))
        append(store, trace_id, scores, pieces)

    monkeypatch.setattr(Store, "append_scores", append_scores)
    await room.ask("Go.")
    assert [last for last, _ in written] == [1, 3, 5, 7]
    assert all(last < stored for last, stored in written)


async def test_a_disk_that_fills_while_scoring_moves_the_trace_into_memory(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("a b c d e")
    await room.paired(references=PAIR)
    append = Store.append_scores
    full = [StoreError("the disk is full", kind="disk-full")]

    def refuse_once(*args: Any) -> None:
        if full:
            raise full.pop()
        append(*args)

    monkeypatch.setattr(Store, "append_scores", refuse_once)
    await room.ask("Go.")
    told = room.told(StoreTrouble)
    assert told[0].error is not None and told[0].error.kind == "disk-full"
    assert the_end(room).complete and len(the_end(room).scores) == 5
    assert room.chat.messages[-1].status == "complete"
    assert told[-1].error is None and not room.store.is_in_memory  # it was written back
    trace = await room.store.call(Store.trace_of, room.chat.messages[-1].id)
    assert trace is not None and len(trace.scores) == 5


async def test_a_history_that_refuses_the_trace_costs_the_trace_and_not_the_answer(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("a b c d e")
    await room.paired(references=PAIR)

    def refuse(*_: object) -> None:
        raise StoreError("no such trace", kind="not-found")

    monkeypatch.setattr(Store, "append_scores", refuse)
    await room.ask("Go.")
    assert room.chat.messages[-1].status == "complete"
    ended = room.told(TraceEnded)[-1]
    assert ended.error is not None and ended.error.kind == "not-found" and ended.trace is None


async def test_continuing_copies_the_scores_of_what_is_kept(make_room: Make) -> None:
    room = make_room(Script.of("one two three", reason="length"), " four five")
    await room.paired(references=PAIR)
    await room.ask("Count.")
    first = the_end(room)
    await room.chat.continue_answer()
    await room.settled()
    started, trace = room.told(TraceStarted)[-1].trace, the_end(room)
    assert started.scores == first.scores
    assert trace.complete and trace.id != first.id
    assert trace.scores[:3] == first.scores
    assert [score.i for score in trace.scores] == [0, 1, 2, 3, 4]
    assert trace.start.references == first.start.references
    scoring = room.engine.generations()[-1].scoring
    assert scoring is not None and scoring.references[0].prompt is not None
    assert len(scoring.references[0].prompt.ids) == scoring.references[0].prompt.answer == 3


async def test_continuing_under_other_references_leaves_the_old_tokens_unscored(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two three", reason="length"), " four five")
    await room.paired(references=("demo@zero-shot",))
    await room.ask("Count.")
    await room.chat.set_references(("demo@raw",))
    await room.chat._pairing.settled()
    await room.chat.continue_answer()
    await room.settled()
    ended = room.told(TraceEnded)[-1]
    assert ended.trace is not None and not ended.trace.complete
    assert [score.i for score in ended.trace.scores] == [3, 4]


async def test_an_answer_and_its_trace_note_the_contexts_that_gave_their_numbers(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two three", reason="length"), " four five")
    room.context = {"gpu_layers": -1, "n_threads": 0, "n_batch": 1024, "kv_type": "q8_0"}
    await room.paired(references=PAIR)
    await room.ask("Count.")
    first = room.chat.messages[-1]
    told = {"device": "CPU", "gpu_layers": 0, "n_threads": 2}  # as it came out, not as asked for
    expected = told | {"n_batch": 1024, "flash_attention": "auto", "kv_type": "q8_0"}
    await room.chat.continue_answer()
    await room.settled()
    for message in (first, room.chat.messages[-1]):
        generation = await room.store.call(Store.generation_of, message.id)
        assert generation is not None and generation.start.context == expected
    start = the_end(room).start
    assert start.generator is not None and start.generator.context == expected
    assert [side.context for side in start.references] == [expected, expected]
    await room.chat.score(room.chat.messages[-1].id)
    scored = await room.scored()
    assert scored.trace is not None and scored.trace.start.path == "canonical"
    assert [side.context for side in scored.trace.start.references] == [expected, expected]


@pytest.mark.parametrize(
    "changed", [{}, {"kv_type": "q8_0"}, {"n_batch": 1024}, {"flash_attention": "off"}]
)
async def test_scores_are_copied_only_from_contexts_of_the_same_options(
    make_room: Make, changed: dict[str, Any]
) -> None:
    room = make_room(Script.of("one two three", reason="length"), " four five")
    await room.paired(references=PAIR)
    await room.ask("Count.")
    session_id = room.chat.messages[-1].session_id
    await room.chat.aclose()
    room.context = changed
    await room.paired(references=PAIR)
    await room.chat.open_session(session_id)
    await room.chat._pairing.settled()
    await room.chat.continue_answer()
    await room.settled()
    ended = room.told(TraceEnded)[-1]
    assert ended.trace is not None and ended.trace.complete is not bool(changed)
    assert [score.i for score in ended.trace.scores] == ([3, 4] if changed else [0, 1, 2, 3, 4])


async def test_a_branch_from_an_alternative_keeps_the_tokens_before_it_and_the_old_branch(
    make_room: Make,
) -> None:
    room = make_room("one two three four", " and more")
    await room.paired(references=PAIR)
    await room.ask("Count.")
    old, first = room.chat.messages[-1], the_end(room)
    other = room.engine.token_id(b" twelve")
    await room.chat.branch_from(old.id, 1, other)
    await room.settled()
    new = room.chat.messages[-1]
    assert new.content == "one twelve and more" and new.parent_id == old.parent_id
    assert (await room.store.call(Store.message, old.id)).content == "one two three four"
    assert await room.chat.siblings(new.id) == (2, 2)
    assert room.engine.generations()[-1].forced == (other,)
    tokens = await room.store.call(Store.tokens, new.id)
    assert [token.raw for token in tokens] == [b"one", b" twelve", b" and", b" more"]
    trace = the_end(room)
    assert trace.complete and trace.scores[0] == first.scores[0]
    assert [score.id for score in trace.scores] == [token.token_id for token in tokens]
    assert await room.store.call(Store.trace_of, old.id) == first


async def test_a_branch_from_the_first_token_begins_with_the_alternative(make_room: Make) -> None:
    room = make_room("one two", " more")
    await room.paired(references=PAIR)
    await room.ask("Count.", prefill="So: ")
    await room.chat.branch_from(room.chat.messages[-1].id, 0, room.engine.token_id(b"ten"))
    await room.settled()
    assert room.chat.messages[-1].content == "So: ten more"
    assert the_end(room).complete


async def test_a_branch_needs_the_side_that_wrote_the_answer(make_room: Make) -> None:
    room = make_room("one two")
    await room.paired(references=PAIR)
    await room.ask("Count.")
    answer = room.chat.messages[-1]
    await room.chat.set_side("demo@raw")
    with pytest.raises(UsageError, match="did not write"):
        await room.chat.branch_from(answer.id, 1, 5)
    assert not room.chat.busy and room.chat.messages[-1] == answer


async def test_an_infinite_divergence_does_not_make_the_mean_infinite(make_room: Make) -> None:
    room = make_room("a b c d")
    await room.paired(references=("demo@zero-shot",))
    record = room.engine.record

    def with_infinity(i: int, *rest: Any) -> TokenScore:
        score = record(i, *rest)
        (ref,) = score.references
        assert ref is not None
        kl = float("inf") if i == 1 else ref.kl
        return msgspec.structs.replace(score, references=(msgspec.structs.replace(ref, kl=kl),))

    room.engine.record = with_infinity  # type: ignore[method-assign]
    await room.ask("Go.")
    kls = [ref.kl for score in the_end(room).scores for ref in score.references if ref]
    assert kls[1] is None and all(kl is not None for i, kl in enumerate(kls) if i != 1)
    (totals,) = await room.chat.shift_totals(session_only=False)
    assert totals.mean_kl is not None and totals.mean_kl < 1


async def test_totals_are_of_the_session_or_of_all(make_room: Make) -> None:
    room = make_room("a b c d")
    await room.paired(references=("demo@zero-shot",))
    assert await room.chat.shift_totals(session_only=True) == []
    await room.ask("One.")
    await room.chat.new_session()
    await room.ask("Two.")
    (here,) = await room.chat.shift_totals(session_only=True)
    (everywhere,) = await room.chat.shift_totals(session_only=False)
    assert (here.answers, everywhere.answers) == (1, 2)
    assert (here.unshifted, here.marginal, here.shifted) == (1, 2, 1)


async def test_without_scoring_nothing_is_asked_for_and_nothing_told(make_room: Make) -> None:
    room = make_room("a b")
    await room.paired(references=PAIR, scoring=False)
    await room.ask("Go.")
    assert room.engine.generations()[-1].scoring is None
    assert not room.told(TraceEnded) and not room.told(TraceStarted)
    assert {spec.slot for spec in room.engine.open_contexts} == {"generator"}


async def test_closing_while_an_answer_is_scored_keeps_what_there_is(make_room: Make) -> None:
    room = make_room("a b c d", paced=True)
    await room.paired(references=PAIR)
    await room.chat.send("Go.")
    room.engine.pace.let(2)
    await room.until(lambda: room.told(TokensScored))
    await asyncio.wait_for(room.chat.aclose(), 10)
    trace = await room.store.call(Store.trace_of, room.chat.messages[-1].id)
    assert trace is not None and [score.i for score in trace.scores] == [0, 1]
