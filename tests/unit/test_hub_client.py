"""Asking the hub through its own client library, against one on loopback: what comes back, every failure in words."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_hub import COMMIT, FakeHub, Fault, model_bytes, serving
from urial_tui.errors import ModelError, UsageError
from urial_tui.models.hub import session
from urial_tui.models.hub.client import Hub

REPO = "org/m-GGUF"
SECRET = "hf_SecretSecretSecretSecret"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(tmp_path, monkeypatch) as hub:
        hub.add(REPO, {"m-Q4_K_M.gguf": model_bytes(1000), "README.md": b"# m"})
        hub.tokens.add(SECRET)
        yield hub


def refused(*, search: bool = False) -> ModelError:
    with pytest.raises(ModelError) as error:
        Hub().search("m") if search else Hub().listing(REPO)
    return error.value


def test_search_finds_repositories_by_name_most_downloaded_first(hub: FakeHub) -> None:
    hub.add("zeta/Model-GGUF", {}, downloads=5000, gated=True, likes=7)
    hub.add("org/not-a-gguf", {}, tags=("safetensors",))
    first, second = Hub().search("m")
    assert (first.id, first.downloads, first.likes, first.gated) == (
        "zeta/Model-GGUF", 5000, 7, True,
    )  # fmt: skip
    assert (second.id, second.gated) == (REPO, False)
    assert (second.license, second.base_model) == ("apache-2.0", "org/base")
    assert second.updated == "2025-03-12"
    (asked,) = hub.seen("/api/models")
    assert asked.query["filter"] == ["gguf"]
    assert asked.query["search"] == ["m"]
    assert asked.query["sort"] == ["downloads"]


def test_search_takes_no_more_than_asked_for_and_nothing_unnameable(hub: FakeHub) -> None:
    for number in range(5):
        hub.add(f"org/x{number}-GGUF", {})
    hub.add("../x-GGUF", {}, downloads=10**6)
    assert len(Hub().search("x", limit=3)) == 2
    assert hub.seen("/api/models")[0].query["limit"] == ["3"]
    assert Hub().search("nothing of the kind") == ()


def test_a_listing_has_the_commit_and_each_model_with_size_and_hash(hub: FakeHub) -> None:
    content = model_bytes(5000, 1)
    hub.repos[REPO].files |= {
        "m-Q8_0-00002-of-00002.gguf": b"2" * 20,
        "m-Q8_0-00001-of-00002.gguf": content,
        "mmproj-F16.gguf": b"x",
    }
    hub.repos[REPO].gated = True
    hub.repos[REPO].listed_sha256["m-Q8_0-00002-of-00002.gguf"] = None
    listing = Hub().listing(REPO)
    assert (listing.id, listing.commit, listing.gated) == (REPO, COMMIT, True)
    assert (listing.license, listing.base_model) == ("apache-2.0", "org/base")
    small, large = listing.quants
    assert (small.label, small.size) == ("Q4_K_M", 1000)
    assert (large.label, large.size) == ("Q8_0", 5020)
    assert [file.path[-19:] for file in large.files] == [
        "-00001-of-00002.gguf"[1:],
        "-00002-of-00002.gguf"[1:],
    ]
    assert len(str(large.files[0].sha256)) == 64
    assert large.files[1].sha256 is None


def test_a_listing_names_the_licence_that_only_the_card_names(hub: FakeHub) -> None:
    hub.repos[REPO].tags = ("gguf", "license:other", "base_model:a/b", "base_model:quantized:c/d")
    hub.repos[REPO].card = {"license_name": "my-own-1.0"}
    listing = Hub().listing(REPO)
    assert (listing.license, listing.base_model) == ("my-own-1.0", "a/b")


def test_a_revision_is_asked_for(hub: FakeHub) -> None:
    assert Hub().listing(REPO, COMMIT).commit == COMMIT
    with pytest.raises(ModelError, match="no such revision") as error:
        Hub().listing(REPO, "v9")
    assert error.value.kind == "hub-not-found"


def test_what_names_no_repository_is_not_asked_for(hub: FakeHub) -> None:
    with pytest.raises(UsageError):
        Hub().listing("../../etc")
    assert hub.requests == []


def test_the_login_goes_to_the_hub(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    Hub().listing(REPO)
    monkeypatch.setenv("HF_TOKEN", SECRET)
    Hub().listing(REPO)
    assert [seen.authorization for seen in hub.requests] == ["", f"Bearer {SECRET}"]
    monkeypatch.delenv("HF_TOKEN")
    stored = Path(os.environ["HF_HOME"]) / "token"
    stored.parent.mkdir(parents=True)
    stored.write_text(SECRET + "\n")
    Hub().listing(REPO)
    assert hub.requests[-1].authorization == f"Bearer {SECRET}"


def test_the_login_does_not_follow_a_redirect_to_another_host(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    away = {"Location": f"{hub.cdn_url}/elsewhere"}
    hub.faults[REPO] = Fault(status=307, headers=away)
    hub.cdn_faults["/elsewhere"] = Fault(body=b"{}")
    refused()
    (seen,) = hub.seen("/elsewhere", "cdn")
    assert seen.authorization == ""


def test_a_next_page_on_another_host_gets_no_login(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    more = {"Link": f'<{hub.cdn_url}/more>; rel="next"', "Content-Type": "application/json"}
    hub.faults["/api/models"] = Fault(body=b"[]", headers=more)
    hub.cdn_faults["/more"] = Fault(body=b"[]")
    Hub().search("m")
    (seen,) = hub.seen("/more", "cdn")
    assert seen.authorization == ""


@pytest.mark.parametrize(
    ("status", "headers", "kind", "says", "hints"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, "hub-gated", "is gated", "HF_TOKEN"),
        (403, {"X-Error-Code": "GatedRepo"}, "hub-gated", "is gated", "org/m-GGUF"),
        (401, {"X-Error-Code": "RepoNotFound"}, "hub-not-found", "no repository org/m", "spelling"),
        (404, {"X-Error-Code": "RepoNotFound"}, "hub-not-found", "no repository org/m", "search"),
        (404, {}, "hub-not-found", "no repository org/m", "spelling"),
        (401, {}, "hub-unauthorized", "does not give access", "login"),
        (403, {"X-Error-Message": "blocked here"}, "hub-unauthorized", "blocked here", "login"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"},
         "hub-unauthorized", "does not accept the token", "hf auth login"),
        (429, {"Retry-After": "17"}, "hub-rate-limited", "no more requests", "in 17 s"),
        (429, {"RateLimit": '"api";r=0;t=55'}, "hub-rate-limited", "no more requests", "in 55 s"),
        (429, {}, "hub-rate-limited", "no more requests", "few minutes"),
        (500, {}, "hub-error", "problem of its own (HTTP 500)", "later"),
        (503, {}, "hub-error", "HTTP 503", "later"),
        (418, {}, "hub-error", "HTTP 418", "org/m-GGUF"),
    ],
)  # fmt: skip
def test_each_refusal_of_the_hub_has_its_words_and_is_said_at_once(
    hub: FakeHub, status: int, headers: dict[str, str], kind: str, says: str, hints: str
) -> None:
    hub.faults[REPO] = Fault(status=status, headers=headers)
    error = refused()
    assert error.kind == kind
    assert says in error.message
    assert hints in error.hint
    assert len(hub.seen(REPO)) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_search_is_not_tried_again_behind_the_users_back(hub: FakeHub, status: int) -> None:
    hub.faults["/api/models"] = Fault(status=status, headers={"Retry-After": "3600"})
    error = refused(search=True)
    assert error.kind == ("hub-rate-limited" if status == 429 else "hub-error")
    assert len(hub.seen("/api/models")) == 1


def test_a_gated_repository_says_where_its_terms_are(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults[REPO] = Fault(status=403, headers={"X-Error-Code": "GatedRepo"})
    assert f"{hub.url}/{REPO}" in refused().hint
    monkeypatch.setenv("HF_TOKEN", SECRET)
    error = refused()
    assert "this login has no access" in error.message
    assert f"{hub.url}/{REPO}" in error.hint


def test_the_token_is_in_no_message(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    hub.faults[REPO] = Fault(status=403, headers={"X-Error-Message": f"bad token {SECRET}, go"})
    error = refused()
    assert SECRET not in error.message + error.hint
    assert "bad token [token], go" in error.message


@pytest.mark.parametrize("token", ["hf_bäd", "hf_two words\x07", "hf_日本"])
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    error = refused()
    assert error.kind == "hub-unauthorized"
    assert token[3:] not in str(error) + error.hint
    assert error.__cause__ is None
    assert hub.requests == []


@pytest.mark.parametrize(
    "body",
    [b"<html>Please log in</html>", b'{"error": 1}', b'[{"a": 1}]', b"[1]", b"\xff", b"null"],
)
@pytest.mark.parametrize("search", [True, False])
def test_an_answer_that_is_not_the_hubs_is_said_to_be_unreadable(
    hub: FakeHub, body: bytes, search: bool
) -> None:
    hub.faults["/api/models"] = hub.faults[REPO] = Fault(body=body)
    error = refused(search=search)
    assert error.kind == "hub-error"
    assert "cannot be read" in error.message


def test_a_listing_without_a_commit_is_unreadable(hub: FakeHub) -> None:
    hub.repos[REPO].commit = "main"
    assert "cannot be read" in refused().message


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_nothing_is_asked_when_a_variable_says_offline(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert refused().kind == "hub-offline"
    error = refused(search=True)
    assert error.kind == "hub-offline"
    assert "HF_HUB_OFFLINE" in error.hint
    assert hub.requests == []


def test_no_request_at_all_leaves_when_a_variable_says_offline(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = session.client()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as error:
        client.get(hub.url)
    assert error.value.kind == "hub-offline"
    assert hub.requests == []


def test_a_hub_that_is_not_there_is_unreachable_at_once(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    for search in (True, False):
        error = refused(search=search)
        assert error.kind == "hub-unreachable"
        assert "refuses the connection" in error.message
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    error = refused()
    assert error.kind == "hub-unreachable"
    assert "hub.invalid" in error.message


def test_a_hub_that_does_not_speak_tls_is_told(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url.replace("http:", "https:"))
    error = refused()
    assert error.kind == "hub-unreachable"
    assert "no secure connection" in error.message


def test_a_hub_that_is_silent_is_given_up(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "READ_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for search in (True, False):
            error = refused(search=search)
            assert error.kind == "hub-unreachable"
            assert "does not answer" in error.message


def test_a_hub_that_hangs_up_is_told(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(10_000)
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert "dropped the connection" in refused().message


@pytest.mark.parametrize("address", ["huggingface.co", "ftp://x", "http://", "http://x:99999"])
def test_an_endpoint_that_is_no_address_is_told(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert "HF_ENDPOINT" in refused().message


def test_a_hub_without_a_search_is_no_hub(hub: FakeHub) -> None:
    hub.faults["/api/models"] = Fault(status=404)
    assert "does not answer as a hub does" in refused(search=True).message


def test_the_library_says_nothing_and_reports_nothing(hub: FakeHub) -> None:
    """In a process of its own: what the library does when it is imported, with every variable that makes it talk."""
    hub.faults["/nothing-GGUF"] = Fault(status=418, headers={"X-HF-Warning": "look; at this"})
    code = (
        "from urial_tui.models.hub.client import Hub\n"
        "from urial_tui.errors import ModelError\n"
        "Hub().search('m'); Hub().listing('org/m-GGUF')\n"
        "try: Hub().listing('org/nothing-GGUF')\n"
        "except ModelError as error: print(error.kind)\n"
    )
    loud = {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "loud", "HF_HUB_ENABLE_HF_TRANSFER": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | loud,
    )
    assert (done.stdout, done.stderr) == ("hub-error\n", "")
    paths = {seen.path for seen in hub.requests}
    assert paths == {"/api/models", "/api/models/org/m-GGUF", "/api/models/org/nothing-GGUF"}
    agents = {str(seen.headers["User-Agent"]) for seen in hub.requests}
    assert all("urial-tui/" in agent and "agent/" not in agent for agent in agents)


def test_importing_the_managers_does_not_import_the_library() -> None:
    code = (
        "import sys, urial_tui.models.hub.client, urial_tui.models.hub.downloads,"
        " urial_tui.models.hub.starters, urial_tui.models.hub.origin\n"
        "print([n for n in sys.modules if n in ('huggingface_hub', 'httpx2', 'click')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
