"""Writing, stopping, going on, editing, versions: what each key does to the conversation."""

import asyncio

import pytest
from textual import events

from tests.support.screen_text import drawn
from tests.ui.driving import running
from urial_tui.errors import EngineError, UsageError


def talked(chat) -> None:
    chat.add_session("Walking", ["Why walk?", "It is healthy.", "And swim?", "It is wet."])


async def test_enter_sends_and_the_answer_streams_in():
    async with running() as bench:
        await bench.say("Why walk?")
        assert bench.shown() == [("You", "Why walk?"), ("Model", "Walking is good for you.")]
        assert bench.screen.composer.text == ""
        assert bench.screen.status.status.tokens_per_s == 34.1


def delayed(chat, name: str) -> asyncio.Event:
    """Let the chat's method wait, as a slow disk would, until the event is set."""
    gate, original = asyncio.Event(), getattr(chat, name)

    async def wait(*arguments):
        await gate.wait()
        await original(*arguments)

    setattr(chat, name, wait)
    return gate


@pytest.mark.parametrize(
    ("sent", "keys", "left"),
    [
        ("Why walk?", [*"more"], "more"),
        ("Why walk?", ["ctrl+j", *"more"], "\nmore"),
        ("Why\nwalk?", ["ctrl+home", *"more "], "more "),
        ("Why walk?", ["left", *"ing"], "Why walking?"),
        ("Why walk?", [], ""),
    ],
)
async def test_what_is_typed_after_enter_stays_and_is_the_draft(sent, keys, left):
    async with running() as bench:
        gate = delayed(bench.chat, "send")
        await bench.write(sent)
        await bench.press("enter", *keys)
        gate.set()
        await bench.until(lambda: bench.chat.called("send"), "it is sent")
        await bench.settle()
        assert bench.chat.called("send") == [(sent, "")]
        assert bench.screen.composer.text == left
        await bench.until(lambda: bench.chat.drafts.get("s1", "") == left, "the draft is kept")
        await bench.press("x")
        if keys and left == "more":
            assert bench.screen.composer.text == "morex"


async def test_what_is_typed_after_an_edited_message_was_sent_joins_the_draft():
    async with running(talked) as bench:
        gate = delayed(bench.chat, "edit_and_resend")
        await bench.write("half a thought")
        await bench.press("f2", "!", "enter", *"more")
        gate.set()
        await bench.until(lambda: bench.screen.drafts.editing is None, "the edit is over")
        assert bench.chat.called("edit_and_resend") == [("m3", "And swim?!")]
        assert bench.screen.composer.text == "half a thought\nmore"
        await bench.settle()
        assert bench.chat.drafts["s1"] == "half a thought\nmore"


async def test_enter_does_not_overtake_the_letters_before_it():
    """A terminal that pastes without brackets delivers everything in one go."""
    async with running() as bench:
        for key in ["h", "i", "enter"]:
            bench.app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await bench.until(lambda: bench.chat.called("send"), "it is sent")
        assert bench.chat.called("send") == [("hi", "")]


async def test_ctrl_j_makes_a_new_line_and_the_message_keeps_it():
    async with running() as bench:
        await bench.press("a", "ctrl+j", "b", "enter")
        await bench.until(lambda: bench.chat.called("send"))
        assert bench.chat.called("send") == [("a\nb", "")]


async def test_a_message_sent_while_the_model_loads_waits_its_turn():
    async with running(ready=False) as bench:
        await bench.say("Why walk?")
        assert bench.screen.transcript.entries[-1].note == "waiting for the model"
        assert "loading" in bench.screen.status.status.state
        bench.chat.make_ready()
        await bench.settle()
        assert bench.shown()[-1] == ("Model", "Walking is good for you.")
        assert bench.screen.transcript.entries[-1].note == ""


async def test_escape_stops_and_keeps_the_text():
    async with running(auto=False) as bench:
        await bench.say("Why walk?")
        bench.chat.stream("It is")
        assert "chat.stop" in bench.footer()
        await bench.press("escape")
        await bench.until(lambda: bench.chat.called("stop"))
        await bench.settle()
        entry = bench.screen.transcript.entries[-1]
        assert (entry.text, entry.status) == ("It is", "stopped")
        assert "chat.stop" not in bench.footer()


async def test_while_an_answer_is_written_enter_keeps_the_text_and_says_why():
    async with running(auto=False) as bench:
        await bench.say("Why walk?")
        await bench.write("next")
        await bench.press("enter")
        await bench.settle()
        assert len(bench.chat.called("send")) == 1
        assert bench.screen.composer.text == "next"
        assert "Escape stops it" in bench.said()


