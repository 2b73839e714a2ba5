"""The chat over a real engine process and a tiny model: what it stores of a trace is what the engine meant."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.tinygguf import write_adapter, write_model
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.chat import Chat
from urial_tui.chat.events import ChatEvent, TraceEnded
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec, Sampling
from urial_tui.prompts.styles import default_library, resolve_style
from urial_tui.sides import parse_side
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Trace


@dataclass
class Talk:
    """A Chat that answers with the tiny model."""

    chat: Chat
    store: AsyncStore
    events: list[ChatEvent] = field(default_factory=list)

    async def answered(self) -> str:
        task = self.chat._answering._task
        assert task is not None
        await task
        return self.chat.messages[-1].id

    def trace(self) -> Trace:
        ended = [event for event in self.events if isinstance(event, TraceEnded)][-1]
        assert ended.error is None and ended.trace is not None
        return ended.trace


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    write_model(tmp_path / "tiny.gguf")
    write_adapter(tmp_path / "lora.gguf")
    engine = EngineClient(states_dir=tmp_path / "states", log_file=tmp_path / "engine.log")
    store = await AsyncStore.open(tmp_path / "history.db")
    events: list[ChatEvent] = []

    async def resolve(text: str) -> ActiveSide:
        side = parse_side(text)
        style = resolve_style(side.style, default_library())
        return ActiveSide(
            notation=str(side.with_style(style.id)),
            spec=ContextSpec(
                str(tmp_path / f"{side.model}.gguf"),
                str(tmp_path / f"{side.adapter}.gguf") if side.adapter else None,
                n_ctx=512,
                n_threads=1,
            ),
            style=style,
            sampling=Sampling(temperature=0.9, seed=1),
            max_tokens=20,
        )

    chat = Chat(
        engine=engine,
        store=store,
        resolve=resolve,
        side="tiny+lora@zero-shot",
        listener=events.append,
        references=("tiny@raw", "tiny+lora@same"),
        idle_seconds=0,
    )
    await chat.start()
    await chat._loader.ready()
    await chat._pairing.settled()
    yield Talk(chat, store, events)
    await chat.aclose()
    await engine.aclose()
    await store.aclose()


async def test_a_live_trace_has_every_token_and_both_prompts(talk: Talk) -> None:
    assert [ref.state for ref in talk.chat.pair.references] == ["ready", "ready"]
    await talk.chat.send("What is it?")
    message_id = await talk.answered()
    tokens, trace = await talk.store.call(Store.tokens, message_id), talk.trace()
    assert tokens and trace.complete
    assert [score.id for score in trace.scores] == [token.token_id for token in tokens]
    assert all(score.generator and all(score.references) for score in trace.scores)
    raw, same = trace.start.references
    assert trace.start.generator is not None
    assert same.prompt_ids == trace.start.generator.prompt_ids != raw.prompt_ids
    for token in tokens:
        assert trace.pieces[token.token_id] == token.raw


async def test_a_stored_answer_against_itself_is_unshifted_on_the_canonical_path(
    talk: Talk,
) -> None:
    await talk.chat.send("What is it?")
    message_id = await talk.answered()
    live = talk.trace()
    await talk.chat.score(message_id)
    task = talk.chat._rescoring._task
    assert task is not None
    await task
    trace = talk.trace()
    assert trace.start.path == "canonical" and trace.complete
    assert [score.id for score in trace.scores] == [score.id for score in live.scores]
    assert trace.start.references == live.start.references
    for score in trace.scores:
        same = score.references[1]
        assert same is not None and same.argmax_rank == 1 and same.kl == 0.0


async def test_a_branch_and_what_it_continues_have_the_same_scores_before_it(talk: Talk) -> None:
    await talk.chat.send("What is it?")
    old = await talk.answered()
    first = talk.trace()
    score = first.scores[5]
    assert score.generator is not None
    other = next(id_ for id_, _ in score.generator.top if id_ != score.id)
    await talk.chat.branch_from(old, 5, other)
    new = await talk.answered()
    trace, tokens = talk.trace(), await talk.store.call(Store.tokens, new)
    assert trace.complete and trace.scores[:5] == first.scores[:5]
    assert (tokens[5].token_id, trace.scores[5].id) == (other, other)
    assert trace.start.references == first.start.references
    assert trace.scores[5].references[0] is not None and score.references[0] is not None
    assert abs(trace.scores[5].generator.entropy - score.generator.entropy) < 1e-3  # type: ignore[union-attr]


async def test_the_noise_is_measured_after_an_answer(talk: Talk) -> None:
    await talk.chat.send("What is it?")
    await talk.answered()
    task = talk.chat._pairing._task
    assert task is not None
    await task
    assert all(ref.noise is not None and ref.null_rate == 0 for ref in talk.chat.pair.references)
    trace = await talk.chat.trace(talk.chat.messages[-1].id)
    assert trace is not None and all(side.noise is not None for side in trace.start.references)
