"""A history that cannot be written until the end: what is new is in files when the program is left."""

from datetime import datetime
from pathlib import Path

import pytest

from urial_tui import paths
from urial_tui.errors import ExchangeError
from urial_tui.exchange.incoming import imports
from urial_tui.exchange.rescue import rescue
from urial_tui.launch import app_services
from urial_tui.store.store import Store
from urial_tui.store.types import Draft

AT = datetime(2026, 3, 1, 12, 30)


def conversation(store: Store, title: str = "Tides") -> str:
    """A question and its answer."""
    session = store.create_session("demo@urial-general", title)
    user = store.add_user_message(session.id, None, "Why tides?")
    answer = store.begin_answer(session.id, user.id)
    store.finish_answer(answer.id, None, "complete", None, "The moon.")
    return session.id


def test_what_is_in_memory_alone_comes_back_by_an_import(tmp_path: Path) -> None:
    with Store.open(tmp_path / "history.db") as file:
        conversation(file, "There before")
        memory = file.in_memory_copy()
    session_id = conversation(memory)
    rescued = rescue(memory, [tmp_path / "rescued"], AT)
    assert rescued is not None and rescued.n_sessions == 1 and rescued.draft is None
    assert rescued.history == tmp_path / "rescued" / "rescued-2026-03-01-123000.jsonl"
    assert f"urial-tui import '{rescued.history}'" in rescued.words()
    with Store.open(tmp_path / "other.db") as other:
        imports.write(other, [imports.read(rescued.history, None, imports.Options())])
        assert other.session(session_id).title == "Tides"
        assert [m.content for m in other.messages(session_id)] == ["Why tides?", "The moon."]
        assert len(other.sessions()) == 1  # what the file has already is not written again


def test_what_was_typed_and_not_sent_is_kept_too(tmp_path: Path) -> None:
    memory = Store.in_memory()
    session_id = conversation(memory)
    memory.save_draft(session_id, Draft("and neap tides?"))
    memory.save_draft(None, Draft("Something else", "Yes: "))
    rescued = rescue(memory, [tmp_path], AT)
    assert rescued is not None and rescued.draft is not None
    assert rescued.draft.read_text() == "and neap tides?\n\nSomething else\n\nYes: "
    assert str(rescued.draft) in rescued.words()
    assert rescued.draft.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("begun", [False, True], ids=["nothing", "an empty session"])
def test_where_nothing_is_new_nothing_is_written(tmp_path: Path, begun: bool) -> None:
    with Store.open(tmp_path / "history.db") as file:
        conversation(file)
        file.save_draft(None, Draft("typed long ago"))
        memory = file.in_memory_copy()
        assert file.unwritten() == []
    if begun:
        memory.create_session("demo")
    assert rescue(memory, [tmp_path / "rescued"], AT) is None
    assert not (tmp_path / "rescued").exists()


def test_the_next_folder_is_taken_where_the_first_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    memory = Store.in_memory()
    conversation(memory)
    rescued = rescue(memory, [tmp_path / "file" / "rescued", tmp_path / "second"], AT)
    assert rescued is not None and rescued.history is not None
    assert rescued.history.parent == tmp_path / "second"
    with pytest.raises(ExchangeError, match="could not be saved"):
        rescue(memory, [tmp_path / "file" / "rescued"], AT)


async def test_leaving_says_where_the_conversation_of_a_damaged_history_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    paths.history_file().parent.mkdir(parents=True)
    paths.history_file().write_bytes(b"no database " * 1000)
    services = app_services()
    chat = await services.make_chat(lambda event: None)
    await chat._store.call(conversation)
    await chat.aclose()
    assert services.close is not None
    words = await services.close()
    (history,) = (paths.state_dir() / "rescued").glob("*.jsonl")
    assert f"1 conversation went to {history}" in words
    assert "The moon." in history.read_text()
    assert paths.history_file().read_bytes() == b"no database " * 1000


async def test_leaving_says_nothing_of_a_history_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    services = app_services()
    chat = await services.make_chat(lambda event: None)
    await chat._store.call(conversation)
    await chat.aclose()
    assert services.close is not None
    assert await services.close() == ""
    assert not (paths.state_dir() / "rescued").exists()
