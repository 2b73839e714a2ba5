"""The manager of downloads: turns, pause, resume, cancel, what earlier runs left, ending, what a listener sees."""

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.fake_hub import FakeHub, Fault, model_bytes, serving
from urial_tui import paths
from urial_tui.errors import ModelError
from urial_tui.models import hashes
from urial_tui.models.hub import download as one_download
from urial_tui.models.hub import notifier, part, ticket
from urial_tui.models.hub.client import Hub
from urial_tui.models.hub.downloads import Downloads
from urial_tui.models.hub.origin import read_origin
from urial_tui.models.hub.rate import Rate
from urial_tui.models.hub.types import DownloadStatus, Quant, RepoListing

REPO = "org/m-GGUF"
NAME = "m-Q4_K_M.gguf"
SIZE = 2_000_000
CONTENT = model_bytes(SIZE, 1)
ID = f"{REPO}:Q4_K_M"
PATIENCE = 30.0


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(tmp_path, monkeypatch) as hub:
        hub.add(REPO, {NAME: CONTENT})
        yield hub


class Heard:
    """A listener that can be asked what it was told."""

    def __init__(self) -> None:
        self.statuses: list[DownloadStatus] = []
        self.threads: set[int] = set()
        self._came = threading.Condition()

    def __call__(self, status: DownloadStatus) -> None:
        with self._came:
            self.statuses.append(status)
            self.threads.add(threading.get_ident())
            self._came.notify_all()

    def until(self, wanted: Callable[[DownloadStatus], bool]) -> DownloadStatus:
        """Wait for a status, one that came before included."""

        def first() -> DownloadStatus | None:
            return next((status for status in self.statuses if wanted(status)), None)

        with self._came:
            found = self._came.wait_for(first, PATIENCE)
        assert found is not None, self.statuses
        return found


class Desk(NamedTuple):
    downloads: Downloads
    heard: Heard


@pytest.fixture
def desk(hub: FakeHub) -> Iterator[Desk]:
    heard = Heard()
    downloads = Downloads(paths.models_dir(), heard)
    try:
        yield Desk(downloads, heard)
    finally:
        hub.release.set()
        downloads.close()


def chosen(repo: str = REPO, number: int = 0) -> tuple[RepoListing, Quant]:
    listing = Hub().listing(repo)
    return listing, listing.quants[number]


def target(name: str = NAME) -> Path:
    return paths.models_dir() / "org" / "m-GGUF" / name


def part_file(name: str = NAME) -> Path:
    return target(name + ".part")


def hold(hub: FakeHub, after: int = 1_000_000) -> None:
    hub.cdn_faults[NAME] = Fault(times=1, hold_after=after)


def start_and_hold(hub: FakeHub, desk: Desk) -> str:
    """A download of which the first million bytes are here, and no more come."""
    hold(hub)
    id = desk.downloads.start(*chosen())
    desk.heard.until(lambda status: status.done == 1_000_000)
    return id


def test_a_download_goes_its_way_and_a_listener_sees_it(hub: FakeHub, desk: Desk) -> None:
    id = desk.downloads.start(*chosen())
    assert id == ID
    status = desk.downloads.wait(id)
    assert (status.state, status.done, status.total) == ("done", SIZE, SIZE)
    assert (status.repo, status.label, status.path) == (REPO, "Q4_K_M", target())
    assert (status.resumed, status.fetched, status.error) == (0, SIZE, None)
    assert desk.heard.until(lambda status: status.state == "done").path == target()
    assert target().read_bytes() == CONTENT
    assert len(desk.heard.threads) == 1
    assert threading.get_ident() not in desk.heard.threads
    assert desk.downloads.all() == (status,)


