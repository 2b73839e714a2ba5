"""The desk: answers from threads, told in the loop; nothing heavy before it is asked."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.tinygguf import write_model
from urial_tui import paths
from urial_tui.errors import ModelError, UsageError
from urial_tui.models import library_desk
from urial_tui.models.catalog import Catalog
from urial_tui.models.desk import ModelDesk
from urial_tui.models.hub import downloads as hub_downloads
from urial_tui.models.hub.client import Hub
from urial_tui.models.hub.starters import Starter, StarterModel
from urial_tui.models.hub.types import DownloadStatus, HubFile, Quant, RepoListing
from urial_tui.models.library import Library
from urial_tui.models.machine import Memory
from urial_tui.settings import load_settings, save_settings

LISTING = RepoListing("o/Tiny-GGUF", "c0ffee", (Quant("Q4_0", (HubFile("tiny-Q4_0.gguf", 9),)),))


def read() -> Any:
    return load_settings(paths.settings_file())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one model in the program's own folder; nothing else of this machine is seen."""
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HF_HOME", "HF_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    paths.models_dir().mkdir(parents=True)
    write_model(paths.models_dir() / "tiny-base.gguf")
    save_settings({"n_ctx": 512}, paths.settings_file())
    return tmp_path


@pytest.fixture
def desk(home: Path) -> ModelDesk:
    return ModelDesk(lambda: Library.from_settings(read()), read)


def names(facts: Any) -> list[str]:
    return [one.name for one in facts if one.source not in ("embedded", "shipped")]


def test_importing_the_desk_imports_nothing_heavy() -> None:
    code = "import sys, urial_tui.models.desk; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"catalog", "gguf.header", "vocabulary", "hub.downloads", "hub.client", "fit"}
    assert loaded & {f"urial_tui.models.{name}" for name in heavy} == set()
    assert not loaded & {"huggingface_hub", "textual", "numpy", "sqlite3"}


# --- the library --------------------------------------------------------------------------------


