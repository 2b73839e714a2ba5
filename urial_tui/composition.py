"""The services behind the interface, each made when it is first asked for: `launch` gives them to the app.

What is slow to import or to make comes after the first paint, in threads, so that keys are answered meanwhile.
"""

import asyncio
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urial_tui import paths
from urial_tui.chat.pair import Pair
from urial_tui.errors import StoreError, UrialError
from urial_tui.exchange.exporting import ExportDesk
from urial_tui.judge.desk import JudgeDesk
from urial_tui.models.desk import ModelDesk
from urial_tui.models.facts import ModelFacts
from urial_tui.settings import FIELDS, Settings, current_settings, with_values
from urial_tui.sides import DEMO, Side, parse_side
from urial_tui.ui.services import Listener, ModelChoice

if TYPE_CHECKING:
    from urial_tui.chat.active import ActiveSide
    from urial_tui.chat.chat import Chat
    from urial_tui.judge.rubric_types import Rubric
    from urial_tui.models.library import Library
    from urial_tui.prompts.packs import Pack
    from urial_tui.services import Services
    from urial_tui.store.aio import AsyncStore


class Composition:
    """The services behind the app; each is made when the app first asks for it."""

    def __init__(
        self,
        settings: Settings,
        side: str,
        references: tuple[str, ...] | None,
        overrides: Mapping[str, Any],
    ) -> None:
        self._settings = settings
        self._overrides = overrides
        self._side = side
        self._references = references
        self._services: Services | None = None
        self._making = threading.Lock()
        self._store: AsyncStore | None = None
        self._chat: Chat | None = None
        self.desk = ModelDesk(self._library, self.read_settings, device_free=self._device_free)
        self.exports = ExportDesk(lambda: self._history().path)
        self.judging = JudgeDesk(
            self._history,
            rater=settings.rater,
            judge=settings.judge or "",
            rubrics=_rubrics,
            engine=lambda: self.services().engine,
            resolve=self._judge_side,
            when_quiet=lambda: self._conversation().when_quiet,
        )

    def services(self) -> "Services":
        """Safe in any thread: the desk asks for them in its own."""
        with self._making:
            if self._services is None:
                from urial_tui.services import Services

                services = Services(self._settings)
                _ = services.library  # made here, so that there is one however many threads ask
                self._services = services
            return self._services

    def read_settings(self) -> Settings:
        """As they are now: folders may have been added. Raises SettingsError."""
        return current_settings(self._overrides)

    def take(self) -> dict[str, Callable[[Any], None]]:
        """What takes a changed setting at once, by key."""
        sampling = [item.key for item in FIELDS if item.key.startswith("sampling.")]
        engine = [item.key for item in FIELDS if item.counts == "when a model is loaded"]
        return {
            "rater": lambda name: setattr(self.judging, "rater", name),
            "judge": lambda side: setattr(self.judging, "judge_side", side or ""),
            **{name: partial(self._take, name) for name in engine},
            **{name: partial(self._take_sampling, name) for name in sampling},
        }

    def _take(self, key: str, value: Any) -> None:
        """For every side that is chosen, or loaded again, from now on."""
        self._settings = with_values(self._settings, {key: value})
        self.services().use(key, value)

    def _take_sampling(self, key: str, value: Any) -> None:
        """Also for the next answer. What was chosen otherwise stays chosen."""
        self._take(key, value)
        if self._chat is not None:
            self._chat.take_sampling(key.removeprefix("sampling."), self.services().sampling)

    def _library(self) -> "Library":
        return self.services().library

    def _history(self) -> "AsyncStore":
        if self._store is None:
            raise StoreError("the history is not open yet", hint="Wait a moment.", kind="not-open")
        return self._store

    def _conversation(self) -> "Chat":
        if self._chat is None:
            raise StoreError("the history is not open yet", hint="Wait a moment.", kind="not-open")
        return self._chat

    async def _judge_side(self, notation: str) -> "ActiveSide":
        """With its files' hashes, which say whether two judges are the same."""
        services = await asyncio.to_thread(self.services)
        side = await services.activate(notation)
        await services.hash_where_possible(side)
        return side

    async def _device_free(self) -> int:
        services = await asyncio.to_thread(self.services)
        return await services.device_free()

    async def _find_pairs(self, side: str) -> Sequence[Pair]:
        """The partners of a side's model, as pairs. Raises UrialError.

        A pair that does not fit into memory is not likely: a key must not lead to it.
        """
        pairs = []
        for one in await self.desk.partners(parse_side(side).model):
            likely = one.likely and await self._fits((one.generator, *one.references), side)
            pairs.append(Pair(one.generator, one.references, f"with {one.name}", likely))
        return pairs

    async def _fits(self, sides: tuple[str, ...], instead_of: str) -> bool:
        try:
            return (await self.desk.fit(sides, (instead_of,))).verdict != "does not fit"
        except UrialError:
            return False

    async def make_chat(self, listener: Listener) -> "Chat":
        # Importing takes a few tenths of a second; in a thread, keys are answered meanwhile.
        services = await asyncio.to_thread(self.services)
        from urial_tui.chat.chat import Chat

        self._store, trouble = await services.open_store()
        self._chat = Chat(
            engine=services.engine,
            store=self._store,
            resolve=services.activate_for_chat,
            side=self._side,
            listener=listener,
            trouble=trouble,
            measurements=services.measurements,
            references=self._references,
            scoring=self._settings.scoring,
            default_pack=self._settings.pack,
            find_pairs=self._find_pairs,
        )
        return self._chat

    def list_packs(self) -> Sequence["Pack"]:
        return self.services().packs.all()

    def pack_problems(self) -> Sequence[str]:
        return [f"{p.path.name}: {p.error.message}" for p in self.services().packs.problems]

    async def list_models(self) -> Sequence[ModelChoice]:
        found = await self.desk.facts(rescan=True)
        return [_choice(facts) for facts in found if facts.is_model or facts.source in _OURS]

    async def close(self) -> str:
        """Stop downloads and the engine process, then close the history; what has to be said of it, "" for nothing."""
        words = ""
        try:
            ends = [self.desk.aclose(), self.judging.aclose()]
            if self._services is not None:
                ends.append(self._services.aclose())
            await asyncio.gather(*ends)
        finally:
            if self._store is not None:
                words = await self._rescued(self._store)
                await self._store.aclose()
        return words

    async def _rescued(self, store: "AsyncStore") -> str:
        """What the history still refuses goes to files; where they are, in words."""
        from urial_tui.chat.keeping import write_back

        if not store.is_in_memory or await write_back(store):
            return ""
        from urial_tui.exchange.rescue import rescue

        folders = (paths.state_dir() / "rescued", Path(tempfile.gettempdir()) / "urial-tui-rescued")
        try:
            rescued = await store.call(rescue, folders, datetime.now())
        except UrialError as error:
            return f"The history could not be written, and {error.message}"
        return rescued.words() if rescued is not None else ""


def _rubrics() -> "Sequence[Rubric]":
    """As the files are now; the usual rubric first, then by id."""
    from urial_tui.judge.rubrics import DEFAULT, default_rubrics

    return sorted(default_rubrics().all(), key=lambda one: one.id != DEFAULT)


_OURS = ("embedded", "shipped")


def _choice(facts: ModelFacts) -> ModelChoice:
    """A line of the side picker."""
    if facts.name == DEMO:
        return ModelChoice(DEMO, "embedded model", facts.problem or "gemma-3-270m Q4_K_M")
    if facts.source in _OURS:
        about = "the embedded model with its adapter, which makes it follow instructions"
        return ModelChoice(facts.name, "embedded model, tuned", about)
    from urial_tui.models.fit import size_in_words

    where = f"{facts.source}: {_short(facts.path.parent)}"
    kind = " ".join(filter(None, (facts.architecture, facts.quantization)))
    detail = f"{kind}, {size_in_words(facts.size)}, {where}"
    return ModelChoice(str(Side(facts.name)), facts.name, detail)


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
