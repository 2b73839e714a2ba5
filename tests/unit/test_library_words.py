"""Sizes, times and downloads in words; what can be done on the screens of models."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.support.fake_desk import BASE, BROKEN, SFT
from urial_tui.models.hub.types import DownloadStatus
from urial_tui.ui.drawing.lines import text_of
from urial_tui.ui.library.detail import Found, detail_lines
from urial_tui.ui.library.moment import HubMoment, LibraryMoment, can_in_library, can_on_hub
from urial_tui.ui.library.words import (
    downloads_piece,
    memory_words,
    name_of,
    percent,
    size_words,
    speed_words,
    time_words,
    tokens_words,
)


@pytest.mark.parametrize(
    ("n", "words"),
    [(-1, "0 B"), (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (242_000_000, "242 MB"), (999_600_000, "1.0 GB"),
     (42_520_395_584, "42.5 GB"), (99_960_000_000, "100 GB"), (2 * 10**12, "2.0 TB"), (5 * 10**15, "5000.0 TB")],
)  # fmt: skip
def test_sizes(n: int, words: str) -> None:
    assert size_words(n) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (-1.0, ""), (math.inf, ""), (math.nan, ""), (0.0, "0 s"), (4.2, "5 s"), (61.0, "2 min"),
     (3600.0, "1 h 0 m"), (4800.0, "1 h 20 m"), (10.0**7, "days")],
)  # fmt: skip
def test_time_left(seconds: float | None, words: str) -> None:
    assert time_words(seconds) == words


def test_contexts_speeds_and_memory() -> None:
    assert [tokens_words(n) for n in (0, 512, 32768, 131_072, 40_000)] == [
        "",
        "512",
        "32k",
        "128k",
        "40,000",
    ]
    assert [speed_words(rate) for rate in (0.0, 0.5, math.inf, 12.1e6)] == ["", "", "", "12 MB/s"]
    assert memory_words(9 * 10**9, 16 * 10**9) == "memory 9.0 of 16.0 GB free"
    assert memory_words(900 * 10**6, 16 * 10**9) == "memory 900 MB of 16.0 GB free"
    assert memory_words(9 * 10**9, None) == "memory 9.0 GB free"
    assert memory_words(None, 16 * 10**9) == ""


def status(**changes: Any) -> DownloadStatus:
    base = DownloadStatus("d", "bartowski/SmolLM2-GGUF", "Q4_1", "fetching", 43, 100, rate=12e6)
    return dataclasses.replace(base, **changes)


def test_a_download_is_never_done_before_it_is() -> None:
    assert percent(status(done=100)) == "99 %"
    assert percent(status(done=100, state="done")) == "100 %"
    assert percent(status(total=0)) == "0 %"
    assert name_of(status()) == "SmolLM2 Q4_1"


@pytest.mark.parametrize(
    ("downloads", "piece"),
    [
        ([], ""),
        ([status(state="paused")], ""),
        ([status(state="done")], ""),
        ([status()], "↓ 43 % 12 MB/s"),
        ([status(), status(done=57)], "↓ 2× 50 % 24 MB/s"),
        ([status(), status(state="paused")], "↓ 43 % 12 MB/s"),
        ([status(state="waiting", rate=0.0, done=0)], "↓ 0 %"),
        ([status(state="stalled", rate=0.0)], "↓ 43 % stalled"),
        ([status(total=0)], "↓ … 12 MB/s"),
        ([status(done=100)], "↓ 99 % 12 MB/s"),
    ],
)
def test_all_downloads_in_one_piece(downloads: list[DownloadStatus], piece: str) -> None:
    assert downloads_piece(downloads) == piece


LIBRARY = {"use", "compare", "verify", "remove", "stop", "back", "filter", "add", "rescan", "get"}


@pytest.mark.parametrize(
    ("moment", "impossible"),
    [
        (LibraryMoment(BASE), {"stop"}),
        (LibraryMoment(SFT), {"stop"}),
        (LibraryMoment(None), {"stop", "use", "compare", "verify", "remove"}),
        (LibraryMoment(BROKEN), {"stop", "use", "compare"}),
        (LibraryMoment(BASE, busy=True), {"stop", "use", "compare"}),
        (LibraryMoment(BASE, verifying=True), {"verify", "back"}),
        (LibraryMoment(BASE, in_table=False), LIBRARY - {"back"}),
        (LibraryMoment(BASE, in_table=False, verifying=True), LIBRARY - {"back", "stop"}),
        (LibraryMoment(dataclasses.replace(BASE, kind="mmproj")), {"stop", "use", "compare"}),
    ],
)
def test_what_can_be_done_in_the_library(moment: LibraryMoment, impossible: set[str]) -> None:
    assert {action for action in LIBRARY if not can_in_library(action, moment)} == impossible
    assert can_in_library("app.help", moment)


@pytest.mark.parametrize(
    ("moment", "possible"),
    [
        (HubMoment("list", row=True), {"choose", "search"}),
        (HubMoment("list"), {"search"}),
        (HubMoment("search", row=True), set()),
        (HubMoment("list", row=True, download=status()), {"choose", "search"}),
        (HubMoment("downloads", download=status()), {"search", "pause", "cancel"}),
        (HubMoment("downloads", download=status(state="paused")), {"search", "resume", "cancel"}),
        (HubMoment("downloads", download=status(state="failed")), {"search", "resume", "cancel"}),
        (HubMoment("downloads", download=status(state="done")), {"search"}),
    ],
)
def test_what_can_be_done_on_the_hubs_screen(moment: HubMoment, possible: set[str]) -> None:
    actions = {"choose", "search", "pause", "resume", "cancel"}
    assert {action for action in actions if can_on_hub(action, moment)} == possible
    assert can_on_hub("back", moment)


# --- the detail of a model ----------------------------------------------------------------------


@pytest.mark.parametrize("width", [24, 38, 66, 78, 120])
def test_no_line_of_the_detail_is_wider_than_its_pane(width: int) -> None:
    names = ("Qwen2.5-1.5B-Instruct-Q4_K_M", "漢字の模型" * 8, "x" * 90, "a/b.c-d_e " * 12)
    for name in names:
        facts = dataclasses.replace(
            BASE, name=name, path=Path("/models") / name, base_model=name, sha256="0f" * 32,
            also=(Path("/other") / name,), role_reason=name, license=name,
        )  # fmt: skip
        lines = text_of(detail_lines(facts, Found(fit="no", partners=()), width)).splitlines()
        assert max(map(cell_len, lines)) <= width
        kept = "".join("".join(lines).split())
        assert "".join(name.split())[:40] in kept, "cut, but nothing of the name is lost"


def test_a_path_is_cut_where_a_part_of_it_ends() -> None:
    lines = text_of(detail_lines(BASE, Found(), 42)).splitlines()
    at = lines.index("path")
    assert lines[at + 1 : at + 3] == [
        "  /models/mradermacher/Qwen2.5-1.5B-GGUF/",
        "  Qwen2.5-1.5B-Q4_K_M.gguf",
    ]
