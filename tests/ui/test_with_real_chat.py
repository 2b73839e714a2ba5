"""The screen over the real chat and the real history; only the engine is scripted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.scripted_engine import Script, ScriptedEngine
from tests.ui.driving import Bench, WatchedApp
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.chat import Chat
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.prompts.styles import default_library, resolve_style
from urial_tui.sides import parse_side
from urial_tui.store.aio import AsyncStore
from urial_tui.ui.services import AppServices

PACKS = default_library()


async def resolve(text: str) -> ActiveSide:
    side = parse_side(text)
    style = resolve_style(side.style, PACKS)
    notation = str(side.with_style(style.id))
    spec = ContextSpec(f"{side.model}.gguf")
    return ActiveSide(notation, spec, style, Sampling(temperature=0.0), 64)


@asynccontextmanager
async def running(engine: ScriptedEngine, path: Path) -> AsyncIterator[Bench]:
    chats: list[Any] = []
    stores: list[AsyncStore] = []

    async def make_chat(listener: Any) -> Chat:
        store = await AsyncStore.open(path)
        stores.append(store)
        chat = Chat(engine=engine, store=store, resolve=resolve, side="demo", listener=listener)
        chats.append(chat)
        return chat

    async def close() -> None:
        await engine.aclose()
        await stores[0].aclose()

    app = WatchedApp(AppServices(make_chat=make_chat, list_packs=PACKS.all, close=close))
    async with app.run_test(size=(100, 30)) as pilot:
        bench = Bench(app, pilot, chats)
        await bench.until(lambda: chats, "the chat is made")
        await bench.settle()
        yield bench
        await app.close_chat()


async def send(bench: Bench, text: str) -> None:
    await bench.write(text)
    await bench.press("enter")


async def answered(bench: Bench, text: str) -> None:
    def done() -> bool:
        return not bench.chat.busy and bench.shown()[-1:] == [("Model", text)]

    await bench.until(done, f"the answer is {text!r}; shown is {bench.shown()}")
    await bench.settle()


async def test_a_conversation_is_there_again_after_a_restart(tmp_path):
    path = tmp_path / "history.db"
    async with running(ScriptedEngine(["Walking is healthy."]), path) as bench:
        await send(bench, "Why walk?")
        await answered(bench, "Walking is healthy.")
        assert "Why walk?" in str(bench.screen.query_one("#heading").render())
        assert bench.screen.status.status.context_used
        await bench.write("unsent")
    async with running(ScriptedEngine(), path) as bench:
        await bench.until(bench.shown)
        assert bench.shown() == [("You", "Why walk?"), ("Model", "Walking is healthy.")]
        assert bench.screen.composer.text == "unsent"


async def test_a_message_waits_for_the_model_and_is_answered_by_itself(tmp_path):
    engine = ScriptedEngine(["Yes."], loaded=False)
    async with running(engine, tmp_path / "history.db") as bench:
        await bench.until(lambda: "loading" in bench.screen.status.status.state)
        await send(bench, "Ready?")
        await bench.until(lambda: len(bench.screen.transcript.entries) == 2)
        assert bench.screen.transcript.entries[-1].note == "waiting for the model"
        assert bench.screen.composer.text == ""
        engine.load.open()
        await answered(bench, "Yes.")


async def test_stop_keeps_what_was_written_and_continue_goes_on_from_its_tokens(tmp_path):
    engine = ScriptedEngine(["One two three four.", " five."], paced=True)
    async with running(engine, tmp_path / "history.db") as bench:
        await send(bench, "Count.")
        engine.pace.let(2)
        await bench.until(lambda: bench.shown()[-1:] == [("Model", "One two")])
        await bench.press("escape")
        await bench.until(lambda: not bench.chat.busy)
        await bench.settle()
        assert bench.screen.transcript.entries[-1].status == "stopped"
        engine.pace.open()
        await bench.press("ctrl+g")
        await answered(bench, "One two five.")
        prompt = engine.generations()[-1].prompt
        assert prompt is not None
        assert engine.text_of(prompt.ids).endswith(b"One two")
        await bench.until(lambda: bench.screen.transcript.entries[-1].branch == (2, 2))


async def test_regenerate_edit_and_versions(tmp_path):
    engine = ScriptedEngine(["First.", "Second.", "Third."])
    async with running(engine, tmp_path / "history.db") as bench:
        await send(bench, "Why?")
        await answered(bench, "First.")
        await bench.press("ctrl+r")
        await answered(bench, "Second.")
        await bench.until(lambda: "chat.branch" in bench.footer())
        await bench.press("ctrl+b")
        await answered(bench, "First.")
        await bench.press("f2", "!", "enter")
        await answered(bench, "Third.")
        assert bench.shown() == [("You", "Why?!"), ("Model", "Third.")]
        assert bench.screen.composer.text == ""
        assert bench.screen.drafts.editing is None


async def test_a_crash_keeps_the_text_and_the_next_try_works(tmp_path):
    engine = ScriptedEngine([Script.of("It is so", fail_after=2), "It works."])
    async with running(engine, tmp_path / "history.db") as bench:
        await send(bench, "Why?")
        await bench.until(lambda: bench.screen.transcript.entries[-1:] and not bench.chat.busy)
        await bench.settle()
        entry = bench.screen.transcript.entries[-1]
        assert (entry.text, entry.status) == ("It is", "failed")
        assert "engine process ended" in bench.said()
        await bench.press("ctrl+r")
        await answered(bench, "It works.")


async def test_the_beginning_of_the_answer_is_in_the_prompt_and_in_the_answer(tmp_path):
    engine = ScriptedEngine([" here it is."])
    async with running(engine, tmp_path / "history.db") as bench:
        await bench.press("ctrl+t", *"Sure,", "enter")
        await send(bench, "Help?")
        await answered(bench, "Sure, here it is.")
        assert bench.screen.transcript.entries[-1].prefill == 5
        prompt = engine.generations()[-1].prompt
        assert prompt is not None
        assert "".join(span.text for span in prompt.spans).endswith("Sure,")


async def test_a_pack_is_chosen_with_its_real_text_and_cost(tmp_path):
    async with running(ScriptedEngine(), tmp_path / "history.db") as bench:
        await bench.until(lambda: bench.chat.phase == "ready")
        await bench.press("f3")
        await bench.settle()
        await bench.until(lambda: "tokens" in str(bench.app.screen.query_one("#cost").render()))
        preview = str(bench.app.screen.query_one("#preview").render())
        assert "# Query:" in preview
        await bench.press("down", "enter")
        await bench.until(lambda: bench.chat.phase == "ready" and "general" not in bench.chat.side)


async def test_a_context_that_fills_is_told_and_the_oldest_turns_are_marked(tmp_path):
    engine = ScriptedEngine([" ".join(["word"] * 4)])
    constant = resolve_style(None, PACKS).constant().text
    engine.n_ctx = len(engine.ids_of(constant.encode())) + 64 + 110
    seen_near = False
    async with running(engine, tmp_path / "history.db") as bench:
        for number in range(20):
            await send(bench, f"Question {number}?")
            await bench.until(lambda n=number: len(bench.shown()) == 2 * n + 2)
            await bench.until(lambda: not bench.chat.busy)
            await bench.settle()
            if "context is full" in bench.screen.banner.text:
                break
            seen_near = seen_near or "nearly full" in bench.screen.banner.text
        assert seen_near
        assert "context is full" in bench.screen.banner.text
        assert bench.screen.transcript.model.blocks[0].left_out
        assert not bench.screen.transcript.model.blocks[-1].left_out


async def test_search_delete_and_rename_in_the_real_history(tmp_path):
    async with running(ScriptedEngine(["The moon pulls."]), tmp_path / "history.db") as bench:
        await send(bench, "Why tides?")
        await answered(bench, "The moon pulls.")
        await bench.press("ctrl+n")
        await bench.until(lambda: bench.shown() == [])
        await bench.settle()
        await bench.press("ctrl+f", *"tides")
        await bench.settle()
        await bench.press("enter")
        await bench.until(lambda: bench.shown()[:1] == [("You", "Why tides?")])
        await bench.press("f12", "shift+tab", "enter")
        await bench.until(lambda: bench.shown() == [])
        await bench.settle()
        assert await bench.chat.sessions("") == []
