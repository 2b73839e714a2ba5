"""Numbers of models and downloads in words, for people: sizes, speeds, times, contexts. Pure text."""

import math
from typing import TYPE_CHECKING

from urial_tui.models.hub.types import DownloadStatus

if TYPE_CHECKING:
    from urial_tui.models.fit import Verdict

VERDICT_LOOKS: "dict[Verdict, str]" = {
    "fits": "",
    "tight": "warn",
    "does not fit": "bad",
    "unknown": "dim",
}
"""How a verdict is coloured; the word itself says it too."""

STATES = {
    "waiting": "waits for another",
    "fetching": "fetching",
    "stalled": "nothing comes; it goes on by itself",
    "verifying": "checking its sha256",
    "paused": "paused",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


def size_words(n_bytes: int) -> str:
    """Bytes in the unit that reads best, 1000-based as file sizes on hubs are: `242 MB`, `1.2 GB`."""
    size = float(max(n_bytes, 0))
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if unit == "GB" and size < 99.95 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def tokens_words(n: int) -> str:
    """A context length: `32k`, `512`; "" where it is not known."""
    if n <= 0:
        return ""
    return f"{n // 1024}k" if n >= 1024 and n % 1024 == 0 else f"{n:,}"


def time_words(seconds: float | None) -> str:
    """Time left, rounded up: `40 s`, `6 min`, `1 h 20 m`; "" where it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} m" if minutes < 6000 else "days"


def speed_words(rate: float) -> str:
    """Bytes a second: `12 MB/s`; "" where nothing moves."""
    return f"{size_words(round(rate))}/s" if math.isfinite(rate) and rate >= 1 else ""


def share_of(status: DownloadStatus) -> float:
    """How much of a download is here, from 0 to 1."""
    return min(max(status.done / status.total, 0.0), 1.0) if status.total > 0 else 0.0


def percent(status: DownloadStatus) -> str:
    """`43 %`; never `100 %` before everything is here."""
    whole = 100 if status.state == "done" else min(int(share_of(status) * 100), 99)
    return f"{whole} %"


def name_of(status: DownloadStatus) -> str:
    """What is fetched, short: the repository's name without its owner and ending, and the quantisation."""
    name = status.repo.rpartition("/")[2].removesuffix("-GGUF").removesuffix("-gguf")
    return f"{name} {status.label}".strip()


def downloads_piece(downloads: "list[DownloadStatus] | tuple[DownloadStatus, ...]") -> str:
    """All running downloads in one piece of a status line, `↓ 43 % 12 MB/s`; "" when none runs."""
    active = [status for status in downloads if status.is_active]
    if not active:
        return ""
    total = sum(status.total for status in active)
    done = sum(status.done for status in active)
    share = f"{min(int(done * 100 / total), 99)} %" if total > 0 else "…"
    rate = speed_words(sum(status.rate for status in active if status.state == "fetching"))
    if not rate and all(status.state == "stalled" for status in active):
        rate = "stalled"
    number = f"{len(active)}× " if len(active) > 1 else ""
    return f"↓ {number}{share} {rate}".rstrip()


def memory_words(free: int | None, total: int | None) -> str:
    """What is free of this machine's memory, `memory 9.0 of 16.0 GB free`; "" where it is not known."""
    if free is None:
        return ""
    if total is None:
        return f"memory {size_words(free)} free"
    left, whole = size_words(free), size_words(total)
    if left.rpartition(" ")[2] == whole.rpartition(" ")[2]:
        left = left.rpartition(" ")[0]
    return f"memory {left} of {whole} free"