async def test_a_refused_message_stays_in_the_composer():
    async with running() as bench:
        bench.chat.errors["send"] = UsageError("another program writes it", hint="Close it.")
        await bench.say("Why walk?")
        assert bench.screen.composer.text == "Why walk?"
        assert "another program writes it" in bench.said()
        await bench.press("enter")
        await bench.until(lambda: len(bench.chat.called("send")) == 2)


async def test_an_answer_that_the_engine_could_not_finish_says_so_and_keeps_the_text():
    async with running(auto=False) as bench:
        await bench.say("Why walk?")
        bench.chat.stream("It is")
        bench.chat.end("failed", error=EngineError("the engine process ended", hint="Send again."))
        await bench.settle()
        entry = bench.screen.transcript.entries[-1]
        assert (entry.text, entry.status) == ("It is", "failed")
        assert entry.error == "the engine process ended"
        assert "Send again." in bench.said()
        assert "chat.regenerate" in bench.footer()


async def test_ctrl_r_regenerates_and_the_old_version_stays():
    async with running(talked) as bench:
        await bench.press("ctrl+r")
        await bench.until(lambda: bench.chat.called("regenerate"))
        await bench.settle()
        assert bench.chat.called("regenerate") == [("m4",)]
        assert bench.shown()[-1] == ("Model", "Walking is good for you.")
        assert bench.screen.transcript.entries[-1].branch == (2, 2)


async def test_which_version_an_answer_is_is_told_while_it_is_written():
    async with running(talked) as bench:
        bench.chat.auto = False
        await bench.press("ctrl+r")
        await bench.until(lambda: bench.chat.called("regenerate"))
        bench.chat.stream("It is")
        await bench.settle()
        assert "Model  2/2" in drawn(bench.app)
        bench.chat.stream(" wet.")
        await bench.settle()
        assert bench.shown()[-1] == ("Model", "It is wet.")
        assert "It is wet." in drawn(bench.app)


async def test_escape_leaves_the_tokens_before_the_beginning_of_the_answer():
    async with running(talked) as bench:
        await bench.press("ctrl+t", *"Sure", "enter", "f6")
        assert bench.screen.inspection.inspecting == "m4"
        await bench.press("escape")
        assert bench.screen.inspection.inspecting is None
        assert bench.screen.begin_line.text == "Sure"


async def test_an_empty_answer_is_not_copied():
    def empty(chat) -> None:
        chat.add_session("Empty", ["Why?", ""])

    async with running(empty) as bench:
        await bench.press("f8")
        await bench.settle()
        assert "the answer is empty" in bench.said()
        assert "Copied" not in bench.said()


async def test_regenerate_acts_on_the_chosen_message():
    async with running(talked) as bench:
        bench.screen.transcript.select("m1")
        await bench.press("ctrl+r")
        await bench.until(lambda: bench.chat.called("regenerate"))
        assert bench.chat.called("regenerate") == [("m2",)]


async def test_ctrl_g_continues_the_answer():
    async with running(talked) as bench:
        await bench.press("ctrl+g")
        await bench.until(lambda: bench.chat.called("continue_answer"))
        await bench.settle()
        assert bench.chat.called("continue_answer") == [("m4",)]
        assert bench.shown()[-1] == ("Model", "It is wet. And it goes on.")


async def test_enter_says_that_the_model_is_loaded_while_a_continuation_waits_for_it():
    async with running(talked) as bench:
        loaded = asyncio.Event()

        async def wait(message_id):
            await loaded.wait()

        bench.chat.continue_answer = wait
        bench.chat.set_phase("loading")
        await bench.press("ctrl+g")
        await bench.until(lambda: bench.screen.moment.busy)
        await bench.press("enter")
        await bench.until(lambda: "The model is still being loaded. Escape ends" in bench.said())
        bench.chat.set_phase("ready")
        loaded.set()
        await bench.until(lambda: not bench.screen.moment.busy)
        bench.chat.begin("m3")
        await bench.until(lambda: bench.screen.streaming)
        await bench.press("enter")
        await bench.until(lambda: "The answer is still being written." in bench.said())


async def test_what_is_asked_of_a_message_while_the_model_is_loaded_is_told_the_same():
    async with running(talked) as bench:
        waits = delayed(bench.chat, "continue_answer")
        bench.chat.set_phase("loading")
        await bench.press("ctrl+g")
        await bench.until(lambda: bench.screen.moment.busy)
        bench.screen.message_actions.act("edit", "m3")
        await bench.until(lambda: "The model is still being loaded. Escape ends" in bench.said())
        assert bench.screen.drafts.editing is None
        waits.set()


@pytest.mark.parametrize("key", ["f2", "f5", "ctrl+r", "ctrl+g"])
async def test_a_key_that_waits_for_the_end_of_the_answer_says_so(key):
    async with running(talked) as bench:
        bench.chat.begin("m3")
        await bench.until(lambda: bench.screen.streaming and bench.screen.moment.busy)
        assert "still being written" not in bench.said()
        await bench.press(key)
        await bench.until(lambda: "The answer is still being written." in bench.said())
        assert bench.screen.drafts.editing is None and bench.app.screen is bench.screen
        assert not (bench.chat.called("regenerate") or bench.chat.called("continue_answer"))


