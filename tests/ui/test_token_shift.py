"""Token shift in the app: colours as scores arrive, the token cursor, lanes, filters, stored answers, branching."""

from dataclasses import replace

import pytest
from rich.style import Style
from textual.strip import Strip

from tests.support.fake_chat import FakeChat
from tests.support.traces import pieces_of, score, scores_of
from tests.ui.driving import Bench, running
from urial_tui.chat.events import PairChanged
from urial_tui.errors import EngineError, UsageError
from urial_tui.ui.widgets.hint_bar import HintBar

WALK = ["Walk", "ing", " is", " good", "."]
KINDS = "usmus"


def past(chat: FakeChat) -> None:
    """A stored answer with a trace: m2."""
    chat.add_session("Walking", ["Hm?", "".join(WALK)])
    chat.store_trace("m2", WALK, KINDS)
    chat.compare("demo@zero-shot")


def unscored(chat: FakeChat) -> None:
    chat.add_session("Walking", ["Hm?", "".join(WALK)])
    chat.compare("demo@zero-shot")


def looks(bench: Bench) -> list[tuple[str, Style]]:
    """Every character on screen with its style, marker columns and all."""
    transcript = bench.screen.transcript
    out: list[tuple[str, Style]] = []
    for y in range(transcript.size.height):
        strip: Strip = transcript.render_line(y)
        for text, style, _ in strip:
            out += [(char, style or Style()) for char in text]
        out.append(("\n", Style()))
    return out


def style_of(bench: Bench, text: str) -> Style:
    """The style of a text on screen, all of whose characters look the same. Wrapped lines are joined."""
    shown = [(char, style) for char, style in looks(bench) if char != "\n"]
    chars = "".join(char for char, _ in shown)
    assert chars.count(text) == 1, (text, chars)
    start = chars.index(text)
    found = [style for _, style in shown[start : start + len(text)]]
    assert all(attributes(style) == attributes(found[0]) for style in found)
    return found[0]


def attributes(style: Style) -> str:
    names = ("bold", "dim", "italic", "underline", "reverse")
    return " ".join(name for name in names if getattr(style, name))


def attributes_of(bench: Bench, text: str) -> str:
    return attributes(style_of(bench, text))


async def stream(bench: Bench, texts: list[str], **trace: object) -> str:
    """An answer begins, with a trace, and these tokens are streamed. Its id."""
    bench.chat.auto = False
    await bench.say("Hm?")
    answer = bench.chat.messages[-1].id
    bench.chat.start_trace(**trace)
    for text in texts:
        bench.chat.stream(text)
    await bench.settle()
    return answer


async def test_a_token_waits_dimmed_until_its_class_comes():
    async with running() as bench:
        await stream(bench, WALK)
        assert attributes_of(bench, "ing is good.") == "dim"
        bench.chat.score_tokens(scores_of("usm"), pieces_of(WALK[:3]))
        await bench.settle()
        assert attributes_of(bench, "Walk") == ""
        assert attributes_of(bench, "ing") == "bold reverse"
        assert attributes_of(bench, " is") == "underline"
        assert attributes_of(bench, " good.") == "dim"
        bench.chat.score_tokens(scores_of("us", 3), pieces_of(WALK[3:], 3))
        bench.chat.end()
        bench.chat.end_trace()
        await bench.settle()
        assert attributes_of(bench, " good") == ""
        assert attributes_of(bench, ".") == "bold reverse"
        assert "unshifted 40% marginal 20% shifted 40%" in bench.screen.status.status.shift


async def test_classes_differ_in_colour_too():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        colours = {style_of(bench, text).color for text in ("Walk", "ing", " is")}
        assert len(colours) == 3


async def test_wrapped_wide_and_split_characters_are_coloured_token_by_token():
    boot = "🥾".encode()
    texts = ["漢字", "仮名", " and ", boot[:2], boot[2:], " words" * 12, " end"]
    words = ["漢字", "仮名", " and ", "", "🥾", " words" * 12, " end"]

    def prepare(chat: FakeChat) -> None:
        chat.add_session("Wide", ["Write.", "".join(words)])
        chat.store_trace("m2", texts, "usmsuus")

    async with running(prepare, size=(44, 20)) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        assert attributes_of(bench, "漢字") == ""
        assert attributes_of(bench, "仮名") == "bold reverse"
        assert attributes_of(bench, " and ") == "underline"
        assert attributes_of(bench, "🥾") == "bold reverse"  # its first half was shifted
        assert attributes_of(bench, " end") == "bold reverse"


