"""The inspector against what decoding alone must cost: live scoring, statistics, teacher-forced scoring, memory.

d is a raw loop's seconds for a token of the generator; s its seconds for a token of the reference, decoded in batches
of the size that the program used, with the logits of every token. Both are measured in the same rounds as ours.
"""

import asyncio
from dataclasses import dataclass

from core import QUERY, Answer, Core, long_pack
from measuring import MIB, Row, Watch, median, own_home, peak_memory, spread
from raw_loop import RawLoop

from urial_tui.chat.tracing import ReadyPair
from urial_tui.engine import protocol as wire

ROUNDS = 7
TOKENS = 160
REFERENCE = "demo@zero-shot"
CHUNK = 32
"""Answer tokens that a canonical scoring decodes at once."""
BOUND_SHARE = 0.90
OFF_SHARE = 0.65
STATISTICS_SHARE = 0.10
FORCED_SHARE = 0.85
MEMORY_BOUND_MIB = 256.0
DISTURBED = 0.06
MOST_TRIES = 3


@dataclass(frozen=True)
class Round:
    """Seconds a token: the raw loop's decode and batched decode, ours without and with a reference, and scoring."""

    d: float
    s: float
    off: float
    on: float
    decode: float
    statistics: float
    forced: float
    forced_raw: float
    batch: float
    others: float


async def _measure(count: int) -> list[Row]:
    with own_home() as home:
        core = await Core.start(long_pack(home))
        try:
            with RawLoop(
                core.side.spec.model_path, n_ctx=core.info.n_ctx, n_threads=core.info.n_threads
            ) as raw:
                await core.answer(QUERY, 8)
                alone = peak_memory(core.engine_pid)
                pair = await core.pair(REFERENCE)
                await core.answer(QUERY, 8, pair)
                ids = await core.ids(QUERY)
                rounds: list[Round] = []
                for number in range(count * MOST_TRIES):
                    rounds.append(await _round(core, raw, pair, ids, number))
                    if sum(one.others <= DISTURBED for one in rounds) == count:
                        break
                rounds = sorted(rounds, key=lambda one: one.others)[:count]
                memory = _memory_row(alone, peak_memory(core.engine_pid))
        finally:
            await core.aclose()
    return [*_rows(rounds), memory]


async def _round(
    core: Core, raw: RawLoop, pair: ReadyPair, ids: tuple[int, ...], number: int
) -> Round:
    watch = Watch(core.engine_pid, raw.pid)
    order = [None, pair] if number % 2 else [pair, None]
    answers = [await core.answer(QUERY, TOKENS, each) for each in order]
    off, on = (answers[0], answers[1]) if number % 2 else (answers[1], answers[0])
    scoring = on.finished.scoring
    assert scoring is not None and scoring.tokens == TOKENS
    # The first token is scored by the prompt's own row: it takes no decode.
    size = max(1, round((TOKENS - 1) / (scoring.batches - 1)))
    plain = raw.round(ids, TOKENS)
    (reference,) = [ready.active for ready in pair.references]
    assert reference.style is not None
    asked = await core.rendered_ids(reference.style, QUERY)
    batched = raw.forced_s(asked, on.tokens, size) / (TOKENS // size * size)
    forced, forced_raw = await _forced(core, raw, pair, on, asked)
    return Round(
        d=1 / plain.tokens_per_s,
        s=batched,
        off=1 / off.tokens_per_s,
        on=1 / on.tokens_per_s,
        decode=scoring.decode_s / TOKENS,
        statistics=scoring.statistics_s / TOKENS,
        forced=forced,
        forced_raw=forced_raw,
        batch=size,
        others=watch.others(),
    )


async def _forced(
    core: Core, raw: RawLoop, pair: ReadyPair, answer: Answer, ids: tuple[int, ...]
) -> tuple[float, float]:
    """Seconds a token of scoring the answer with one side, from the first row on: ours and the raw loop's."""
    spec = pair.references[0].active.spec
    reference = wire.Reference(spec, wire.Prompt(ids=ids))
    finished: wire.ScoreFinished | None = None
    async for event in core.services.engine.score(None, (reference,), tokens=answer.tokens):
        if isinstance(event, wire.ScoreFinished):
            finished = event
    assert finished is not None
    timings = finished.timings
    theirs = raw.forced_s(ids, answer.tokens, CHUNK)
    return (timings.decode_s + timings.statistics_s) / timings.tokens, theirs / TOKENS


def _rows(rounds: list[Round]) -> list[Row]:
    disturbed = sum(one.others > DISTURBED for one in rounds)
    note = f"; {disturbed} of {len(rounds)} rounds disturbed by other programs" if disturbed else ""
    d, s = median([one.d for one in rounds]), median([one.s for one in rounds])
    on, off = median([one.on for one in rounds]), median([one.off for one in rounds])
    statistics = median([one.statistics for one in rounds])
    decode = d + median([one.decode for one in rounds])
    ours, theirs = median([o.forced for o in rounds]), median([o.forced_raw for o in rounds])
    size = median([one.batch for one in rounds])
    return [
        Row(
            "shift: tokens/s with one reference / bound 1/(d + s)",
            median([(one.d + one.s) / one.on for one in rounds]),
            BOUND_SHARE,
            f"{1 / on:.1f} / {1 / (d + s):.1f} tok/s; d {d * 1e3:.1f} ms, s {s * 1e3:.1f} ms in batches of "
            f"{size:.0f}; medians of {len(rounds)} x {TOKENS} tokens, in pairs "
            f"{spread([(o.d + o.s) / o.on for o in rounds])}{note}",
            at_least=True,
        ),
        Row(
            "shift: tokens/s with one reference / without",
            median([one.off / one.on for one in rounds]),
            OFF_SHARE,
            f"{1 / on:.1f} / {1 / off:.1f} tok/s; decoding alone allows {d / (d + s):.2f}; in pairs "
            f"{spread([one.off / one.on for one in rounds])}",
            at_least=True,
        ),
        Row(
            "shift: statistics / decoding of both sides, live",
            statistics / decode,
            STATISTICS_SHARE,
            f"{statistics * 1e3:.2f} / {decode * 1e3:.1f} ms a token",
        ),
        Row(
            "shift: teacher-forced scoring of one side / raw batched decode",
            theirs / ours,
            FORCED_SHARE,
            f"{1 / ours:.0f} / {1 / theirs:.0f} tok/s in batches of {CHUNK}, all logits on",
            at_least=True,
        ),
    ]


def _memory_row(alone: int | None, both: int | None) -> Row:
    name = "shift: more peak memory of the engine process with one reference"
    if alone is None or both is None:
        return Row(name, None, MEMORY_BOUND_MIB, "this system does not tell it", unit="MiB")
    return Row(
        name,
        (both - alone) / MIB,
        MEMORY_BOUND_MIB,
        f"{both / MIB:.0f} MiB with, {alone / MIB:.0f} without: the reference's cache and buffers, and logit rows of "
        "one batch a side; a row for each of 4,096 positions would be 4,096 MiB",
        unit="MiB",
    )


def run(*, quick: bool = False) -> list[Row]:
    """Needs the embedded model."""
    return asyncio.run(_measure(3 if quick else ROUNDS))
