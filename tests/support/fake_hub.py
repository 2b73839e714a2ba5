"""A small hub on loopback for the tests: enough for the real `huggingface_hub` client and for fetching by ranges.

`FakeHub` serves metadata at one port and files at another, to which it redirects, as the hub does with its CDN. What
goes wrong is switched on by name in `faults`, per path; every request that came is in `requests`. Use as a context
manager; nothing waits by time except what a fault says.
"""

import contextlib
import functools
import hashlib
import json
import random
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from tests.support.tinygguf import write_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BLOCK = 64 * 1024


def model_bytes(size: int, seed: int = 0) -> bytes:
    """A file of `size` bytes that begins as a GGUF with nothing in it; the rest is random, the same for a seed."""
    header = struct.pack("<4sIQQ", b"GGUF", 3, 0, 0)
    return header + random.Random(seed).randbytes(size - len(header))


@functools.cache
def _tiny() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_model(Path(folder) / "tiny.gguf").read_bytes()


def usable_bytes(size: int, seed: int = 0) -> bytes:
    """A model whose header can be used, of at least `size` bytes; the same for a seed."""
    tiny = _tiny()
    return tiny + random.Random(seed).randbytes(max(size - len(tiny), 0))


@contextlib.contextmanager
def serving(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["FakeHub"]:
    """A hub that this process and those that it starts find, with a home of its own, no login, and no long waits."""
    from huggingface_hub import close_session, constants

    from urial_tui.models.hub import fetch

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("URIAL_TUI_HOME", str(home / "app"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "hf" / "token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(home / "hf" / "stored_tokens"))
    monkeypatch.setattr(fetch, "DELAYS_S", (0.0,) * len(fetch.DELAYS_S))
    with FakeHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        close_session()
        try:
            yield hub
        finally:
            close_session()


@dataclass(frozen=True)
class Seen:
    """A request that came. `where`: `hub` or `cdn`."""

    where: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message

    @property
    def range(self) -> str:
        return self.headers.get("Range", "")

    @property
    def authorization(self) -> str:
        return self.headers.get("Authorization", "")


@dataclass
class FakeRepo:
    id: str
    files: dict[str, bytes]
    commit: str = COMMIT
    gated: bool = False
    private: bool = False
    tags: tuple[str, ...] = ("gguf", "license:apache-2.0", "base_model:quantized:org/base")
    card: dict[str, Any] = field(default_factory=dict)
    downloads: int = 1000
    likes: int = 10
    listed_sha256: dict[str, str | None] = field(default_factory=dict)
    """What the listing says instead of the truth; None: the file is not in LFS."""
    listed_size: dict[str, int] = field(default_factory=dict)


@dataclass
class Fault:
    """What goes wrong with a path; `times` requests long (None: always). The others are answered as usual."""

    times: int | None = None
    status: int = 0
    """Answer with this status, and `headers`."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Answer 200 with these bytes, whatever was asked for."""
    drop_after: int | None = None
    """Close the connection after so many bytes of the answer."""
    hold_after: int | None = None
    """Send so many bytes, then nothing until `FakeHub.release` is set."""
    flip: int | None = None
    """Change the byte at this position of the file."""
    ignore_range: bool = False
    wrong_range: bool = False
    no_length: bool = False
    etag: str = ""
    pace_s: float = 0.0
    """Wait so long before each block of 64 KiB."""


class FakeHub:
    """`with FakeHub() as hub`: `hub.url` is what HF_ENDPOINT has to be."""

    def __init__(self) -> None:
        self.repos: dict[str, FakeRepo] = {}
        self.faults: dict[str, Fault] = {}
        """By what the path ends with: a file's name, `/api/models`, ... """
        self.cdn_faults: dict[str, Fault] = {}
        self.requests: list[Seen] = []
        self.release = threading.Event()
        self.held = threading.Event()
        """Set when an answer is being held back."""
        self.redirect = True
        self.tokens: set[str] = {"hf_good"}
        self._lock = threading.Lock()
        self._hub = self._server("hub")
        self._cdn = self._server("cdn")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._hub.server_port}"

    @property
    def cdn_url(self) -> str:
        return f"http://127.0.0.1:{self._cdn.server_port}"

    def add(self, repo: str, files: dict[str, bytes], **more: Any) -> FakeRepo:
        """`repo` is OWNER/NAME, with `datasets/` before it for a data set."""
        self.repos[repo] = FakeRepo(repo, dict(files), **more)
        return self.repos[repo]

    def seen(self, ending: str, where: str = "") -> list[Seen]:
        """The requests whose path ends so, in order."""
        with self._lock:
            return [
                seen
                for seen in self.requests
                if seen.path.endswith(ending) and (not where or seen.where == where)
            ]

    def ranges(self, name: str) -> list[str]:
        """The `Range` headers of the requests that were answered with bytes of the file `name`."""
        where = "cdn" if self.redirect else "hub"
        return [seen.range for seen in self.seen(quote(name), where) if seen.method == "GET"]

    def __enter__(self) -> Self:
        for server in (self._hub, self._cdn):
            threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
            ).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release.set()
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()

    def _server(self, where: str) -> ThreadingHTTPServer:
        hub = self

        class Handler(_Handler):
            fake = hub
            name = where

        return _Server(("127.0.0.1", 0), Handler)

    def note(self, seen: Seen) -> None:
        with self._lock:
            self.requests.append(seen)

    def fault(self, where: str, path: str) -> Fault:
        """The fault that this request meets, once less afterwards."""
        with self._lock:
            faults = self.faults if where == "hub" else self.cdn_faults
            for ending, fault in faults.items():
                if path.endswith(ending) and fault.times != 0:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return Fault()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHub
    name: str
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        split = urlsplit(self.path)
        path = unquote(split.path)
        self.fake.note(
            Seen(self.name, self.command, split.path, parse_qs(split.query), self.headers)
        )
        fault = self.fake.fault(self.name, path)
        try:
            if fault.status:
                self._say(fault.status, fault.headers, b'{"error": "as asked for"}')
            elif fault.body is not None:
                self._say(200, {"Content-Type": "text/html", **fault.headers}, fault.body)
            elif self.name == "cdn":
                self._file(path, fault)
            elif path == "/api/models":
                self._search(parse_qs(split.query))
            elif path.startswith("/api/models/"):
                self._info(path.removeprefix("/api/models/"))
            elif path.startswith("/api/datasets/"):
                self._info(path.removeprefix("/api/"))
            elif "/resolve/" in path:
                self._resolve(path, split.path, fault)
            else:
                self._say(404, {}, b"{}")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        if not any(name.lower() == "content-type" for name in headers):
            self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _search(self, query: dict[str, list[str]]) -> None:
        words = query.get("search", [""])[0].lower()
        found = [repo for repo in self.fake.repos.values() if words in repo.id.lower()]
        found.sort(key=lambda repo: -repo.downloads)
        limit = int(query.get("limit", ["1000"])[0])
        items = [_about(repo) for repo in found[:limit] if "gguf" in repo.tags]
        self._say(200, {}, json.dumps(items).encode())

    def _info(self, rest: str) -> None:
        name, _, revision = rest.partition("/revision/")
        repo = self._allowed(name)
        if repo is None:
            return
        if revision not in ("", "main", repo.commit):
            self._say(404, {"X-Error-Code": "RevisionNotFound"}, b"{}")
            return
        self._say(200, {}, json.dumps(_about(repo) | {"siblings": _siblings(repo)}).encode())

    def _allowed(self, name: str, *, content: bool = False) -> FakeRepo | None:
        """The repository, or None after the hub's own refusal."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        repo = self.fake.repos.get(name)
        if token and token not in self.fake.tokens:
            refusal = {"X-Error-Message": "Invalid credentials in Authorization header"}
            self._say(401, refusal, b"{}")
        elif repo is None or (repo.private and not token):
            self._say(404 if token else 401, {"X-Error-Code": "RepoNotFound"}, b"{}")
        elif repo.gated and content:
            self._say(403 if token else 401, {"X-Error-Code": "GatedRepo"}, b"{}")
        else:
            return repo
        return None

    def _resolve(self, path: str, raw: str, fault: Fault) -> None:
        name, _, rest = path.lstrip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        repo = self._allowed(name, content=True)
        if repo is None:
            return
        if revision not in ("main", repo.commit):
            self._say(404, {"X-Error-Code": "RevisionNotFound"}, b"{}")
            return
        content = repo.files.get(file)
        if content is None:
            self._say(404, {"X-Error-Code": "EntryNotFound"}, b"{}")
            return
        sha256 = hashlib.sha256(content).hexdigest()
        headers = {
            "X-Repo-Commit": repo.commit,
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{fault.etag or sha256}"',
            "ETag": f'"{fault.etag or sha256}"',
        }
        if self.fake.redirect:
            address = f"{self.fake.cdn_url}/signed/{quote(name)}/{quote(file)}?Signature=secret"
            self._say(302, headers | {"Location": address}, b"")
        else:
            self._bytes(content, fault, headers)

    def _file(self, path: str, fault: Fault) -> None:
        rest = path.removeprefix("/signed/")
        kind = "datasets/" if rest.startswith("datasets/") else ""
        owner, name, file = rest.removeprefix(kind).split("/", 2)
        repo = self.fake.repos[f"{kind}{owner}/{name}"]
        self._bytes(repo.files[file], fault, {"ETag": '"cdn"'})

    def _bytes(self, content: bytes, fault: Fault, headers: dict[str, str]) -> None:
        if fault.flip is not None:
            changed = bytearray(content)
            changed[fault.flip] ^= 1
            content = bytes(changed)
        asked = self.headers.get("Range", "")
        first = 0
        if asked and not fault.ignore_range:
            first = int(asked.removeprefix("bytes=").partition("-")[0])
            if first >= len(content):
                self._say(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
                return
        sent = content[first:]
        self.send_response(206 if asked and not fault.ignore_range else 200)
        for key, value in headers.items():
            self.send_header(key, value)
        if asked and not fault.ignore_range:
            said = first + 1 if fault.wrong_range else first
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        if fault.no_length:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self._send(sent, fault)

    def _send(self, sent: bytes, fault: Fault) -> None:
        stop = min(
            (limit for limit in (fault.drop_after, fault.hold_after) if limit is not None),
            default=len(sent),
        )
        for begin in range(0, min(stop, len(sent)), BLOCK):
            if fault.pace_s:
                time.sleep(fault.pace_s)
            self.wfile.write(sent[begin : min(begin + BLOCK, stop)])
        if stop >= len(sent):
            return
        if fault.hold_after is not None:
            self.wfile.flush()
            self.fake.held.set()
            self.fake.release.wait(60)
            self.wfile.write(sent[stop:])
        else:
            self.close_connection = True


def _about(repo: FakeRepo) -> dict[str, Any]:
    return {
        "_id": "1",
        "id": repo.id,
        "modelId": repo.id,
        "sha": repo.commit,
        "private": repo.private,
        "gated": "auto" if repo.gated else False,
        "downloads": repo.downloads,
        "likes": repo.likes,
        "lastModified": "2025-03-12T10:11:12.000Z",
        "tags": list(repo.tags),
        "cardData": repo.card,
    }


def _siblings(repo: FakeRepo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, content in repo.files.items():
        size = repo.listed_size.get(name, len(content))
        sha256 = repo.listed_sha256.get(name, hashlib.sha256(content).hexdigest())
        sibling: dict[str, Any] = {"rfilename": name, "size": size, "blobId": "b" * 40}
        if sha256 is not None:
            sibling["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 135}
        found.append(sibling)
    return found
