"""One conversation: what is sent, kept, branched, continued and told, with the history on disk and no model."""

import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.chat.conftest import Room
from tests.support.scripted_engine import Script
from urial_tui.chat.events import (
    BranchChanged,
    ContextNotice,
    EngineStatus,
    MessageAdded,
    SideReady,
    StoreTrouble,
    TextStreamed,
    Trouble,
    TurnEnded,
)
from urial_tui.engine.protocol import Sampling
from urial_tui.errors import StoreError, UrialError, UsageError
from urial_tui.sides import UNKNOWN
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, Message

Make = Callable[..., Room]


async def test_an_answer_streams_is_stored_and_ends_complete(make_room: Make) -> None:
    room = make_room("It is Paris.")
    await room.chat.start()
    await room.ask("What is the capital of France?")
    assert room.chat.session is not None
    assert room.chat.session.title == "What is the capital of France?"
    question, answer = room.chat.messages
    assert (question.role, question.content) == ("user", "What is the capital of France?")
    assert (answer.content, answer.status) == ("It is Paris.", "complete")
    assert "".join(event.text for event in room.told(TextStreamed)) == "It is Paris."
    stored = await room.store.call(Store.branch, answer.id)
    assert [m.content for m in stored] == [question.content, "It is Paris."]
    generation = await room.store.call(Store.generation_of, answer.id)
    assert generation is not None and generation.end is not None
    assert generation.start.side == "demo@raw"
    assert generation.start.prompt_ids[0] == 1
    tokens = await room.store.call(Store.tokens, answer.id)
    assert b"".join(t.raw[: t.visible] for t in tokens) == b"It is Paris."


async def test_the_users_message_is_committed_before_the_engine_is_ready(
    make_room: Make, tmp_path: Path
) -> None:
    room = make_room("Later.", loaded=False)
    await room.chat.start()
    await room.chat.send("Are you there?")
    with Store.open(tmp_path / "history.db", readonly=True) as other:
        (session,) = other.sessions()
        contents = [m.content for m in other.messages(session.id)]
    assert contents == ["Are you there?", ""]
    assert room.told(MessageAdded)[-1].queued
    room.engine.load.open()
    await room.settled()
    assert room.chat.messages[-1].content == "Later."


async def test_the_model_loads_and_the_pack_is_read_while_nobody_has_asked(make_room: Make) -> None:
    room = make_room()
    room.chat = room.new("demo@urial-general")
    await room.chat.start()
    await room.chat._loader.ready()
    assert [status.phase for status in room.told(EngineStatus)][-1] == "ready"
    (ready,) = room.told(SideReady)
    assert ready.pack_tokens == room.chat.context_used > 50
    assert not room.engine.generations()


async def test_stopping_keeps_the_text_and_says_stopped(make_room: Make) -> None:
    room = make_room("one two three four", paced=True)
    await room.chat.start()
    await room.chat.send("Count.")
    await room.chat._loader.ready()
    room.engine.pace.let(2)
    while len(room.told(TextStreamed)) < 2:
        await asyncio.sleep(0)
    await room.chat.stop()
    answer = room.chat.messages[-1]
    assert (answer.content, answer.status) == ("one two", "stopped")
    assert (await room.store.call(Store.message, answer.id)).content == "one two"
    assert not room.chat.busy


async def test_stopping_before_the_model_is_loaded_ends_the_waiting_answer(make_room: Make) -> None:
    room = make_room("never", loaded=False)
    await room.chat.start()
    await room.chat.send("Hello?")
    await room.chat.stop()
    assert room.chat.messages[-1].status == "stopped"
    assert not room.chat.busy


async def test_regenerating_makes_a_branch_beside_the_old_answer(make_room: Make) -> None:
    room = make_room("First.", "Second.")
    await room.chat.start()
    await room.ask("Say something.")
    first = room.chat.messages[-1]
    await room.chat.regenerate()
    await room.settled()
    second = room.chat.messages[-1]
    assert second.content == "Second." and second.parent_id == first.parent_id
    assert await room.chat.siblings(second.id) == (2, 2)
    await room.chat.switch_sibling(second.id, -1)
    assert room.chat.messages[-1].id == first.id
    assert room.told(BranchChanged)[-1].messages[-1].id == first.id


