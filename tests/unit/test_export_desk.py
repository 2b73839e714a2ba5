"""Exports as the interface asks for them: places, one connection of their own, refusals in words."""

from pathlib import Path

import pytest

from tests.support.judged_runs import items, judged_run
from tests.support.store_rows import say
from urial_tui.errors import ExchangeError, StoreError
from urial_tui.exchange.exporting import ExportDesk, Subject
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.store.store import Store


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def test_places_are_in_the_users_own_folder(history: Path) -> None:
    desk = ExportDesk(lambda: history)
    assert [name for name, _ in desk.formats()] == list(EXPORTERS)
    talk = Subject("../My talk: é", sessions=("a",))
    assert desk.place(talk, "markdown") == "~/My-talk.md"
    assert desk.place(talk, "html") == "~/My-talk.html"
    assert desk.place(talk, "csv") == "~/My-talk-csv"
    assert (
        desk.place(Subject("2 sessions", sessions=("a", "b")), "markdown")
        == "~/2-sessions-markdown"
    )
    for name in EXPORTERS:
        assert desk.place(Subject("CON", run="r"), name).startswith("~/CON_")


async def test_it_writes_beside_another_connection(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    desk = ExportDesk(lambda: history)
    with Store.open(history) as store:
        session = store.create_session("demo", "T").id
        say(store, session, None, "q", "a")
        run = judged_run(store, items(2))
        subject = Subject("T", sessions=(session,))
        done = await desk.export(subject, "markdown", "~/T.md")
        assert [one.path for one in done.written] == [tmp_path / "home" / "T.md"]
        folder = await desk.export(Subject("walks", run=run.id), "just-eval", str(tmp_path / "out"))
        assert len(folder.written) == 4
        assert any("N/A" in note for note in folder.notes)
        with pytest.raises(ExchangeError) as there:
            await desk.export(subject, "markdown", "~/T.md")
        assert there.value.kind == "exists"
        await desk.export(subject, "markdown", "~/T.md", force=True)


async def test_what_cannot_be_exported_is_told(history: Path, tmp_path: Path) -> None:
    Store.open(history).close()
    subject = Subject("T", sessions=("nothing",))
    with pytest.raises(ExchangeError) as memory:
        await ExportDesk(lambda: None).export(subject, "html", str(tmp_path / "x"))
    assert memory.value.kind == "in-memory"
    with pytest.raises(StoreError) as missing:
        await ExportDesk(lambda: history).export(subject, "html", str(tmp_path / "x"))
    assert missing.value.kind == "not-found"
    assert not (tmp_path / "x").exists()
