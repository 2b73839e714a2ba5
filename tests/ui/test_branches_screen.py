"""The tree of a session and two branches beside each other, by key: what is shown next, what is compared."""

from tests.support.fake_chat import FakeChat
from tests.support.screen_text import drawn
from tests.ui.driving import running
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.ui.branches.compare import CompareScreen
from urial_tui.ui.branches.tree import BranchesScreen
from urial_tui.ui.situation import can

LONG = """Walking every day has many benefits:

1. It strengthens your heart and lowers your blood pressure.
2. It improves your mood.

Start with 20 minutes a day."""
OTHER = """Walking every day has a lot of benefits:

1. It strengthens your heart, and it lowers your blood pressure a little.
2. It improves your sleep.
3. It is free.

Start with 20 minutes a day, not with 60."""


def branched(chat: FakeChat) -> None:
    """m1 asks; m2 and m5 answer; m3 and m4, m6 and m7 go on after them; m8 fails beside m2; m9 begins anew."""
    asked = "What are the benefits of walking every day?"
    chat.add_session("Walking every day", [asked, LONG, "And swimming?", "It is gentle."], "5")
    for parent, role, text, status in (
        ("m1", "assistant", OTHER, "stopped"),
        ("m5", "user", "Only 20 minutes?", "complete"),
        ("m6", "assistant", "Yes, that is \x1b[31menough\u202e to begin with.", "complete"),
        ("m1", "assistant", "", "failed"),
        (None, "user", "What are the benefits of running?", "complete"),
    ):
        chat._new("s1", parent, role, text, status)  # type: ignore[arg-type]
    chat.numbers = {
        "m2": OutlineRow(
            "m2", None, "assistant", "complete", "", "", side="demo@urial-general", completion_tokens=51,
            tokens_per_s=34.1, reference="demo@zero-shot", unshifted=40, marginal=8, shifted=3, score=4.25,
        ),
        "m5": OutlineRow(
            "m5", None, "assistant", "stopped", "", "", side="demo+sft@chat", completion_tokens=57,
            tokens_per_s=31.0, reference="demo@raw", unshifted=30, marginal=17, shifted=10,
        ),
    }  # fmt: skip


async def test_the_tree_shows_every_message_and_enter_shows_its_branch() -> None:
    async with running(branched) as bench:
        await bench.press("f19")
        await bench.settle()
        tree = bench.app.screen
        assert isinstance(tree, BranchesScreen)
        said = drawn(bench.app)
        assert "9 messages, 4 branches" in said and "enough⟨U+202E⟩" in said
        assert tree.row is not None and tree.row.message.id == "m4", "the cursor is at the end"
        await bench.press("left")
        assert tree.row.message.id == "m8"
        await bench.press("left", "down", "down", "s", "left", "left", "enter")
        await bench.until(lambda: bench.chat.called("show_branch") == [("m5",)])
        await bench.settle()
        assert bench.app.screen is bench.screen
        assert bench.shown()[-1] == ("Model", "Yes, that is \x1b[31menough\u202e to begin with.")
        assert bench.screen.transcript.selected == "m5"
        assert bench.screen.focus_owner.place() == "transcript"
        await bench.press("b")
        await bench.settle()
        assert isinstance(bench.app.screen, BranchesScreen)
        assert bench.app.screen.row is not None and bench.app.screen.row.message.id == "m5"
        await bench.press("escape")
        assert bench.app.screen is bench.screen


async def test_an_answer_that_is_being_written_is_not_called_interrupted() -> None:
    async with running(branched) as bench:
        bench.chat.auto = False
        await bench.chat.send("And rowing?")
        bench.chat.stream("Rowing")
        await bench.settle()
        await bench.press("f19")
        await bench.settle()
        said = drawn(bench.app)
        assert "is written" in said and "interrupted" not in said
        await bench.press("escape")
        bench.chat.end("interrupted")
        await bench.settle()
        await bench.press("f19")
        await bench.settle()
        said = drawn(bench.app)
        assert "is written" not in said and "interrupted" in said


async def test_two_messages_are_compared_and_the_differences_gone_through() -> None:
    async with running(branched) as bench:
        await bench.press("f19")
        await bench.settle()
        await bench.press("c", "up", "up", "c")
        assert "nothing to compare" in bench.said(), "one leads to the other"
        await bench.press("escape")
        assert isinstance(bench.app.screen, BranchesScreen), "only the mark is taken away"
        await bench.press("c", "left", "left", "c")
        await bench.settle()
        compare = bench.app.screen
        assert isinstance(compare, CompareScreen)
        said = drawn(bench.app)
        assert "by words · difference 1 of" in said and "1 message in common" in said
        assert "And swimming?" not in said, "they part before that, and only up to the marked ones"
        assert "demo+sft@chat" in said and "57 tokens · 31.0 tok/s · stopped" in said
        assert compare.comparison is not None
        n = len(compare.comparison.places)
        await bench.press("n")
        assert compare.current == 1
        await bench.press("N", "N")
        assert compare.current == n - 1
        await bench.press("f")
        assert "What are the benefits of walking every day?" in drawn(bench.app)
        await bench.press("x")
        await bench.settle()
        assert drawn(bench.app).index("demo+sft@chat") < drawn(bench.app).index(
            "demo@urial-general"
        )
        await bench.press("escape", "escape")
        assert bench.app.screen is bench.screen


async def test_a_version_is_compared_with_the_one_before_it_from_the_transcript() -> None:
    async with running(branched) as bench:
        await bench.press("shift+tab", "home", "down", "d")
        await bench.settle()
        compare = bench.app.screen
        assert isinstance(compare, CompareScreen) and compare._ends == ("m8", "m2")
        await bench.press("escape")
        bench.screen.transcript.select("m4")
        await bench.settle()
        assert not can("differences", bench.screen.moment)
