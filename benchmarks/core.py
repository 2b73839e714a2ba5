"""The other side of the comparison: one answer through the whole core, as `urial-tui ask` writes it.

Settings, pack, engine client, engine process, history on disk: everything but a terminal. Only the stops are taken out
of the pack's style, so that an answer has as many tokens as the raw loop writes.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from urial_tui import paths
from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.chat.events import ChatEvent, TextStreamed
from urial_tui.chat.references import check_reference, resolve_reference
from urial_tui.chat.tracing import ReadyPair, ReadyReference
from urial_tui.chat.turn import Turn
from urial_tui.engine.protocol import ContextInfo, Finished, Sampling
from urial_tui.prompts.locate import builtin_packs_dir
from urial_tui.prompts.styles import DEFAULT_PACK, Style
from urial_tui.prompts.types import Turn as Said
from urial_tui.services import Services, SideChoice
from urial_tui.settings import Settings
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store

QUERY = "Could you please tell me how a small town can make its streets safer for children?"
"""About twenty tokens on the embedded model."""

GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0, seed=1)


def long_pack(folder: Path) -> Path:
    """The default pack with its first example once more: about 1,000 tokens on the embedded model."""
    text = (builtin_packs_dir() / f"{DEFAULT_PACK}.toml").read_text(encoding="utf-8")
    mark = "[[example]]"
    opening, first, rest = text.split(mark, 2)
    path = folder / "long.toml"
    path.write_text(
        mark.join([opening.replace(DEFAULT_PACK, "bench-long"), first, first, rest]),
        encoding="utf-8",
    )
    return path


def endless_pack() -> str:
    """The id of a pack, put into the current home, whose answers nothing ends but their number of tokens."""
    text = (builtin_packs_dir() / f"{DEFAULT_PACK}.toml").read_text(encoding="utf-8")
    opening, rest = text.split("[[example]]", 1)
    if "[format]" in text:
        raise RuntimeError("the default pack has a format of its own; write this pack another way")
    folder = paths.ensure_private_dir(paths.user_packs_dir())
    (folder / "bench-endless.toml").write_text(
        opening.replace(DEFAULT_PACK, "bench-endless")
        + '[format]\nfence = ""\nstops = []\n\n[[example]]'
        + rest,
        encoding="utf-8",
    )
    return "bench-endless"


@dataclass(frozen=True)
class Answer:
    """What the receiver saw. `first_s` counts from the call to the first token's arrival, `decode_s` on to the last."""

    first_s: float
    decode_s: float
    tokens: tuple[int, ...]
    finished: Finished

    @property
    def tokens_per_s(self) -> float:
        return (len(self.tokens) - 1) / self.decode_s


class Core:
    """The core's services with the embedded model open and the history on disk. Use `start`, then `aclose`."""

    def __init__(self, services: Services, store: AsyncStore, side: ActiveSide, info: ContextInfo):
        self.services = services
        self.side = side
        self.info = info
        self._store = store

    @classmethod
    async def start(cls, pack_file: Path) -> "Core":
        """A new engine process with the model loaded, prompt states and history in the current home."""
        services = Services(Settings())
        side = await services.activate(
            services.notation(SideChoice(demo=True)), pack_file=pack_file
        )
        shape = replace(side.style.shape, stops=(), fence=None)
        side = replace(side, style=replace(side.style, shape=shape))
        store, trouble = await services.open_store()
        if trouble is not None:
            raise trouble
        info = await services.engine.open(side.spec)
        return cls(services, store, side, info)

    @property
    def engine_pid(self) -> int:
        pid = self.services.engine.pid
        assert pid is not None
        return pid

    async def ids(self, query: str) -> tuple[int, ...]:
        """The prompt's token ids."""
        return await self.rendered_ids(self.side.style, query)

    async def rendered_ids(self, style: Style, query: str) -> tuple[int, ...]:
        """The same in another style."""
        rendered = style.render([Said("user", query)])
        return (await self.services.engine.tokenize(self.side.spec, as_prompt(rendered))).ids

    async def prefill(self) -> int:
        """Bring the pack's constant prefix into the context, and so to disk; its number of tokens."""
        constant = self.side.style.constant()
        return (await self.services.engine.prefill(self.side.spec, as_prompt(constant))).n_tokens

    async def pair(self, reference: str) -> ReadyPair:
        """A reference that scores answers, checked and with its context open."""
        engine = self.services.engine
        active = await resolve_reference(self.services.activate, reference, 0)
        info = await engine.open(active.spec)
        ready = ReadyReference(active, info, await check_reference(engine, self.side, active))
        return ReadyPair(self.side, self.info, (ready,), self.services.measurements)

    async def answer(self, query: str, tokens: int, pair: ReadyPair | None = None) -> Answer:
        """Ask in a new session; `tokens` tokens, greedy, scored when there is a `pair`."""
        arrivals: list[float] = []
        ids: list[int] = []

        def listen(event: ChatEvent) -> None:
            if isinstance(event, TextStreamed):
                now = time.perf_counter()
                for token in event.tokens:
                    arrivals.append(now)
                    ids.append(token.id)

        store = self._store
        session = await store.call(Store.create_session, self.side.notation)
        user = await store.call(Store.add_user_message, session.id, None, query)
        message = await store.call(Store.begin_answer, session.id, user.id)
        turn = Turn(self.services.engine, store, self.side, self.info, listen)
        began = time.perf_counter()
        outcome = await turn.run(
            [user], message, sampling=GREEDY, max_tokens=tokens, pair=lambda: pair
        )
        if outcome.finished is None or len(ids) != tokens:
            raise RuntimeError(
                f"{len(ids)} of {tokens} tokens came: {outcome.error or outcome.finished}"
            )
        return Answer(arrivals[0] - began, arrivals[-1] - arrivals[0], tuple(ids), outcome.finished)

    async def aclose(self) -> None:
        await self._store.aclose()
        await self.services.aclose()
