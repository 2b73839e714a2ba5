"""The transcript in a running app: following, scrolling, selecting, and what reaches the screen."""

import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.message import Message
from textual.pilot import Pilot
from textual.selection import Selection

from urial_tui.ui.widgets.transcript import Transcript
from urial_tui.ui.widgets.transcript_model import Entry

WORDS = " ".join(f"word{n}" for n in range(120))


class Host(App[None]):
    CSS = "Transcript { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Transcript()

    def on_transcript_selected(self, event: Transcript.Selected) -> None:
        self.seen.append(event)

    def on_transcript_action(self, event: Transcript.Action) -> None:
        self.seen.append(event)

    def on_transcript_follow_changed(self, event: Transcript.FollowChanged) -> None:
        self.seen.append(event)


@asynccontextmanager
async def running(
    *entries: Entry, size: tuple[int, int] = (40, 12)
) -> AsyncIterator[tuple[Host, Pilot[None], Transcript]]:
    app = Host()
    async with app.run_test(size=size) as pilot:
        transcript = app.query_one(Transcript)
        transcript.set_entries(entries)
        transcript.focus()
        await pilot.pause()
        yield app, pilot, transcript


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("the condition was never met")


def user(text: str, name: str = "u") -> Entry:
    return Entry(name, "user", "You", text)


def answer(text: str, name: str = "a", **changes: object) -> Entry:
    return Entry(name, "assistant", "urial-general", text, **changes)  # type: ignore[arg-type]


def screen_of(transcript: Transcript) -> list[str]:
    return [transcript.render_line(y).text for y in range(transcript.size.height)]


def at_end(transcript: Transcript) -> bool:
    return transcript.scroll_offset.y == transcript.max_scroll_y


async def test_streamed_text_stays_in_view() -> None:
    async with running(user("Hello"), answer("")) as (_, pilot, transcript):
        transcript.set_streaming("a")
        for word in WORDS.split():
            transcript.append("a", word + " ", [word + " "])
        await pilot.pause()
        assert transcript.max_scroll_y > 0
        assert at_end(transcript)
        assert any("word119" in line for line in screen_of(transcript))


async def test_text_above_the_end_is_not_pulled_away_and_end_follows_again() -> None:
    async with running(user(WORDS), answer(WORDS)) as (app, pilot, transcript):
        await pilot.press("pageup")
        await until(pilot, lambda: not transcript.following)
        await until(pilot, lambda: transcript.scroll_offset.y == round(transcript.scroll_target_y))
        before = screen_of(transcript)
        for _ in range(50):
            transcript.append("a", "more and more ", ["more and more "])
        await pilot.pause()
        assert screen_of(transcript) == before
        await pilot.press("end")
        assert transcript.following and at_end(transcript)
        transcript.append("a", "last words\n\n\n\nreally", ())
        assert at_end(transcript)
        changes = [
            event.following for event in app.seen if isinstance(event, Transcript.FollowChanged)
        ]
        assert changes == [False, True]


async def test_scrolling_back_to_the_end_by_hand_follows_again() -> None:
    async with running(user(WORDS), answer(WORDS)) as (_, pilot, transcript):
        transcript.scroll_to(y=0, animate=False)
        await until(pilot, lambda: not transcript.following)
        transcript.scroll_to(y=transcript.max_scroll_y, animate=False)
        await until(pilot, lambda: transcript.following)


async def test_streaming_draws_what_the_stored_text_draws() -> None:
    pieces = [
        "Here ",
        "is a ",
        "\x1b[31m",
        "漢字",
        "漢字" * 20,
        "\n",
        "e",
        "\u0301",
        "\tcode",
        " 👩",
        "\u200d",
        "💻",
    ] * 6
    async with running(answer(""), size=(33, 20)) as (_, pilot, transcript):
        transcript.set_streaming("a")
        for piece in pieces:
            transcript.append("a", piece, [piece])
            screen_of(transcript)  # fill the cache between any two pieces
        transcript.finish(answer("".join(pieces)))
        await pilot.pause()
        streamed = screen_of(transcript)
        assert transcript.text_of("a") == "".join(pieces)
        transcript.set_entries([answer("".join(pieces))])
        await pilot.pause()
        assert screen_of(transcript) == streamed