async def test_only_the_rows_of_the_scored_tokens_are_drawn_again():
    async with running(size=(60, 30)) as bench:
        texts = [f" word{n}" for n in range(60)]
        await stream(bench, texts)
        looks(bench)
        transcript = bench.screen.transcript
        drawn: list[int] = []
        draw = transcript._painter._draw
        transcript._painter._draw = lambda row, *rest: (drawn.append(row.number), draw(row, *rest))[
            1
        ]
        bench.chat.score_tokens(scores_of("s"), pieces_of(texts[:1]))
        await bench.settle()
        looks(bench)
        assert drawn
        assert set(drawn) == {0}


async def test_stored_answers_are_coloured_when_their_session_opens():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view, "the trace is loaded")
        await bench.settle()
        assert attributes_of(bench, "ing") == "bold reverse"
        assert bench.chat.called("trace") == [("m2",)]


async def test_traces_are_asked_for_only_when_their_answer_is_on_screen():
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Long", [f"{n} " + "words " * 60 for n in range(20)])

    async with running(prepare) as bench:
        await bench.settle()
        asked = {call[0] for call in bench.chat.called("trace")}
        assert "m20" in asked
        assert "m2" not in asked
        bench.screen.transcript.focus()
        await bench.press("home")
        await bench.until(lambda: ("m2",) in bench.chat.called("trace"), "asked for on arrival")


async def test_the_cursor_walks_over_tokens_and_jumps_to_classes():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6")
        await bench.settle()
        screen = bench.screen
        assert screen.inspection.cursor == 0
        assert attributes_of(bench, "Walk") == "underline reverse"
        for keys, place in (
            (["right"], 1), (["right"], 2), (["left"], 1), (["n"], 4), (["N"], 1), (["m"], 2),
            (["n"], 4), (["M"], 2), (["home"], 0), (["end"], 4), (["right"], 4),
        ):  # fmt: skip
            await bench.press(*keys)
            assert screen.inspection.cursor == place, keys
        assert attributes_of(bench, ".") == "bold underline reverse"
        await bench.press("n")
        assert "no shifted token after" in bench.said()
        await bench.press("escape")
        assert screen.inspection.inspecting is None
        assert attributes_of(bench, ".") == "bold reverse"


async def test_letters_do_what_they_did_once_the_cursor_is_away():
    async with running(past) as bench:
        bench.screen.transcript.focus()
        await bench.press("t", "r")
        assert not bench.chat.called("regenerate")
        await bench.press("escape", "r")
        await bench.until(lambda: bench.chat.called("regenerate"))


async def test_an_answer_without_scores_offers_to_score_it_and_no_key_that_needs_them():
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Walks", ["Why walk?", "It is healthy."])
        chat.compare("demo@zero-shot")

    async with running(prepare, size=(160, 45)) as bench:
        await bench.press("f6")
        await bench.settle()
        keys = {hint.id for hint in bench.screen.query_one(HintBar).hints}
        assert "tokens.score" in keys
        assert not keys & {"tokens.next_shifted", "tokens.next_marginal", "tokens.branch"}
        await bench.press("s")
        await bench.until(lambda: bench.chat.called("score"))


async def test_an_answer_that_the_model_wrote_nothing_of_is_not_inspected():
    async with running(auto=False) as bench:
        await bench.press("ctrl+t", *"Sure", "enter")
        await bench.say("Why walk?")
        bench.chat.end("stopped")
        await bench.settle()
        await bench.press("f6")
        assert "the model wrote nothing of this answer" in bench.said().lower()
        assert bench.screen.inspection.inspecting is None


async def test_a_filter_dims_what_it_leaves_out():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "end", "f")
        assert attributes_of(bench, " is") == "dim"
        assert attributes_of(bench, "ing") == "bold reverse"
        await bench.press("f")
        assert attributes_of(bench, " is") == "underline"
        assert attributes_of(bench, " good") == "dim"
        await bench.press("f")
        assert attributes_of(bench, " good") == ""


