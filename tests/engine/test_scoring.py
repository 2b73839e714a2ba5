"""Scores through the whole client and process on tiny float32 models, against rows made without this program."""

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from tests.support.raw_rows import ROUNDING, expected, raw_rows, same_order, same_rank
from tests.support.tinygguf import IM_END, write_model
from urial_tui.engine import protocol as wire
from urial_tui.engine.client import EngineClient
from urial_tui.engine.worker.context import Context
from urial_tui.engine.worker.faults import Cancelled
from urial_tui.engine.worker.model import Model
from urial_tui.engine.worker.scoring import LiveReference, LiveScorer
from urial_tui.errors import EngineError
from urial_tui.shift.classes import class_of_rank
from urial_tui.shift.records import TokenScore
from urial_tui.shift.summary import summarise


@pytest.fixture(scope="module")
def smooth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logits of unit spread: rounding in the float16 cache then moves a divergence by less than 1e-3."""
    return write_model(tmp_path_factory.mktemp("models") / "smooth.gguf", sharpness=1.5)


@pytest.fixture
def spec(smooth: Path) -> wire.ContextSpec:
    return wire.ContextSpec(str(smooth), n_ctx=256, n_threads=1)


GREEDY = wire.Sampling(temperature=0.0)
PROMPT = wire.Prompt(spans=(wire.Span("What are the benefits of walking every day? 世界 "),))
OTHER = wire.Prompt(spans=(wire.Span("hello"),))


@dataclass
class Run:
    """Everything that a request told."""

    tokens: list[wire.Token] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)
    pieces: dict[int, bytes] = field(default_factory=dict)
    failures: list[wire.ReferenceFailed] = field(default_factory=list)
    prompt_ids: tuple[int, ...] = ()
    begun: wire.ScoringStarted | None = None
    finished: wire.Finished | wire.ScoreFinished | None = None
    early: bool = False
    """A score came before its token."""

    def take(self, event: object) -> None:
        match event:
            case wire.Started():
                self.prompt_ids = event.prompt_ids
            case wire.ScoringStarted():
                self.begun = event
                self.prompt_ids = self.prompt_ids or event.generator_prompt_ids
            case wire.Token():
                self.tokens.append(event)
            case wire.Scored():
                self.early |= bool(self.tokens) and event.scores[-1].i >= len(self.tokens)
                self.scores += event.scores
                assert not self.pieces.keys() & event.pieces.keys()
                self.pieces |= event.pieces
            case wire.ReferenceFailed():
                self.failures.append(event)
            case wire.Finished() | wire.ScoreFinished():
                self.finished = event

    @property
    def ids(self) -> list[int]:
        return [token.id for token in self.tokens]


def beside(spec: wire.ContextSpec, number: int = 0, **changes: object) -> wire.ContextSpec:
    return msgspec.structs.replace(spec, slot=f"reference-{number}", **changes)


async def write(
    engine: EngineClient,
    spec: wire.ContextSpec,
    references: tuple[wire.Reference, ...] | None,
    *,
    prompt: wire.Prompt = PROMPT,
    sampling: wire.Sampling = GREEDY,
    stops: wire.Stops | None = None,
    n: int = 40,
    forced: tuple[int, ...] = (),
) -> Run:
    run = Run()
    scoring = None if references is None else wire.Scoring(references)
    async for event in engine.generate(
        spec, prompt, sampling, stops or wire.Stops(), n, scoring=scoring, forced=forced
    ):
        run.take(event)
    return run


async def score(
    engine: EngineClient,
    generator: wire.Reference | None,
    references: tuple[wire.Reference, ...],
    **answer: object,
) -> Run:
    run = Run()
    async for event in engine.score(generator, references, **answer):  # type: ignore[arg-type]
        run.take(event)
    return run


def assert_exact(
    run: Run,
    folder: Path,
    generator: wire.ContextSpec,
    reference: wire.ContextSpec,
    ids: list[int],
    number: int = 0,
) -> None:
    """Every number of `run` equals float64 NumPy over rows from decoding one by one.

    The cache holds float16, so that far-away log-probabilities differ by thousandths between the two ways.
    """
    assert run.begun is not None
    own, theirs = list(run.prompt_ids), list(run.begun.prompt_ids[number])
    p = raw_rows(folder, generator.model_path, own + ids, adapter=generator.adapter_path)
    q = raw_rows(folder, reference.model_path, theirs + ids, adapter=reference.adapter_path)
    assert [score.id for score in run.scores] == ids
    assert [score.i for score in run.scores] == list(range(len(ids)))
    for i, score in enumerate(run.scores):
        want = expected(ids[i], p[len(own) - 1 + i], q[len(theirs) - 1 + i])
        mine, other = score.generator, score.references[number]
        assert mine is not None and other is not None
        assert mine.argmax_id == want.argmax
        assert same_rank(mine.rank, ids[i], want.generator_row)
        assert mine.logprob == pytest.approx(want.generator_logprob, abs=6e-3)
        assert mine.entropy == pytest.approx(want.generator_entropy, abs=6e-3)
        assert same_rank(other.rank, ids[i], want.reference_row)
        assert same_rank(other.argmax_rank, want.argmax, want.reference_row)
        if other.margin is not None and other.margin > ROUNDING:
            assert class_of_rank(other.argmax_rank or 0) == class_of_rank(want.argmax_rank)
        assert other.logprob == pytest.approx(want.logprob, abs=6e-3)
        assert other.entropy == pytest.approx(want.entropy, abs=6e-3)
        assert other.kl == pytest.approx(want.kl, abs=1e-3)
        assert same_order([id_ for id_, _ in mine.top], want.generator_row)
        assert same_order([id_ for id_, _ in other.top], want.reference_row)


# --- exactness ------------------------------------------------------------------------------------------------------


async def test_live_scores_equal_an_independent_computation(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    other = beside(spec)
    run = await write(engine, spec, (wire.Reference(other, OTHER),), n=70)
    assert len(run.scores) == 70 and not run.early
    assert_exact(run, tmp_path, spec, other, run.ids)


async def test_an_adapter_in_the_references_context_alone(
    engine: EngineClient, spec: wire.ContextSpec, tiny_adapter: Path, tmp_path: Path
) -> None:
    other = beside(spec, adapter_path=str(tiny_adapter))
    run = await write(engine, spec, (wire.Reference(other),))
    assert_exact(run, tmp_path, spec, other, run.ids)
    found = summarise(run.scores)
    assert found.mean_kl is not None and found.mean_kl > 0.01


async def test_several_references_are_scored_each_with_its_own_prompt(
    engine: EngineClient, spec: wire.ContextSpec, tiny_adapter: Path, tmp_path: Path
) -> None:
    adapted = beside(spec, 1, adapter_path=str(tiny_adapter))
    references = (wire.Reference(beside(spec), OTHER), wire.Reference(adapted))
    run = await write(engine, spec, references, n=20)
    assert_exact(run, tmp_path, spec, beside(spec), run.ids, 0)
    assert_exact(run, tmp_path, spec, adapted, run.ids, 1)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 31, 32, 33, 39, 40, 41, 70])
async def test_canonical_scores_equal_an_independent_computation(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path, n: int
) -> None:
    """Also for answers that end just before, at and after the border of a chunk."""
    written = await write(engine, spec, None, n=n)
    other = beside(spec)
    run = await score(
        engine,
        wire.Reference(spec, PROMPT),
        (wire.Reference(other, OTHER),),
        tokens=tuple(written.ids),
    )
    assert run.prompt_ids == written.prompt_ids
    assert_exact(run, tmp_path, spec, other, written.ids)


async def test_a_side_against_itself_is_unshifted_without_exception(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    sampling = wire.Sampling(temperature=1.5, seed=3)
    for n in (1, 5, 33, 70):
        written = await write(engine, spec, None, sampling=sampling, n=n)
        run = await score(
            engine,
            wire.Reference(spec, PROMPT),
            (wire.Reference(beside(spec)),),
            tokens=tuple(written.ids),
        )
        found = summarise(run.scores)
        assert found.counts["unshifted"] == n and found.mean_kl == 0.0


async def test_a_kept_state_changes_no_bit_of_a_canonical_score(
    engine: EngineClient, tmp_path: Path, tiny: Path
) -> None:
    """The second request starts from the state that the first one left at a border."""
    path = write_model(tmp_path / "long.gguf", n_ctx=2048)
    spec = wire.ContextSpec(str(path), n_ctx=2048, n_threads=1)
    words = " ".join(["the sea is good"] * 200)
    ids = (await engine.tokenize(spec, wire.Prompt(spans=(wire.Span(words),)))).ids
    assert len(ids) > 600
    generator = wire.Reference(spec, wire.Prompt(ids=ids))
    references = (wire.Reference(beside(spec), OTHER),)
    answers = [tuple(ids[k : k + 40]) for k in (3, 9, 3)]
    first, _, again = [await score(engine, generator, references, tokens=a) for a in answers]
    assert again.scores == first.scores
    assert isinstance(again.finished, wire.ScoreFinished)
    assert isinstance(first.finished, wire.ScoreFinished)


async def test_sampling_does_not_enter_the_distributions(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    sampling = wire.Sampling(temperature=1.7, top_k=5, repeat_penalty=1.3, seed=11)
    run = await write(engine, spec, (wire.Reference(beside(spec), OTHER),), sampling=sampling)
    assert_exact(run, tmp_path, spec, beside(spec), run.ids)
    assert any(score.generator is not None and score.generator.rank > 1 for score in run.scores)


# --- what scoring must not change -----------------------------------------------------------------------------------


async def test_the_answer_is_the_same_with_and_without_scoring(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    sampling = wire.Sampling(temperature=1.0, seed=5)
    plain = await write(engine, spec, None, sampling=sampling)
    references = (wire.Reference(beside(spec), OTHER),)
    scored = await write(engine, spec, references, sampling=sampling)
    assert scored.ids == plain.ids
    alone = await write(engine, spec, (), sampling=sampling)
    assert alone.ids == plain.ids
    assert all(s.generator is not None and s.references == () for s in alone.scores)


async def test_forced_tokens_are_written_first_and_scored_like_drawn_ones(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    forced = (300, 301)
    run = await write(engine, spec, (wire.Reference(beside(spec), OTHER),), forced=forced, n=12)
    assert tuple(run.ids[:2]) == forced and len(run.ids) == 12
    assert_exact(run, tmp_path, spec, beside(spec), run.ids)


async def test_a_text_stop_leaves_scores_for_the_told_tokens_only(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    plain = await write(engine, spec, None, n=40)
    text = b"".join(token.raw for token in plain.tokens).decode("utf-8", "replace")
    stop = next(text[k : k + 3] for k in range(30, 60) if "\ufffd" not in text[k : k + 3])
    run = await write(
        engine,
        spec,
        (wire.Reference(beside(spec), OTHER),),
        stops=wire.Stops(texts=(stop,)),
        n=40,
    )
    assert isinstance(run.finished, wire.Finished) and run.finished.reason == "stop"
    assert [score.id for score in run.scores] == run.ids
    assert [score.cut for score in run.scores] == [token.cut for token in run.tokens]


async def test_an_end_of_turn_token_is_a_control_token_in_the_trace(
    engine: EngineClient, tmp_path: Path
) -> None:
    spec = wire.ContextSpec(
        str(write_model(tmp_path / "eog.gguf", eog_scale=1.0)), n_ctx=256, n_threads=1
    )
    run = await write(engine, spec, (wire.Reference(beside(spec), OTHER),), forced=(300, IM_END))
    assert run.ids == [300, IM_END]
    assert [score.control for score in run.scores] == [False, True]
    assert summarise(run.scores).counts["control"] == 1
    run = await score(
        engine, wire.Reference(spec, PROMPT), (wire.Reference(beside(spec)),), tokens=(300, IM_END)
    )
    assert [score.control for score in run.scores] == [False, True]


async def test_a_given_text_is_scored_without_a_generator(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    run = await score(engine, None, (wire.Reference(spec, PROMPT),), text="hello 世界 <|im_end|>")
    assert run.begun is not None
    assert b"".join(run.begun.raw).decode() == "hello 世界 <|im_end|>"
    assert IM_END not in run.begun.tokens
    assert len(run.scores) == len(run.begun.tokens)
    for each in run.scores:
        assert each.generator is None and each.references[0] is not None
        assert each.references[0].argmax_rank is None and each.references[0].kl is None


@pytest.mark.parametrize("text", ["hello 世界", " hello", "\nhello", "good"])
async def test_a_given_text_gets_no_space_that_it_does_not_have(
    engine: EngineClient, tmp_path: Path, text: str
) -> None:
    """Some tokenizers put one before a first word; behind a prompt there is none."""
    path = write_model(tmp_path / "spaced.gguf", space_prefix=True)
    spaced = wire.ContextSpec(str(path), n_ctx=256, n_threads=1)
    run = await score(engine, None, (wire.Reference(spaced, PROMPT),), text=text)
    assert run.begun is not None
    assert b"".join(run.begun.raw) == text.encode()


async def test_alternatives_come_with_their_bytes(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    run = await write(engine, spec, (wire.Reference(beside(spec), OTHER),), n=20)
    named = {id_ for s in run.scores if s.generator for id_, _ in s.generator.top}
    named |= {id_ for s in run.scores for r in s.references if r for id_, _ in r.top}
    assert named | set(run.ids) == set(run.pieces)
    tokens = await engine.tokenize(spec, wire.Prompt(ids=tuple(named)), pieces=True)
    assert dict(zip(tokens.ids, tokens.pieces, strict=True)) == {i: run.pieces[i] for i in named}


# --- faults ---------------------------------------------------------------------------------------------------------


async def test_a_reference_whose_context_is_too_small_does_not_end_the_answer(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    large = msgspec.structs.replace(spec, n_ctx=512)
    plain = await write(engine, large, None, n=260)
    references = (wire.Reference(beside(spec), PROMPT), wire.Reference(beside(large, 1)))
    run = await write(engine, large, references, n=260)
    assert run.ids == plain.ids
    assert [(failed.reference, failed.kind) for failed in run.failures] == [(0, "context-full")]
    assert all(score.references[1] is not None for score in run.scores)
    missing = [score.references[0] is None for score in run.scores]
    assert missing[-1] and not missing[100] and missing == sorted(missing)


async def test_an_answer_that_no_reference_can_hold_is_refused_for_that_reference(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    large = msgspec.structs.replace(spec, n_ctx=512)
    written = await write(engine, large, None, n=260)
    run = await score(
        engine,
        wire.Reference(large, PROMPT),
        (wire.Reference(beside(spec), PROMPT), wire.Reference(beside(large, 1))),
        tokens=tuple(written.ids),
    )
    assert [(failed.reference, failed.kind) for failed in run.failures] == [(0, "context-full")]
    assert run.failures[0].hint
    assert all(s.references[0] is None and s.references[1] is not None for s in run.scores)


async def test_a_reference_that_cannot_be_loaded_is_named_and_the_answer_goes_on(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    gone = wire.ContextSpec(str(tmp_path / "gone.gguf"), slot="reference-0")
    run = await write(engine, spec, (wire.Reference(gone),))
    assert [f.kind for f in run.failures] == ["model-missing"]
    assert len(run.ids) == 40
    assert all(s.generator is not None and s.references == (None,) for s in run.scores)


async def test_two_sides_never_share_a_context(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    run = await write(engine, spec, (wire.Reference(spec),))
    assert [f.kind for f in run.failures] == ["protocol"] and len(run.ids) == 40


async def test_logits_that_are_not_numbers_leave_the_scores_out(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    broken = write_model(tmp_path / "nan.gguf", sharpness=math.nan)
    bad = wire.ContextSpec(str(broken), n_ctx=256, n_threads=1, slot="reference-0")
    run = await write(engine, spec, (wire.Reference(bad, OTHER),))
    assert len(run.scores) == 40
    assert all(s.generator is not None and s.references == (None,) for s in run.scores)
    assert [(f.reference, f.kind) for f in run.failures] == [(0, "not-numbers")]
    ids = tuple(run.ids)
    run = await score(
        engine,
        wire.Reference(spec, PROMPT),
        (wire.Reference(bad, OTHER), wire.Reference(beside(spec, 1))),
        tokens=ids,
    )
    assert [(f.reference, f.kind) for f in run.failures] == [(0, "not-numbers")]
    assert all(s.references[0] is None and s.references[1] is not None for s in run.scores)
    with pytest.raises(EngineError) as caught:
        await engine.measure(bad, wire.Prompt(ids=tuple(range(260, 360))))
    assert caught.value.kind == "not-numbers"
    with pytest.raises(EngineError) as caught:
        await score(
            engine,
            wire.Reference(bad, OTHER),
            (wire.Reference(beside(spec, 1), PROMPT),),
            tokens=ids,
        )
    assert caught.value.kind == "not-numbers", "the generator's own"
    alone = await score(engine, None, (wire.Reference(bad, OTHER),), tokens=ids)
    assert [(f.reference, f.kind) for f in alone.failures] == [(0, "not-numbers")]


async def test_a_generator_whose_logits_are_not_numbers_is_named_and_not_its_references(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    broken = write_model(tmp_path / "nan.gguf", sharpness=math.nan)
    bad = wire.ContextSpec(str(broken), n_ctx=256, n_threads=1)
    references = (wire.Reference(beside(spec), PROMPT), wire.Reference(beside(spec, 1), OTHER))
    run = await write(engine, bad, references)
    assert len(run.scores) == 40, "the answer goes on"
    assert all(s.generator is None and s.references == (None, None) for s in run.scores)
    assert [(f.reference, f.kind) for f in run.failures] == [(-1, "not-numbers")]
    assert run.failures[0].message == "the generator's logits are not numbers"


async def test_an_empty_answer_is_refused(engine: EngineClient, spec: wire.ContextSpec) -> None:
    with pytest.raises(EngineError) as caught:
        await score(engine, wire.Reference(spec, PROMPT), (wire.Reference(beside(spec)),), text="")
    assert caught.value.kind == "empty-answer"


async def test_stopping_keeps_the_scores_of_what_was_written(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    run = Run()
    generation = engine.generate(
        spec,
        OTHER,
        GREEDY,
        wire.Stops(),
        200,
        scoring=wire.Scoring((wire.Reference(beside(spec), OTHER),)),
    )
    async for event in generation:
        run.take(event)
        if len(run.tokens) == 30:
            await generation.cancel()
    assert isinstance(run.finished, wire.Finished) and run.finished.reason == "cancelled"
    assert 30 <= len(run.tokens) < 200
    assert [score.id for score in run.scores] == run.ids


async def test_a_stopped_scoring_keeps_what_it_has_and_the_engine_goes_on(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    written = await write(engine, spec, None, n=100)
    run = Run()
    running = engine.score(
        wire.Reference(spec, PROMPT), (wire.Reference(beside(spec)),), tokens=tuple(written.ids)
    )
    async for event in running:
        run.take(event)
        if isinstance(event, wire.ScoringStarted):
            await running.cancel()
    assert isinstance(run.finished, wire.ScoreFinished)
    assert run.finished.cancelled == (len(run.scores) < 100)
    again = await write(engine, spec, None, n=100)
    assert again.ids == written.ids


async def test_a_dead_engine_is_an_error_and_the_next_request_starts_another(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    import os
    import signal

    run = Run()
    with pytest.raises(EngineError) as caught:
        async for event in engine.generate(
            spec,
            OTHER,
            GREEDY,
            wire.Stops(),
            200,
            scoring=wire.Scoring((wire.Reference(beside(spec)),)),
        ):
            run.take(event)
            if len(run.scores) > 20 and engine.pid is not None:
                os.kill(engine.pid, signal.SIGKILL)
                await asyncio.sleep(0)
    assert caught.value.kind == "engine-died" and run.tokens
    assert len((await write(engine, spec, (wire.Reference(beside(spec)),), n=5)).scores) == 5


def test_a_stop_while_one_reference_decodes_leaves_the_others_scores_right(smooth: Path) -> None:
    """The first reference has decoded the batch when the second one is aborted; the batch then comes again."""
    model = Model(str(smooth), 0)

    def write_scored(stop_at: int | None) -> list[TokenScore]:
        generator, first, second = [Context(model, n_ctx=256, n_threads=1) for _ in range(3)]
        prompt = [1, *model.tokenize("hello the sea is good", special=False)]
        for context in (generator, first, second):
            context.decode(prompt, outputs=1)
        told: list[wire.Event] = []
        scorer = LiveScorer(
            1,
            model,
            [LiveReference(0, first), LiveReference(1, second)],
            told.append,
            top_k=3,
            n_threads=1,
        )
        for i in range(20):
            row = generator.logits()
            token = int(row.argmax())
            scorer.observe(token, row)
            scorer.told(control=False, cut=False)
            if i == stop_at:
                second.abort.set()
                with pytest.raises(Cancelled):
                    while True:
                        scorer._score()
                break
            scorer.step()
            generator.decode((token,), outputs=1)
        scorer.finish(stopped=stop_at is not None)
        scorer.close()
        for context in (generator, first, second):
            context.close()
        return [score for event in told if isinstance(event, wire.Scored) for score in event.scores]

    whole, stopped = write_scored(None), write_scored(14)
    model.close()
    assert len(whole) == 20 and len(stopped) == 15
    for mine, want in zip(stopped, whole, strict=False):
        for number in (0, 1):
            ours, theirs = mine.references[number], want.references[number]
            assert ours is not None and theirs is not None
            assert ours.argmax_rank == theirs.argmax_rank == 1
            assert ours.logprob == pytest.approx(theirs.logprob, abs=1e-2)
            assert ours.kl == pytest.approx(0.0, abs=1e-3)


# --- vocabularies and noise -----------------------------------------------------------------------------------------


async def test_equal_vocabularies_agree_and_have_one_fingerprint(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    twin = wire.ContextSpec(str(write_model(tmp_path / "twin.gguf", seed=9)), n_ctx=64, n_threads=1)
    found = await engine.check_pair(spec, twin)
    back = await engine.check_pair(twin, spec)
    assert found.compatible and found.n_common == 512 and found.warnings == ()
    assert found.fingerprint == back.fingerprint


async def test_different_vocabularies_are_refused_with_the_first_ids(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path
) -> None:
    path = write_model(tmp_path / "other.gguf", changed_tokens={400: "zebra", 402: "gnu"})
    found = await engine.check_pair(spec, wire.ContextSpec(str(path), n_ctx=64, n_threads=1))
    assert not found.compatible and "2 of 512" in found.reason
    assert [(d.id, d.reference) for d in found.differing] == [(400, b"zebra"), (402, b"gnu")]


@pytest.mark.parametrize(("extra", "allowed"), [("<unused7>", True), ("giraffe", False)])
async def test_a_tail_may_hold_padding_and_no_words(
    engine: EngineClient, spec: wire.ContextSpec, tmp_path: Path, extra: str, allowed: bool
) -> None:
    tail = {"extra_tokens": [extra]} if allowed else {"extra_words": [extra]}
    path = write_model(tmp_path / "longer.gguf", **tail)  # type: ignore[arg-type]
    longer = wire.ContextSpec(str(path), n_ctx=256, n_threads=1, slot="reference-0")
    found = await engine.check_pair(spec, longer)
    assert found.compatible is allowed and found.n_common == 512
    if allowed:
        assert found.warnings
        run = await write(engine, spec, (wire.Reference(longer),))
        assert all(score.references[0] is not None for score in run.scores)
        # An answer of the longer side that ends with the added token, scored by the shorter one.
        tokens = (*run.ids, 512)
        run = await score(
            engine,
            wire.Reference(longer, PROMPT),
            (wire.Reference(spec, PROMPT),),
            tokens=tokens,
        )
        assert run.failures == [] and len(run.scores) == 41
        assert all(each.references[0] is not None for each in run.scores[:-1])
        assert run.scores[-1].references == (None,)
        run = await write(engine, longer, (wire.Reference(spec, PROMPT),), forced=(300, 512, 301))
        assert len(run.ids) == 40
        assert [(f.reference, f.kind) for f in run.failures] == [(0, "vocabulary")]
    else:
        assert found.differing[0].id == 512 and found.differing[0].generator is None
        assert found.differing[0].reference == b"giraffe"


async def test_measured_noise_of_a_float32_model_is_next_to_nothing(
    engine: EngineClient, spec: wire.ContextSpec
) -> None:
    found = await engine.measure(spec, wire.Prompt(ids=tuple(range(262, 500))))
    assert found.null_rate == 0.0 and found.tokens > 100
    assert 0.0 < found.noise < 0.01 and found.mean_kl < 1e-5 and found.changed == 0.0
