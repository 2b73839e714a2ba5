"""Scoring stored answers anew, on the canonical path: with what, in which order, and what ends it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.chat.conftest import Room
from tests.support.scripted_engine import Call, Script
from urial_tui.chat.events import (
    EngineStatus,
    StoreTrouble,
    TokensScored,
    TraceEnded,
    TraceStarted,
    Trouble,
)
from urial_tui.errors import StoreError, UsageError
from urial_tui.store.exchange.arrivals import NewMessage, NewSession
from urial_tui.store.store import Store
from urial_tui.store.types import Trace

Make = Callable[..., Room]


async def answered(room: Room, side: str = "demo@urial-general", **options: object) -> str:
    """Ask one question; the id of the answer."""
    await room.paired(side, **options)
    await room.ask("Why?")
    return room.chat.messages[-1].id


def score_call(room: Room) -> Call:
    return [call for call in room.engine.calls if call.name == "score"][-1]


def whole(ended: TraceEnded) -> Trace:
    assert ended.error is None and ended.trace is not None
    return ended.trace


async def test_the_side_that_wrote_an_answer_scores_it_after_its_exact_prompt(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two three", eog=True))
    message_id = await answered(room)
    live = whole(room.told(TraceEnded)[-1])
    await room.chat.score(message_id)
    assert room.chat.scoring_message == message_id
    trace = whole(await room.scored())
    assert room.chat.scoring_message is None
    generation = await room.store.call(Store.generation_of, message_id)
    tokens = await room.store.call(Store.tokens, message_id)
    call = score_call(room)
    assert generation is not None and call.generator is not None
    assert call.generator.prompt is not None
    assert call.generator.prompt.ids == generation.start.prompt_ids
    assert not call.generator.prompt.spans
    assert call.tokens == tuple(token.token_id for token in tokens)
    assert (trace.start.path, trace.complete, len(trace.scores)) == ("canonical", True, 4)
    assert [score.control for score in trace.scores] == [False, False, False, True]
    assert trace.start.references == live.start.references
    assert trace.start.generator == live.start.generator
    assert [info.path for info in await room.chat.traces(message_id)] == ["canonical", "live"]
    assert [event.trace.start.path for event in room.told(TraceStarted)] == ["live", "canonical"]


async def test_an_old_message_is_scored_under_another_pair_with_that_sides_prompt(
    make_room: Make,
) -> None:
    room = make_room("one two three", "later")
    message_id = await answered(room)
    await room.ask("More?")
    await room.chat.set_side("demo@zero-shot")
    await room.chat.set_references(("demo@raw", "demo@same"))
    await room.chat.score(message_id)
    trace = whole(await room.scored())
    call = score_call(room)
    assert call.generator is not None and call.generator.prompt is not None
    text = "".join(span.text for span in call.generator.prompt.spans)
    style = (await room.resolve("demo@zero-shot")).style
    assert "Why?" in text and "More?" not in text and trace.start.generator is not None
    assert (trace.start.generator.side, trace.start.generator.style) == ("demo@zero-shot", style.id)
    assert [ref.side for ref in trace.start.references] == ["demo@raw", "demo@same"]
    assert trace.start.references[1].prompt_ids == trace.start.generator.prompt_ids
    assert (await room.chat.trace(message_id)) == trace


async def test_a_prefilled_beginning_stands_before_the_answer_for_every_side(
    make_room: Make,
) -> None:
    room = make_room("it is.")
    await room.paired()
    await room.ask("Why?", prefill="Because")
    await room.chat.score(room.chat.messages[-1].id)
    whole(await room.scored())
    reference = score_call(room).references[0]
    assert reference.prompt is not None and reference.prompt.spans[-1].text.endswith("Because")


async def test_another_model_scores_an_answer_only_when_its_tokens_mean_the_same(
    make_room: Make,
) -> None:
    room = make_room("one two three")
    message_id = await answered(room)
    await room.chat.set_side("other@urial-general")
    await room.chat.score(message_id)
    trace = whole(await room.scored())
    assert trace.start.generator is not None
    assert trace.start.generator.model_path == "/models/other.gguf"
    before = room.engine._bytes_of
    room.engine._bytes_of = lambda number, words: before(number, words).upper()  # type: ignore[method-assign]
    await room.chat.score(message_id)
    ended = await room.scored()
    assert ended.error is not None and ended.error.kind == "vocabulary"
    assert "'one' in it and 'ONE' for that model" in ended.error.message
    assert ended.trace == trace


async def test_an_imported_text_is_scored_as_it_stands_behind_the_prompt(make_room: Make) -> None:
    room = make_room("never asked")
    said = (NewMessage("user", ""), NewMessage("assistant", "four words of text", 0))
    text = NewSession(said, "missing@raw", origin={"format": "text"})
    session_id, (_, message_id) = await room.store.call(Store.add_conversation, text)
    await room.paired("demo@urial-general", references=("demo@raw",))
    await room.chat.open_session(session_id)
    await room.chat.score(message_id)
    trace = whole(await room.scored())
    call = score_call(room)
    assert call.generator is not None and call.generator.prompt is not None
    assert call.generator.prompt.spans and not call.generator.prompt.ids
    assert (trace.complete, trace.start.path) == (True, "canonical")
    pieces = b"".join(trace.pieces[score.id] for score in trace.scores if not score.control)
    assert pieces.decode() == "four words of text"
    assert await room.store.call(Store.tokens, message_id) == []
    assert room.told(Trouble) == []  # a model of elsewhere is not missed


async def test_stopping_a_scoring_keeps_its_scores(make_room: Make) -> None:
    room = make_room("a b c d e f")
    message_id = await answered(room, scoring=False)
    await room.chat.set_scoring(True)
    room.engine.score_pace.close()
    room.engine.score_pace.let(1)
    await room.chat.score(message_id)
    await room.until(lambda: room.told(TokensScored))
    with pytest.raises(UsageError, match="scored already"):
        await room.chat.score(message_id)
    await room.chat.stop()
    trace = whole(room.told(TraceEnded)[-1])
    assert [score.i for score in trace.scores] == [0, 1] and not trace.complete
    assert not room.chat.busy and room.chat.scoring_message is None


async def test_stopping_before_the_engine_was_asked_ends_it_too(make_room: Make) -> None:
    room = make_room("a b")
    message_id = await answered(room)
    before = await room.chat.trace(message_id)
    room.engine.load.close()
    await room.chat.set_side("other@raw")
    await room.chat.score(message_id)
    await asyncio.wait_for(room.chat.stop(), 10)
    ended = room.told(TraceEnded)[-1]
    assert (ended.trace, ended.error) == (before, None)


async def test_a_message_that_is_sent_ends_a_scoring(make_room: Make) -> None:
    room = make_room("a b c d", "next")
    message_id = await answered(room)
    room.engine.score_pace.close()
    await room.chat.score(message_id)
    await room.until(lambda: room.engine.score_pace.waiting)
    await room.ask("Go on.")
    assert room.chat.messages[-1].content == "next"
    ends = [event.message_id for event in room.told(TraceEnded)]
    assert ends == [message_id, message_id, room.chat.messages[-1].id]
    assert not room.engine.score_pace.waiting


async def test_another_session_can_be_opened_while_one_is_scored(make_room: Make) -> None:
    room = make_room("a b c d")
    message_id = await answered(room)
    session = room.chat.session
    assert session is not None
    await room.chat.new_session()
    await room.ask("Other.")
    other = room.chat.messages[-1].id
    room.engine.score_pace.close()
    await room.chat.score(other)
    await room.until(lambda: room.engine.score_pace.waiting)
    await room.chat.open_session(session.id)
    assert room.told(TraceEnded)[-1].message_id == other
    assert room.chat.messages[-1].id == message_id and room.chat.scoring_message is None
    live = await room.chat.trace(other)
    assert live is not None and live.start.path == "live" and live.complete


async def test_an_engine_that_dies_while_scoring_is_started_again_for_the_next_try(
    make_room: Make,
) -> None:
    room = make_room("a b c d e f")
    message_id = await answered(room)
    room.engine.score_dies_after = 2
    await room.chat.score(message_id)
    ended = await room.scored()
    assert ended.error is not None and ended.error.kind == "engine-died"
    assert ended.trace is not None and ended.trace.start.path == "live"
    assert ended.trace.complete, "what was complete is still shown"
    partial = next(t for t in await room.chat.traces(message_id) if t.path == "canonical")
    assert partial.n_scores == 2 and not partial.complete
    assert room.told(EngineStatus)[-1].phase == "failed"
    await room.chat.score(message_id)
    assert whole(await room.scored()).complete
    assert room.engine.deaths == 1


async def test_a_disk_that_fills_while_scoring_loses_no_scores(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("a b c d")
    message_id = await answered(room)
    append = Store.append_scores
    full = [StoreError("the disk is full", kind="disk-full")]

    def refuse_once(*args: Any) -> None:
        if full:
            raise full.pop()
        append(*args)

    monkeypatch.setattr(Store, "append_scores", refuse_once)
    await room.chat.score(message_id)
    trace = whole(await room.scored())
    assert trace.complete and len(trace.scores) == 4
    assert [event.error is not None for event in room.told(StoreTrouble)] == [True, False]
    assert not room.store.is_in_memory
    assert await room.store.call(Store.trace_of, message_id) == trace


@pytest.mark.parametrize("fault", ["refused", "none", "off", "empty", "question"])
async def test_what_cannot_be_scored_says_why(make_room: Make, fault: str) -> None:
    room = make_room(Script((), reason="eog") if fault == "empty" else "a b")
    references = {"refused": ("missing@raw",), "none": ()}.get(fault, ("demo@raw",))
    message_id = await answered(room, references=references, scoring=fault != "off")
    if fault == "question":
        with pytest.raises(UsageError, match="only answers"):
            await room.chat.score(room.chat.messages[0].id)
        return
    await room.chat.score(message_id)
    ended = await room.scored()
    assert ended.trace is None and ended.error is not None
    words = {
        "refused": "no model missing",
        "none": "no reference",
        "off": "no reference",
        "empty": "no tokens",
    }
    assert words[fault] in ended.error.message


async def test_an_answer_that_another_program_writes_is_not_scored(make_room: Make) -> None:
    room = make_room("a b")
    message_id = await answered(room)
    room.chat._locked = StoreError("another program holds it", kind="session-locked")
    with pytest.raises(StoreError):
        await room.chat.score(message_id)


async def test_closing_ends_a_scoring(make_room: Make) -> None:
    room = make_room("a b c d")
    message_id = await answered(room)
    room.engine.score_pace.close()
    await room.chat.score(message_id)
    await room.until(lambda: room.engine.score_pace.waiting)
    await asyncio.wait_for(room.chat.aclose(), 10)
    assert not room.engine.score_pace.waiting
    assert room.told(TraceEnded)[-1].message_id == message_id
