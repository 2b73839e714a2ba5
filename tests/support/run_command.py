"""`urial-tui run` over a scripted engine: what a test hands it, what it did, and what is in the history afterwards."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.support.scripted_engine import Script, ScriptedEngine
from urial_tui import paths
from urial_tui.engine import protocol as wire
from urial_tui.engine.api import OnProgress
from urial_tui.store.runs.types import Run, RunAnswer
from urial_tui.store.store import Store


class RunEngine(ScriptedEngine):
    """Answers "Answer to: ..." unless `failing` finds a part of a script's key in the prompt's text. `events` are what
    was opened and closed, in order; `before` is called with the text of each prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, Script] = {}
        self.before: Callable[[str], None] = lambda _text: None
        self.events: list[tuple[str, str, str]] = []
        self.asked: list[str] = []

    async def open(
        self, spec: wire.ContextSpec, on_progress: OnProgress | None = None
    ) -> wire.ContextInfo:
        self.events.append(("open", Path(spec.model_path).stem, spec.slot))
        return await super().open(spec, on_progress)

    async def close_context(self, spec: wire.ContextSpec) -> None:
        self.events.append(("close", Path(spec.model_path).stem, spec.slot))
        await super().close_context(spec)

    def generate(self, spec: wire.ContextSpec, prompt: wire.Prompt, *args: Any, **more: Any) -> Any:
        text = "".join(span.text for span in prompt.spans)
        self.events.append(("generate", Path(spec.model_path).stem, ""))
        self.asked.append(text)
        self.before(text)
        script = next((s for key, s in self.failing.items() if key in text), Script.of("One two."))
        self.scripts, self._played = [script], 0
        return super().generate(spec, prompt, *args, **more)


def rows_file(path: Path, *instructions: str) -> Path:
    rows = [{"id": 100 + n, "instruction": text} for n, text in enumerate(instructions)]
    path.write_text(json.dumps(rows), "utf-8")
    return path


def history() -> Store:
    return Store.open(paths.history_file(), readonly=True)


def the_run(reference: str = "last") -> Run:
    with history() as store:
        return store.find_run(reference)


def answers(reference: str = "last") -> list[RunAnswer]:
    with history() as store:
        return store.run_answers(store.find_run(reference).id)


def assert_each_once(found: Iterable[RunAnswer], n_items: int, n_sides: int) -> None:
    """Every item is answered by every side, completely, exactly once."""
    count = Counter((a.index, a.side) for a in found if a.status == "complete")
    wanted = {(item, side): 1 for item in range(n_items) for side in range(n_sides)}
    assert count == wanted