async def test_a_pinned_token_stays_marked_while_the_cursor_moves_on():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "p", "right")
        assert bench.screen.inspection.pinned == 0
        assert attributes_of(bench, "Walk") == "bold italic underline"
        await bench.press("left", "p", "right")
        assert bench.screen.inspection.pinned is None
        assert attributes_of(bench, "Walk") == ""


async def test_lanes_colour_by_other_numbers():
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Walking", ["Hm?", "one two"])
        scores = [
            score(0, "us", kl=0.01, logprob=-0.1, entropy=5.0),
            score(1, "u", kl=5.0, logprob=-9.0, entropy=0.1),
        ]
        chat.store_trace("m2", [], "")
        chat.traces["m2"] = type(chat.traces["m2"])(
            **{
                **vars(chat.traces["m2"]),
                "scores": tuple(scores),
                "pieces": pieces_of(["one", " two"]),
            }
        )

    async with running(prepare) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "end", "right")
        bench.screen.transcript.show_cursor(None, None)
        seen = []
        for _ in range(5):
            seen.append((attributes_of(bench, "one"), attributes_of(bench, "two")))
            bench.screen.action_next_lane()
        assert seen[0] == ("", "")
        assert seen[1] == ("bold reverse", "")  # the written token's class
        assert seen[2] == ("dim", "bold underline")  # KL
        assert seen[3] == ("dim", "bold underline")  # reference probability
        assert seen[4] == ("bold underline", "dim")  # generator entropy


async def test_a_key_goes_to_the_next_reference():
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Walking", ["Hm?", "one two"])
        trace = chat.store_trace("m2", [], "", references=("demo@zero-shot", "demo@raw"))
        values = {**vars(trace), "scores": (score(0, "u", "s"), score(1, "s", "u"))}
        chat.traces["m2"] = type(trace)(**{**values, "pieces": pieces_of(["one", " two"])})

    async with running(prepare) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "end")
        assert attributes_of(bench, "one") == ""
        await bench.press("r")
        assert attributes_of(bench, "one") == "bold reverse"
        assert "vs demo@raw" in bench.screen.status.status.against


async def test_an_alternative_becomes_a_branch():
    async with running(past, size=(160, 45)) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "n")
        await bench.settle()
        await bench.press("b")
        await bench.until(lambda: bench.chat.called("branch_from"))
        assert bench.chat.called("branch_from") == [("m2", 1, 7)]
        assert bench.screen.inspection.inspecting is None


async def test_up_and_down_choose_among_the_alternatives():
    async with running(past, size=(160, 45)) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "n", "down")
        await bench.settle()
        await bench.press("b")
        await bench.until(lambda: bench.chat.called("branch_from"))
        assert bench.chat.called("branch_from") == [("m2", 1, 8)]


async def test_an_answer_without_scores_offers_to_score_it():
    async with running(unscored) as bench:
        await bench.press("f6")
        await bench.settle()
        assert "press s to score it now" in bench.screen.pane.text
        await bench.press("s")
        await bench.until(lambda: bench.chat.called("score"))
        assert bench.chat.called("score") == [("m2",)]
        bench.chat.start_trace("m2", path="canonical")
        bench.chat.score_tokens(scores_of("us"), pieces_of(WALK[:2]), "m2")
        await bench.settle()
        assert attributes_of(bench, "ing") == "bold reverse"
        assert attributes_of(bench, " is good.") == ""
        bench.chat.score_tokens(scores_of("mus", 2), pieces_of(WALK[2:], 2), "m2")
        bench.chat.end_trace("m2")
        await bench.settle()
        assert attributes_of(bench, " is") == "underline"
        assert "canonical" in bench.screen.status.status.against
        await bench.press("end")
        assert bench.screen.inspection.cursor == 4


async def test_a_jump_in_an_answer_without_scores_says_that_there_are_none():
    async with running(unscored) as bench:
        await bench.press("f6")
        for key in "nNmM":
            await bench.press(key)
        await bench.settle()
        assert "The answer has no scores" in bench.said()
        assert "token after this one" not in bench.said()


async def test_an_answer_with_all_its_scores_offers_nothing():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6")
        await bench.settle()
        assert "press s" not in bench.screen.pane.text


async def test_escape_ends_the_scoring_of_a_stored_answer():
    async with running(unscored) as bench:
        await bench.press("f6", "s")
        await bench.until(lambda: bench.chat.called("score"))
        bench.chat.start_trace("m2", path="canonical")
        await bench.settle()
        await bench.press("escape")
        await bench.until(lambda: bench.chat.called("stop"))
        await bench.settle()
        assert bench.screen.inspection.inspecting == "m2"
        await bench.press("escape")
        assert bench.screen.inspection.inspecting is None


