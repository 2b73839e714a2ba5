"""The status line: what it says, and what it leaves out first when there is no room."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.support.scripted_engine import ScriptedEngine
from urial_tui.engine.protocol import ContextSpec
from urial_tui.ui.chat.telling import device_words
from urial_tui.ui.widgets.status_bar import SEPARATOR, Status, StatusBar, compose, describe_phase

FULL = Status(
    state="reading prompt 512/1267",
    tone="busy",
    context_used=1402,
    context_size=4096,
    tokens_per_s=34.1,
    side="gemma-3-270m@urial-general",
)


def line(status: Status, width: int) -> str:
    return SEPARATOR.join(text for text, _ in compose(status, width))


def test_everything_fits_on_eighty_columns() -> None:
    expected = "reading prompt 512/1267 · ctx 1402/4096 · 34.1 tok/s · gemma-3-270m@urial-gene…"
    assert line(FULL, 79) == expected
    assert line(FULL, 120).endswith("gemma-3-270m@urial-general")


def test_a_narrow_line_keeps_the_state_to_the_last() -> None:
    assert line(FULL, 60) == "reading prompt 512/1267 · ctx 34% · 34.1 tok/s"
    assert line(FULL, 38) == "reading prompt 512/1267 · ctx 34%"
    assert line(FULL, 24) == "reading prompt 512/1267"
    assert line(FULL, 10) == "reading p…"


def test_a_nearly_full_context_warns() -> None:
    pieces = compose(Status(state="ready", context_used=3900, context_size=4096), 80)
    assert ("ctx 3900/4096", "warn") in pieces


@settings(deadline=None)
@given(
    st.builds(
        Status,
        state=st.text(max_size=60),
        notice=st.text(max_size=60),
        side=st.text(max_size=60),
        context_used=st.none() | st.integers(0, 9999),
        context_size=st.none() | st.integers(0, 9999),
        tokens_per_s=st.none() | st.floats(0, 999),
        device=st.text(max_size=30),
        downloads=st.text(max_size=30),
    ),
    st.integers(0, 140),
)
def test_the_line_always_fits_and_holds_no_control(status: Status, width: int) -> None:
    text = line(status, width)
    assert cell_len(text) <= width
    assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text)


@pytest.mark.parametrize(
    ("phase", "done", "total", "words"),
    [
        ("loading", 430, 1000, "loading 43 %"),
        ("loading", 0, 0, "loading the model"),
        ("prefilling", 512, 1267, "reading prompt 512/1267"),
        ("generating", 0, 0, "generating"),
        ("ready", 0, 0, "ready"),
        ("failed", 0, 0, "failed"),
    ],
)
def test_phases_in_words(phase: str, done: int, total: int, words: str) -> None:
    assert describe_phase(phase, done, total)[0] == words


async def test_numbers_stay_when_the_state_changes() -> None:
    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield StatusBar()

    app = Host()
    async with app.run_test(size=(100, 5)) as pilot:
        bar = app.query_one(StatusBar)
        bar.update(state="generating", tone="busy", tokens_per_s=34.12, side="[b]x[/b]")
        bar.update(state="ready", tone="good")
        await pilot.pause()
        assert str(bar.render()) == "ready · 34.1 tok/s · [b]x[/b]"


# --- what stands at the end of the line ---------------------------------------------------------

RUNS = Status(
    state="ready",
    context_used=1402,
    context_size=4096,
    tokens_per_s=34.1,
    side="gemma-3-270m@urial-general",
    shift="unshifted 78% marginal 14% shifted 8%",
    short_shift="u 78% m 14% s 8%",
    against="vs gemma-3-270m@zero-shot, live",
    device="GPU 20/33 layers",
    downloads="↓ 43 % 12 MB/s",
)


def test_a_wide_line_says_where_the_model_runs_and_what_is_fetched() -> None:
    whole = line(RUNS, 220)
    assert whole.endswith("live · GPU 20/33 layers · ↓ 43 % 12 MB/s")
    assert "unshifted 78%" in whole


@pytest.mark.parametrize("width", [98, 110, 132, 160])
def test_from_a_hundred_columns_on_the_device_stays_and_the_rest_is_shorter(width: int) -> None:
    assert "GPU 20/33 layers" in line(RUNS, width)
    assert "↓ 43 %" in line(RUNS, width)


def test_below_a_hundred_columns_the_device_is_not_said() -> None:
    assert "GPU" not in line(RUNS, 97)
    assert line(Status(state="ready", device="CPU"), 97) == "ready"
    assert line(Status(state="ready", device="CPU"), 98) == "ready · CPU"


def test_running_downloads_are_shown_as_long_as_the_side_is_named() -> None:
    assert line(RUNS, 80).endswith("↓ 43 %")
    narrow = line(RUNS, 50)
    assert "gemma" not in narrow and "↓" not in narrow


def test_what_a_side_needs_is_said_while_it_is_loaded() -> None:
    words, tone = describe_phase("loading", 430, 1000, "needs about 1.2 GB, 9.1 GB is free")
    assert (words, tone) == ("loading 43 %, needs about 1.2 GB, 9.1 GB is free", "busy")
    assert describe_phase("loading", 0, 0, "needs x")[0] == "loading the model, needs x"


@pytest.mark.parametrize(
    ("layers", "words"), [(0, "CPU"), (20, "GPU 20/33 layers"), (33, "GPU 33/33 layers")]
)
def test_where_a_model_runs(layers: int, words: str) -> None:
    info = ScriptedEngine().info(ContextSpec("m.gguf"))
    assert device_words(msgspec.structs.replace(info, gpu_layers=layers, n_layers=32)) == words


@pytest.mark.parametrize("width", range(20, 200, 4))
def test_shares_of_another_generator_are_shown_only_where_it_is_named(width: int) -> None:
    foreign = replace(
        RUNS,
        side="demo+sft@chat",
        against="(shown: demo@urial-general vs demo@zero-shot, live)",
        foreign=True,
        downloads="",
    )
    shown = line(foreign, width)
    assert ("78%" in shown) == ("shown: demo@urial-general" in shown)
