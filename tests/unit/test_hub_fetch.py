"""Fetching one file by ranges: resuming, answers that do not fit, damaged files, full disks, links, two at once."""

import errno
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.fake_hub import COMMIT, FakeHub, Fault, model_bytes, serving
from urial_tui import paths
from urial_tui.errors import ModelError
from urial_tui.models import hashes
from urial_tui.models.hub import fetch, incoming, part, ticket
from urial_tui.models.hub.client import Hub
from urial_tui.models.hub.download import Stopped
from urial_tui.models.hub.origin import origin_file, read_origin
from urial_tui.models.hub.types import DownloadState

REPO = "org/m-GGUF"
NAME = "m-Q4_K_M.gguf"
SIZE = 3_000_000
CONTENT = model_bytes(SIZE, 1)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(tmp_path, monkeypatch) as hub:
        hub.add(REPO, {NAME: CONTENT})
        yield hub


class Looker:
    """Sees everything, and stops when it is told to."""

    def __init__(self, at: Callable[[int], bool] = lambda _size: False) -> None:
        self.stop = threading.Event()
        self.sizes: list[int] = []
        self.states: list[DownloadState] = []
        self.notes: list[str] = []
        self._at = at

    def progress(self, size: int) -> None:
        self.sizes.append(size)
        if self._at(size):
            self.stop.set()

    def state(self, state: DownloadState) -> None:
        if self.states[-1:] != [state]:
            self.states.append(state)

    def note(self, text: str) -> None:
        self.notes.append(text)


def wanted() -> ticket.Ticket:
    listing = Hub().listing(REPO)
    return ticket.tickets_for(listing, listing.quants[0])[0]


def get(looker: Looker | None = None, what: ticket.Ticket | None = None) -> Path:
    return fetch.fetch_file(paths.models_dir(), what or wanted(), looker or Looker())


def fails(kind: str, looker: Looker | None = None) -> ModelError:
    with pytest.raises(ModelError) as error:
        get(looker)
    assert error.value.kind == kind, error.value
    return error.value


def target() -> Path:
    return paths.models_dir() / "org" / "m-GGUF" / NAME


def part_file() -> Path:
    return target().with_name(NAME + ".part")


def leave_part(size: int) -> None:
    """What an earlier run leaves that was ended after `size` bytes."""
    with pytest.raises(Stopped):
        get(Looker(lambda now: now >= size))
    with part_file().open("r+b") as file:
        file.truncate(size)


