"""The library and the hub for an event loop: every question goes to a thread, every answer comes back into the loop.

The interface's screens use it. It decides nothing: `catalog`, `fit` and `hub` do, and what they need is imported in the
threads.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urial_tui import paths
from urial_tui.errors import ModelError
from urial_tui.models.apart import apart
from urial_tui.models.download_desk import DownloadDesk
from urial_tui.models.facts import ModelFacts, Partner
from urial_tui.models.hub.types import HubRepo, RepoListing
from urial_tui.models.library_desk import LibraryDesk, no_device
from urial_tui.settings import Settings
from urial_tui.sides import RAW, Side

if TYPE_CHECKING:
    from urial_tui.models.hub.starters import Starter, StarterModel
    from urial_tui.models.library import Library


class ModelDesk(LibraryDesk, DownloadDesk):
    """`library` gives the one that sides are resolved with, `settings` reads those of this run anew; both are called in
    a thread. `device_free` gives the bytes that are free on GPUs. `folder` is where fetched models go, the program's
    own by default. Use `aclose` at the end.
    """

    def __init__(
        self,
        library: "Callable[[], Library]",
        settings: Callable[[], Settings],
        *,
        device_free: Callable[[], Awaitable[int]] = no_device,
        folder: Path | None = None,
    ) -> None:
        LibraryDesk.__init__(self, library, settings, device_free)
        DownloadDesk.__init__(self, folder if folder is not None else paths.models_dir())

    async def aclose(self) -> None:
        """Stop reading and fetching; the parts of downloads are kept."""
        self.stop_reading()
        await super().aclose()

    # --- the hub ----------------------------------------------------------------------------------------------------

    async def search(self, query: str) -> tuple[HubRepo, ...]:
        """Raises HubError."""

        def ask() -> tuple[HubRepo, ...]:
            from urial_tui.models.hub.client import Hub

            return Hub().search(query)

        return await apart(ask)

    async def listing(self, repo: str) -> RepoListing:
        """Raises UsageError, HubError."""

        def ask() -> RepoListing:
            from urial_tui.models.hub.client import Hub

            return Hub().listing(repo)

        return await apart(ask)

    async def starters(self) -> "tuple[Starter, ...]":
        """Pairs that were chosen to begin with."""

        def read() -> "tuple[Starter, ...]":
            from urial_tui.models.hub.starters import starters

            return starters()

        return await apart(read)

    async def start_starter(self, starter: "Starter") -> tuple[str, ...]:
        """Raises HubError; ModelError (`hub-not-found`) for a quantisation that the repository has no more."""
        from urial_tui.models.hub.quants import find_quant

        found = await self.facts()
        wanted = []
        for model in (starter.base, starter.aligned):
            if _is_here(model, found, self.folder):
                continue
            listing = await self.listing(model.repo)
            quant = find_quant(listing.quants, model.quant)
            if quant is None:
                raise ModelError(
                    f"{model.repo} has no {model.quant} any more",
                    hint="Search for the model, and choose another quantisation.",
                    kind="hub-not-found",
                )
            wanted.append((listing, quant))
        return tuple([await self.start(listing, quant) for listing, quant in wanted])

    async def starter_pair(self, starter: "Starter") -> Partner | None:
        """How its two models are compared; None until both are here."""
        found = await self.facts()
        base = _is_here(starter.base, found, self.folder)
        aligned = _is_here(starter.aligned, found, self.folder)
        if base is None or aligned is None:
            return None
        for partner in await self.partners(aligned.name):
            if partner.name == base.name:
                return partner
        # Their vocabularies differ; the inspector will say how.
        return Partner(
            base.name,
            str(Side(aligned.name)),
            (str(Side(base.name, style=RAW)),),
            starter.why,
            True,
        )


def _is_here(model: "StarterModel", found: Sequence[ModelFacts], folder: Path) -> ModelFacts | None:
    """The model in the program's own folder, or in the hub's own cache."""
    from urial_tui.models.hub.quants import label_in

    own = folder.joinpath(*model.repo.split("/"))
    cached = f"models--{model.repo.replace('/', '--')}".casefold()
    for facts in found:
        if not facts.is_model or label_in(facts.path.stem) != model.quant.upper():
            continue
        places = (facts.path, *facts.also)
        if any(p.is_relative_to(own) or cached in str(p).casefold() for p in places):
            return facts
    return None
