"""Grammar, JSON schema and probe on tiny models: the same token as filtering everything, and masses made by hand."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import TokenType

from tests.engine.test_generation import collect, text_prompt
from tests.support.raw_rows import raw_rows
from tests.support.tinygguf import vocabulary, write_model
from urial_tui.engine.client import EngineClient
from urial_tui.engine.protocol import (
    ContextSpec,
    Probe,
    Probed,
    Prompt,
    Sampling,
    Started,
    Stops,
    Token,
)
from urial_tui.errors import EngineError

GREEDY = Sampling(temperature=0.0)
WORDS = 'root ::= [a-z] [a-z] [a-z] [a-z ]+ "." [0-9]+'
SCHEMA = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 12},
        "score": {"enum": ["1", "2", "3", "4", "5", "N/A"]},
        "again": {"type": "string", "maxLength": 3},
    },
    "required": ["reason", "score", "again"],
    "additionalProperties": False,
}

BRUTE_FORCE = """
import ctypes, json, sys
import numpy as np
import llama_cpp as lib
from llama_cpp import Llama
spec = json.load(sys.stdin)
llm = Llama(spec["model"], n_ctx=256, n_threads=1, logits_all=True, verbose=False)
vocab = lib.llama_model_get_vocab(llm.model)
grammar = lib.llama_sampler_init_grammar(vocab, spec["grammar"].encode(), b"root")
llm.eval(spec["ids"])
out = []
for _ in range(spec["n"]):
    logits = llm.scores[llm.n_tokens - 1]
    data = (lib.llama_token_data * len(logits))(*(lib.llama_token_data(i, float(x), 0) for i, x in enumerate(logits)))
    array = lib.llama_token_data_array(data=data, size=len(logits), selected=-1, sorted=False)
    lib.llama_sampler_apply(grammar, ctypes.byref(array))
    token = int(np.argmax([candidate.logit for candidate in data]))
    out.append(token)
    lib.llama_sampler_accept(grammar, token)
    llm.eval([token])