def test_a_file_is_fetched_checked_and_its_origin_kept(hub: FakeHub) -> None:
    looker = Looker()
    assert get(looker) == target()
    assert target().read_bytes() == CONTENT
    assert looker.states == ["fetching", "verifying"]
    assert looker.sizes == sorted(looker.sizes)
    assert len(looker.sizes) > 10
    assert looker.sizes[-1] == SIZE
    known = read_origin(target())
    assert known is not None
    assert (known.repo, known.commit, known.path) == (REPO, COMMIT, NAME)
    assert (known.size, known.sha256, known.checked) == (SIZE, sha256(CONTENT), True)
    assert (known.license, known.base_model) == ("apache-2.0", "org/base")
    assert known.fetched.endswith("Z")
    assert {file.name for file in target().parent.iterdir()} == {NAME, NAME + ".hub.json"}
    for private in (target(), origin_file(target())):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(target().parent.stat().st_mode) == 0o700


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_its_hash_is_known_afterwards_without_reading_it(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    get()
    assert hashes.known_sha256(target()) == sha256(CONTENT)


def test_a_dropped_connection_is_taken_up_where_it_was(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(times=2, drop_after=1_000_000)
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == ["", "bytes=1000000-", "bytes=2000000-"]
    assert "stalled" in looker.states


def test_a_part_of_an_earlier_run_is_gone_on_with(hub: FakeHub) -> None:
    leave_part(1_234_567)
    hub.requests.clear()
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == ["bytes=1234567-"]
    assert looker.sizes[0] == 1_234_567
    assert looker.states[0] == "verifying"  # what was there is read again
    assert looker.notes == []


def test_a_part_that_only_lacked_its_name_is_not_asked_for(hub: FakeHub) -> None:
    leave_part(2_000_000)
    part_file().write_bytes(CONTENT)
    hub.requests.clear()
    get()
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == []


def test_a_part_that_is_damaged_on_disk_is_found_out_and_removed(hub: FakeHub) -> None:
    leave_part(1_000_000)
    with part_file().open("r+b") as file:
        file.seek(500_000)
        file.write(b"damaged")
    assert "sha256" in fails("hub-damaged").message
    assert list(target().parent.iterdir()) == []
    get()
    assert target().read_bytes() == CONTENT


def test_a_hub_that_ignores_ranges_is_asked_for_the_whole_file_and_that_is_said(
    hub: FakeHub,
) -> None:
    leave_part(1_000_000)
    hub.cdn_faults[NAME] = Fault(ignore_range=True)
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert "does not resume" in looker.notes[0]
    assert "anew" in looker.notes[0]


def test_a_hub_that_neither_resumes_nor_lasts_is_given_up(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(ignore_range=True, drop_after=1_500_000)
    assert "be resumed" in fails("hub-unreachable").message
    assert not target().exists()


def test_a_range_that_was_not_asked_for_begins_anew(hub: FakeHub) -> None:
    leave_part(1_000_000)
    hub.cdn_faults[NAME] = Fault(times=1, wrong_range=True)
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME)[-2:] == ["bytes=1000000-", ""]
    assert "anew" in looker.notes[0]


def test_another_tag_of_the_hub_means_another_file(hub: FakeHub) -> None:
    leave_part(1_000_000)
    hub.faults[NAME] = Fault(times=1, etag="another")
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert looker.notes == ["the file changed on the hub, so that fetching it begins anew"]


def test_a_file_that_changed_since_it_was_listed_is_not_mixed_with_the_old_one(
    hub: FakeHub,
) -> None:
    leave_part(1_000_000)
    old = wanted()
    hub.repos[REPO].files[NAME] = model_bytes(SIZE, 2)
    with pytest.raises(ModelError) as error:
        get(what=old)
    assert error.value.kind == "hub-changed"
    assert "List the repository again" in error.value.hint
    assert part_file().stat().st_size == 1_000_000
    looker = Looker()
    get(looker)  # a new listing
    assert target().read_bytes() == model_bytes(SIZE, 2)
    assert "changed on the hub" in looker.notes[0]


@pytest.mark.parametrize("size", [SIZE - 500_000, SIZE + 5, 100_000])
def test_a_file_of_another_size_than_listed_is_refused(hub: FakeHub, size: int) -> None:
    leave_part(1_000_000)
    old = wanted()
    hub.repos[REPO].files[NAME] = CONTENT[:size] + b"x" * max(size - SIZE, 0)
    hub.faults[NAME] = Fault(etag="same")
    with pytest.raises(ModelError) as error:
        get(what=old)
    assert error.value.kind == "hub-changed"
    assert not target().exists()


def test_the_same_content_at_a_newer_commit_is_gone_on_with(hub: FakeHub) -> None:
    leave_part(1_000_000)
    hub.repos[REPO].commit = "f" * 40
    hub.requests.clear()
    get()
    assert hub.ranges(NAME) == ["bytes=1000000-"]
    known = read_origin(target())
    assert known is not None
    assert known.commit == "f" * 40


def test_a_flipped_byte_is_refused_and_nothing_is_left(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(flip=SIZE // 2)
    error = fails("hub-damaged")
    assert NAME in error.message
    assert "removed" in error.message
    assert list(target().parent.iterdir()) == []


def test_what_is_no_gguf_is_refused_at_its_first_bytes(hub: FakeHub) -> None:
    hub.repos[REPO].files[NAME] = b"<html>" + CONTENT[6:]
    fails("hub-damaged")
    assert list(target().parent.iterdir()) == []


def test_more_bytes_than_listed_are_not_written(hub: FakeHub) -> None:
    hub.repos[REPO].files[NAME] = CONTENT + b"more"
    hub.repos[REPO].listed_size[NAME] = SIZE
    hub.repos[REPO].listed_sha256[NAME] = None
    hub.cdn_faults[NAME] = Fault(no_length=True)
    fails("hub-damaged")
    assert list(target().parent.iterdir()) == []


@pytest.mark.parametrize("length", [True, False])
def test_a_login_page_instead_of_the_rest_does_not_cost_what_was_fetched(
    hub: FakeHub, length: bool
) -> None:
    leave_part(1_000_000)
    page = b"<html>Please pay for this network</html>"
    hub.cdn_faults[NAME] = Fault(body=page if length else page.ljust(SIZE))
    error = fails("hub-changed" if length else "hub-error")
    assert f"sends {len(page)} bytes" in error.message or not length
    assert part_file().read_bytes() == CONTENT[:1_000_000]


def test_an_answer_without_a_length_is_taken_to_its_end(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(no_length=True)
    get()
    assert target().read_bytes() == CONTENT


def test_an_answer_without_a_length_that_ends_early_is_gone_on_with(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(times=1, no_length=True, drop_after=1_000_000)
    get()
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == ["", "bytes=1000000-"]


def test_silence_is_told_and_the_connection_given_up_for_a_new_one(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "STALL_S", 0.3)
    hub.cdn_faults[NAME] = Fault(times=1, hold_after=1_000_000)
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert looker.states == ["fetching", "stalled", "fetching", "verifying"]
    assert hub.ranges(NAME) == ["", "bytes=1000000-"]


def test_silence_that_does_not_end_is_told_as_such(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "STALL_S", 0.3)
    monkeypatch.setattr(fetch, "DELAYS_S", ())
    hub.cdn_faults[NAME] = Fault(hold_after=1_000_000)
    assert "nothing came" in fails("hub-unreachable").message
    assert part_file().stat().st_size == 1_000_000


def test_a_stop_comes_through_while_the_hub_is_silent(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(hold_after=1_000_000)
    all_came = threading.Event()
    looker = Looker(lambda size: size >= 1_000_000 and all_came.set() is not None)
    ended: list[str] = []

    def run() -> None:
        try:
            get(looker)
        except Stopped:
            ended.append("stopped")

    thread = threading.Thread(target=run)
    thread.start()
    assert all_came.wait(30)
    looker.stop.set()
    thread.join(30)
    assert ended == ["stopped"]
    assert part_file().stat().st_size == 1_000_000


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=500), "hub-error"),
        (Fault(status=503), "hub-error"),
        (Fault(status=429, headers={"Retry-After": "0"}), "hub-rate-limited"),
        (Fault(drop_after=0), "hub-unreachable"),
    ],
)
def test_what_does_not_get_better_ends_with_what_was_fetched_kept(
    hub: FakeHub, fault: Fault, kind: str
) -> None:
    leave_part(1_000_000)
    before = len(hub.seen(NAME, "hub"))
    hub.faults[NAME] = fault if fault.status else Fault()
    hub.cdn_faults[NAME] = fault
    error = fails(kind)
    assert "7 times in a row" in error.message
    assert "kept" in error.hint
    assert len(hub.seen(NAME, "hub")) - before == 1 + len(fetch.DELAYS_S)
    assert part_file().read_bytes() == CONTENT[:1_000_000]


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(drop_after=0)])
def test_nothing_is_said_to_be_kept_where_nothing_came(hub: FakeHub, fault: Fault) -> None:
    hub.cdn_faults[NAME] = fault
    with pytest.raises(ModelError) as error:
        get()
    assert "in a row" in error.value.message
    assert "kept" not in error.value.hint


def test_what_gets_better_is_waited_for(hub: FakeHub) -> None:
    hub.faults[NAME] = Fault(times=4, status=503)
    get()
    assert target().read_bytes() == CONTENT


def test_slow_progress_is_progress(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "GAIN", 100_000)
    hub.cdn_faults[NAME] = Fault(drop_after=130_000)  # more drops than tries in a row
    get()
    assert target().read_bytes() == CONTENT


def test_a_hub_that_asks_for_a_long_wait_is_not_waited_for(hub: FakeHub) -> None:
    hub.faults[NAME] = Fault(status=429, headers={"Retry-After": "3600"})
    assert "3600 s" in fails("hub-rate-limited").hint
    assert len(hub.seen(NAME, "hub")) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
def test_a_refusal_of_the_hub_itself_is_final(hub: FakeHub, status: int) -> None:
    hub.faults[NAME] = Fault(status=status)
    with pytest.raises(ModelError) as error:
        get()
    assert len(hub.seen(NAME, "hub")) == 1
    assert REPO in error.value.message


def test_a_gated_file_says_where_its_terms_are(hub: FakeHub) -> None:
    hub.repos[REPO].gated = True
    error = fails("hub-gated")
    assert f"{hub.url}/{REPO}" in error.hint


def test_an_address_that_ran_out_is_replaced_by_a_new_one(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(times=1, status=403)
    get()
    assert target().read_bytes() == CONTENT


def test_the_login_goes_to_the_hub_and_not_to_the_cdn(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    get()
    assert [seen.authorization for seen in hub.seen(NAME, "hub")] == ["Bearer hf_good"]
    assert [seen.authorization for seen in hub.seen(NAME, "cdn")] == [""]


def test_no_message_has_the_signed_address(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(status=500)
    error = fails("hub-error")
    assert "Signature" not in str(error) + error.hint + repr(error.__cause__)


@pytest.mark.parametrize(
    "address", ["http://x.example/m", "ftp://x.example/m", "file:///etc/passwd"]
)
def test_a_secure_connection_is_not_given_up(address: str) -> None:
    response = httpx2.Response(302, headers={"Location": address})
    with pytest.raises(ModelError, match="not safe"):
        incoming._next("https://huggingface.co/org/m", response)


@pytest.mark.parametrize(
    "address",
    ["http://[x", "http://h:99999/secret", "http://h:x/secret", "http://h\x7f/", "//[::1/secret"],
)
def test_an_address_that_is_none_is_told_without_its_text(hub: FakeHub, address: str) -> None:
    hub.faults[NAME] = Fault(status=302, headers={"Location": address})
    error = fails("hub-error")
    assert "cannot be read" in error.message
    assert "secret" not in str(error) + error.hint
    assert error.__suppress_context__


def test_redirects_have_an_end(hub: FakeHub) -> None:
    hub.faults[NAME] = Fault(status=302, headers={"Location": f"/{REPO}/resolve/main/{NAME}"})
    assert "without end" in fails("hub-error").message


def test_a_compressed_answer_is_refused(hub: FakeHub) -> None:
    hub.cdn_faults[NAME] = Fault(body=CONTENT, headers={"Content-Encoding": "gzip"})
    assert "cannot be read" in fails("hub-error").message


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_keeps_what_was_fetched(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with monkeypatch.context() as full:
        full.setattr(part.io, "FileIO", _filling(1_000_000, number))
        error = fails("disk-full")
    assert "full" in error.message
    held = part_file().stat().st_size
    assert 900_000 < held <= 1_000_000
    hub.requests.clear()
    get()
    assert target().read_bytes() == CONTENT
    assert hub.ranges(NAME) == [f"bytes={held}-"]


@pytest.mark.parametrize("method", ["read", "truncate"])
def test_a_disk_that_does_not_give_back_what_was_fetched_is_told(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    leave_part(1_000_000)

    def broken(*_arguments: Any) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    failing = type("Failing", (io.FileIO,), {method: broken})
    monkeypatch.setattr(part.io, "FileIO", failing)
    assert str(part_file()) in fails("unwritable").message


def test_blocks_that_are_taken_in_part_are_written_to_their_end(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reluctant(io.FileIO):
        def write(self, data: Any) -> int:
            return super().write(memoryview(data)[:10_000])

    monkeypatch.setattr(part.io, "FileIO", Reluctant)
    get()
    assert target().read_bytes() == CONTENT


def test_a_file_system_that_cannot_hold_the_file_is_told(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part.io, "FileIO", _filling(1_000_000, errno.EFBIG))
    assert "FAT32" in fails("unwritable").hint


def _filling(room: int, number: int) -> type[io.FileIO]:
    """A file that takes the last block in part, and then fails as a full disk does."""

    class Filling(io.FileIO):
        def write(self, data: Any) -> int:
            left = room - self.tell()
            if left <= 0:
                raise OSError(number, os.strerror(number))
            return super().write(memoryview(data)[:left])

    return Filling


def test_a_folder_that_cannot_be_written_is_told(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(part.os, "open", refuse)
    error = fails("unwritable")
    assert str(part_file()) in error.message
    assert "permissions" in error.hint


def test_a_link_in_the_place_of_the_file_is_not_followed(hub: FakeHub, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    target().parent.mkdir(parents=True)
    target().symlink_to(victim)
    assert "is a link" in fails("in-the-way").message
    target().unlink()
    part_file().symlink_to(victim)
    assert "is a link" in fails("in-the-way").message
    part_file().unlink()
    target().parent.rmdir()
    target().parent.symlink_to(tmp_path)
    assert "is a link" in fails("in-the-way").message
    assert victim.read_bytes() == b"mine"
    assert hub.seen(NAME) == []


def test_a_ticket_that_is_a_link_is_replaced_and_not_followed(hub: FakeHub, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    target().parent.mkdir(parents=True)
    ticket.ticket_file(target()).symlink_to(victim)
    origin_file(target()).symlink_to(victim)
    get()
    assert victim.read_bytes() == b"mine"
    assert not origin_file(target()).is_symlink()


@pytest.mark.parametrize(
    "name", ["../m-Q4_K_M.gguf", "/tmp/m.gguf", "a/../../../m.gguf", "m\0.gguf"]
)
def test_a_hostile_name_in_a_ticket_is_refused(hub: FakeHub, name: str) -> None:
    files = (ticket.TicketFile(name, SIZE, sha256(CONTENT)),)
    bad = ticket.Ticket(repo=REPO, commit=COMMIT, label="Q4_K_M", path=name, files=files)
    with pytest.raises(ModelError) as error:
        get(what=bad)
    assert error.value.kind == "hub-name"
    assert hub.requests == []


def test_a_file_that_is_there_is_not_fetched(hub: FakeHub) -> None:
    get()
    hub.requests.clear()
    what = wanted()
    get(what=what)
    assert hub.seen(NAME) == []


def test_a_file_that_was_put_there_is_taken_when_its_hash_is_right(hub: FakeHub) -> None:
    target().parent.mkdir(parents=True)
    target().write_bytes(CONTENT)
    get()
    assert hub.seen(NAME) == []
    known = read_origin(target())
    assert known is not None
    assert known.sha256 == sha256(CONTENT)


def test_another_file_of_that_name_is_left_alone(hub: FakeHub) -> None:
    target().parent.mkdir(parents=True)
    for other in (model_bytes(SIZE, 9), b"short"):
        target().write_bytes(other)
        assert str(target()) in fails("in-the-way").message
        assert target().read_bytes() == other


def test_an_older_version_that_came_from_there_is_replaced(hub: FakeHub) -> None:
    get()
    newer = model_bytes(SIZE + 1000, 5)
    hub.repos[REPO].files[NAME] = newer
    hub.repos[REPO].commit = "a" * 40
    get()
    assert target().read_bytes() == newer
    known = read_origin(target())
    assert known is not None
    assert (known.commit, known.sha256) == ("a" * 40, sha256(newer))


def test_a_program_that_ended_between_the_name_and_the_record_is_made_good(hub: FakeHub) -> None:
    leave_part(1_000_000)
    part_file().unlink()
    target().write_bytes(CONTENT)
    hub.requests.clear()
    get()
    assert hub.seen(NAME) == []
    assert {file.name for file in target().parent.iterdir()} == {NAME, NAME + ".hub.json"}


def test_without_a_hash_of_the_hub_the_size_counts_and_that_is_kept(hub: FakeHub) -> None:
    hub.repos[REPO].listed_sha256[NAME] = None
    get()
    known = read_origin(target())
    assert known is not None
    assert (known.sha256, known.checked) == (sha256(CONTENT), False)


def test_a_second_one_in_this_program_is_told(hub: FakeHub) -> None:
    leave_part(1_000_000)
    with part.Part(paths.models_dir(), target(), wanted()):
        error = fails("hub-busy")
    assert f"process {os.getpid()}" in error.message
    get()
    assert target().read_bytes() == CONTENT


HOLDER = """
import sys
from pathlib import Path
from urial_tui.models.hub import part, ticket
folder, target = Path(sys.argv[1]), Path(sys.argv[2])
wanted = ticket.read_ticket(ticket.ticket_file(target))
with part.Part(folder, target, wanted) as held:
    held.keep_ticket()
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_program_that_fetches_it_is_named(hub: FakeHub) -> None:
    leave_part(1_000_000)
    arguments = [sys.executable, "-c", HOLDER, str(paths.models_dir()), str(target())]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        error = fails("hub-busy")
        assert f"process {other.pid}" in error.message
        other.kill()
    get()  # the lock ended with its process
    assert target().read_bytes() == CONTENT


@pytest.mark.parametrize("damage", ["not json", '{"repo": 1}', "", "[" * 100_000])
def test_a_ticket_that_cannot_be_read_makes_it_begin_anew(hub: FakeHub, damage: str) -> None:
    leave_part(1_000_000)
    ticket.ticket_file(target()).write_text(damage)
    looker = Looker()
    get(looker)
    assert target().read_bytes() == CONTENT
    assert looker.notes


@pytest.mark.parametrize(
    "change",
    [
        {"repo": "../.."},
        {"path": "../m.gguf"},
        {"files": [{"path": "../m.gguf", "size": 5, "sha256": None}]},
        {"files": [{"path": NAME, "size": -5, "sha256": None}]},
        {"files": [{"path": NAME, "size": 5, "sha256": "zz"}]},
    ],
)
def test_a_ticket_with_names_that_are_not_safe_is_no_ticket(
    hub: FakeHub, change: dict[str, object]
) -> None:
    leave_part(1_000_000)
    file = ticket.ticket_file(target())
    assert ticket.read_ticket(file) is not None
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert ticket.read_ticket(file) is None


@pytest.mark.parametrize("damage", ["x", "{}", '{"repo": "a/b"}', "[" * 100_000])
def test_an_origin_that_cannot_be_read_is_none(hub: FakeHub, damage: str) -> None:
    get()
    origin_file(target()).write_text(damage)
    assert read_origin(target()) is None


def test_an_origin_of_another_file_is_none(hub: FakeHub) -> None:
    get()
    target().write_bytes(b"GGUF, but another one")
    assert read_origin(target()) is None