async def test_the_library_is_asked_in_a_thread(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    real = Catalog.facts

    def facts(self: Catalog, *, rescan: bool = False) -> Any:
        threads.append(threading.current_thread())
        return real(self, rescan=rescan)

    monkeypatch.setattr(Catalog, "facts", facts)
    assert names(await desk.facts()) == ["tiny-base"]
    assert threads and threading.main_thread() not in threads


async def test_a_file_that_came_is_seen_by_a_rescan_and_after_a_download(desk: ModelDesk) -> None:
    await desk.facts()
    write_model(paths.models_dir() / "second.gguf", seed=1)
    assert names(await desk.facts()) == ["tiny-base"]
    assert names(await desk.facts(rescan=True)) == ["second", "tiny-base"]
    write_model(paths.models_dir() / "third.gguf", seed=2)
    desk.file_came()
    assert names(await desk.facts()) == ["second", "third", "tiny-base"]


async def test_an_added_folder_is_in_the_settings_and_its_models_can_be_used(
    desk: ModelDesk, home: Path
) -> None:
    mine = home / "mine"
    mine.mkdir()
    file = write_model(mine / "other.gguf", seed=3)
    await desk.facts()
    assert await desk.add(str(file)) == mine
    assert read().model_folders == (str(mine),)
    assert names(await desk.facts()) == ["other", "tiny-base"]
    assert (await desk.fit(("other@raw",))).needed > 0
    with pytest.raises(UsageError, match="there is no"):
        await desk.add(str(home / "nowhere"))


async def test_a_folder_that_a_command_added_is_searched_by_a_rescan(
    desk: ModelDesk, home: Path
) -> None:
    assert names(await desk.facts()) == ["tiny-base"]
    (home / "more").mkdir()
    write_model(home / "more" / "elsewhere.gguf")
    save_settings({"model_folders": (str(home / "more"),)}, paths.settings_file())
    assert names(await desk.facts()) == ["tiny-base"]
    assert names(await desk.facts(rescan=True)) == ["elsewhere", "tiny-base"]
    paths.settings_file().write_text("model_folders = = []\n")
    assert names(await desk.facts(rescan=True)) == ["elsewhere", "tiny-base"], "it stays"
    assert str(paths.settings_file()) in desk.problems[-1]
    paths.settings_file().write_text("n_ctx = 512\n")
    assert names(await desk.facts(rescan=True)) == ["tiny-base"]
    assert desk.problems == ()


async def test_a_model_of_our_own_folder_is_removed_and_another_is_not(
    desk: ModelDesk, home: Path
) -> None:
    mine = home / "mine"
    mine.mkdir()
    write_model(mine / "other.gguf", seed=3)
    await desk.add(str(mine))
    with pytest.raises(ModelError) as caught:
        await desk.check_removable("other")
    assert caught.value.kind == "not-ours"
    await desk.check_removable("tiny-base")
    assert await desk.remove("tiny-base") == (paths.models_dir() / "tiny-base.gguf",)
    assert names(await desk.facts()) == ["other"]


async def test_partners_are_found(desk: ModelDesk) -> None:
    write_model(paths.models_dir() / "tiny-instruct.gguf", seed=1, chat_template="x")
    (partner,) = await desk.partners("tiny-base")
    assert partner.name == "tiny-instruct"
    assert (partner.generator, partner.references) == ("tiny-instruct@chat", ("tiny-base@raw",))


# --- verifying ----------------------------------------------------------------------------------


async def test_verifying_tells_how_far_it_is_in_the_loop(desk: ModelDesk) -> None:
    told: list[tuple[int, int]] = []
    where: list[threading.Thread] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        where.append(threading.current_thread())

    found = await desk.verify("tiny-base", tell)
    await asyncio.sleep(0)
    assert len(found.sha256) == 64 and found.ok is None
    size = (paths.models_dir() / "tiny-base.gguf").stat().st_size
    assert told[-1] == (size, size)
    assert set(where) == {threading.main_thread()}


async def test_cancelling_stops_the_reading(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, stopped = threading.Event(), threading.Event()

    def verify(self: Catalog, name: str, should_stop: Callable[[], bool], progress: Any) -> Any:
        from urial_tui.models.hashes import HashingStopped

        begun.set()
        while not should_stop():
            threading.Event().wait(0.001)
        stopped.set()
        raise HashingStopped

    monkeypatch.setattr(Catalog, "verify", verify)
    task = asyncio.create_task(desk.verify("tiny-base", lambda done, total: None))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()


async def test_the_end_of_the_program_stops_the_reading(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def verify(self: Catalog, name: str, should_stop: Callable[[], bool], progress: Any) -> Any:
        from urial_tui.models.hashes import HashingStopped

        begun.set()
        while not should_stop():
            threading.Event().wait(0.001)
        raise HashingStopped

    monkeypatch.setattr(Catalog, "verify", verify)
    task = asyncio.create_task(desk.verify("tiny-base", lambda done, total: None))
    await asyncio.to_thread(begun.wait, 10)
    await desk.aclose()
    with pytest.raises(ModelError, match="stopped"):
        await task


# --- memory -------------------------------------------------------------------------------------


def machine(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    from urial_tui.models import machine as module

    monkeypatch.setattr(module, "main_memory", lambda: Memory(free, 16 * 10**9))


async def test_a_verdict_for_each_model_that_can_be_read(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paths.models_dir() / "broken.gguf").write_bytes(b"GGUF")
    machine(monkeypatch, 8 * 10**9)
    found = await desk.verdicts(await desk.facts())
    assert found["tiny-base"] == "fits" and "broken" not in found
    machine(monkeypatch, 1000)
    assert (await desk.verdicts(await desk.facts()))["tiny-base"] == "does not fit"
    assert await desk.verdicts_for_sizes((10, 10**12)) == ["does not fit", "does not fit"]


async def test_what_is_loaded_now_gives_its_cache_and_buffers_back(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(paths.models_dir() / "second.gguf", seed=1)
    machine(monkeypatch, 10**6)
    alone = await desk.fit(("second",))
    instead = await desk.fit(("second",), ("tiny-base",))
    (need,) = (await desk.fit(("tiny-base",))).sides
    assert alone.free == 10**6
    assert instead.free == 10**6 + need.estimate.kv_cache + need.estimate.compute
    assert (await desk.fit(("second",), ("no-such-model",))).free == 10**6


async def test_the_embedded_model_is_not_put_together_to_say_whether_it_fits(
    desk: ModelDesk, home: Path
) -> None:
    from urial_tui.models import demo

    fit = await desk.fit(("demo@raw",))
    assert fit.needed == demo.SIZE and not demo.demo_path().exists()
    assert "demo" in await desk.verdicts(await desk.facts()) or desk.demo_problem
    assert not demo.demo_path().exists()


async def test_an_engine_that_does_not_answer_is_not_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_desk, "DEVICE_SECONDS", 0.01)
    answer = asyncio.Event()

    async def device_free() -> int:
        await answer.wait()
        return 7

    desk = ModelDesk(lambda: Library.from_settings(read()), read, device_free=device_free)
    assert (await desk.fit(("tiny-base",))).device_free == 0
    answer.set()
    while (await desk.fit(("tiny-base",))).device_free != 7:
        await asyncio.sleep(0)


async def test_a_side_that_is_not_there_is_an_error(desk: ModelDesk) -> None:
    with pytest.raises(ModelError):
        await desk.fit(("nothing",))


# --- downloads ----------------------------------------------------------------------------------


class FakeDownloads:
    """Stands for the threads' own object; a test calls `tell` from a thread."""

    made: "list[FakeDownloads]" = []

    def __init__(self, folder: Path, on_change: Callable[[DownloadStatus], None]) -> None:
        self.folder, self.tell = folder, on_change
        self.calls: list[tuple[Any, ...]] = []
        self.left: tuple[DownloadStatus, ...] = ()
        self.made.append(self)

    def all(self) -> tuple[DownloadStatus, ...]:
        return self.left

    def start(self, listing: RepoListing, quant: Quant) -> str:
        self.calls.append(("start", listing.id, quant.label))
        return f"{listing.id}:{quant.label}"

    def pause(self, id: str) -> None:
        self.calls.append(("pause", id))

    def resume(self, id: str) -> None:
        self.calls.append(("resume", id))

    def cancel(self, id: str, *, forget: bool = False) -> None:
        self.calls.append(("cancel", id, forget))

    def close(self) -> None:
        self.calls.append(("close",))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> "list[FakeDownloads]":
    FakeDownloads.made = []
    monkeypatch.setattr(hub_downloads, "Downloads", FakeDownloads)
    return FakeDownloads.made


def status(id: str = "d", state: Any = "fetching", done: int = 0, **more: Any) -> DownloadStatus:
    return DownloadStatus(id, "o/Tiny-GGUF", "Q4_0", state, done, 100, **more)


async def in_thread(work: Callable[[], Any]) -> None:
    await asyncio.to_thread(work)
    for _ in range(3):
        await asyncio.sleep(0)


async def test_changes_are_told_in_the_loop_as_the_latest_of_each_download(
    desk: ModelDesk, fake: "list[FakeDownloads]"
) -> None:
    told: list[DownloadStatus] = []
    where: list[threading.Thread] = []

    def listen(one: DownloadStatus) -> None:
        told.append(one)
        where.append(threading.current_thread())

    stop = desk.subscribe(listen)
    assert await desk.start(LISTING, LISTING.quants[0]) == "o/Tiny-GGUF:Q4_0"
    assert fake[0].folder == paths.models_dir()

    def burst() -> None:
        for done in range(50):
            fake[0].tell(status("a", done=done))
            fake[0].tell(status("b", done=done))

    hold = asyncio.get_running_loop()
    worker = threading.Thread(target=burst)
    worker.start()
    worker.join()  # the loop could not look meanwhile
    assert told == [] and hold.is_running()
    await in_thread(lambda: None)
    assert [(one.id, one.done) for one in told] == [("a", 49), ("b", 49)]
    assert set(where) == {threading.main_thread()}
    assert desk.downloads() == tuple(told)
    stop()
    await in_thread(lambda: fake[0].tell(status("a", done=60)))
    assert len(told) == 2 and desk.downloads()[0].done == 60


async def test_a_download_that_is_done_is_seen_in_the_library(
    desk: ModelDesk, fake: "list[FakeDownloads]"
) -> None:
    await desk.facts()
    await desk.start(LISTING, LISTING.quants[0])
    write_model(paths.models_dir() / "fetched.gguf", seed=5)
    await in_thread(lambda: fake[0].tell(status(state="done", done=100)))
    assert "fetched" in names(await desk.facts())


async def test_pause_resume_and_cancel_go_to_the_download_and_a_cancelled_one_is_gone(
    desk: ModelDesk, fake: "list[FakeDownloads]"
) -> None:
    await desk.start(LISTING, LISTING.quants[0])
    await in_thread(lambda: fake[0].tell(status("d")))
    await desk.pause("d")
    await desk.resume("d")
    await desk.cancel("d")
    assert fake[0].calls[1:] == [("pause", "d"), ("resume", "d"), ("cancel", "d", True)]
    await in_thread(lambda: fake[0].tell(status("d", "cancelled")))
    assert desk.downloads() == ()


async def test_what_an_earlier_run_left_is_listed(
    desk: ModelDesk, fake: "list[FakeDownloads]"
) -> None:
    assert desk.downloads() == ()
    await desk.start(LISTING, LISTING.quants[0])
    fake[0].left = (status("old", "paused", 40),)
    assert [one.id for one in await desk.open_downloads()] == ["old"]


async def test_closing_stops_the_downloads_and_refuses_new_ones(
    desk: ModelDesk, fake: "list[FakeDownloads]"
) -> None:
    await desk.start(LISTING, LISTING.quants[0])
    await desk.aclose()
    assert fake[0].calls[-1] == ("close",)
    with pytest.raises(ModelError):
        await desk.start(LISTING, LISTING.quants[0])
    fake[0].tell(status())  # late, and harmless


# --- pairs to begin with ------------------------------------------------------------------------


def starter() -> Starter:
    def model(name: str) -> StarterModel:
        return StarterModel(name, f"o/{name}-GGUF", "Q4_0", 100, "MIT")

    return Starter("tiny", "Tiny", 8, model("Tiny"), model("Tiny-Instruct"), "MIT", "Why not.")


def put(repo: str, file: str, **more: Any) -> None:
    folder = paths.models_dir() / repo
    folder.mkdir(parents=True)
    write_model(folder / file, **more)


async def test_a_pair_is_known_once_both_models_are_here(desk: ModelDesk) -> None:
    put("o/Tiny-GGUF", "Tiny-Q4_0.gguf")
    assert await desk.starter_pair(starter()) is None
    put("o/Tiny-Instruct-GGUF", "Tiny-Instruct-Q4_0.gguf", seed=1, chat_template="x")
    desk.file_came()
    pair = await desk.starter_pair(starter())
    assert pair is not None
    assert (pair.generator, pair.references) == ("Tiny-Instruct-Q4_0@chat", ("Tiny-Q4_0@raw",))


async def test_a_pair_with_other_vocabularies_is_offered_all_the_same(desk: ModelDesk) -> None:
    put("o/Tiny-GGUF", "Tiny-Q4_0.gguf")
    put("o/Tiny-Instruct-GGUF", "Tiny-Instruct-Q4_0.gguf", extra_words=("more",))
    pair = await desk.starter_pair(starter())
    assert pair is not None and pair.references == ("Tiny-Q4_0@raw",)


async def test_only_what_is_missing_of_a_pair_is_fetched(
    desk: ModelDesk, fake: "list[FakeDownloads]", monkeypatch: pytest.MonkeyPatch
) -> None:
    def listing(self: Hub, repo: str, revision: str | None = None) -> RepoListing:
        return RepoListing(repo, "c0ffee", LISTING.quants)

    monkeypatch.setattr(Hub, "listing", listing)
    put("o/Tiny-GGUF", "Tiny-Q4_0.gguf")
    assert await desk.start_starter(starter()) == ("o/Tiny-Instruct-GGUF:Q4_0",)
    assert fake[0].calls == [("start", "o/Tiny-Instruct-GGUF", "Q4_0")]


async def test_a_quantisation_that_is_gone_from_the_hub_is_said_before_anything_is_fetched(
    desk: ModelDesk, fake: "list[FakeDownloads]", monkeypatch: pytest.MonkeyPatch
) -> None:
    quants = {"o/Tiny-GGUF": LISTING.quants, "o/Tiny-Instruct-GGUF": ()}
    monkeypatch.setattr(
        Hub, "listing", lambda self, repo, revision=None: RepoListing(repo, "c", quants[repo])
    )
    with pytest.raises(ModelError, match="has no Q4_0 any more") as caught:
        await desk.start_starter(starter())
    assert caught.value.kind == "hub-not-found"
    assert fake == []


async def test_the_list_of_pairs_is_the_shipped_one(desk: ModelDesk) -> None:
    assert "qwen2.5-1.5b" in [one.id for one in await desk.starters()]


def test_a_hub_that_does_not_answer_does_not_hold_up_the_end_of_the_program(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def search(self: Hub, query: str, limit: int = 30) -> Any:
        asked.set()
        answer.wait(100)

    monkeypatch.setattr(Hub, "search", search)

    async def program() -> None:
        desk = ModelDesk(lambda: Library.from_settings(read()), read)
        task = asyncio.create_task(desk.search("tiny"))
        await asyncio.to_thread(asked.wait, 10)
        task.cancel()
        await desk.aclose()

    asyncio.run(program())
    assert asked.is_set() and not answer.is_set()
    answer.set()


async def test_the_hub_is_asked_in_a_thread(
    desk: ModelDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[threading.Thread] = []

    def search(self: Hub, query: str, limit: int = 30) -> Any:
        seen.append(threading.current_thread())
        return (SimpleNamespace(id=query),)

    monkeypatch.setattr(Hub, "search", search)
    assert [one.id for one in await desk.search("tiny")] == ["tiny"]
    assert seen[0] is not threading.main_thread()
