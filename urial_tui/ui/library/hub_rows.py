"""The rows and lines of the hub's screen: starting points, results, what a repository has, downloads. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from urial_tui.models.hub.types import DownloadStatus, HubRepo, Quant, RepoListing
from urial_tui.ui.drawing.lines import Line, bar, safe, wrapped
from urial_tui.ui.library.words import (
    STATES,
    VERDICT_LOOKS,
    name_of,
    percent,
    share_of,
    size_words,
    speed_words,
    time_words,
)
from urial_tui.ui.widgets.table import Cell, Column, Row

if TYPE_CHECKING:
    from urial_tui.models.fit import Verdict
    from urial_tui.models.hub.starters import Starter

STARTER_COLUMNS = (
    Column("title", "pair", 22, stretches=True),
    Column("ram", "for", 6, rank=3, right=True),
    Column("size", "to fetch", 8, rank=1, right=True),
    Column("fit", "memory", 12, rank=1),
    Column("state", "", 12, rank=2),
)
REPO_COLUMNS = (
    Column("id", "repository", 32, stretches=True),
    Column("downloads", "fetched", 8, rank=2, right=True),
    Column("gated", "access", 6, rank=1),
    Column("license", "licence", 12, rank=3),
    Column("updated", "changed", 10, rank=4),
)
QUANT_COLUMNS = (
    Column("label", "quantisation", 14, stretches=True),
    Column("size", "size", 8, rank=1, right=True),
    Column("fit", "memory", 12, rank=1),
    Column("parts", "files", 5, rank=3, right=True),
    Column("state", "", 12, rank=2),
)
DOWNLOAD_COLUMNS = (
    Column("name", "download", 20, stretches=True),
    Column("share", "", 5, rank=1, right=True),
    Column("bar", "", 8, rank=4),
    Column("size", "of", 8, rank=5, right=True),
    Column("rate", "speed", 8, rank=3, right=True),
    Column("left", "left", 9, rank=2, right=True),
    Column("state", "", 9, rank=1),
)
SHORT_STATES = STATES | {"waiting": "waits", "stalled": "stalled", "verifying": "checking"}
STATE_LOOKS = {"failed": "bad", "stalled": "warn", "paused": "warn", "done": "strong"}


def _verdict(verdict: "Verdict | None") -> Cell:
    if verdict is None:
        return Cell("…", "dim")
    return Cell("" if verdict == "unknown" else verdict, VERDICT_LOOKS[verdict])


def starter_rows(
    starters: "Iterable[Starter]",
    verdicts: "Mapping[str, Verdict]",
    complete: Collection[str],
    downloads: Sequence[DownloadStatus],
) -> list[Row]:
    """`verdicts` by id, for both models together; `complete` are the ids of pairs that are here."""
    return [
        Row(
            starter.id,
            {
                "title": Cell(safe(starter.title, 80)),
                "ram": Cell(f"{starter.ram_gb} GB"),
                "size": Cell(size_words(starter.base.size + starter.aligned.size)),
                "fit": _verdict(verdicts.get(starter.id)),
                "state": _starter_state(starter, starter.id in complete, downloads),
            },
        )
        for starter in starters
    ]


def _starter_state(starter: "Starter", here: bool, downloads: Sequence[DownloadStatus]) -> Cell:
    if here:
        return Cell("here", "strong")
    own = downloads_of(starter, downloads)
    total = starter.base.size + starter.aligned.size
    if not own or total <= 0:
        return Cell("")
    if any(status.is_active for status in own):
        return Cell(f"↓ {min(int(sum(s.done for s in own) * 100 / total), 99)} %", "warn")
    worst = next((s.state for s in own if s.state in ("failed", "paused")), "")
    return Cell(SHORT_STATES.get(worst, ""), STATE_LOOKS.get(worst, ""))


def downloads_of(starter: "Starter", downloads: Iterable[DownloadStatus]) -> list[DownloadStatus]:
    """Those that fetch one of its models."""
    wanted = {
        (model.repo.casefold(), model.quant.casefold()) for model in (starter.base, starter.aligned)
    }
    return [s for s in downloads if (s.repo.casefold(), s.label.casefold()) in wanted]


def repo_rows(repos: Iterable[HubRepo]) -> list[Row]:
    return [
        Row(
            repo.id,
            {
                "id": Cell(safe(repo.id, 120)),
                "downloads": Cell(_count(repo.downloads)),
                "gated": Cell("gated" if repo.gated else "", "warn"),
                "license": Cell(safe(repo.license, 40)),
                "updated": Cell(safe(repo.updated[:10], 10)),
            },
        )
        for repo in repos
    ]


def _count(number: int) -> str:
    if number >= 999_500:
        return f"{number / 1e6:.1f}M"
    return f"{number / 1000:.0f}k" if number >= 10_000 else f"{number:,}"


def quant_rows(
    listing: RepoListing,
    verdicts: "Mapping[str, Verdict]",
    downloads: Sequence[DownloadStatus],
) -> list[Row]:
    """`verdicts` by label."""
    states = {s.label: s for s in downloads if s.repo == listing.id}
    rows = []
    for quant in listing.quants:
        status = states.get(quant.label)
        number = len(quant.files)
        cells = {
            "label": Cell(safe(quant.label, 80)),
            "size": Cell(size_words(quant.size)),
            "fit": _verdict(verdicts.get(quant.label)),
            "parts": Cell(str(number) if number > 1 else ""),
            "state": _quant_state(status),
        }
        rows.append(Row(quant.label, cells))
    return rows


def _quant_state(status: DownloadStatus | None) -> Cell:
    if status is None:
        return Cell("")
    if status.state == "done":
        return Cell("here", "strong")
    if status.is_active:
        return Cell(f"↓ {percent(status)}", "warn")
    return Cell(SHORT_STATES[status.state], STATE_LOOKS.get(status.state, ""))


def download_rows(downloads: Iterable[DownloadStatus]) -> list[Row]:
    """Those that run first, those that are done last."""
    rows = []
    for status in sorted(downloads, key=lambda one: (not one.is_active, one.state == "done")):
        moving = status.state == "fetching"
        cells = {
            "name": Cell(safe(name_of(status), 80)),
            "share": Cell(percent(status)),
            "bar": Cell(_bar(share_of(status), 8), "bar"),
            "size": Cell(size_words(status.total) if status.total else ""),
            "rate": Cell(speed_words(status.rate) if moving else ""),
            "left": Cell(time_words(status.eta_s) if moving else ""),
            "state": Cell(SHORT_STATES[status.state], STATE_LOOKS.get(status.state, "")),
        }
        rows.append(Row(status.id, cells))
    return rows


def _bar(share: float, width: int) -> str:
    """A bar whose length is seen without colours."""
    return bar(share, width).replace(" ", "·")


# --- detail -------------------------------------------------------------------------------------


def starter_lines(starter: "Starter", here: bool, width: int) -> list[Line]:
    lines = wrapped(safe(starter.why, 600), width, "", most=4)
    if starter.note:
        lines += wrapped(safe(starter.note, 600), width, "dim", most=4)
    for word, model in (("base", starter.base), ("aligned", starter.aligned)):
        text = f"{word}: {model.repo}, {model.quant}, {size_words(model.size)}"
        lines += wrapped(safe(text), width, "dim", most=3, indent=2)
    lines += wrapped(safe(f"licence: {starter.license}"), width, "dim", most=2)
    if here:
        lines += wrapped("Both are here. Enter compares them.", width, "strong", most=2)
    return lines


def repo_lines(repo: HubRepo, width: int) -> list[Line]:
    lines = wrapped(safe(repo.id, 200), width, "title", most=2)
    texts = [
        ("licence", repo.license or "not told"),
        ("made from", repo.base_model),
        ("fetched", f"{repo.downloads:,} times last month, {repo.likes:,} likes"),
        ("changed", repo.updated[:10]),
    ]
    for label, text in texts:
        if text:
            lines += wrapped(safe(f"{label}: {text}"), width, "dim", most=2)
    if repo.gated:
        lines += wrapped(GATED, width, "warn", most=4)
    return lines


GATED = "Gated: its owner asks you to agree on the hub's page first, and HF_TOKEN has to be set."


def quant_lines(listing: RepoListing, quant: Quant | None, width: int) -> list[Line]:
    lines = wrapped(safe(listing.id, 200), width, "title", most=2)
    about = f"licence: {listing.license or 'not told'}"
    if listing.base_model:
        about += f"; made from {listing.base_model}"
    lines += wrapped(safe(about), width, "dim", most=3)
    if listing.gated:
        lines += wrapped(GATED, width, "warn", most=4)
    if quant is None:
        return lines
    for file in quant.files[:4]:
        known = "its sha256 is known" if file.sha256 else "the hub tells no sha256"
        text = f"{file.path}, {size_words(file.size)}, {known}"
        lines += wrapped(safe(text, 300), width, "", most=3, indent=2)
    if len(quant.files) > 4:
        lines += wrapped(f"and {len(quant.files) - 4} more files", width, "dim")
    lines += wrapped(f"commit {safe(listing.commit[:12])}", width, "dim", most=1)
    return lines


def download_lines(status: DownloadStatus, width: int) -> list[Line]:
    """What is to say of a download beside its row."""
    lines = wrapped(safe(f"{status.repo}, {status.label}", 200), width, "title", most=2)
    words = STATES[status.state]
    if status.note:
        words += f": {status.note}"
    lines += wrapped(safe(words, 300), width, STATE_LOOKS.get(status.state, ""), most=3)
    done = f"{size_words(status.done)} of {size_words(status.total)}"
    if status.resumed:
        done += f", {size_words(status.resumed)} of it were here already"
    lines += wrapped(done, width, "dim", most=2)
    if status.error is not None:
        lines += wrapped(safe(status.error.message, 400), width, "bad", most=4)
        if status.error.hint:
            lines += wrapped(safe(status.error.hint, 400), width, "", most=4)
    return lines
