"""Every failure of the hub in plain words: what is wrong, what to do, and whether it may go better by itself.

Called by the session, the client and the fetching of files. Says the host, never a signed address, never a token.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from urial_tui.errors import ModelError
from urial_tui.models.hub.names import DATASETS
from urial_tui.safetext import sanitize_line

AGAIN: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Answers that may be others a little later."""
_SECRET: Final = re.compile(r"(hf_|Bearer\s+)[A-Za-z0-9_.-]{6,}")


class HubError(ModelError):
    """A failure of the hub or of the way to it. `again`: the same request may succeed in a while; `after_s`: not before
    so many seconds, as far as the hub said.
    """

    default_kind = "hub-error"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        kind: str = "",
        again: bool = False,
        after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, kind=kind)
        self.again = again
        self.after_s = after_s


@dataclass(frozen=True)
class Asked:
    """What was asked for, as far as the words need it. `page`: where a person can look at `repo`."""

    host: str
    repo: str = ""
    path: str = ""
    page: str = ""
    logged_in: bool = False

    @property
    def what(self) -> str:
        if self.path:
            return f"{self.path} in {self.repo}"
        return self.repo or "this"


def offline() -> HubError:
    return HubError(
        "the hub is not asked, because HF_HUB_OFFLINE is set",
        hint="Unset HF_HUB_OFFLINE to search and fetch. Models on this machine work without it.",
        kind="hub-offline",
    )


def unreachable(host: str, error: BaseException) -> HubError:
    """No answer: what kept it from coming. The causes of `error` are looked at, its text is not shown."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return HubError(
                f"the connection to {host} is not safe: {cause.verify_message}",
                hint="If a proxy here reads encrypted traffic, name its certificate in SSL_CERT_FILE. "
                "Check the clock of this machine, too.",
                kind="hub-unreachable",
            )
    name = type(error).__name__
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        message = f"{host} is not found: its name does not resolve"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        message = f"{host} refuses the connection"
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        message = f"no secure connection to {host} can be made"
    elif "Timeout" in name or any(isinstance(cause, TimeoutError) for cause in causes):
        message = f"{host} does not answer"
    elif name == "ProxyError":
        message = f"the proxy on the way to {host} refuses"
    elif name in ("ReadError", "RemoteProtocolError", "WriteError", "CloseError"):
        message = f"{host} dropped the connection"
    else:
        message = f"there is no connection to {host}"
    return HubError(
        message,
        hint="Is this machine online? HTTPS_PROXY names a proxy, HF_ENDPOINT another hub. "
        "Models on this machine work without it.",
        kind="hub-unreachable",
        again=True,
    )


def stalled(host: str, seconds: float) -> HubError:
    return HubError(
        f"nothing came from {host} for {seconds:.0f} s",
        hint="The connection may be too slow or gone. Try again later.",
        kind="hub-unreachable",
        again=True,
    )


def unreadable(host: str) -> HubError:
    return HubError(
        f"the answer of {host} cannot be read: it is not what the hub sends",
        hint="A login page of a network, or a proxy, may have answered. HF_ENDPOINT names another hub.",
    )


def bad_token() -> HubError:
    """The text of the token must not be in any message, so neither is the error that it led to."""
    return HubError(
        "the token for the hub has characters that no token has",
        hint="Set HF_TOKEN anew, or log in again with `hf auth login`.",
        kind="hub-unauthorized",
    )


def refusal(status: int, headers: Mapping[str, str], asked: Asked) -> HubError:
    """What the hub's answer with `status` (400 and up) means."""
    code = headers.get("X-Error-Code", "")
    said = said_by(headers)
    if code == "GatedRepo":
        return _gated(asked)
    if status == 401 and "credentials" in said.lower():
        return HubError(
            f"{asked.host} does not accept the token",
            hint="Make one at https://huggingface.co/settings/tokens, and set HF_TOKEN or run `hf auth login`.",
            kind="hub-unauthorized",
        )
    if status == 404 or code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
        return _not_found(code, asked)
    if status in (401, 403):
        return HubError(
            f"{asked.host} does not give access to {asked.what}{_tail(said)}",
            hint=_login_hint(asked),
            kind="hub-unauthorized",
        )
    if status == 429:
        after = retry_after(headers)
        when = f"in {after:.0f} s" if after is not None else "in a few minutes"
        return HubError(
            f"{asked.host} takes no more requests from here for now",
            hint=f"Try again {when}." + ("" if asked.logged_in else " With a login it takes more."),
            kind="hub-rate-limited",
            again=True,
            after_s=after,
        )
    if status >= 500 or status in AGAIN:
        return HubError(
            f"{asked.host} has a problem of its own (HTTP {status}){_tail(said)}",
            hint="Try again later; https://status.huggingface.co tells about the hub.",
            again=True,
            after_s=retry_after(headers),
        )
    return HubError(
        f"{asked.host} refuses {asked.what} (HTTP {status}){_tail(said)}",
        hint=f"Look at {asked.page}." if asked.page else "",
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait: `Retry-After`, or `t` of the draft `RateLimit` header."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value[:6])
    left = re.search(r"\br\s*=\s*0\s*;\s*t\s*=\s*(\d{1,6})", headers.get("RateLimit", ""))
    return float(left[1]) if left else None


def said_by(headers: Mapping[str, str]) -> str:
    """The hub's own words in an answer, cut, made safe, without anything that looks like a token."""
    return _SECRET.sub("[token]", sanitize_line(headers.get("X-Error-Message", ""), 200))


def _tail(said: str) -> str:
    return f": {said}" if said else ""


def _gated(asked: Asked) -> HubError:
    page = asked.page or "the model's page"
    if asked.logged_in:
        return HubError(
            f"{asked.repo or 'this model'} is gated, and this login has no access to it",
            hint=f"Accept its terms at {page}; some owners grant access by hand, which takes a while.",
            kind="hub-gated",
        )
    return HubError(
        f"{asked.repo or 'this model'} is gated: its terms have to be accepted first",
        hint=f"Accept them at {page}, make a token at https://huggingface.co/settings/tokens, "
        "and set HF_TOKEN to it or run `hf auth login`.",
        kind="hub-gated",
    )


def _not_found(code: str, asked: Asked) -> HubError:
    if not asked.repo:
        return HubError(
            f"{asked.host} does not answer as a hub does (HTTP 404)",
            hint="HF_ENDPOINT names the hub; unset it to use https://huggingface.co.",
        )
    if code == "RevisionNotFound":
        return HubError(
            f"{asked.repo} has no such revision",
            hint=f"Look at {asked.page}." if asked.page else "",
            kind="hub-not-found",
        )
    if asked.path and code != "RepoNotFound":
        return HubError(
            f"there is no file {asked.what}",
            hint="Its owner may have moved it: list the repository again.",
            kind="hub-not-found",
        )
    what, where = f"repository {asked.repo}", ": `urial-tui models search WORDS` finds names."
    if asked.repo.startswith(DATASETS):
        what, where = f"data set {asked.repo.removeprefix(DATASETS)}", f", or look at {asked.page}."
    return HubError(
        f"there is no {what} on {asked.host}" + ("" if asked.logged_in else ", or it is private"),
        hint=f"Check its spelling{where}"
        + ("" if asked.logged_in else " A private one needs HF_TOKEN or `hf auth login`."),
        kind="hub-not-found",
    )


def _login_hint(asked: Asked) -> str:
    if asked.logged_in:
        return f"Look at {asked.page or 'its page'} with the same login: the token may lack the right to read it."
    return "It may need a login: set HF_TOKEN, or run `hf auth login`."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised from, outermost first."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
