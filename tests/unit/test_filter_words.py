"""The filter line: words are words, filters are filters, and a wrong one is said to be wrong."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from urial_tui.chat.filter_words import FILTERS, session_filter
from urial_tui.errors import UsageError
from urial_tui.store.types import SessionFilter

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=timezone(timedelta(hours=2)))


def read(text: str) -> SessionFilter:
    return session_filter(text, NOW)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", SessionFilter()),
        ("walking every day", SessionFilter("walking every day")),
        ('"every day" walk', SessionFilter('"every day" walk')),
        ("walk ", SessionFilter("walk ")),
        ("walk tag:work", SessionFilter("walk", tags=("work",))),
        ("tag:work walk", SessionFilter("walk", tags=("work",))),
        ('TAG:"to read" tag:a', SessionFilter(tags=("to read", "a"))),
        ("side:demo+sft@chat pack:urial", SessionFilter(side="demo+sft@chat", pack="urial")),
        ("since:7d", SessionFilter(since="2026-03-03T10:00:00.000Z")),
        ("since:12H", SessionFilter(since="2026-03-09T22:00:00.000Z")),
        ("since:2026-01-31", SessionFilter(since="2026-01-30T22:00:00.000Z")),
        ("until:2026-01-31", SessionFilter(until="2026-01-31T22:00:00.000Z")),
        ("until:2026-01-31T10:00", SessionFilter(until="2026-01-31T08:00:00.000Z")),
        ("until:2w", SessionFilter(until="2026-02-24T10:00:00.000Z")),
        ("until:9999-12-31", SessionFilter(until="9999-12-31T23:59:59.999Z")),
        ("since:9999-12-31T23:00-05:00", SessionFilter(since="9999-12-31T23:59:59.999Z")),
        ("since:0001-01-01", SessionFilter(since="0001-01-01T00:00:00.000Z")),
        ("until:0001-01-01T00:00+05:00", SessionFilter(until="0001-01-01T00:00:00.000Z")),
        ("score>=3 score<=4.5", SessionFilter(score_min=3.0, score_max=4.5)),
        ("shifted>=10%", SessionFilter(shifted_min=0.1)),
        ("is:pinned", SessionFilter(pinned=True)),
        ("is:archived", SessionFilter(archived="only")),
        ("is:deleted", SessionFilter(deleted="only", archived="yes")),
        ("is:deleted is:archived", SessionFilter(deleted="only", archived="only")),
        ("http://x note:this score: 3 > 2", SessionFilter("http://x note:this score: 3 > 2")),
    ],
)
def test_a_line_is_read(text: str, wanted: SessionFilter) -> None:
    assert read(text) == wanted


def test_a_bound_without_an_equals_sign_is_not_part_of_what_it_allows() -> None:
    above, below = read("score>3").score_min, read("shifted<0.1").shifted_max
    assert above is not None and 3 < above < 3.0000001
    assert below is not None and 0.0999999 < below < 0.1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tag:", "tag:"),
        ('side:""', "side:"),
        ("since:yesterday", "since:"),
        ("since:9999999d", "since:"),
        ("until:10000-01-01", "since:"),
        ("since:2026-02-30", "since:"),
        ("score>", "score>"),
        ("score>nan", "score>"),
        ("score>10%", "score>"),
        ("shifted<many", "shifted>"),
        ("is:gone", "is:"),
        ("since:banana", "since:"),
        ("score>abc", "score>"),
        ("score>9", "score>"),
        ("score<0", "score>"),
        ("score:3", "score>"),
        ("score=3", "score>"),
        ("shifted>200%", "shifted>"),
        ("shifted>-1", "shifted>"),
        ("shifted:10%", "shifted>"),
    ],
)
def test_a_wrong_filter_is_told_with_what_it_is_for(text: str, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(f"walk {text}")
    assert caught.value.kind == "bad-filter"
    assert caught.value.hint == f"{name} is for {FILTERS[name]}."


def test_the_guide_explains_every_filter() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    assert [name for name in FILTERS if f"`{name}" not in guide] == []


@pytest.mark.parametrize("text", ["\x00", '"', 'tag:"', "tag:\x1b[2J", ":::", "is", "\ud800"])
def test_anything_can_be_typed(text: str) -> None:
    try:
        read(text)
    except UsageError as error:
        assert error.hint
