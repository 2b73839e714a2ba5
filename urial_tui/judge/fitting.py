"""Making material fit a judge's context: texts are shortened from their ends, visibly, the answer before the query.

Counting is the engine's; where bytes alone show that there is room, nothing is counted.
"""

from collections.abc import Sequence

from urial_tui.chat.active import ActiveSide, as_prompt
from urial_tui.engine.api import Engine
from urial_tui.errors import JudgeError
from urial_tui.judge.frame import Frame
from urial_tui.judge.material import EARLIER, QUERY, Piece, code_of, fenced
from urial_tui.prompts.types import Rendered, Span

SLACK = 16
"""Tokens that borders of spans may add."""
LEAST = 32
"""With fewer tokens than these for all texts together there is nothing to judge."""
_STEPS = (1.0, 0.95, 0.85, 0.7, 0.5, 0.25)
"""How much of its share a text gets: characters at its head may take more tokens than those on average."""


class Fitter:
    """Fits material into one frame on one side; `room` tokens are left for the reply."""

    def __init__(
        self, engine: Engine, side: ActiveSide, frame: Frame, n_ctx: int, room: int
    ) -> None:
        self._engine, self._side, self._frame = engine, side, frame
        self._n_ctx, self._most = n_ctx, n_ctx - room
        self._frame_tokens: int | None = None

    async def fit(self, pieces: Sequence[Piece]) -> tuple[Rendered, list[Piece]]:
        """The prompt, and the pieces as they stand in it. JudgeError (kind `too-long`) where shortening cannot help."""
        found = list(pieces)
        prompt, size = self._prompt(found)
        if await self._base() + size + SLACK <= self._most:  # a token is a byte at the least
            return prompt, found
        if await self._count(prompt) <= self._most:
            return prompt, found
        bare, _ = self._prompt([piece.cut(0) for piece in found])
        budget = self._most - await self._count(bare) - SLACK
        if budget < LEAST:
            raise self._too_long(await self._count(bare))
        counts = [await self._count(Rendered((Span(p.text, user=True),))) for p in pieces]
        shares = allot([piece.kind for piece in pieces], counts, budget)
        for step in _STEPS:
            found = [
                piece if share >= count else piece.cut(int(len(piece.text) * share / count * step))
                for piece, count, share in zip(pieces, counts, shares, strict=True)
            ]
            prompt, _ = self._prompt(found)
            total = await self._count(prompt)
            if total <= self._most:
                return prompt, found
        raise self._too_long(total)

    def _prompt(self, pieces: Sequence[Piece]) -> tuple[Rendered, int]:
        """The prompt, and the bytes of its material."""
        material = fenced(pieces, code_of(pieces))
        size = sum(len(span.text.encode("utf-8", "replace")) for span in material)
        return self._frame.fill(material), size

    async def _base(self) -> int:
        if self._frame_tokens is None:
            self._frame_tokens = await self._count(self._frame.fill(()))
        return self._frame_tokens

    async def _count(self, rendered: Rendered) -> int:
        if not rendered.text:
            return 0
        return len((await self._engine.tokenize(self._side.spec, as_prompt(rendered))).ids)

    def _too_long(self, total: int) -> JudgeError:
        return JudgeError(
            f"it does not fit the judge's context: the prompt has {total} tokens, and of the {self._n_ctx} that the "
            f"context holds {self._n_ctx - self._most} are kept for the reply",
            hint="Raise n_ctx in the settings, or judge with a shorter rubric.",
            kind="too-long",
        )


def allot(kinds: Sequence[str], counts: Sequence[int], budget: int) -> list[int]:
    """Tokens for each piece, `budget` in all: the query's first (a quarter is left for the rest, if there is so much),
    then the answers', at whose cost what was said earlier gets up to a third of what remains."""
    total = {
        name: sum(n for kind, n in zip(kinds, counts, strict=True) if group(kind) == name)
        for name in (QUERY, EARLIER, "answers")
    }
    rest = total[EARLIER] + total["answers"]
    query = min(total[QUERY], budget - min(rest, budget // 4))
    left = budget - query
    earlier = min(total[EARLIER], max(left - total["answers"], left // 3))
    caps = {QUERY: query, EARLIER: earlier, "answers": left - earlier}
    shares = [0] * len(kinds)
    for name, cap in caps.items():
        places = [n for n, kind in enumerate(kinds) if group(kind) == name]
        # The shortest first: what one does not need, the longer ones share.
        free = cap
        for done, n in enumerate(sorted(places, key=lambda n: counts[n])):
            shares[n] = min(counts[n], free // (len(places) - done))
            free -= shares[n]
    return shares


def group(kind: str) -> str:
    return kind if kind in (QUERY, EARLIER) else "answers"