async def test_the_list_of_sessions_gives_way_to_the_inspector_where_there_is_no_room_for_both():
    async with running(past, size=(112, 30)) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        assert bench.screen.session_list.display
        await bench.press("f6")
        await bench.settle()
        assert bench.screen.pane.display
        assert not bench.screen.session_list.display
        await bench.press("escape")
        await bench.settle()
        assert bench.screen.session_list.display
        assert not bench.screen.pane.display


async def test_on_a_small_screen_the_list_of_sessions_takes_the_inspectors_place():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6")
        await bench.settle()
        assert bench.screen.pane.display
        await bench.press("ctrl+o")
        await bench.settle()
        assert bench.screen.session_list.display
        assert not bench.screen.pane.display


async def test_a_refusal_to_score_is_told():
    async with running(unscored) as bench:
        bench.chat.errors["score"] = UsageError("an answer is being written")
        await bench.press("f6", "s")
        await bench.until(lambda: "an answer is being written" in bench.said())


async def test_the_cursor_works_on_an_answer_that_is_being_written():
    async with running() as bench:
        await stream(bench, WALK[:3])
        bench.chat.score_tokens(scores_of("us"), pieces_of(WALK[:2]))
        await bench.settle()
        await bench.press("f6", "end")
        assert bench.screen.inspection.cursor == 2
        bench.chat.stream(WALK[3])
        bench.chat.score_tokens(scores_of("ms", 2), pieces_of(WALK[2:4], 2))
        await bench.settle()
        await bench.press("n")
        assert bench.screen.inspection.cursor == 3
        assert attributes_of(bench, " good") == "bold underline reverse"
        await bench.press("escape")  # stops, as ever
        await bench.until(lambda: bench.chat.called("stop"))
        assert bench.screen.inspection.inspecting is not None


async def test_streamed_text_does_not_scroll_the_cursor_away():
    async with running() as bench:
        await stream(bench, [f" word{n}" for n in range(200)])
        bench.chat.score_tokens(scores_of("us"), pieces_of([" word0", " word1"]))
        await bench.settle()
        await bench.press("f6", "home")
        await bench.settle()
        for n in range(200, 400):
            bench.chat.stream(f" word{n}")
        await bench.settle()
        shown = "".join(char for char, _ in looks(bench))
        assert " word0 " in shown
        assert attributes_of(bench, " word0") == "underline reverse"


async def test_scores_of_a_continued_answer_fall_on_the_new_tokens():
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Walking", ["Hm?", "Walking is"])

    async with running(prepare) as bench:
        chat = bench.chat
        chat.auto = False
        chat._show("m1")
        answer = chat.begin("m1", content="Walking is")
        chat.start_trace(answer)  # the first three tokens were never scored
        chat.stream(" good")
        chat.stream(".")
        chat.score_tokens(scores_of("sm", 3), pieces_of([" good", "."], 3))
        await bench.settle()
        assert attributes_of(bench, " good") == "bold reverse"
        assert attributes_of(bench, ".") == "underline"
        assert attributes_of(bench, "Walking is") == ""


async def test_copied_scores_colour_the_beginning_of_a_continued_answer():
    def prepare(chat: FakeChat) -> None:
        chat.add_session("Walking", ["Hm?", "Walking is"])

    async with running(prepare) as bench:
        chat = bench.chat
        chat.auto = False
        chat._show("m1")
        answer = chat.begin("m1", content="Walking is")
        chat.start_trace(answer, scores=scores_of("usm"), pieces=pieces_of(WALK[:3]))
        chat.stream(" good")
        chat.score_tokens(scores_of("s", 3), pieces_of([" good"], 3))
        await bench.settle()
        assert attributes_of(bench, "ing") == "bold reverse"
        assert attributes_of(bench, " is") == "underline"
        assert attributes_of(bench, " good") == "bold reverse"


async def test_missing_scores_are_told_and_the_text_is_plain_again():
    async with running() as bench:
        await stream(bench, WALK)
        assert attributes_of(bench, " good") == "dim"
        bench.chat.end()
        bench.chat.end_trace(error=UsageError("the engine ended"))
        await bench.settle()
        assert "the engine ended" in bench.said()
        assert attributes_of(bench, " good") == ""


