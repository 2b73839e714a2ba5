"""The hub's own client library, quiet and bounded: one HTTP session with time limits and no telemetry.

Called by the client and by the fetching of files, in their threads: importing the library takes long, so that nothing
here is imported or connected before the first request. `HF_ENDPOINT`, `HF_HUB_OFFLINE` and the login are read at each
request. The token goes to the hub's own address only.
"""

import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from urial_tui import __version__
from urial_tui.models.hub import words
from urial_tui.models.hub.words import Asked, HubError

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

DEFAULT_ENDPOINT: Final = "https://huggingface.co"
CONNECT_S: Final = 10.0
READ_S: Final = 20.0
"""Seconds that the hub may be silent. Fetching a file gives up earlier, by its own clock."""

_TRUE: Final = frozenset(("1", "ON", "YES", "TRUE"))
_preparing = threading.Lock()
_prepared = False


def endpoint() -> str:
    """The hub's address, without a slash at its end. Raises HubError for one that is none."""
    found = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or DEFAULT_ENDPOINT
    try:
        split = urlsplit(found)
        usable = split.scheme in ("http", "https") and bool(split.hostname) and split.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise HubError(
            "HF_ENDPOINT is not the address of a hub",
            hint=f"It is like {DEFAULT_ENDPOINT}. Unset it to use that one.",
        )
    return found


def host() -> str:
    """The hub's name, as messages say it."""
    return host_of(endpoint())


def host_of(url: str) -> str:
    """The host of an address, with a port that is not the usual one: what messages may say of it."""
    split = urlsplit(url)
    name = split.hostname or "the hub"
    return f"{name}:{split.port}" if split.port else name


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an address: what a login may be sent to."""
    split = urlsplit(url)
    port = split.port or {"http": 80, "https": 443}.get(split.scheme, 0)
    return split.scheme, (split.hostname or "").lower(), port


def refuse_offline() -> None:
    """Raise HubError (`hub-offline`) where a variable says to stay offline."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    if value.upper() in _TRUE:
        raise words.offline()


def prepare() -> None:
    """Import the library and make it quiet. Slow the first time; from any thread. Raises HubError when offline."""
    global _prepared
    refuse_offline()
    endpoint()
    with _preparing:
        if _prepared:
            return
        disabled = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # a wrong HF_HUB_VERBOSITY is told on stderr by importing
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import huggingface_hub.hf_api
                from huggingface_hub import constants
                from huggingface_hub.utils import set_client_factory  # type: ignore[attr-defined]
        finally:
            logging.disable(disabled)
        # Without this each request may first fetch a list of programs, to report the one that runs it.
        constants.HF_HUB_DISABLE_TELEMETRY = True
        quiet = logging.getLogger(huggingface_hub.__name__)
        quiet.handlers[:] = [logging.NullHandler()]
        quiet.propagate = False
        set_client_factory(_new_client)
        _prepared = True


def api() -> "HfApi":
    """The library's client for metadata. Raises HubError when offline."""
    prepare()
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint(), library_name="urial-tui", library_version=__version__)


def client() -> "httpx2.Client":
    """The session that all requests share. Raises HubError when offline."""
    prepare()
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    return get_session()


def headers() -> dict[str, str]:
    """Headers of a request to the hub, with the login where there is one. Raises HubError."""
    prepare()
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    try:
        found = build_hf_headers(library_name="urial-tui", library_version=__version__)
    except (OSError, ValueError) as error:
        raise HubError(
            f"the stored login for the hub cannot be read ({type(error).__name__})",
            hint="Log in again with `hf auth login`, or set HF_TOKEN.",
            kind="hub-unauthorized",
        ) from None
    sent: dict[str, str] = {str(name): str(value) for name, value in found.items()}
    _check_token(sent.get("authorization", ""))
    return sent


def asked(repo: str = "", path: str = "") -> Asked:
    """What messages about a request say."""
    page = f"{endpoint()}/{repo}" if repo else ""
    return Asked(host(), repo, path, page, "authorization" in headers())


def _check_token(authorization: str) -> None:
    if not authorization.isascii() or not authorization.isprintable():
        raise words.bad_token()


def _new_client() -> "httpx2.Client":
    import httpx2

    class Session(httpx2.Client):
        """Time limits where the library sets none, errors in words, and none of the library's sleeping retries."""

        def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            refuse_offline()
            limits = request.extensions.setdefault("timeout", {})
            for name, seconds in (("connect", CONNECT_S), ("read", READ_S), ("write", CONNECT_S)):
                if limits.get(name) is None:
                    limits[name] = seconds
            target = str(request.url)
            if origin(target) != origin(endpoint()):
                request.headers.pop("authorization", None)
            try:
                response = super().send(request, **options)
            except httpx2.LocalProtocolError:
                raise words.bad_token() from None  # its text has the header
            except httpx2.RequestError as error:
                raise words.unreachable(host_of(target), error) from error
            if response.status_code in words.AGAIN and not options.get("stream"):
                about = Asked(host_of(target), logged_in="authorization" in request.headers)
                raise words.refusal(response.status_code, response.headers, about)
            return response

    return Session(follow_redirects=True, timeout=httpx2.Timeout(READ_S, connect=CONNECT_S))
