"""The branches of a session: seen as a whole, shown, and each with the tokens that it was written with."""

from collections.abc import Callable

import pytest

from tests.chat.conftest import Room
from tests.support.scripted_engine import Script
from urial_tui.chat.differences import in_pieces, runs_of
from urial_tui.errors import StoreError, UsageError
from urial_tui.store.store import Store

Make = Callable[..., Room]


async def test_all_branches_are_outlined_with_the_numbers_of_their_answers(make_room: Make) -> None:
    room = make_room("First.", "Second.")
    await room.chat.start()
    assert await room.chat.outline() == []
    await room.ask("Say something.")
    await room.chat.regenerate()
    await room.settled()
    question, first, second = await room.chat.outline()
    assert question.parent_id is None and question.side is None
    assert (first.parent_id, second.parent_id) == (question.id, question.id)
    assert (first.beginning, second.beginning, second.status) == ("First.", "Second.", "complete")
    assert first.side == "demo@raw" and first.completion_tokens and first.score is None


async def test_a_message_of_another_branch_is_shown_with_what_follows_it(make_room: Make) -> None:
    room = make_room("A", "B", "C", "D")
    await room.chat.start()
    await room.ask("one")
    await room.ask("two")
    first = room.chat.messages
    await room.chat.regenerate(first[1].id)
    await room.settled()
    assert [m.content for m in room.chat.messages] == ["one", "C"]
    await room.chat.show_branch(first[1].id)
    assert room.chat.messages == first
    assert room.chat.session is not None
    assert (await room.store.call(Store.session, room.chat.session.id)).leaf_id == first[-1].id
    told = len(room.events)
    await room.chat.show_branch(first[0].id)  # it is there already, on the branch that is shown
    assert len(room.events) == told
    with pytest.raises(StoreError):
        await room.chat.show_branch("no-such-message")


async def test_a_branch_from_a_token_differs_from_its_sibling_from_that_token_on(
    make_room: Make,
) -> None:
    room = make_room(Script.of("one two three", reason="length"), " six")
    await room.chat.start()
    await room.ask("Count.")
    first = room.chat.messages[-1]
    tokens = await room.store.call(Store.tokens, first.id)
    await room.chat.branch_from(first.id, 1, tokens[2].token_id)
    await room.settled()
    second = room.chat.messages[-1]
    assert second.parent_id == first.parent_id and await room.chat.siblings(second.id) == (2, 2)
    generation = await room.store.call(Store.generation_of, second.id)
    assert generation is not None and generation.start.continued_from == first.id
    unit, a, b = in_pieces(await room.chat.written(first.id), await room.chat.written(second.id))
    assert unit == "token"
    assert runs_of(a.keys, b.keys)[0].same
    assert a.keys[0] == b.keys[0] and a.keys[1] != b.keys[1]


async def test_a_session_of_the_bin_that_is_written_to_is_kept(make_room: Make) -> None:
    room = make_room("First.", "Second.")
    await room.chat.start()
    await room.ask("Say something.")
    session = room.chat.session
    assert session is not None
    await room.chat.delete(session.id)
    assert room.chat.session is None and await room.chat.sessions() == []
    await room.chat.open_session(session.id)
    assert room.chat.session is not None and room.chat.session.deleted_at is not None
    await room.chat.regenerate()
    await room.settled()
    assert room.chat.session.deleted_at is None
    assert [one.id for one in await room.chat.sessions()] == [session.id]
    await room.chat.delete_for_good(session.id)
    with pytest.raises(StoreError):
        await room.chat.open_session(session.id)


async def test_what_is_refused_takes_no_session_out_of_the_bin(make_room: Make) -> None:
    room = make_room("First.")
    await room.chat.start()
    await room.ask("Say something.")
    session = room.chat.session
    assert session is not None
    await room.chat.delete(session.id)
    await room.chat.open_session(session.id)
    with pytest.raises(UsageError):
        await room.chat.edit_and_resend(room.chat.messages[-1].id, "Not my message.")
    assert room.chat.session is not None and room.chat.session.deleted_at is not None
    assert await room.chat.sessions() == []