print(json.dumps(out))
"""


async def brute_force(model: str, ids: tuple[int, ...], grammar: str, n: int) -> list[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        BRUTE_FORCE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    spec = {"model": model, "ids": ids, "grammar": grammar, "n": n}
    out, _ = await process.communicate(json.dumps(spec).encode())
    return list(json.loads(out))


@pytest.mark.parametrize("seed", [1, 2])
async def test_greedy_under_a_grammar_is_the_best_of_all_allowed_tokens(
    tmp_path: Path, engine: EngineClient, seed: int
) -> None:
    """The engine asks about the best token, then about slices; here all of them are filtered at every step."""
    # More tokens than the largest slice, of which the grammar allows few: every way of finding one is taken.
    model = write_model(
        tmp_path / "wide.gguf", seed=seed, extra_tokens=[f"<X{n}>" for n in range(2500)]
    )
    spec = ContextSpec(str(model), n_ctx=256, n_threads=1)
    sampling = Sampling(temperature=0.0, grammar=WORDS)
    tokens, started, _ = await collect(engine, spec, text_prompt("The fox"), sampling, n=16)
    expected = await brute_force(spec.model_path, started.prompt_ids, WORDS, len(tokens))
    assert [token.id for token in tokens] == expected
    assert len(tokens) > 4


@pytest.mark.parametrize("temperature", [0.0, 1.5])
@pytest.mark.parametrize("seed", [0, 1, 2])
async def test_a_schema_is_fulfilled_in_its_own_order(
    engine: EngineClient, spec: ContextSpec, temperature: float, seed: int
) -> None:
    sampling = Sampling(temperature=temperature, seed=seed, json_schema=json.dumps(SCHEMA))
    tokens, _, finished = await collect(engine, spec, text_prompt("Judge."), sampling, n=120)
    assert finished.reason == "eog"
    text = b"".join(t.raw for t in tokens if not t.control).decode("utf-8", "replace")
    reply = json.loads(
        text, strict=False
    )  # a broken character may hide a control character from llama.cpp
    assert list(reply) == ["reason", "score", "again"]
    assert reply["score"] in SCHEMA["properties"]["score"]["enum"]  # type: ignore[index]
    # Random weights write bytes that are no UTF-8; such a byte may count as nothing.
    assert len(reply["reason"].replace("\ufffd", "")) <= 12
    assert len(reply["again"].replace("\ufffd", "")) <= 3


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(json_schema="{"),
        Sampling(json_schema='{"type": "no such type"}'),
        Sampling(json_schema="[1]"),
        Sampling(json_schema='{"$ref": "https://example.org/schema"}'),
        Sampling(json_schema='{"type": "object"}', grammar='root ::= "x"'),
        Sampling(json_schema=json.dumps({"enum": ["x" * 300_000]})),
    ],
)
async def test_a_schema_that_cannot_be_used_is_said_and_the_engine_goes_on(
    engine: EngineClient, spec: ContextSpec, sampling: Sampling
) -> None:
    with pytest.raises(EngineError) as error:
        await collect(engine, spec, text_prompt("x"), sampling)
    assert error.value.kind == "grammar"
    assert (await collect(engine, spec, text_prompt("x"), GREEDY, n=2))[2].completion_tokens == 2


def by_hand(row: np.ndarray, pieces: list[bytes], lead: bytes, option: bytes) -> float:
    """Softmax mass of what may begin `option` and a quote after `lead`."""
    whole = lead + option + b'"'
    fits = [
        len(piece) > len(lead)
        and piece[: len(lead)] == lead
        and (piece[: len(whole)] == whole or whole[: len(piece)] == piece)
        for piece in pieces
    ]
    shares = np.exp(row - row.max())
    return float(shares[fits].sum() / shares.sum())


@pytest.mark.parametrize(
    ("written", "lead"),
    [(("x", "=", "4", '"'), b""), (("x", "=", '4"'), b""), (("x", "=4", '"'), b"=")],
)
async def test_a_probe_tells_the_masses_of_all_tokens_that_begin_an_option(
    tmp_path: Path, engine: EngineClient, written: tuple[str, ...], lead: bytes
) -> None:
    """Digits stand alone, with the quote after them, with what is before them, and as a part of a longer number."""
    words = ['4"', "42", "=4", '=3"']
    model = write_model(tmp_path / "digits.gguf", seed=4, extra_words=words)
    texts = [token.text for token in vocabulary(words=words)]
    ids_of = {text: number for number, text in enumerate(texts)}
    spec = ContextSpec(str(model), n_ctx=256, n_threads=1)
    forced = tuple(ids_of[text] for text in written)
    probe = Probe(before="x=", options=("3", "4", "5", "N/A"), end='"')
    found: list[Any] = []
    run = engine.generate(
        spec, text_prompt("Score:"), GREEDY, Stops(), len(forced), forced=forced, probe=probe
    )
    async for event in run:
        if isinstance(event, Started | Token | Probed):
            found.append(event)
    told = [event for event in found if isinstance(event, Probed)]
    assert [event.i for event in told] == [1 if lead else 2]
    prompt = next(event.prompt_ids for event in found if isinstance(event, Started))
    rows = raw_rows(tmp_path, str(model), [*prompt, *forced], keep=len(forced) + 1)
    everything = Prompt(ids=tuple(range(len(texts))))
    pieces = (await engine.tokenize(spec, everything, pieces=True)).pieces
    row = rows[told[0].i]
    plain = [
        b"" if token.type == TokenType.CONTROL else piece
        for token, piece in zip(vocabulary(words=words), pieces, strict=True)
    ]
    expected = [by_hand(row, plain, lead, option) for option in (b"3", b"4", b"5", b"N/A")]
    assert told[0].masses == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert expected[1] > 0


async def test_a_probe_without_an_option_is_refused(
    engine: EngineClient, spec: ContextSpec
) -> None:
    for probe in (Probe("(", ("1",)), Probe("x", ()), Probe("x", ("",))):
        run = engine.generate(spec, text_prompt("x"), GREEDY, Stops(), 2, probe=probe)
        with pytest.raises(EngineError) as error:
            async for _ in run:
                pass
        assert error.value.kind == "probe"