async def test_regenerating_with_a_fixed_seed_takes_another_seed(make_room: Make) -> None:
    room = make_room("First.", "Second.")
    await room.chat.start()
    await room.chat.set_sampling(Sampling(temperature=1.0, seed=7), 64)
    await room.ask("Say something.")
    await room.chat.regenerate()
    await room.settled()
    seeds = [call.sampling.seed for call in room.engine.generations() if call.sampling]
    assert seeds[0] == 7 and seeds[1] != 7


async def test_a_changed_setting_counts_for_the_next_answer_and_what_was_chosen_stays(
    make_room: Make,
) -> None:
    room = make_room("First.", "Second.")
    await room.chat.start()
    await room.ask("Say something.")
    await room.chat.set_sampling(Sampling(temperature=0.3, top_k=5), 64)
    settings = (Sampling(temperature=0.9, top_k=77), 99)
    room.chat.take_sampling("top_k", lambda style: settings)
    room.chat.take_sampling("max_tokens", lambda style: settings)
    await room.ask("Go on.")
    call = room.engine.generations()[-1]
    assert call.sampling is not None
    assert (call.sampling.temperature, call.sampling.top_k) == (0.3, 77)
    assert room.chat.max_tokens == 99


async def test_continuing_goes_on_from_the_stored_tokens(make_room: Make) -> None:
    room = make_room(Script.of("one two", reason="length"), " three four")
    await room.chat.start()
    await room.ask("Count.")
    first = room.chat.messages[-1]
    await room.chat.continue_answer()
    await room.settled()
    answer = room.chat.messages[-1]
    assert (answer.content, answer.parent_id) == ("one two three four", first.parent_id)
    assert (await room.store.call(Store.message, first.id)).content == "one two"
    call = room.engine.generations()[-1]
    assert call.prompt is not None and not call.prompt.spans
    generation = await room.store.call(Store.generation_of, first.id)
    assert generation is not None
    assert call.prompt.ids[: len(generation.start.prompt_ids)] == generation.start.prompt_ids
    tokens = await room.store.call(Store.tokens, answer.id)
    assert [t.i for t in tokens] == list(range(len(tokens)))
    assert b"".join(t.raw[: t.visible] for t in tokens) == b"one two three four"


