"""The bytes of one file as they come from the hub, from a given position on, read by a thread of its own.

Whoever takes them can be stopped at any moment, also while the network is silent: the thread is then left to end by
itself, and never touches a file. Redirects are followed here, because the login goes to the hub and nowhere else, and a
secure connection is not given up for an open one.
"""

import queue
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import httpx2

from urial_tui.models.hub import session, words
from urial_tui.models.hub.download import Stopped
from urial_tui.models.hub.words import HubError

STALL_S: float = 10.0
"""So many seconds without a byte, and the connection is given up for a new one."""
MAX_REDIRECTS: Final = 10
POLL_S: Final = 0.1
_WAITING: Final = 64
"""Blocks of about 64 kB that may wait to be written."""
_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class RangeRefused(Exception):
    """The hub has nothing at the position that was asked for: the file is another one now."""


@dataclass(frozen=True)
class Answer:
    """What is about to come: the position of its first byte, and what the hub says of the whole file."""

    start: int
    total: int | None
    etag: str


class _Abandoned(Exception):
    pass


class Incoming:
    """One request for `path` of `repo` at `commit`, from byte `first` on. Close it, whatever happened."""

    def __init__(self, repo: str, commit: str, path: str, first: int) -> None:
        self._repo, self._path, self._first = repo, path, first
        self._url = f"{session.endpoint()}/{repo}/resolve/{quote(commit, safe='')}/{quote(path)}"
        self._queue: queue.Queue[Answer | bytes | Exception | None] = queue.Queue(_WAITING)
        self._abandoned = threading.Event()
        self._host = session.host()
        threading.Thread(target=self._run, name=f"hub {path}", daemon=True).start()

    def answer(self, stop: threading.Event) -> Answer:
        """Wait for the hub's answer. Raises Stopped, RangeRefused, HubError."""
        found = self._take(stop)
        assert isinstance(found, Answer)
        return found

    def blocks(self, stop: threading.Event) -> Iterator[bytes]:
        """The bytes as they come, to the end of the answer. Raises Stopped, HubError."""
        while (block := self._take(stop)) is not None:
            assert isinstance(block, bytes)
            yield block

    def close(self) -> None:
        self._abandoned.set()

    def _take(self, stop: threading.Event) -> Answer | bytes | None:
        deadline = time.monotonic() + STALL_S
        while True:
            if stop.is_set():
                raise Stopped
            try:
                found = self._queue.get(timeout=POLL_S)
            except queue.Empty:
                if time.monotonic() >= deadline:
                    raise words.stalled(self._host, STALL_S) from None
                continue
            if isinstance(found, Exception):
                raise found
            return found

    def _put(self, item: Answer | bytes | Exception | None) -> None:
        while not self._abandoned.is_set():
            try:
                self._queue.put(item, timeout=POLL_S)
                return
            except queue.Full:
                continue
        raise _Abandoned

    def _run(self) -> None:
        response: httpx2.Response | None = None
        failure: Exception | None = None
        try:
            response, etag = self._open()
            self._put(self._answer_of(response, etag))
            for block in response.iter_raw():
                self._put(block)
        except _Abandoned:
            pass
        except httpx2.HTTPError as error:
            failure = words.unreachable(self._host, error)
        except Exception as error:  # noqa: BLE001 - raised again by whoever takes the bytes
            failure = error
        try:
            if response is not None:
                response.close()
            self._put(failure)
        except (_Abandoned, httpx2.HTTPError, RuntimeError):
            return

    def _open(self) -> tuple[httpx2.Response, str]:
        """The answer that has the bytes, and the hub's tag for the file."""
        client, url, etag = session.client(), self._url, ""
        headers = session.headers() | {"Accept-Encoding": "identity"}
        if self._first:
            headers["Range"] = f"bytes={self._first}-"
        limits = httpx2.Timeout(2 * STALL_S, connect=session.CONNECT_S)
        for _ in range(MAX_REDIRECTS):
            self._host = session.host_of(url)
            request = client.build_request("GET", url, headers=headers, timeout=limits)
            response = client.send(request, stream=True, follow_redirects=False)
            if session.origin(url) == session.origin(session.endpoint()):
                etag = etag or _tag_of(response)
            if not response.has_redirect_location:
                break
            url = _next(url, response)
            response.close()
        else:
            raise HubError(f"{session.host()} redirects without end")
        if response.status_code == 416:
            response.close()
            raise RangeRefused
        if response.status_code not in (200, 206):
            refused = self._refusal(response, url)
            response.close()
            raise refused
        return response, etag

    def _refusal(self, response: httpx2.Response, url: str) -> HubError:
        about = session.asked(self._repo, self._path)
        own = session.origin(url) == session.origin(session.endpoint())
        if own or response.status_code in words.AGAIN:
            return words.refusal(response.status_code, response.headers, about)
        # The address of the CDN was signed for a while only; a new one comes with the next request.
        return HubError(
            f"{self._host} refuses {about.what} (HTTP {response.status_code})",
            hint="Try again later.",
            again=True,
        )

    def _answer_of(self, response: httpx2.Response, etag: str) -> Answer:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise words.unreadable(self._host)
        if response.status_code == 206:
            found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
            if found is None:
                raise words.unreadable(self._host)
            return Answer(int(found[1]), int(found[2]) if found[2] != "*" else None, etag)
        length = response.headers.get("Content-Length", "")
        return Answer(0, int(length[:18]) if length.isdigit() else None, etag)


def _tag_of(response: httpx2.Response) -> str:
    """The tag by which the hub knows the file's content; a CDN's own tag means something else."""
    tag = response.headers.get("X-Linked-Etag") or response.headers.get("ETag") or ""
    return tag.removeprefix("W/").strip('"')[:200]


def _next(url: str, response: httpx2.Response) -> str:
    """The address that `response` redirects to. Raises HubError for one that is none, or not safe."""
    try:
        target = urljoin(url, response.headers["Location"])
        before, after = urlsplit(url), urlsplit(target)
        session.origin(target)  # a port that is no number, or too large
        httpx2.URL(target)
    except (ValueError, httpx2.InvalidURL):
        raise words.unreadable(session.host_of(url)) from None  # its text may have the address
    if after.scheme not in ("http", "https") or (before.scheme, after.scheme) == ("https", "http"):
        raise HubError(
            f"{session.host_of(url)} redirects to an address that is not safe",
            hint="HF_ENDPOINT names the hub; unset it to use https://huggingface.co.",
        )
    return target