async def test_ctrl_b_goes_around_the_versions():
    async with running(talked) as bench:
        assert "chat.branch" not in bench.footer()
        await bench.press("ctrl+r")
        await bench.until(lambda: "chat.branch" in bench.footer(), "versions are offered")
        await bench.press("ctrl+b")
        await bench.until(lambda: bench.chat.called("switch_sibling"))
        await bench.settle()
        assert bench.shown()[-1] == ("Model", "It is wet.")
        await bench.press("ctrl+b")
        await bench.until(lambda: len(bench.chat.called("switch_sibling")) == 2)
        await bench.settle()
        assert bench.shown()[-1] == ("Model", "Walking is good for you.")


async def test_the_versions_of_all_messages_are_asked_for_in_one_call():
    def long(chat) -> None:
        chat.add_session("Long", ["q", "a"] * 40)

    async with running(long) as bench:
        asked: list[str] = []
        single = bench.chat.siblings

        async def siblings(message_id: str) -> tuple[int, int]:
            asked.append(message_id)
            return await single(message_id)

        bench.chat.siblings = siblings
        before = len(bench.chat.called("versions"))
        await bench.say("Why walk?")
        await bench.settle()
        assert asked == []
        assert 1 <= len(bench.chat.called("versions")) - before <= 3


async def test_f2_edits_the_last_message_and_sending_makes_a_new_version():
    async with running(talked) as bench:
        await bench.write("half a thought")
        await bench.press("f2")
        assert bench.screen.composer.text == "And swim?"
        assert "Editing" in str(bench.screen.composer.border_title)
        await bench.press("!", "enter")
        await bench.until(lambda: bench.chat.called("edit_and_resend"))
        await bench.settle()
        assert bench.chat.called("edit_and_resend") == [("m3", "And swim?!")]
        assert bench.shown()[2:] == [("You", "And swim?!"), ("Model", "Walking is good for you.")]
        assert bench.screen.composer.text == "half a thought"
        assert bench.screen.drafts.editing is None


async def test_escape_leaves_editing_and_brings_the_draft_back():
    async with running(talked) as bench:
        await bench.write("half a thought")
        await bench.press("f2", "x", "escape")
        assert bench.screen.composer.text == "half a thought"
        assert bench.screen.drafts.editing is None
        assert not bench.chat.called("edit_and_resend")


async def test_edit_takes_the_question_of_the_chosen_answer():
    async with running(talked) as bench:
        bench.screen.transcript.select("m2")
        await bench.press("f2")
        assert bench.screen.composer.text == "Why walk?"
        assert bench.screen.drafts.editing == "m1"


async def test_a_beginning_of_the_answer_goes_along_with_the_message():
    async with running() as bench:
        await bench.press("ctrl+t", *"Sure", "enter")
        assert bench.screen.focus_owner.place() == "composer"
        await bench.write("Why walk?")
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("send"))
        await bench.settle()
        assert bench.chat.called("send") == [("Why walk?", "Sure")]
        assert not bench.screen.begin_line.is_open
        assert bench.screen.transcript.entries[-1].prefill == 4


async def test_escape_closes_the_beginning_of_the_answer():
    async with running() as bench:
        await bench.press("ctrl+t", "x", "escape")
        assert not bench.screen.begin_line.is_open
        assert bench.screen.focus_owner.place() == "composer"
        await bench.say("Hi")
        assert bench.chat.called("send") == [("Hi", "")]
        await bench.press("ctrl+t")
        assert bench.screen.begin_line.text == "x"  # nothing that was written is lost


@pytest.mark.parametrize(
    ("key", "call"),
    [("r", "regenerate"), ("g", "continue_answer"), ("right_square_bracket", "switch_sibling")],
)
async def test_letters_act_in_the_transcript(key, call):
    def branched(chat) -> None:
        talked(chat)
        session = next(iter(chat._sessions.values()))
        chat._new(session.id, "m3", "assistant", "Another.", "complete")

    async with running(branched) as bench:
        bench.screen.transcript.focus()
        await bench.press(key)
        await bench.until(lambda: bench.chat.called(call))


async def test_the_screen_stays_alive_while_text_streams_fast():
    async with running(auto=False) as bench:
        await bench.say("Count.")
        for number in range(3000):
            bench.chat.stream(f"{number} ")
        await bench.write("typing goes on")
        assert bench.screen.composer.text == "typing goes on"
        await bench.settle()
        assert bench.shown()[-1][1].endswith("2998 2999 ")
        assert bench.screen.telling._stream_tokens == 3000
