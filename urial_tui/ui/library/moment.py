"""What can be done on the screens of models: one value for the moment of each, one function that answers. Pure.

The chat screen's own is `ui.situation`.
"""

from dataclasses import dataclass

from urial_tui.models.facts import ModelFacts
from urial_tui.models.hub.types import DownloadStatus


@dataclass(frozen=True)
class LibraryMoment:
    """`facts` are those of the row under the cursor."""

    facts: ModelFacts | None = None
    in_table: bool = True
    """The table has the focus, not the line of the filter."""
    verifying: bool = False
    busy: bool = False
    """An answer is being written: the chat's side cannot change now."""


def can_in_library(action: str, now: LibraryMoment) -> bool:
    """Whether a command of the library makes sense now. Actions that are not its own are always possible."""
    facts = now.facts
    match action:
        case "use" | "compare":
            usable = facts is not None and not facts.problem and facts.kind in ("model", "adapter")
            return now.in_table and usable and not now.busy
        case "verify":
            return now.in_table and facts is not None and facts.size > 0 and not now.verifying
        case "remove":
            return now.in_table and facts is not None
        case "stop":
            return now.verifying
        case "back":
            return not (now.verifying and now.in_table)
        case "filter" | "add" | "rescan" | "get":
            return now.in_table
    return True


@dataclass(frozen=True)
class HubMoment:
    """`row`: there is one under the cursor of the upper table. `download` is the one under the lower one's."""

    place: str = "list"
    """Which has the focus: "search", "list" or "downloads"."""
    row: bool = False
    download: DownloadStatus | None = None
    n_downloads: int = 0


def can_on_hub(action: str, now: HubMoment) -> bool:
    """Whether a command of the hub's screen makes sense now. Actions that are not its own are always possible."""
    chosen = now.download if now.place == "downloads" else None
    match action:
        case "choose":
            return now.place == "list" and now.row
        case "search":
            return now.place != "search"
        case "pause":
            return chosen is not None and chosen.is_active
        case "resume":
            return chosen is not None and chosen.state in ("paused", "failed")
        case "cancel":
            return chosen is not None and chosen.state not in ("done", "cancelled")
    return True
