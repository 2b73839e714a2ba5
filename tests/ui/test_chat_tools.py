"""Copying, reading, saving, and choosing packs, models and sampling."""

import stat

import pytest
from textual.widgets import Input, OptionList, Static

from tests.support.fake_desk import FakeDesk
from tests.support.screen_text import drawn
from tests.ui.driving import running
from urial_tui.chat.pair import Pair
from urial_tui.engine.protocol import Sampling
from urial_tui.errors import EngineError, ModelError, SettingsError, UsageError
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.markdown_view import MarkdownView
from urial_tui.ui.screens.packs import PackPicker
from urial_tui.ui.screens.references import ReferencePicker
from urial_tui.ui.screens.sampling import SamplingDialog, sampling_fields
from urial_tui.ui.screens.sides import SidePicker
from urial_tui.ui.services import ModelChoice

CODE = "Try:\n\n```python\nprint(1)\n```\n\nThat is all."


def talked(chat) -> None:
    chat.add_session("Walking", ["Why walk?", CODE, "And swim?", "It is **wet**."])


# --- copying --------------------------------------------------------------------------------


async def test_f8_copies_the_last_answer_and_says_where(tmp_path):
    async with running(talked, state_dir=tmp_path) as bench:
        await bench.press("f8")
        await bench.settle()
        assert bench.app.clipboard == "It is **wet**."
        file = tmp_path / "clipboard.txt"
        assert file.read_text() == "It is **wet**."
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "the answer (14 characters)" in bench.said()
        assert str(file) in bench.said()


async def test_f8_copies_the_chosen_message():
    async with running(talked) as bench:
        bench.screen.transcript.select("m1")
        await bench.press("f8")
        assert bench.app.clipboard == "Why walk?"


async def test_f9_copies_the_last_code_block():
    async with running(talked) as bench:
        await bench.press("f9")
        assert bench.app.clipboard == "print(1)"


async def test_without_code_there_is_no_code_to_copy():
    async with running() as bench:
        await bench.say("Hi")
        await bench.press("f9")
        assert bench.app.clipboard == ""


async def test_ctrl_c_copies_the_selection_of_the_composer_and_does_not_quit():
    async with running() as bench:
        await bench.write("some words")
        bench.screen.composer.select_all()
        await bench.press("ctrl+c", "ctrl+c")
        await bench.settle()
        assert bench.app.clipboard == "some words"
        assert not bench.chat.closed


async def test_ctrl_s_saves_the_conversation_to_a_private_file(tmp_path):
    async with running(talked, state_dir=tmp_path) as bench:
        await bench.press("ctrl+s")
        await bench.until(lambda: "-s1-walking.md" in bench.said())
        (file,) = (tmp_path / "transcripts").iterdir()
        assert "**user**\n\nWhy walk?" in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_conversations_of_the_same_title_are_saved_beside_each_other(tmp_path):
    def twice(chat) -> None:
        chat.add_session("What is this?", ["One?", "Yes."], "1")
        chat.add_session("What is this?", ["Two?", "No."], "2")

    async with running(twice, size=(120, 30), state_dir=tmp_path) as bench:
        await bench.press("ctrl+s")
        await bench.until(lambda: "-s2-" in bench.said())
        await bench.press("ctrl+o", "down", "enter")
        await bench.until(lambda: ("s1",) in bench.chat.called("open_session"))
        await bench.settle()
        await bench.press("ctrl+s")
        await bench.until(lambda: "-s1-" in bench.said())
        texts = [file.read_text() for file in sorted((tmp_path / "transcripts").iterdir())]
        assert sorted("One?" in text for text in texts) == [False, True]


