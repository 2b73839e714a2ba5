"""A judge on a tiny model: its expected score is what a person computes from the model's own logits."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.judging import CONVERSATION, SCORE, rubric, side
from tests.support.raw_rows import raw_rows
from tests.support.tinygguf import vocabulary, write_model
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import ContextSpec, Prompt, Span, Started, Token
from urial_tui.judge.frame import make_frame
from urial_tui.judge.judging import Judge
from urial_tui.prompts.types import Turn

SHORT = rubric(SCORE.replace("reason_chars = 60", "reason_chars = 40"))
SEED = 15
"""Weights with which the model writes a whole reply at once: one score and one N/A."""


class Overheard:
    """The engine, with the events of its generations kept."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self.events: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate(self, *args: Any, **more: Any) -> Any:
        return _Run(self._engine.generate(*args, **more), self.events)


class _Run:
    def __init__(self, run: Any, events: list[Any]) -> None:
        self._run, self._events = run, events
        self.cancel = run.cancel

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for event in self._run:
            self._events.append(event)
            yield event


def mass(row: np.ndarray, text: str) -> float:
    """Probability of the tokens that begin `text` + a quote: here those of its first character, as itself and as a
    byte, for no longer token of this vocabulary does."""
    wanted = (text[0], f"<0x{ord(text[0]):02X}>")
    ids = [number for number, token in enumerate(vocabulary()) if token.text in wanted]
    shares = np.exp(row - row.max())
    return float(shares[ids].sum() / shares.sum())


async def test_the_expected_score_is_the_hand_computation_on_the_models_logits(
    tmp_path: Path, engine: EngineClient
) -> None:
    model = write_model(tmp_path / "judge.gguf", seed=SEED)
    heard = Overheard(engine)
    judge = Judge(heard, side(spec=ContextSpec(str(model), n_ctx=2048, n_threads=1)))
    result = await judge.score(SHORT, CONVERSATION)
    clarity, truth = result.scores
    assert (result.outcome, clarity.outcome, truth.outcome, len(result.raw)) == (
        "ok",
        "ok",
        "na",
        1,
    )

    prompt = next(event.prompt_ids for event in heard.events if isinstance(event, Started))
    tokens = [event for event in heard.events if isinstance(event, Token)]
    ids = [*prompt, *(token.id for token in tokens)]
    rows = raw_rows(tmp_path, str(model), ids, n_ctx=2048, keep=len(tokens) + 1)
    text = b"".join(token.raw for token in tokens)
    begins = np.cumsum([0, *(len(token.raw) for token in tokens)])
    for score, choice in ((clarity, str(clarity.score)), (truth, "N/A")):
        place = text.index(f'"{choice}"'.encode()) + 1
        row = rows[list(begins).index(place)]  # what the model expected there, before the grammar
        digits = [mass(row, digit) for digit in "12345"]
        assert score.probabilities == pytest.approx(digits, abs=2e-4)
        if score.outcome == "na":
            assert score.p_na == pytest.approx(mass(row, "N/A"), abs=2e-4)
            assert score.score is score.expected is None
            continue
        by_hand = sum(d * p for d, p in enumerate(digits, 1)) / sum(digits)
        spread = (sum(p * (d - by_hand) ** 2 for d, p in enumerate(digits, 1)) / sum(digits)) ** 0.5
        assert (score.expected, score.spread) == pytest.approx((by_hand, spread), abs=1e-2)


async def test_the_constant_part_of_the_prompt_is_read_once(
    tmp_path: Path, engine: EngineClient
) -> None:
    model = write_model(tmp_path / "judge.gguf", seed=SEED)
    judge = Judge(engine, side(spec=ContextSpec(str(model), n_ctx=2048, n_threads=1)))
    await judge.prepare(SHORT)
    constant = make_frame(judge.side.style, SHORT).before
    prompt = Prompt(tuple(Span(span.text, span.user) for span in constant))
    n_constant = len((await engine.tokenize(judge.side.spec, prompt)).ids)
    for answer in ("Because.", "I do not know."):
        turns = (CONVERSATION[0], Turn("assistant", answer))
        timings = (await judge.score(SHORT, turns)).timings
        # The last two tokens of the constant part may be others when something follows.
        assert timings["prefix_reused_tokens"] >= (n_constant - 2) * timings["attempts"] > 300