async def test_a_refused_reference_is_told_once_with_its_reason():
    async with running(unscored) as bench:
        error = UsageError("the vocabularies differ at ids 7, 8", hint="Choose another reference.")
        for _ in range(2):
            bench.chat.compare("other@raw", error=error)
        await bench.settle()
        assert bench.said().count("the vocabularies differ at ids 7, 8") == 1


async def test_references_that_only_lack_their_generator_are_not_told_beside_its_own_trouble():
    async with running(unscored) as bench:
        error = EngineError("the generator is not loaded", kind="no-generator")
        bench.chat.compare("other@raw", error=error)
        await bench.settle()
        assert (
            bench.screen.inspection.pair is not None
            and bench.screen.inspection.pair.references[0].error is error
        )
        assert "the generator is not loaded" not in bench.said()


async def test_the_next_pair_is_one_key_away():
    async with running(unscored) as bench:
        await bench.press("f7")
        await bench.until(lambda: bench.chat.called("next_pair"))
        await bench.settle()
        assert "demo+sft@chat against demo@raw" in bench.said()
        assert bench.screen.status.status.side == "demo+sft@chat"


async def test_a_resize_keeps_the_token_under_the_cursor_in_view():
    def prepare(chat: FakeChat) -> None:
        texts = [f" word{n}" for n in range(300)]
        chat.add_session("Long", ["Write.", "".join(texts)])
        chat.store_trace("m2", texts, "u" * 300)

    async with running(prepare, size=(160, 45)) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "home", *["right"] * 20)
        await bench.pilot.resize_terminal(80, 24)
        await bench.settle()
        assert bench.screen.inspection.cursor == 20
        assert attributes_of(bench, " word20") == "underline reverse"


async def test_no_color_keeps_the_attributes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.settle()
        assert [attributes_of(bench, text) for text in ("Walk", "ing", " is")] == [
            "",
            "bold reverse",
            "underline",
        ]


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (160, 45)], ids=str)
async def test_the_detail_of_a_token_can_be_reached(size: tuple[int, int]):
    async with running(past, size=size) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.press("f6", "n")
        await bench.settle()
        pane = bench.screen.pane
        assert pane.display
        assert pane.size.height >= 8
        assert "ing" in pane.text
        assert bench.screen.transcript.size.height >= 5
        assert attributes_of(bench, "ing") == "bold underline reverse"


async def test_the_palette_lists_what_can_be_done_with_scores():
    async with running(past) as bench:
        await bench.until(bench.screen.inspection.shown_view)
        await bench.settle()
        can = bench.screen.check_action
        assert can("next_lane", ()) and can("positions", ()) and can("score_answer", ())
        assert not can("next_reference", ())
        assert not can("leave_inspect", ())
    async with running() as bench:
        can = bench.screen.check_action
        assert not can("next_lane", ()) and not can("inspect", ()) and not can("score_answer", ())


async def test_near_ties_of_all_answers_are_told_when_the_noise_becomes_known() -> None:
    def two(chat: FakeChat) -> None:
        chat.add_session("Walking", ["Hm?", "".join(WALK), "And?", "".join(WALK)])
        for message_id in ("m2", "m4"):
            chat.store_trace(message_id, WALK, KINDS)
            trace = chat.traces[message_id]
            references = tuple(replace(side, noise=None) for side in trace.start.references)
            chat.traces[message_id] = replace(
                trace, start=replace(trace.start, references=references)
            )
        chat.compare("demo@zero-shot")

    async with running(two) as bench:
        await bench.settle()
        views = bench.screen.inspection.traces.views
        assert {key: view.noise for key, view in views.items()} == {"m2": None, "m4": None}
        for key, trace in bench.chat.traces.items():
            references = tuple(replace(side, noise=0.5) for side in trace.start.references)
            bench.chat.traces[key] = replace(
                trace, start=replace(trace.start, references=references)
            )
        known = replace(bench.chat.pair.references[0], noise=0.5, null_rate=0.0)
        bench.chat.emit(PairChanged(replace(bench.chat.pair, references=(known,))))
        await bench.settle()
        assert {key: view.noise for key, view in views.items()} == {"m2": 0.5, "m4": 0.5}