def test_its_hash_is_not_computed_again(
    hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.downloads.wait(desk.downloads.start(*chosen()))
    known = read_origin(target())
    assert known is not None
    monkeypatch.setattr(hashes.hashlib, "sha256", lambda: pytest.fail("it is computed"))
    assert hashes.file_sha256(target()) == known.sha256


def test_two_go_at_a_time_and_the_third_waits(hub: FakeHub, desk: Desk) -> None:
    ids = []
    for number in range(3):
        repo, name = f"org/x{number}-GGUF", f"x{number}-Q8_0.gguf"
        hub.add(repo, {name: model_bytes(500_000, number)})
        hub.cdn_faults[name] = Fault(hold_after=100_000)
        ids.append(desk.downloads.start(*chosen(repo)))
    for id in ids[:2]:
        desk.heard.until(lambda status, id=id: status.id == id and status.done == 100_000)  # type: ignore[misc]
    assert [status.state for status in desk.downloads.all()] == ["fetching", "fetching", "waiting"]
    assert hub.seen("x2-Q8_0.gguf") == []
    desk.downloads.pause(ids[0])
    assert desk.downloads.wait(ids[0]).state == "paused"
    desk.heard.until(lambda status: status.id == ids[2] and status.done == 100_000)
    hub.release.set()
    assert [desk.downloads.wait(id).state for id in ids] == ["paused", "done", "done"]


def test_a_waiting_one_can_be_paused_and_cancelled(hub: FakeHub, desk: Desk) -> None:
    ids = []
    for number in range(4):
        repo, name = f"org/x{number}-GGUF", f"x{number}-Q8_0.gguf"
        hub.add(repo, {name: model_bytes(500_000, number)})
        hub.cdn_faults[name] = Fault(hold_after=100_000)
        ids.append(desk.downloads.start(*chosen(repo)))
    desk.downloads.pause(ids[2])
    desk.downloads.cancel(ids[3])
    assert desk.downloads.wait(ids[2]).state == "paused"
    assert desk.downloads.wait(ids[3]).state == "cancelled"
    hub.release.set()
    assert desk.downloads.wait(ids[1]).state == "done"
    assert hub.seen("x2-Q8_0.gguf") == hub.seen("x3-Q8_0.gguf") == []


def test_pause_keeps_what_came_and_resume_goes_on_from_there(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.pause(id)
    paused = desk.downloads.wait(id)
    assert (paused.state, paused.done) == ("paused", 1_000_000)
    assert part_file().stat().st_size == 1_000_000
    desk.downloads.resume(id)
    done = desk.downloads.wait(id)
    assert (done.state, done.resumed, done.fetched) == ("done", 1_000_000, SIZE - 1_000_000)
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == ["", "bytes=1000000-"]


def test_resume_right_after_pause_goes_on(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.pause(id)
    desk.downloads.resume(id)
    assert desk.downloads.wait(id).state == "done"
    assert target().read_bytes() == CONTENT


def test_starting_what_is_on_its_way_changes_nothing(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    assert desk.downloads.start(*chosen()) == id
    assert len(desk.downloads.all()) == 1
    hub.release.set()
    assert desk.downloads.wait(id).state == "done"
    assert len(hub.seen(NAME, "hub")) == 1


def test_cancel_keeps_what_came_unless_it_is_to_be_forgotten(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.cancel(id)
    assert desk.downloads.wait(id).state == "cancelled"
    assert part_file().stat().st_size == 1_000_000
    desk.downloads.cancel(id, forget=True)
    assert desk.downloads.wait(id).state == "cancelled"
    assert desk.downloads.all() == ()
    assert list(paths.models_dir().iterdir()) == []


def test_a_download_on_its_way_can_be_forgotten(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.cancel(id, forget=True)
    status = desk.downloads.wait(id)
    assert (status.state, status.done) == ("cancelled", 0)
    assert list(paths.models_dir().iterdir()) == []
    assert desk.downloads.all() == ()


def test_a_model_that_is_whole_is_not_taken_away_by_cancel(hub: FakeHub, desk: Desk) -> None:
    id = desk.downloads.start(*chosen())
    desk.downloads.wait(id)
    desk.downloads.cancel(id, forget=True)
    assert target().read_bytes() == CONTENT
    assert desk.downloads.wait(id).state == "done"


def test_what_an_earlier_run_left_is_found_and_resumed(hub: FakeHub, desk: Desk) -> None:
    start_and_hold(hub, desk)
    desk.downloads.close()
    heard = Heard()
    later = Downloads(paths.models_dir(), heard)
    (found,) = later.all()
    assert (found.id, found.state, found.done, found.total) == (ID, "paused", 1_000_000, SIZE)
    hub.requests.clear()
    later.resume(found.id)
    status = later.wait(found.id)
    assert (status.state, status.resumed, status.fetched) == ("done", 1_000_000, SIZE - 1_000_000)
    later.close()
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == ["bytes=1000000-"]
    assert [seen.path for seen in hub.requests if "/api/" in seen.path] == []
    assert Downloads(paths.models_dir(), heard).all() == ()


def test_a_new_listing_goes_on_with_what_an_earlier_run_left(hub: FakeHub, desk: Desk) -> None:
    start_and_hold(hub, desk)
    desk.downloads.close()
    later = Downloads(paths.models_dir(), Heard())
    assert later.wait(later.start(*chosen())).resumed == 1_000_000
    later.close()


def test_what_cannot_be_gone_on_with_is_told(hub: FakeHub, desk: Desk) -> None:
    start_and_hold(hub, desk)
    desk.downloads.close()
    good = ticket.ticket_file(target())
    (good.parent / "bad.gguf.part.json").write_text("{}")
    shutil.copy(good, good.parent / "moved.gguf.part.json")
    later = Downloads(paths.models_dir(), Heard())
    assert [status.id for status in later.all()] == [ID]
    assert len(later.problems) == 2
    assert "bad.gguf" in later.problems[0]
    assert "moved.gguf" in later.problems[1]


def test_links_are_not_entered_when_looking_for_what_was_left(
    hub: FakeHub, desk: Desk, tmp_path: Path
) -> None:
    start_and_hold(hub, desk)
    desk.downloads.close()
    outside = tmp_path / "outside"
    shutil.move(paths.models_dir(), outside)
    paths.models_dir().mkdir()
    (paths.models_dir() / "org").symlink_to(outside / "org")
    assert Downloads(paths.models_dir(), Heard()).all() == ()


def test_close_ends_at_once_and_leaves_everything_resumable(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.close()
    assert desk.downloads.wait(id).state == "paused"
    assert desk.heard.statuses[-1].state == "paused"
    assert part_file().stat().st_size == 1_000_000
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("download ")]


def test_parts_of_a_split_model_come_in_order_and_count_together(hub: FakeHub, desk: Desk) -> None:
    names = [f"BF16/m-BF16-{no:05}-of-00003.gguf" for no in (1, 2, 3)]
    contents = [model_bytes(300_000, no) for no in (1, 2, 3)]
    hub.repos[REPO].files = dict(zip(reversed(names), reversed(contents), strict=True))
    hub.cdn_faults[names[1]] = Fault(times=1, hold_after=100_000)
    id = desk.downloads.start(*chosen())
    status = desk.heard.until(lambda status: status.done == 400_000)
    assert status.total == 900_000
    assert target(names[0]).exists()
    desk.downloads.close()
    later = Downloads(paths.models_dir(), Heard())
    assert [(s.id, s.done, s.total) for s in later.all()] == [(id, 400_000, 900_000)]
    later.resume(id)
    status = later.wait(id)
    assert (status.state, status.path) == ("done", target(names[0]))
    assert (status.resumed, status.fetched) == (400_000, 500_000)
    later.close()
    for name, content in zip(names, contents, strict=True):
        assert target(name).read_bytes() == content
        assert read_origin(target(name)) is not None
    order = [seen.path.rpartition("/")[2] for seen in hub.seen(".gguf", "cdn")]
    assert order == [Path(names[no]).name for no in (0, 1, 1, 2)]


def test_a_run_that_ended_between_two_parts_is_found(hub: FakeHub, desk: Desk) -> None:
    names = [f"m-BF16-{no:05}-of-00002.gguf" for no in (1, 2)]
    hub.repos[REPO].files = {name: model_bytes(300_000, no) for no, name in enumerate(names)}
    hub.cdn_faults[names[0]] = Fault(hold_after=100_000)
    id = desk.downloads.start(*chosen())
    desk.heard.until(lambda status: status.done == 100_000)
    second = ticket.ticket_file(target(names[1])).read_bytes()  # it is there before its turn comes
    hub.faults[names[1]] = Fault(status=404)
    hub.release.set()
    assert desk.downloads.wait(id).state == "failed"
    part_file(names[1]).unlink()  # as if the program had ended before it was made
    ticket.ticket_file(target(names[1])).write_bytes(second)
    later = Downloads(paths.models_dir(), Heard())
    assert [(s.id, s.done) for s in later.all()] == [(id, 300_000)]
    later.cancel(id, forget=True)
    assert list(paths.models_dir().iterdir()) == []


def test_a_failure_is_told_and_can_be_resumed(hub: FakeHub, desk: Desk) -> None:
    hub.faults[NAME] = Fault(times=1, status=404)
    id = desk.downloads.start(*chosen())
    failed = desk.downloads.wait(id)
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.kind == "hub-not-found"
    desk.downloads.resume(id)
    assert desk.downloads.wait(id).state == "done"


def test_a_file_that_began_anew_says_so(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.pause(id)
    desk.downloads.wait(id)
    hub.cdn_faults[NAME] = Fault(ignore_range=True)
    desk.downloads.resume(id)
    status = desk.downloads.wait(id)
    assert "begins anew" in status.note
    assert (status.resumed, status.fetched) == (0, SIZE)


def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(paths.models_dir().parents[2])
    free = SIZE - 1 + one_download.RESERVE
    monkeypatch.setattr(one_download.shutil, "disk_usage", lambda _place: usage._replace(free=free))
    error = desk.downloads.wait(desk.downloads.start(*chosen())).error
    assert error is not None
    assert error.kind == "disk-full"
    assert "2 MB of it have still to come" in error.message
    assert hub.seen(NAME) == []
    monkeypatch.setattr(
        one_download.shutil, "disk_usage", lambda _place: usage._replace(free=free + 1)
    )
    desk.downloads.resume(ID)
    assert desk.downloads.wait(ID).state == "done"


def test_only_what_is_missing_has_to_fit(
    hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.pause(id)
    desk.downloads.wait(id)
    usage = shutil.disk_usage(paths.models_dir())
    free = SIZE - 1_000_000 + one_download.RESERVE
    monkeypatch.setattr(one_download.shutil, "disk_usage", lambda _place: usage._replace(free=free))
    desk.downloads.resume(id)
    assert desk.downloads.wait(id).state == "done"


def test_what_others_still_fetch_counts_as_used(
    hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/x-GGUF", {"x-Q8_0.gguf": model_bytes(500_000, 3)})
    start_and_hold(hub, desk)
    usage = shutil.disk_usage(paths.models_dir())
    free = SIZE - 1_000_000 + 500_000 - 1 + one_download.RESERVE
    monkeypatch.setattr(one_download.shutil, "disk_usage", lambda _place: usage._replace(free=free))
    error = desk.downloads.wait(desk.downloads.start(*chosen("org/x-GGUF"))).error
    assert error is not None
    assert "other downloads" in error.message


def test_a_disk_that_fills_up_in_the_middle_keeps_what_came(
    hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = part.Part.append

    def full(self: part.Part, block: bytes) -> None:
        if self.size + len(block) > 1_000_000:
            raise part.origin.unwritable(
                self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            )
        append(self, block)

    with monkeypatch.context() as patch:
        patch.setattr(part.Part, "append", full)
        id = desk.downloads.start(*chosen())
        failed = desk.downloads.wait(id)
    assert failed.error is not None
    assert failed.error.kind == "disk-full"
    assert failed.done == part_file().stat().st_size > 0
    desk.downloads.resume(id)
    assert desk.downloads.wait(id).state == "done"
    assert target().read_bytes() == CONTENT


def test_what_another_program_fetches_is_left_to_it(hub: FakeHub, desk: Desk) -> None:
    id = start_and_hold(hub, desk)
    desk.downloads.pause(id)
    desk.downloads.wait(id)
    listing, quant = chosen()
    (wanted,) = ticket.tickets_for(listing, quant)
    with part.Part(paths.models_dir(), target(), wanted):
        desk.downloads.resume(id)
        error = desk.downloads.wait(id).error
        assert error is not None
        assert error.kind == "hub-busy"
        with pytest.raises(ModelError) as refused:
            desk.downloads.cancel(id, forget=True)
        assert refused.value.kind == "hub-busy"
    assert part_file().stat().st_size == 1_000_000
    assert desk.downloads.all()[0].state == "failed"


def test_hostile_names_are_refused_before_anything_begins(hub: FakeHub, desk: Desk) -> None:
    listing, quant = chosen()
    for repo, path in (("../..", NAME), (REPO, "../../x.gguf")):
        file = quant.files[0].__class__(path, SIZE, None)
        bad = Quant("Q4_K_M", (file,))
        with pytest.raises(ModelError) as refused:
            desk.downloads.start(RepoListing(repo, listing.commit, (bad,)), bad)
        assert refused.value.kind == "hub-name"
    assert desk.downloads.all() == ()


def test_offline_is_told(hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    listing, quant = chosen()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    error = desk.downloads.wait(desk.downloads.start(listing, quant)).error
    assert error is not None
    assert error.kind == "hub-offline"
    assert hub.seen(NAME) == []


def test_an_unknown_download_is_told(desk: Desk) -> None:
    for ask in (desk.downloads.pause, desk.downloads.resume, desk.downloads.wait):
        with pytest.raises(ModelError) as error:
            ask("org/none:Q8_0")
        assert error.value.kind == "unknown-download"


def test_a_mistake_in_a_thread_is_a_failure_and_not_silence(
    hub: FakeHub, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(_self: part.Part) -> None:
        raise ZeroDivisionError("https://cdn.example/?Signature=secret")

    monkeypatch.setattr(part.Part, "finish", mistaken)
    error = desk.downloads.wait(desk.downloads.start(*chosen())).error
    assert error is not None
    assert error.kind == "unexpected"
    assert "ZeroDivisionError" in error.message
    assert "secret" not in str(error) + error.hint


def test_a_listener_that_fails_stops_nothing(hub: FakeHub) -> None:
    downloads = Downloads(paths.models_dir(), lambda _status: 1 / 0)  # type: ignore[arg-type,return-value]
    assert downloads.wait(downloads.start(*chosen())).state == "done"
    downloads.close()
    assert list(paths.state_dir().glob("crash-*.log"))


def test_progress_waits_for_its_period_and_a_state_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notifier, "PERIOD_S", 3600.0)
    told: list[str] = []
    came = threading.Event()

    def tell(id: str) -> None:
        told.append(id)
        came.set()

    teller = notifier.Notifier(tell)
    teller.touch("first", urgent=True)
    assert came.wait(PATIENCE)
    for _ in range(1000):
        teller.touch("bytes")
    came.clear()
    teller.touch("state", urgent=True)
    assert came.wait(PATIENCE)
    teller.touch("last")
    teller.close(PATIENCE)
    assert told == ["first", "bytes", "state", "last"]


def test_a_rate_is_of_the_last_seconds() -> None:
    now = [0.0]
    rate = Rate(lambda: now[0])
    assert rate.per_second() == 0
    assert rate.eta_s(100) is None
    for second in range(20):
        now[0] = float(second)
        rate.add(second * 1000)
    assert rate.per_second() == pytest.approx(1000)
    assert rate.eta_s(5000) == pytest.approx(5)
    for second in range(20, 40):
        now[0] = float(second)
        rate.add(19_000 + (second - 19) * 10)
    assert rate.per_second() == pytest.approx(10)
    now[0] += 100.0
    assert rate.per_second() < 1
    rate.add(0)  # begun anew
    assert rate.per_second() == 0


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_a_refusal_before_the_first_byte_leaves_nothing(
    hub: FakeHub, desk: Desk, status: int
) -> None:
    wanted = chosen()
    hub.faults[NAME] = Fault(status=status)
    assert desk.downloads.wait(desk.downloads.start(*wanted)).state == "failed"
    assert list(paths.models_dir().rglob("*.part*")) == []
    assert Downloads(paths.models_dir(), Heard()).all() == ()
    hub.faults.clear()
    desk.downloads.resume(ID)
    assert desk.downloads.wait(ID).state == "done"


def test_a_refused_part_of_a_split_model_leaves_what_came_of_the_others(
    hub: FakeHub, desk: Desk
) -> None:
    names = [f"s-Q8_0-0000{number}-of-00002.gguf" for number in (1, 2)]
    hub.add("org/s-GGUF", {name: model_bytes(300_000, 3) for name in names})
    wanted = chosen("org/s-GGUF")
    for refused, left in ((names[0], 0), (names[1], 300_000)):
        hub.faults.clear()
        hub.faults[refused] = Fault(status=403)
        assert desk.downloads.wait(desk.downloads.start(*wanted)).state == "failed"
        found = Downloads(paths.models_dir(), Heard()).all()
        assert [status.done for status in found] == ([left] if left else [])


def test_empty_leftovers_of_earlier_runs_are_removed_unless_somebody_has_them(
    hub: FakeHub, desk: Desk
) -> None:
    listing, quant = chosen()
    (wanted,) = ticket.tickets_for(listing, quant)
    target().parent.mkdir(parents=True)
    with part.Part(paths.models_dir(), target(), wanted) as held:
        held.keep_ticket()
        assert len(Downloads(paths.models_dir(), Heard()).all()) == 1
    assert part_file().exists()
    assert desk.downloads.all() == ()
    assert list(paths.models_dir().rglob("*.part*")) == []
