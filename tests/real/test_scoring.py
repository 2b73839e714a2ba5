"""Scores of the embedded model against rows that llama-cpp-python's own class makes, and against itself."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.support.raw_rows import expected, raw_rows
from urial_tui.engine import protocol as wire
from urial_tui.engine.client import EngineClient
from urial_tui.shift.classes import class_of_rank
from urial_tui.shift.records import TokenScore
from urial_tui.shift.summary import summarise

N_CTX = 1024
RAW, WRAPPED = "{}", "# Query:\n```\n{}\n```\n\n# Answer:\n```\n"
QUERIES = (
    "What are the benefits of walking every day?",
    "Write a short poem about the sea in winter.",
    "Explain to a child why the sky is blue.",
)
TWENTY = (
    *QUERIES,
    "How do I boil an egg?",
    "Which is larger, the moon or the earth?",
    "Name three uses for an old newspaper.",
    "Translate 'good morning' into French.",
    "What should I pack for a day in the mountains?",
    "Why do cats sleep so much?",
    "Give me a recipe for tomato soup.",
    "How does a bicycle stay upright?",
    "Write an invitation to a birthday party.",
    "What is the capital of Portugal?",
    "How can I sleep better at night?",
    "Describe the taste of a lemon.",
    "What does a librarian do all day?",
    "Is it safe to eat snow?",
    "Suggest a name for a bakery.",
    "How do I repair a flat tyre?",
    "Tell me something about volcanoes.",
)


@pytest.fixture(scope="module")
def model(used_home: Path) -> str:
    return str(next((used_home / "cache" / "models").glob("*.gguf")))


@pytest.fixture
async def engine(tmp_path: Path):
    client = EngineClient(states_dir=tmp_path / "states", log_file=tmp_path / "engine.log")
    yield client
    await client.aclose()


@dataclass(frozen=True)
class Scored:
    prompts: tuple[tuple[int, ...], tuple[int, ...]]
    tokens: tuple[int, ...]
    scores: tuple[TokenScore, ...]


def sides(model: str) -> tuple[wire.ContextSpec, wire.ContextSpec]:
    spec = wire.ContextSpec(model, n_ctx=N_CTX, n_threads=1)
    return spec, wire.ContextSpec(model, n_ctx=N_CTX, n_threads=1, slot="reference-0")


def asked(style: str, query: str) -> wire.Prompt:
    return wire.Prompt(spans=(wire.Span(style.format(query)),))


async def canonical(engine: EngineClient, model: str, query: str, style: str, n: int) -> Scored:
    """A greedy answer of the wrapped prompt, scored by the same model after the prompt in `style`."""
    generator, reference = sides(model)
    prompt = asked(WRAPPED, query)
    greedy, ids = wire.Sampling(temperature=0.0), []
    async for event in engine.generate(generator, prompt, greedy, wire.Stops(), n):
        if isinstance(event, wire.Token):
            ids.append(event.id)
    scores: list[TokenScore] = []
    begun: wire.ScoringStarted | None = None
    run = engine.score(
        wire.Reference(generator, prompt),
        (wire.Reference(reference, asked(style, query)),),
        tokens=tuple(ids),
    )
    async for event in run:
        if isinstance(event, wire.ScoringStarted):
            begun = event
        elif isinstance(event, wire.Scored):
            scores += event.scores
    assert begun is not None and len(scores) == len(ids)
    return Scored((begun.generator_prompt_ids, begun.prompt_ids[0]), tuple(ids), tuple(scores))


def chunked_rows(
    folder: Path, model: str, prompt: tuple[int, ...], ids: tuple[int, ...]
) -> np.ndarray:
    """(len(ids), n_vocab): the prompt but its last token at once, then 32 answer rows at a time."""
    sizes, left = [len(prompt) - 1], len(ids)
    while left:
        step = left if left < 40 else 32  # a short last chunk belongs to the one before
        sizes.append(step)
        left -= step
    whole = [*prompt, *ids][: sum(sizes)]
    return raw_rows(folder, model, whole, n_ctx=N_CTX, sizes=sizes, keep=len(ids))


async def test_scores_equal_a_computation_over_rows_decoded_in_the_same_chunks(
    engine: EngineClient, model: str, tmp_path: Path
) -> None:
    found = await canonical(engine, model, QUERIES[0], RAW, 72)
    p, q = (chunked_rows(tmp_path, model, prompt, found.tokens) for prompt in found.prompts)
    for i, score in enumerate(found.scores):
        want = expected(found.tokens[i], p[i], q[i])
        mine, other = score.generator, score.references[0]
        assert mine is not None and other is not None
        assert (mine.argmax_id, mine.rank) == (want.argmax, want.generator_rank)
        assert (other.rank, other.argmax_rank) == (want.rank, want.argmax_rank)
        assert other.kl == pytest.approx(want.kl, abs=1e-3)
        assert other.logprob == pytest.approx(want.logprob, abs=1e-3)
        assert [id_ for id_, _ in other.top] == want.reference_top


async def test_rows_decoded_one_by_one_give_other_classes_at_near_ties_only(
    engine: EngineClient, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most one token in a hundred that is not marked, over answers to three queries."""
    generator, _ = sides(model)
    text = " ".join(WRAPPED.format(query) for query in TWENTY)
    measured = await engine.measure(generator, wire.Prompt(spans=(wire.Span(text),)))
    different = marked = total = 0
    for query in QUERIES:
        found = await canonical(engine, model, query, RAW, 60)
        p, q = (
            raw_rows(tmp_path, model, [*ids, *found.tokens[:-1]], n_ctx=N_CTX, keep=60)
            for ids in found.prompts
        )
        for i, score in enumerate(found.scores):
            other = score.references[0]
            assert other is not None and other.argmax_rank is not None and other.margin is not None
            rank = expected(found.tokens[i], p[i], q[i]).argmax_rank
            total += 1
            marked += other.margin < measured.noise
            if class_of_rank(rank) != class_of_rank(other.argmax_rank):
                different += other.margin >= measured.noise
    with capsys.disabled():
        print(
            f"\nnoise of the embedded model here: {measured.noise:.3f} nats, {marked} near ties of {total} tokens, "
            f"{different} classes differ outside them"
        )
    assert different <= total / 100
    assert 0.0 < measured.noise < 2.0 and measured.mean_kl < 0.05


async def test_twenty_answers_scored_against_their_own_side_are_unshifted_without_exception(
    engine: EngineClient, model: str
) -> None:
    for query in TWENTY:
        found = await canonical(engine, model, query, WRAPPED, 40)
        summary = summarise(found.scores)
        assert summary.counts["unshifted"] + summary.counts["control"] == len(found.tokens)
        assert summary.mean_kl == 0.0