async def test_ctrl_s_falls_back_to_the_clipboard(tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    async with running(talked, state_dir=blocked) as bench:
        await bench.press("ctrl+s")
        await bench.until(lambda: "Trying the clipboard" in bench.said())
        await bench.settle()
        assert "Why walk?" in bench.app.clipboard


async def test_ctrl_l_shows_the_message_as_markdown():
    async with running(talked) as bench:
        await bench.press("ctrl+l")
        assert isinstance(bench.app.screen, MarkdownView)
        await bench.press("escape")
        assert bench.app.screen is bench.screen


# --- packs ----------------------------------------------------------------------------------


async def test_f3_shows_the_packs_with_text_and_cost_and_enter_chooses():
    async with running() as bench:
        await bench.press("f3")
        picker = bench.app.screen
        assert isinstance(picker, PackPicker)
        await bench.settle()
        packs = picker.query_one("#packs", OptionList)
        assert packs.highlighted == 0  # the one in use
        await bench.press("down")
        await bench.settle()
        assert "urial-brief" in str(picker.query_one("#preview", Static).render())
        cost = str(picker.query_one("#cost", Static).render())
        assert "1,021 tokens" in cost
        assert "25%" in cost
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_pack"))
        await bench.settle()
        assert bench.chat.called("set_pack") == [("urial-brief",)]
        assert bench.screen.status.status.side == "demo@urial-brief"


async def test_a_cost_that_cannot_be_counted_says_why():
    async with running() as bench:
        bench.chat.errors["pack_cost"] = EngineError("the model is not loaded")
        await bench.press("f3")
        await bench.settle()
        assert "the model is not loaded" in str(bench.app.screen.query_one("#cost").render())


async def test_broken_packs_are_told_beside_the_good_ones():
    problems = ["bad.toml, line 3: [system] is missing"]
    async with running(services={"pack_problems": lambda: problems}) as bench:
        await bench.press("f3")
        await bench.settle()
        assert "[system] is missing" in str(bench.app.screen.query_one(".problem").render())


async def test_escape_leaves_the_pack_as_it_is():
    async with running() as bench:
        await bench.press("f3", "down", "escape")
        await bench.settle()
        assert not bench.chat.called("set_pack")


# --- sampling -------------------------------------------------------------------------------


async def test_f4_has_a_line_for_every_sampling_setting():
    async with running() as bench:
        await bench.press("f4")
        ids = [field.id for field in bench.app.screen.query(Input)]
        assert ids == [item.key.removeprefix("sampling.") for item in sampling_fields()]
        assert bench.app.screen.query_one("#temperature", Input).value == "0.7"


async def test_sampling_is_applied():
    async with running() as bench:
        await bench.press("f4")
        for name, value in {"temperature": "0", "seed": "7", "max_tokens": "64"}.items():
            bench.app.screen.query_one(f"#{name}", Input).value = value
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_sampling"))
        assert bench.chat.called("set_sampling") == [(Sampling(temperature=0.0, seed=7), 64)]
        assert bench.app.screen is bench.screen


async def test_an_empty_length_is_the_default_one():
    async with running() as bench:
        await bench.press("f4")
        length = bench.app.screen.query_one("#max_tokens", Input)
        length.value = ""
        assert length.placeholder == "default 512"
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_sampling"))
        assert bench.chat.called("set_sampling")[0][1] == 512


async def test_a_value_out_of_range_is_said_beside_its_field_and_not_applied():
    async with running() as bench:
        await bench.press("f4")
        dialog = bench.app.screen
        dialog.query_one("#top_p", Input).value = "1.5"
        await bench.pilot.pause()
        assert "from 0 to 1" in str(dialog.query_one("#range-top_p").render())
        await bench.press("enter")
        assert isinstance(bench.app.screen, SamplingDialog)
        assert dialog.focused is dialog.query_one("#top_p")
        assert "top_p must be a number from 0 to 1, not 1.5" in drawn(bench.app)
        await bench.press("escape")
        assert not bench.chat.called("set_sampling")


async def test_an_error_of_sampling_is_whole_also_where_there_is_little_room():
    async with running(size=(44, 20)) as bench:
        await bench.press("f4", "9")
        await bench.pilot.pause()
        words = " ".join(drawn(bench.app).replace("│", " ").split())
        assert "temperature must be a number from 0 to 5, not" in words
        await bench.press("tab")
        assert "temperature must be" not in drawn(bench.app)


# --- models ---------------------------------------------------------------------------------


async def test_f5_lists_the_models_and_keeps_the_style():
    async with running() as bench:
        await bench.press("f5")
        await bench.settle()
        assert bench.app.screen.query_one("#models", OptionList).option_count == 2
        await bench.press("down", "enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [("qwen2.5-0.5b@urial-general",)]


TUNED = (ModelChoice("demo", "embedded model"), ModelChoice("demo+sft", "embedded model, tuned"))


async def tuned():
    return TUNED


@pytest.mark.parametrize(
    ("before", "written", "entry", "after"),
    [
        ("demo@urial-general", None, 1, "demo+sft"),
        ("demo+sft@chat", None, 0, "demo"),
        ("demo+sft@urial-general", None, 0, "demo"),
        ("demo+sft@raw", None, 1, "demo+sft"),
        ("demo@chat", None, 0, "demo"),
        ("demo@raw", None, 0, "demo@raw"),
        ("demo@urial-general", "demo@raw", 1, "demo+sft@raw"),
        ("demo+sft@chat", "demo+sft@zero-shot", 0, "demo@zero-shot"),
        ("demo@raw", "demo", 0, "demo"),
        ("demo@raw", "", 0, "demo"),
    ],
)
async def test_f5_keeps_the_style_between_base_models_or_where_it_was_written(
    before, written, entry, after
):
    async with running() as bench:
        chosen = []
        picker = SidePicker(before, tuned)
        bench.app.push_screen(picker, chosen.append)
        await bench.settle()
        if written is not None:
            picker.query_one("#side", Input).value = written
        picker.query_one("#models", OptionList).highlighted = entry
        await bench.press("enter")
        await bench.until(lambda: chosen)
        assert chosen == [after]


async def test_a_style_that_the_picker_wrote_itself_is_not_taken_for_the_users():
    def check(side):
        raise ModelError(f"there is no model {side!r}")

    async with running() as bench:
        bench.app.push_screen(SidePicker("demo@urial-general", tuned, check))
        await bench.settle()
        line = bench.app.screen.query_one("#side", Input)
        models = bench.app.screen.query_one("#models", OptionList)
        for entry, side in ((1, "demo+sft"), (0, "demo"), (1, "demo+sft")):
            models.focus()
            models.highlighted = entry
            await bench.press("enter")
            await bench.until(lambda wanted=side: line.value == wanted)


async def test_a_side_can_be_written_and_a_bad_one_is_explained():
    def check(side: str) -> None:
        if side.startswith("nothing"):
            raise ModelError("there is no model 'nothing'", hint="Did you mean demo?")

    async with running(services={"check_side": check}) as bench:
        await bench.press("f5")
        await bench.settle()
        picker = bench.app.screen
        line = picker.query_one("#side", Input)
        line.focus()
        for wrong, words in [("a+b+c", "cannot read"), ("nothing@raw", "Did you mean demo?")]:
            line.value = wrong
            await bench.press("enter")
            assert isinstance(bench.app.screen, SidePicker)
            assert words in str(picker.query_one(".problem").render())
        line.value = "demo@raw"
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [("demo@raw",)]


async def test_a_side_that_cannot_be_loaded_says_so_and_the_old_one_stays():
    async with running() as bench:
        bench.chat.errors["set_side"] = UsageError("cannot change the side now")
        await bench.press("f5")
        await bench.settle()
        bench.app.screen.query_one("#side", Input).focus()
        bench.app.screen.query_one("#side", Input).value = "demo@raw"
        await bench.press("enter")
        await bench.until(lambda: "cannot change the side now" in bench.said())
        assert bench.screen.status.status.side == "demo@urial-general"


async def test_f5_says_what_the_model_under_the_cursor_needs():
    desk = FakeDesk()
    async with running(services={"models": desk}) as bench:
        await bench.press("f5")
        await bench.settle()
        need = bench.app.screen.query_one("#need")
        assert str(need.render()) == "fits: needs about 287 MB, 9.0 GB is free"
        assert desk.called("fit")[-1] == (("demo@urial-general",), ("demo@urial-general",))
        line = bench.app.screen.query_one("#side", Input)
        line.focus()
        line.value = "Llama-3.3-70B-Instruct-Q4_K_M@raw"
        await bench.settle()
        assert str(need.render()) == "does not fit: needs about 50.5 GB, 9.0 GB is free"
        desk.errors["fit"] = ModelError("there is no such model")
        line.value = "nothing"
        await bench.settle()
        assert str(need.render()) == ""


async def test_f5_asks_before_a_side_that_does_not_fit():
    async with running(services={"models": FakeDesk(free=1000)}) as bench:
        await bench.press("f5")
        await bench.settle()
        await bench.press("down", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        await bench.pilot.pause()
        assert "The model does not fit" in str(bench.app.screen.query_one(".lead").render())
        await bench.press("escape")
        await bench.settle()
        assert isinstance(bench.app.screen, SidePicker)
        bench.app.screen.query_one("#side", Input).focus()
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        bench.app.screen.query_one("#yes").focus()
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_side"))
        assert bench.chat.called("set_side") == [("qwen2.5-0.5b@urial-general",)]


async def test_what_the_user_chooses_is_remembered():
    kept = []

    async def remember(side, references):
        kept.append((side, references))

    async with running(services={"remember": remember}) as bench:
        bench.chat.compare("demo@raw")
        await bench.press("f3", "down", "enter")
        await bench.until(lambda: kept)
        assert kept == [("demo@urial-brief", ("demo@raw",))]
        await bench.settle()
        await bench.press("f7")
        await bench.until(lambda: len(kept) == 2)
        assert kept[-1] == ("demo@urial-general", None), "these are what suits the side"
        await bench.settle()
        await bench.press("f5")
        await bench.settle()
        await bench.press("down", "enter")
        await bench.until(lambda: len(kept) == 3)
        assert kept[-1][0] == "qwen2.5-0.5b@urial-general"


async def test_the_side_in_use_chosen_again_is_loaded_again():
    async with running() as bench:
        await bench.press("f5")
        await bench.settle()
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("reload"))
        assert not bench.chat.called("set_side")
        await bench.settle()
        await bench.app.run_action("reload", bench.screen)
        await bench.until(lambda: len(bench.chat.called("reload")) == 2)


async def test_a_side_that_cannot_be_remembered_is_no_trouble():
    async def remember(side, references):
        raise SettingsError("the disk is full")

    async with running(services={"remember": remember}) as bench:
        await bench.press("f7")
        await bench.until(lambda: bench.chat.called("next_pair"))
        await bench.settle()
        assert "the disk is full" not in bench.said()


async def test_a_reference_that_is_not_there_is_refused_before_another_one_goes():
    def check(side: str) -> None:
        if "nope" in side:
            raise ModelError("there is no model nope", hint="See `urial-tui models`.")

    async with running(services={"check_side": check}) as bench:
        bench.chat.compare("demo@raw")
        bench.screen.action_choose_references()
        await bench.until(lambda: isinstance(bench.app.screen, ReferencePicker))
        await bench.pilot.pause()
        line = bench.app.screen.query_one("#references", Input)
        line.value = "demo@same nope@raw"
        line.focus()
        await bench.press("enter")
        await bench.settle()
        assert isinstance(bench.app.screen, ReferencePicker)
        assert "there is no model nope" in str(bench.app.screen.query_one(".problem").render())
        assert not bench.chat.called("set_references")
        line.value = "demo@same"
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_references"))


async def test_references_that_do_not_fit_are_asked_about():
    async with running(services={"models": FakeDesk(free=1000)}) as bench:
        bench.screen.action_choose_references()
        await bench.until(lambda: isinstance(bench.app.screen, ReferencePicker))
        await bench.pilot.pause()
        await bench.press("down", "enter")
        await bench.until(lambda: isinstance(bench.app.screen, Confirm))
        await bench.pilot.pause()
        assert "The sides do not fit" in str(bench.app.screen.query_one(".lead").render())
        await bench.press("escape")
        await bench.settle()
        assert not bench.chat.called("set_references") and not bench.chat.called("set_side")


async def test_the_references_dialog_lists_the_partners_of_the_library():
    def prepare(chat):
        chat.unlikely_pairs = (Pair("demo@raw", ("other@same",), "with other", likely=False),)

    async with running(prepare, services={"models": FakeDesk()}) as bench:
        bench.screen.action_choose_references()
        await bench.until(lambda: isinstance(bench.app.screen, ReferencePicker))
        await bench.pilot.pause()
        listed = bench.app.screen.query_one("#pairs", OptionList)
        await bench.until(lambda: listed.option_count == 3)
        await bench.press("end", "enter")
        await bench.until(lambda: bench.chat.called("set_references"))
        assert bench.chat.called("set_references") == [(("other@same",),)]
