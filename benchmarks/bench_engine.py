"""The whole core against the raw loop, in one run: streaming speed, the engine process's memory, the first token.

Rounds alternate, and so does who begins, so that a machine that slows down slows both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core import QUERY, Answer, Core, long_pack
from measuring import MIB, Row, Watch, median, own_home, peak_memory, spread
from raw_loop import Raw, RawLoop

T = TypeVar("T")
ROUNDS = 7
FRESH_STARTS = 5
TOKENS = 128
SPEED_BOUND = 0.95
FIRST_TOKEN_BOUND = 0.08
MEMORY_BOUND = 1.15
BORDER = 8
"""Tokens at the end of the constant prefix that may change with what follows, so that they are not kept."""
DISTURBED = 0.04
"""Cores that other programs took during a round: with more than that, the round is done again."""
MOST_TRIES = 4
"""Rounds at the most, as a multiple of the rounds wanted; after that, disturbed ones count too."""


@dataclass(frozen=True)
class Round(Generic[T]):
    """One raw measurement and one of ours, and what others took of the machine meanwhile."""

    raw: Raw
    ours: T
    others: float


async def _rounds(count: int, one: Callable[[int], Awaitable[Round[T]]]) -> list[Round[T]]:
    """`count` rounds, the least disturbed that there were when none was quiet."""
    done: list[Round[T]] = []
    for number in range(count * MOST_TRIES):
        done.append(await one(number))
        if sum(found.others <= DISTURBED for found in done) == count:
            break
    return sorted(done, key=lambda found: found.others)[:count]


async def _measure(count: int, fresh_starts: int) -> list[Row]:
    with own_home() as home:
        pack = long_pack(home)
        core = await Core.start(pack)
        spec, info = core.side.spec, core.info
        try:
            with RawLoop(spec.model_path, n_ctx=info.n_ctx, n_threads=info.n_threads) as raw:
                ids = await core.ids(QUERY)
                constant = await core.prefill()
                raw.round(ids, 8)  # both warm
                await core.answer(QUERY, 8)

                async def stream(number: int) -> Round[Answer]:
                    watch = Watch(core.engine_pid, raw.pid)
                    if number % 2:
                        ours = await core.answer(QUERY, TOKENS)
                        theirs = raw.round(ids, TOKENS)
                    else:
                        theirs = raw.round(ids, TOKENS)
                        ours = await core.answer(QUERY, TOKENS)
                    return Round(theirs, ours, watch.others())

                streams = await _rounds(count, stream)
                memory = _memory_row(core.engine_pid, raw.pid)
                await core.aclose()

                async def start(_number: int) -> Round[Answer]:
                    fresh = await Core.start(pack)
                    try:
                        watch = Watch(fresh.engine_pid, raw.pid)
                        theirs = raw.round(ids, 1)
                        ours = await fresh.answer(QUERY, 8)
                        return Round(theirs, ours, watch.others())
                    finally:
                        await fresh.aclose()

                starts = await _rounds(fresh_starts, start)
        finally:
            await core.aclose()
    return [_speed_row(streams), _first_token_row(starts, constant, len(ids)), memory]


def _disturbed(rounds: Sequence[Round[T]]) -> str:
    number = sum(one.others > DISTURBED for one in rounds)
    return f"; {number} of {len(rounds)} rounds disturbed by other programs" if number else ""


def _speed_row(rounds: list[Round[Answer]]) -> Row:
    ours = [one.ours.tokens_per_s for one in rounds]
    theirs = [one.raw.tokens_per_s for one in rounds]
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Row(
        "engine: streamed tokens/s through the core / raw loop",
        median(ours) / median(theirs),
        SPEED_BOUND,
        f"{median(ours):.1f} / {median(theirs):.1f} tok/s, medians of {len(ours)} x {TOKENS} tokens; "
        f"in pairs {spread(pairs)}{_disturbed(rounds)}",
        at_least=True,
    )


def _first_token_row(rounds: list[Round[Answer]], constant: int, prompt: int) -> Row:
    engine = [one.ours.finished.timings.first_token_s for one in rounds]
    receiver = [one.ours.first_s for one in rounds]
    cold = [one.raw.prefill_s for one in rounds]
    reused = min(one.ours.finished.timings.prefix_reused_tokens for one in rounds)
    if reused < constant - BORDER:
        raise RuntimeError(f"a fresh process took {reused} of {constant} tokens from disk")
    return Row(
        "engine: first token, fresh process, prefix on disk / raw cold prefill",
        median(engine) / median(cold),
        FIRST_TOKEN_BOUND,
        f"{median(engine) * 1e3:.0f} / {median(cold) * 1e3:.0f} ms, medians of {len(engine)}; "
        f"{reused} of {prompt} tokens from disk; {median(receiver) * 1e3:.0f} ms at the receiver"
        f"{_disturbed(rounds)}",
    )


def _memory_row(engine: int, raw: int) -> Row:
    ours, theirs = peak_memory(engine), peak_memory(raw)
    name = "engine: peak memory of the engine process / raw loop"
    if ours is None or theirs is None:
        return Row(name, None, MEMORY_BOUND, "this system does not tell a process's peak memory")
    return Row(
        name,
        ours / theirs,
        MEMORY_BOUND,
        f"{ours / MIB:.0f} / {theirs / MIB:.0f} MiB after the same work",
    )


def run(*, quick: bool = False) -> list[Row]:
    """Speed, first token, memory. Needs the embedded model."""
    return asyncio.run(_measure(3 if quick else ROUNDS, 2 if quick else FRESH_STARTS))