async def test_lines_have_the_widgets_width_and_no_control_characters() -> None:
    nasty = (
        "".join(map(chr, range(0xA0)))
        + "\u202e\u200b\u2028[bold]x[/bold] 漢字"
        + "a\u0301" * 30
        + "👩\u200d💻" * 30
    )
    for width in (12, 33, 80):
        entries = [user(nasty), Entry("b", "assistant", nasty, nasty, status="failed", error=nasty)]
        async with running(*entries, size=(width, 40)) as (_, pilot, transcript):
            transcript.scroll_to(y=0, animate=False)
            await pilot.pause()
            for y in range(transcript.model.height):
                transcript.scroll_to(y=y, animate=False)
                strip = transcript.render_line(0)
                assert strip.cell_length == cell_len(strip.text)
                assert strip.cell_length in (width - 1, width)
                for char in strip.text:
                    assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp"), hex(
                        ord(char)
                    )
            text = "".join(row for block in transcript.model.blocks for row in block.body.rows)
            assert "[bold]x[/bold]" in text


async def test_another_width_wraps_anew_and_keeps_the_place() -> None:
    async with running(user(WORDS), answer(WORDS), size=(40, 12)) as (_, pilot, transcript):
        transcript.scroll_to(y=5, animate=False)
        await until(pilot, lambda: not transcript.following)
        first = screen_of(transcript)[0].split()[0]
        await pilot.resize_terminal(70, 12)
        await until(pilot, lambda: transcript.model.width == 67)
        await pilot.pause()
        assert first in screen_of(transcript)[0].split()
        transcript.follow()
        await pilot.resize_terminal(30, 9)
        await until(pilot, lambda: transcript.model.width == 27)
        await pilot.pause()
        assert at_end(transcript)
        assert any("word119" in line for line in screen_of(transcript))


async def test_a_screen_that_gets_lower_keeps_the_end_in_view() -> None:
    async with running(user(WORDS), answer(WORDS), size=(40, 20)) as (_, pilot, transcript):
        await pilot.resize_terminal(40, 8)
        await until(pilot, lambda: transcript.size.height == 8)
        await until(pilot, lambda: at_end(transcript))
        assert transcript.following


async def test_the_message_cursor_walks_the_branch_and_leaves_at_the_end() -> None:
    entries = [user("one", "1"), answer("two", "2"), user("three", "3")]
    async with running(*entries, size=(40, 24)) as (app, pilot, transcript):
        await pilot.press("up", "up")
        assert transcript.selected == "2"
        marked = [line for line in screen_of(transcript) if line.startswith("▌")]
        assert any("two" in line for line in marked) and not any("one" in line for line in marked)
        await pilot.press("k", "k", "k")
        assert transcript.selected == "1"
        await pilot.press("j", "down", "down")
        assert transcript.selected is None
        chosen = [event.message_id for event in app.seen if isinstance(event, Transcript.Selected)]
        assert chosen == ["3", "2", "1", "2", "3", None]


async def test_a_message_taller_than_the_screen_is_scrolled_through() -> None:
    async with running(user(WORDS, "1"), user("short", "2")) as (_, pilot, transcript):
        await pilot.press("up", "up")
        assert transcript.selected == "1"
        before = transcript.scroll_offset.y
        assert before > 0
        await pilot.press("up")
        assert transcript.selected == "1"
        assert transcript.scroll_offset.y < before


async def test_actions_name_the_selected_message_or_the_last_that_fits() -> None:
    two = answer("two", "2", branch=(1, 2))
    entries = [user("one", "1"), two, user("three", "3"), answer("four", "4")]
    async with running(*entries, size=(40, 24)) as (app, pilot, transcript):
        await pilot.press("r", "e", "c")
        transcript.select("2")
        await pilot.press("c", "left_square_bracket", "right_square_bracket", "v")
        await pilot.pause()
        actions = [(e.action, e.message_id) for e in app.seen if isinstance(e, Transcript.Action)]
        assert actions == [
            ("regenerate", "4"),
            ("edit", "3"),
            ("copy", "4"),
            ("copy", "2"),
            ("previous_branch", "2"),
            ("next_branch", "2"),
            ("markdown", "2"),
        ]


async def test_keep_place_survives_a_new_branch() -> None:
    entries = [user(WORDS, "1"), answer(WORDS, "2")]
    async with running(*entries) as (_, pilot, transcript):
        transcript.select("1")
        await until(pilot, lambda: not transcript.following)
        before = screen_of(transcript)
        transcript.set_entries([*entries[:1], answer("another", "3")], keep_place=True)
        await pilot.pause()
        assert transcript.selected == "1"
        assert screen_of(transcript)[:5] == before[:5]
        transcript.set_entries(entries)
        await pilot.pause()
        assert transcript.selected is None and at_end(transcript)


