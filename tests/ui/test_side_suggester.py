"""The line of the side picker suggests how a SIDE goes on."""

import pytest

from urial_tui.ui.side_suggester import SideSuggester


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", None),
        ("d", "demo"),
        ("demo", "demo+sft"),
        ("demo+", "demo+sft"),
        ("demo+sft", "demo+sft@raw"),
        ("other+", None),
        ("demo@u", "demo@urial-brief"),
        ("demo@urial-brief", None),
        ("/some/where.gguf@ch", "/some/where.gguf@chat"),
        ("demo@x@y", None),
    ],
)
async def test_what_is_typed_goes_on(value: str, found: str | None) -> None:
    suggester = SideSuggester(["raw", "chat", "urial-brief"])
    assert await suggester.get_suggestion("d") is None
    suggester.know(["demo", "demo+sft", "other", "not@a@side"])
    assert await suggester.get_suggestion(value) == found
