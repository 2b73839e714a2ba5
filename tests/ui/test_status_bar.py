"""The status line: what it says, and what it leaves out first when there is no room."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

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
    ),
    st.integers(0, 100),
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