async def test_stopping_a_continuation_that_waits_for_the_model_leaves_everything_as_it_was(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two", reason="length"), " three four")
    await room.chat.start()
    await room.ask("Count.")
    before = room.chat.messages
    second_token = (await room.store.call(Store.tokens, before[-1].id))[1].token_id
    room.engine.load.close()
    await room.chat.reload()
    for begin in (
        room.chat.continue_answer,
        partial(room.chat.branch_from, before[-1].id, 0, second_token),
    ):
        begun = asyncio.create_task(begin())
        while not room.chat.busy:
            await asyncio.sleep(0)
        await room.chat.stop()
        await asyncio.wait_for(begun, 5)
        assert room.chat.messages == before and not room.chat.busy
    room.engine.load.open()
    await room.chat.continue_answer()
    await room.settled()
    assert room.chat.messages[-1].content == "one two three four"


async def test_continuing_twice_keeps_the_whole_answer(make_room: Make) -> None:
    room = make_room(Script.of("a b", reason="length"), Script.of(" c d", reason="length"), " e f")
    await room.chat.start()
    await room.ask("Spell.")
    for _ in range(2):
        await room.chat.continue_answer()
        await room.settled()
    assert room.chat.messages[-1].content == "a b c d e f"
    call = room.engine.generations()[-1]
    assert call.prompt is not None
    assert room.engine.text_of(call.prompt.ids).endswith(b"a b c d")


async def test_an_answer_of_another_side_is_continued_from_its_text(make_room: Make) -> None:
    room = make_room(Script.of("one two", reason="length"), " three")
    await room.chat.start()
    await room.ask("Count.")
    await room.chat.set_side("other@raw")
    await room.chat.continue_answer()
    await room.settled()
    call = room.engine.generations()[-1]
    assert call.prompt is not None and call.prompt.spans[-1].text.endswith("one two")
    assert room.chat.messages[-1].content == "one two three"


async def test_a_prefilled_beginning_is_part_of_the_prompt_and_of_the_answer(
    make_room: Make,
) -> None:
    room = make_room(" is Paris.")
    await room.chat.start()
    await room.ask("Capital of France?", prefill="The capital")
    answer = room.chat.messages[-1]
    assert (answer.content, answer.prefill) == ("The capital is Paris.", "The capital")
    call = room.engine.generations()[-1]
    assert call.prompt is not None and call.prompt.spans[-1].text.endswith("The capital")
    assert call.stops is not None and call.stops.prefilled == b"The capital"


async def test_editing_makes_a_new_branch_from_the_same_parent(make_room: Make) -> None:
    room = make_room("A.", "B.", "C.")
    await room.chat.start()
    await room.ask("first")
    await room.ask("second")
    second = room.chat.messages[2]
    await room.chat.edit_and_resend(second.id, "second, better")
    await room.settled()
    assert [m.content for m in room.chat.messages] == ["first", "A.", "second, better", "C."]
    assert room.chat.messages[2].parent_id == second.parent_id
    assert await room.chat.siblings(room.chat.messages[2].id) == (2, 2)


async def test_earlier_turns_are_in_the_prompt(make_room: Make) -> None:
    room = make_room("A.", "B.")
    await room.chat.start()
    await room.ask("first")
    await room.ask("second")
    call = room.engine.generations()[-1]
    assert call.prompt is not None
    text = "".join(span.text for span in call.prompt.spans)
    assert text.index("first") < text.index("A.") < text.index("second")


async def test_a_dying_engine_keeps_the_text_and_the_next_message_loads_again(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two three", fail_after=2), "back again")
    await room.chat.start()
    await room.ask("Count.")
    answer = room.chat.messages[-1]
    assert (answer.content, answer.status) == ("one two", "failed")
    assert answer.error
    assert room.told(TurnEnded)[-1].error is not None
    assert room.chat.phase == "failed"
    await room.ask("Again?")
    assert room.chat.messages[-1].content == "back again"
    assert len([c for c in room.engine.calls if c.name == "open"]) == 2


async def test_a_side_that_cannot_be_used_leaves_the_old_one(make_room: Make) -> None:
    room = make_room("Hi.")
    await room.chat.start()
    with pytest.raises(UrialError):
        await room.chat.set_side("missing@raw")
    assert room.chat.side == "demo@raw"
    await room.ask("Hello")
    assert room.chat.messages[-1].content == "Hi."


async def test_a_failed_load_is_told_and_tried_again_by_the_next_message(make_room: Make) -> None:
    from urial_tui.errors import EngineError

    room = make_room("Hi.")
    room.engine.load_error = EngineError("no memory", hint="Choose a smaller one.", kind="context")
    await room.chat.start()
    with pytest.raises(EngineError):
        await room.chat._loader.ready()
    assert room.told(Trouble)[-1].error.kind == "context"
    assert room.chat.phase == "failed"
    await room.ask("Hello")
    assert room.chat.messages[-1].content == "Hi."


async def test_whole_turns_are_left_out_visibly_when_the_context_is_full(make_room: Make) -> None:
    room = make_room("answer " * 10, n_ctx=200)
    await room.chat.start()
    for i in range(8):
        await room.ask(f"question{i} " + "word " * 20)
    (notice, *_) = [n for n in room.told(ContextNotice) if n.kind == "trimmed"]
    assert notice.dropped_turns >= 1
    call = room.engine.generations()[-1]
    assert call.prompt is not None
    text = "".join(span.text for span in call.prompt.spans)
    assert "question7" in text and "question0" not in text
    assert len(room.chat.messages) == 16
    generation = await room.store.call(Store.generation_of, room.chat.messages[-1].id)
    assert generation is not None and generation.start.dropped_turns >= 1


async def test_a_context_that_is_nearly_full_is_said_before_it_is(make_room: Make) -> None:
    room = make_room("answer " * 10, n_ctx=200)
    await room.chat.start()
    kinds = []
    for i in range(8):
        await room.ask(f"question{i} " + "word " * 20)
        kinds = [n.kind for n in room.told(ContextNotice)]
        if "trimmed" in kinds:
            break
    assert kinds[0] == "near"


async def test_a_message_longer_than_the_context_is_refused_and_kept(make_room: Make) -> None:
    room = make_room("never", n_ctx=64)
    await room.chat.start()
    await room.ask("word " * 200)
    ended = room.told(TurnEnded)[-1]
    assert ended.error is not None and ended.error.kind == "context-full"
    assert room.chat.messages[0].content == "word " * 200


async def test_an_empty_message_is_refused(make_room: Make) -> None:
    room = make_room()
    with pytest.raises(UsageError):
        await room.chat.send("   \n")


async def test_a_second_program_is_told_who_holds_the_session(
    make_room: Make, tmp_path: Path
) -> None:
    room = make_room("Hi.")
    await room.chat.start()
    await room.ask("Hello")
    session = room.chat.session
    assert session is not None
    await room.chat.save_draft(Draft("theirs"))
    await room.chat.aclose()
    script = (
        "import sys; from pathlib import Path; from urial_tui.store.store import Store\n"
        "store = Store.open(Path(sys.argv[1])); store.lock(sys.argv[2], 'urial-tui ask')\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path / "history.db"), session.id, stdin=-1, stdout=-1
    )
    assert holder.stdout is not None and await holder.stdout.readline() == b"held\n"
    other = room.new()
    await other.start()
    await other.open_session(session.id)
    assert other.messages[-1].content == "Hi."
    assert room.told(Trouble)[-1].error.kind == "session-locked"
    with pytest.raises(StoreError, match="urial-tui ask"):
        await other.send("me too")
    assert await other.draft() == Draft()  # what is stored is the draft of who writes there
    await other.save_draft(Draft("mine"))
    with pytest.raises(StoreError, match="urial-tui ask"):
        await other.delete(session.id)
    assert other.session is not None and other.session.id == session.id
    assert await room.store.call(Store.draft, session.id) == Draft("theirs")
    assert not await other.relock()
    holder.kill()
    await holder.wait()
    assert await other.relock()  # it is gone: nothing has to be taken over
    assert other.locked is None
    assert await other.draft() == Draft("theirs")
    await other.aclose()


async def test_a_disk_that_refuses_moves_the_history_to_memory_and_says_so(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("one two three", "four")
    await room.chat.start()
    await room.ask("first")
    real = Store.append_tokens

    def refuse(self: Store, *args: object) -> None:
        if self.path is not None:
            raise StoreError("the disk is full", kind="disk-full")
        real(self, *args)  # type: ignore[arg-type]

    def no_way_back(self: Store, memory: Store) -> None:
        raise StoreError("the disk is full", kind="disk-full")

    monkeypatch.setattr(Store, "append_tokens", refuse)
    monkeypatch.setattr(Store, "write_back", no_way_back)
    await room.ask("second")
    assert [t.error.kind for t in room.told(StoreTrouble) if t.error] == ["disk-full"]
    assert [m.content for m in room.chat.messages] == ["first", "one two three", "second", "four"]
    assert "four" in await room.chat.export_markdown()
    monkeypatch.undo()
    await room.ask("third")
    assert room.told(StoreTrouble)[-1].error is None
    assert not room.store.is_in_memory
    leaf = room.chat.messages[-1]
    assert len(await room.store.call(Store.branch, leaf.id)) == 6


async def test_a_draft_comes_back_and_is_gone_when_it_was_sent(make_room: Make) -> None:
    room = make_room("Hi.")
    await room.chat.start()
    await room.chat.save_draft(Draft("half a thou"))
    assert await room.new().draft() == Draft("half a thou")
    await room.ask("half a thought")
    assert await room.new().draft() == Draft()


async def test_what_is_kept_for_later_is_behind_the_draft_of_a_new_session(make_room: Make) -> None:
    room = make_room("Hi.")
    await room.chat.start()
    await room.chat.save_for_later(Draft("one"))
    await room.chat.save_for_later(Draft("two"))
    assert await room.new().draft() == Draft("one\ntwo")


async def test_a_deleted_session_is_left_and_comes_back_from_the_bin(make_room: Make) -> None:
    room = make_room("It is Paris.", "Yes.")
    await room.chat.start()
    await room.ask("What is the capital of France?")
    assert room.chat.session is not None
    session = room.chat.session.id
    await room.chat.delete(session)
    assert room.chat.session is None
    assert await room.chat.sessions() == []
    assert await room.chat.search("Paris") == []
    await room.chat.restore(session)
    assert [s.id for s in await room.chat.sessions()] == [session]
    await room.chat.open_session(session)
    assert room.chat.locked is None
    assert [m.content for m in room.chat.messages][1:] == ["It is Paris."]


async def test_leaving_in_the_middle_keeps_what_was_written(make_room: Make) -> None:
    room = make_room("one two three", paced=True)
    await room.chat.start()
    await room.chat.send("Count.")
    await room.chat._loader.ready()
    room.engine.pace.let(1)
    while not room.told(TextStreamed):
        await asyncio.sleep(0)
    await room.chat.aclose()
    leaf = room.chat.messages[-1]
    stored = await room.store.call(Store.message, leaf.id)
    assert (stored.content, stored.status) == ("one", "stopped")


async def test_the_cost_and_the_text_of_a_pack_can_be_seen_before_it_is_chosen(
    make_room: Make,
) -> None:
    room = make_room()
    await room.chat.start()
    assert await room.chat.pack_cost("urial-brief") > 50
    assert "# Query" in await room.chat.preview("urial-brief")
    await room.chat.set_pack("urial-brief")
    assert room.chat.side == "demo@urial-brief"


async def test_continuing_across_sides_and_again_loses_nothing(make_room: Make) -> None:
    room = make_room(
        Script.of("one two", reason="length"),
        Script.of(" three", reason="length"),
        Script.of(" four", reason="length"),
    )
    await room.chat.start()
    await room.ask("Count.")
    await room.chat.set_side("other@raw")
    for _ in range(2):
        await room.chat.continue_answer()
        await room.settled()
    assert room.chat.messages[-1].content == "one two three four"
    stops = room.engine.generations()[-1].stops
    assert stops is not None and stops.prefilled == b"one two three"


async def test_only_the_answers_own_tokens_count_for_penalties_when_it_is_continued(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two", reason="length"), " three")
    await room.chat.start()
    await room.ask("Count.")
    await room.chat.continue_answer()
    await room.settled()
    prompt = room.engine.generations()[-1].prompt
    assert prompt is not None
    assert room.engine.text_of(prompt.ids[len(prompt.ids) - prompt.answer :]) == b"one two"


async def test_an_answer_that_the_model_ended_is_not_continued(make_room: Make) -> None:
    room = make_room("Done.")
    await room.chat.start()
    await room.ask("Say it.")
    with pytest.raises(UsageError, match="ended"):
        await room.chat.continue_answer()
    assert len(room.chat.messages) == 2 and not room.chat.busy


@pytest.mark.parametrize(
    "error", [StoreError("too long", kind="too-big"), RuntimeError("surprise")]
)
async def test_whatever_breaks_a_turn_is_told_and_the_chat_goes_on(
    make_room: Make, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    room = make_room("one two", "fine")
    await room.chat.start()

    def break_it(self: Store, *args: object) -> None:
        raise error

    monkeypatch.setattr(Store, "append_tokens", break_it)
    await room.ask("first")
    ended = room.told(TurnEnded)[-1]
    assert ended.error is not None and str(error) in ended.error.message
    told, expected = ended.error.hint, isinstance(error, StoreError)
    assert expected or str(error) in Path(told.split()[-1].rstrip(".")).read_text()
    assert ended.message.status == "failed"
    assert room.chat.phase == "ready" and not room.chat.busy
    monkeypatch.undo()
    await room.ask("second")
    assert room.chat.messages[-1].content == "fine"


async def test_a_session_is_answered_by_its_own_side(make_room: Make) -> None:
    room = make_room("A.", "B.")
    await room.chat.start()
    await room.chat.set_side("demo@urial-italian")
    await room.ask("ciao")
    session = room.chat.session
    assert session is not None
    await room.chat.new_session()
    await room.chat.set_side("demo@raw")
    await room.chat.open_session(session.id)
    assert room.chat.side == "demo@urial-italian"


async def test_a_session_whose_side_is_gone_opens_and_says_so(make_room: Make) -> None:
    room = make_room("A.")
    await room.chat.start()
    await room.ask("hello")
    session = room.chat.session
    assert session is not None
    await room.store.call(Store.set_side, session.id, "missing@raw")
    await room.chat.new_session()
    await room.chat.open_session(session.id)
    assert room.told(Trouble)[-1].error.kind == "model"
    assert room.chat.side == "demo@raw" and len(room.chat.messages) == 2


async def test_a_session_whose_side_nobody_knows_is_answered_by_the_present_one(
    make_room: Make,
) -> None:
    room = make_room("A.")
    await room.chat.start()
    await room.ask("hello")
    session = room.chat.session
    assert session is not None
    await room.store.call(Store.set_side, session.id, UNKNOWN)
    await room.chat.new_session()
    await room.chat.open_session(session.id)
    assert room.told(Trouble) == []
    assert room.chat.side == "demo@raw" and len(room.chat.messages) == 2


async def test_the_context_in_use_is_that_of_the_visible_branch(make_room: Make) -> None:
    room = make_room("A.", "B.")
    await room.chat.start()
    await room.ask("first")
    used = room.chat.context_used
    session = room.chat.session
    assert session is not None and used > 0
    other = room.new()
    await room.chat.aclose()
    await other.start()
    await other.open_session(session.id)
    assert other.context_used == used
    await other._loader.ready()
    talk = used - other._loader.pack_tokens
    for side in ("demo@urial-brief", "demo@zero-shot", "demo@urial-brief"):
        await other.set_side(side)
        await other._loader.ready()
        assert other.context_used == other._loader.pack_tokens + talk != used
    await other.new_session()
    assert other.context_used == other._loader.pack_tokens


async def test_an_answer_whose_end_is_not_known_leaves_the_count_of_the_one_before(
    make_room: Make,
) -> None:
    room = make_room("A.", "B.")
    await room.chat.start()
    await room.ask("first")
    used = room.chat.context_used
    session = room.chat.session
    assert session is not None
    last = room.chat.messages[-1].id
    asked = await room.store.call(Store.add_user_message, session.id, last, "second")
    await room.store.call(Store.begin_answer, session.id, asked.id, content="Bro")
    other = room.new()
    await room.chat.aclose()
    await other.open_session(session.id)
    assert len(other.messages) == 4
    assert other.context_used == used


async def test_an_earlier_point_gets_back_the_turns_that_fit_again(make_room: Make) -> None:
    room = make_room("answer " * 10, n_ctx=200)
    await room.chat.start()
    for i in range(8):
        await room.ask(f"question{i} " + "word " * 20)
    await room.chat.edit_and_resend(room.chat.messages[2].id, "edited")
    await room.settled()
    call = room.engine.generations()[-1]
    assert call.prompt is not None
    text = "".join(span.text for span in call.prompt.spans)
    assert "question0" in text and "edited" in text


async def test_the_chosen_length_decides_the_room_for_an_answer(make_room: Make) -> None:
    room = make_room("ok", n_ctx=400)
    await room.chat.start()
    await room.chat.set_sampling(Sampling(temperature=0.0), 16)
    for i in range(4):
        await room.ask(f"question{i} " + "word " * 80)
    assert not [n for n in room.told(ContextNotice) if n.kind == "trimmed"]


async def test_stopping_while_the_message_is_being_committed_stops_its_answer(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("never")
    await room.chat.start()
    await room.chat._loader.ready()
    gate = asyncio.Event()
    real = room.store.call

    async def slow(method: Any, /, *args: Any, **kwargs: Any) -> Any:
        if method is Store.add_user_message:
            await gate.wait()
        return await real(method, *args, **kwargs)

    monkeypatch.setattr(room.store, "call", slow)
    sending = asyncio.create_task(room.chat.send("hello"))
    await asyncio.sleep(0)
    assert room.chat.busy
    with pytest.raises(UsageError):
        await room.chat.send("again")
    await room.chat.stop()
    gate.set()
    await sending
    await room.settled()
    assert room.chat.messages[-1].status == "stopped"
    assert not room.engine.generations()


async def test_versions_of_the_visible_branch_come_at_once(make_room: Make) -> None:
    room = make_room("A.", "B.")
    await room.chat.start()
    await room.ask("first")
    await room.chat.regenerate()
    await room.settled()
    question, answer = room.chat.messages
    assert await room.chat.versions() == {question.id: (1, 1), answer.id: (2, 2)}


async def test_a_session_opened_at_the_start_loads_its_side_once(make_room: Make) -> None:
    room = make_room("A.")
    await room.chat.start()
    await room.chat.set_side("demo@urial-brief")
    await room.ask("hello")
    session = room.chat.session
    assert session is not None
    await room.chat.aclose()
    before = _generators_opened(room)
    other = room.new("demo")
    await other.open_session(session.id)
    await other.start()
    await other._loader.ready()
    assert _generators_opened(room) == before + 1
    assert other.side == "demo@urial-brief"


def _generators_opened(room: Room) -> int:
    opened = [call.spec.slot for call in room.engine.calls if call.name == "open"]
    return opened.count("generator")


async def test_a_side_that_is_loaded_again_has_the_options_of_now_and_the_conversation_goes_on(
    make_room: Make,
) -> None:
    room = make_room("One.", "Two.")
    await room.chat.start()
    await room.ask("first")
    opened = [call.spec for call in room.engine.calls if call.name == "open"]
    room.context["n_ctx"] = 2048
    await room.chat.reload()
    await room.ask("second")
    again = [call.spec for call in room.engine.calls if call.name == "open"][len(opened) :]
    assert 2048 in {spec.n_ctx for spec in again}
    assert opened[0] not in room.engine.open_contexts
    assert [m.content for m in room.chat.messages] == ["first", "One.", "second", "Two."]


async def test_sessions_that_are_opened_and_left_at_once_leave_no_lock_behind(
    make_room: Make,
) -> None:
    room = make_room("One.", "Two.")
    await room.chat.start()
    await room.ask("first")
    first = room.chat.session
    await room.chat.new_session()
    await room.ask("second")
    second = room.chat.session
    assert first is not None and second is not None
    await asyncio.gather(
        room.chat.open_session(first.id), room.chat.new_session(), room.chat.open_session(second.id)
    )
    assert room.chat.session is not None and room.chat.session.id == second.id
    assert await room.store.call(Store.lock_holder, first.id) is None
    assert await room.store.call(Store.lock_holder, second.id) is not None


async def test_a_lock_that_the_disk_refuses_is_not_taken_for_another_program(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("One.")
    await room.chat.start()
    await room.ask("first")
    session = room.chat.session
    assert session is not None
    await room.chat.new_session()
    real = Store.lock

    def refuse(self: Store, *args: object, **kwargs: object) -> None:
        if self.path is not None:
            raise StoreError("the disk is full", kind="disk-full")
        real(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "lock", refuse)
    await room.chat.open_session(session.id)
    assert room.chat.locked is None and room.store.is_in_memory
    assert [t.error.kind for t in room.told(StoreTrouble) if t.error] == ["disk-full"]


async def test_a_message_that_is_sent_while_a_session_is_being_opened_goes_on_from_its_messages(
    make_room: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_room("One.", "Two.")
    await room.chat.start()
    await room.ask("first")
    session = room.chat.session
    assert session is not None
    await room.chat.new_session()
    branch = Store.branch

    def slowly(self: Store, message_id: str) -> list[Message]:
        time.sleep(0.1)
        return branch(self, message_id)

    monkeypatch.setattr(Store, "branch", slowly)
    opening = asyncio.create_task(room.chat.open_session(session.id))
    await asyncio.sleep(0.02)
    await room.ask("second")
    await opening
    assert [m.content for m in room.chat.messages] == ["first", "One.", "second", "Two."]
    stored = await room.store.call(Store.messages, session.id)
    assert [m.content for m in stored if m.parent_id is None] == ["first"]
