"""The store behind asyncio: in order, off the loop's thread, and on in memory when the disk takes no more."""

import asyncio
import threading
from pathlib import Path

import pytest

from tests.support.store_rows import END, START, tokens
from urial_tui.errors import StoreError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Draft


async def disk_is_full(store: AsyncStore, full: bool = True) -> None:
    """Let the database grow by no page more, or again."""

    def work() -> None:
        db = (store._file or store._current())._db
        db.value(f"PRAGMA max_page_count={db.value('PRAGMA page_count') if full else 1000000}")

    await store._run(work)


async def fill(store: AsyncStore, message: str, generation: str) -> int:
    """Append until the disk is full; how many tokens went in."""
    n = 0
    with pytest.raises(StoreError) as full:
        for _ in range(1000):
            await store.call(Store.append_tokens, message, generation, tokens(n, 32), " word" * 32)
            n += 32
    assert full.value.kind == "disk-full"
    return n


async def test_calls_run_in_order_on_one_other_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []
    plain = Store.save_draft

    def spy(self: Store, session_id: str | None, draft: Draft) -> None:
        seen.append((threading.current_thread().name, draft.text))
        plain(self, session_id, draft)

    monkeypatch.setattr(Store, "save_draft", spy)
    store = await AsyncStore.open(tmp_path / "h.db")
    await asyncio.gather(*(store.call(Store.save_draft, None, Draft(str(n))) for n in range(20)))
    assert await store.call(Store.draft, None) == Draft("19")
    assert [text for _, text in seen] == [str(n) for n in range(20)]
    assert len({name for name, _ in seen}) == 1
    assert seen[0][0] != threading.current_thread().name
    await store.aclose()


async def test_a_write_that_was_asked_for_happens_though_nobody_waits_any_more(
    tmp_path: Path,
) -> None:
    store = await AsyncStore.open(tmp_path / "h.db")
    session = await store.call(Store.create_session, "demo")
    blocker = threading.Event()
    blocked = asyncio.create_task(store._run(blocker.wait))
    asked = asyncio.create_task(store.call(Store.add_user_message, session.id, None, "q"))
    await asyncio.sleep(0)
    asked.cancel()
    blocker.set()
    await blocked
    with pytest.raises(asyncio.CancelledError):
        await asked
    await store.aclose()
    with Store.open(tmp_path / "h.db") as reopened:
        assert [m.content for m in reopened.messages(session.id)] == ["q"]


async def test_a_call_whose_turn_comes_after_falling_back_is_made_in_memory(tmp_path: Path) -> None:
    store = await AsyncStore.open(tmp_path / "h.db")
    blocker = threading.Event()
    blocked = asyncio.create_task(store._run(blocker.wait))
    falling = asyncio.create_task(store.fall_back())
    await asyncio.sleep(0)
    asked = asyncio.create_task(store.call(Store.create_session, "demo", title="late"))
    await asyncio.sleep(0)
    assert not store.is_in_memory  # it was asked for while the file was current
    blocker.set()
    await asyncio.gather(blocked, falling, asked)
    assert [s.title for s in await store.call(lambda store: store.sessions())] == ["late"]
    with Store.open(tmp_path / "h.db", readonly=True) as file:
        assert file.sessions() == []
    await store.aclose()


async def test_closing_twice_is_fine_and_calls_after_it_say_closed(tmp_path: Path) -> None:
    store = await AsyncStore.open(tmp_path / "h.db")
    await store.aclose()
    await store.aclose()
    with pytest.raises(StoreError) as closed:
        await store.call(Store.sessions)
    assert closed.value.kind == "closed"


async def test_a_history_that_cannot_be_opened_becomes_one_in_memory_with_the_reason(
    tmp_path: Path,
) -> None:
    path = tmp_path / "h.db"
    path.mkdir()
    with pytest.raises(StoreError):
        await AsyncStore.open(path)
    store, error = await AsyncStore.open_or_memory(path)
    assert error is not None
    assert error.kind == "is-a-directory"
    assert store.is_in_memory
    session = await store.call(Store.create_session, "demo")
    await store.call(Store.add_user_message, session.id, None, "kept in memory")
    with pytest.raises(StoreError):
        await store.write_back()
    assert store.is_in_memory
    path.rmdir()
    await store.write_back()
    assert not store.is_in_memory
    await store.aclose()
    with Store.open(path) as reopened:
        assert [m.content for m in reopened.messages(session.id)] == ["kept in memory"]


async def test_an_answer_goes_on_in_memory_on_a_full_disk_and_comes_back_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "h.db"
    store = await AsyncStore.open(path)
    session = await store.call(Store.create_session, "demo")
    await store.call(Store.lock, session.id, "me")
    question = await store.call(Store.add_user_message, session.id, None, "q")
    answer = await store.call(Store.begin_answer, session.id, question.id)
    generation = await store.call(Store.begin_generation, answer.id, START)
    await disk_is_full(store)
    n = await fill(store, answer.id, generation)

    await store.fall_back()
    assert store.is_in_memory
    await store.call(
        Store.append_tokens, answer.id, generation, tokens(n, 32), " word" * 32
    )  # the call that failed, again
    await store.call(Store.append_tokens, answer.id, generation, tokens(n + 32, 900), " word" * 900)
    with pytest.raises(StoreError) as still_full:
        await store.write_back()
    assert still_full.value.kind == "disk-full"
    await store.call(Store.finish_answer, answer.id, generation, "complete", END, tail="!")
    other = await store.call(Store.create_session, "demo", "made in memory")
    await store.call(Store.save_draft, None, Draft("draft in memory"))

    await disk_is_full(store, False)
    await store.write_back()
    assert not store.is_in_memory
    await store.aclose()
    with Store.open(path) as reopened:
        assert reopened.check() == []
        message = reopened.message(answer.id)
        assert (message.status, message.content) == ("complete", " word" * (n + 932) + "!")
        assert [t.i for t in reopened.tokens(answer.id)] == list(range(n + 932))
        generation_row = reopened.generation_of(answer.id)
        assert generation_row is not None
        assert generation_row.end == END
        assert reopened.session(other.id).title == "made in memory"
        assert reopened.draft(None) == Draft("draft in memory")
        assert reopened.search("word")
        assert reopened.lock_holder(session.id) is None


async def test_what_others_wrote_meanwhile_stays_and_what_was_deleted_goes(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    store = await AsyncStore.open(path)
    doomed = await store.call(Store.create_session, "demo", "doomed")
    await store.fall_back()
    await store.call(Store.delete_session, doomed.id)
    with Store.open(path) as elsewhere:
        theirs = elsewhere.create_session("demo", "theirs")
    await store.write_back()
    assert [s.id for s in await store.call(Store.sessions)] == [theirs.id]
    await store.aclose()
