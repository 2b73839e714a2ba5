"""What the hub has: repositories with GGUF files by name, the models in one of them, the files of a data set.

Called by the command line and by the interface's facade, in a thread: every method waits for the network. Everything
that comes back is checked and turned into plain values; nothing is fetched or written here.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from urial_tui.errors import ModelError, UsageError
from urial_tui.models.hub import session, words
from urial_tui.models.hub.names import DATASETS, is_repo
from urial_tui.models.hub.quants import quants_of
from urial_tui.models.hub.types import DatasetListing, HubFile, HubRepo, RepoListing
from urial_tui.models.hub.words import Asked, HubError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo, ModelInfo

T = TypeVar("T")

MAX_FOUND: Final = 100
"""Search results that one question may ask for."""
_MAX_FILES: Final = 20_000


class Hub:
    """The hub that `HF_ENDPOINT` names, with the login that is there. Holds nothing; safe in any thread."""

    def search(self, query: str, limit: int = 30) -> tuple[HubRepo, ...]:
        """Repositories with GGUF files whose names hold `query`, most downloaded first; "" finds the most downloaded.

        Raises HubError (a ModelError): `hub-offline`, `hub-unreachable`, `hub-unauthorized`, `hub-rate-limited`,
        `hub-error`.
        """
        limit = max(1, min(limit, MAX_FOUND))

        def ask() -> tuple[HubRepo, ...]:
            found = session.api().list_models(
                search=query.strip() or None,
                filter="gguf",
                sort="downloads",
                limit=limit,
                expand=["downloads", "gated", "lastModified", "likes", "tags"],
            )
            return tuple(_repo(info) for info in found if is_repo(info.id))

        return _asking("", ask)

    def listing(self, repo: str, revision: str | None = None) -> RepoListing:
        """The models in `repo`, at the commit that `revision` (a branch, tag or commit) is now.

        Raises UsageError when `repo` is not OWNER/NAME, HubError as `search` does, and `hub-gated`, `hub-not-found`.
        """
        if not is_repo(repo):
            raise UsageError(f"{repo!r} does not name a repository", hint="Write OWNER/NAME.")

        def ask() -> RepoListing:
            info = session.api().model_info(
                repo, revision=revision, files_metadata=True, timeout=session.READ_S
            )
            return _listing(repo, info)

        return _asking(repo, ask)

    def dataset(self, repo: str) -> DatasetListing:
        """The files of the data set `repo`, as they are now. Raises as `listing` does."""
        if not is_repo(repo):
            raise UsageError(f"{repo!r} does not name a data set", hint="Write OWNER/NAME.")

        def ask() -> DatasetListing:
            info = session.api().dataset_info(repo, files_metadata=True, timeout=session.READ_S)
            files = tuple(
                HubFile(str(file.rfilename), *_size_and_hash(file))
                for file in _siblings(repo, info)
            )
            return DatasetListing(info.id if is_repo(info.id) else repo, _commit(info), files)

        return _asking(f"{DATASETS}{repo}", ask)


def _asking(repo: str, ask: Callable[[], T]) -> T:
    """What `ask` gives, its failures in words. The library's own texts may hold addresses: they are not shown."""
    session.prepare()
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    about: Asked = session.asked(repo)
    try:
        return ask()
    except ModelError:
        raise
    except OfflineModeIsEnabled:
        raise words.offline() from None
    except HfHubHTTPError as error:
        response = error.response
        raise words.refusal(response.status_code, response.headers, about) from None
    except HFValidationError:
        raise UsageError(f"{repo!r} does not name a repository", hint="Write OWNER/NAME.") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise words.unreadable(about.host) from error


def _repo(info: "ModelInfo") -> HubRepo:
    tags = _texts(info.tags)
    return HubRepo(
        id=info.id,
        downloads=int(info.downloads or 0),
        likes=int(info.likes or 0),
        gated=bool(info.gated),
        license=_tag(tags, "license:"),
        base_model=_base_model(tags),
        updated=info.last_modified.date().isoformat() if info.last_modified else "",
    )


def _listing(repo: str, info: "ModelInfo") -> RepoListing:
    commit = _commit(info)
    quants, problems = quants_of(
        HubFile(str(file.rfilename), *_size_and_hash(file)) for file in _siblings(repo, info)
    )
    tags = _texts(info.tags)
    return RepoListing(
        id=info.id if is_repo(info.id) else repo,
        commit=commit,
        quants=quants,
        gated=bool(info.gated),
        license=_license(tags, info),
        base_model=_base_model(tags),
        problems=problems,
    )


def _commit(info: "ModelInfo | DatasetInfo") -> str:
    commit = str(info.sha)
    if len(commit) != 40 or not set(commit) <= set("0123456789abcdef"):
        raise ValueError("no commit")
    return commit


def _siblings(repo: str, info: "ModelInfo | DatasetInfo") -> list[Any]:
    siblings = info.siblings or []
    if len(siblings) > _MAX_FILES:
        raise HubError(f"{repo} has too many files to list: {len(siblings)}")
    return list(siblings)


def _size_and_hash(file: Any) -> tuple[int, str | None]:
    """Bytes (0: not told) and sha256 of a file in the listing."""
    if file.lfs is None:
        return int(file.size or 0), None
    sha256 = str(file.lfs.sha256).lower()
    known = len(sha256) == 64 and set(sha256) <= set("0123456789abcdef")
    return int(file.lfs.size or file.size or 0), sha256 if known else None


def _license(tags: list[str], info: "ModelInfo") -> str:
    """The tag's, or the name that the card gives to one that the hub has no tag for."""
    found = _tag(tags, "license:")
    if found in ("", "other"):
        named = getattr(info.card_data, "license_name", None)
        return named[:100] if isinstance(named, str) and named else found
    return found


def _base_model(tags: list[str]) -> str:
    """`base_model:OWNER/NAME`, which may have a relation before the name: `base_model:quantized:OWNER/NAME`."""
    found = [tag.removeprefix("base_model:") for tag in tags if tag.startswith("base_model:")]
    found.sort(key=lambda name: ":" in name)
    return found[0].rpartition(":")[2] if found else ""


def _tag(tags: Iterable[str], prefix: str) -> str:
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def _texts(tags: Any) -> list[str]:
    return [tag[:200] for tag in tags or () if isinstance(tag, str)]