async def test_status_branch_and_caret_are_in_words() -> None:
    entries = [user("q"), answer("text", status="stopped", branch=(2, 3))]
    async with running(*entries) as (_, pilot, transcript):
        shown = "\n".join(screen_of(transcript))
        assert "2/3" in shown and "■ stopped" in shown
        transcript.set_streaming("a")
        shown = "\n".join(screen_of(transcript))
        assert "text▍" in shown and "stopped" not in shown
        transcript.finish(answer("text", status="failed", error="the engine ended"))
        await pilot.pause()
        shown = "\n".join(screen_of(transcript))
        assert "✗ failed: the engine ended" in shown and "▍" not in shown


async def test_left_out_messages_are_ruled_off() -> None:
    entries = [user("one", "1"), answer("two", "2"), user("three", "3")]
    async with running(*entries, size=(60, 24)) as (_, pilot, transcript):
        transcript.set_left_out(2)
        await pilot.pause()
        lines = screen_of(transcript)
        rule = next(n for n, line in enumerate(lines) if "2 messages above" in line)
        assert any("two" in line for line in lines[:rule])
        assert any("three" in line for line in lines[rule:])
        transcript.set_left_out(0)
        assert not any("above" in line for line in screen_of(transcript))


async def test_selected_text_joins_wrapped_rows_and_keeps_newlines() -> None:
    text = "a paragraph that is wrapped on this narrow screen\nsecond line"
    async with running(user("q", "1"), answer(text, "2"), size=(24, 24)) as (
        _,
        pilot,
        transcript,
    ):
        top = transcript.model.top(transcript.model.blocks[1]) + 1
        assert transcript.model.blocks[1].body_height > 3
        last = top + transcript.model.blocks[1].body_height - 1
        selection = Selection(Offset(4, top), Offset(8, last))
        picked = transcript.get_selection(selection)
        assert picked == (
            "paragraph that is wrapped on this narrow screen\nsecond"[: len(picked[0])],
            "\n",
        )
        assert picked[0].endswith("\nsecond")
        whole = transcript.get_selection(Selection(None, None))
        assert whole is not None and whole[0].startswith("You\nq\n\nurial-general\n" + text)
        await pilot.pause()


async def test_dragging_the_mouse_selects_text() -> None:
    async with running(answer("pick these words please"), size=(60, 12)) as (
        app,
        pilot,
        transcript,
    ):
        await pilot.mouse_down(Transcript, offset=(7, 1))
        await pilot.hover(Transcript, offset=(11, 1))
        await pilot.mouse_up(Transcript, offset=(11, 1))
        await pilot.pause()
        assert app.screen.get_selected_text() == "these"
        assert transcript.selected is None
        styles = {segment.text: segment.style for segment in transcript.render_line(1)}
        assert styles["these"] != styles[" words please"]


async def test_text_for_an_unknown_message_is_ignored() -> None:
    async with running(user("q")) as (_, pilot, transcript):
        transcript.append("gone", "text", ["text"])
        transcript.set_note("gone", "x")
        await pilot.pause()
        assert len(transcript.entries) == 1


async def test_keys_without_anything_to_act_on_are_off() -> None:
    async with running(user("one", "1")) as (app, pilot, transcript):
        off = ("regenerate", "continue", "copy", "next_branch")
        assert not any(transcript.check_action("act", (name,)) for name in off)
        assert transcript.check_action("act", ("edit",))
        transcript.add_entry(answer("two", "2"))
        assert transcript.check_action("act", ("regenerate",))
        await pilot.press("right_square_bracket")
        transcript.update_entry(answer("two", "2", branch=(1, 2)))
        await pilot.press("left_square_bracket")
        await pilot.pause()
        actions = [event.action for event in app.seen if isinstance(event, Transcript.Action)]
        assert actions == ["previous_branch"]


async def test_a_click_picks_a_message() -> None:
    async with running(user("one", "1"), answer("two", "2")) as (_, pilot, transcript):
        await pilot.click(Transcript, offset=(5, 4))
        await pilot.pause()
        assert transcript.selected == "2"
        await pilot.click(Transcript, offset=(5, 11))
        assert transcript.selected == "2"


async def test_a_branch_that_got_shorter_leaves_no_empty_screen() -> None:
    async with running(user(WORDS, "1"), answer(WORDS * 3, "2")) as (_, pilot, transcript):
        transcript.scroll_to(y=transcript.max_scroll_y - 5, animate=False)
        await until(pilot, lambda: not transcript.following)
        transcript.update_entry(answer("short", "2"))
        await pilot.pause()
        assert transcript.scroll_offset.y <= transcript.max_scroll_y
        assert any("short" in line for line in screen_of(transcript))
