"""Runs `shift.statistics` over many tokens at once, on as many threads as the context decodes with.

NumPy lets other threads run during a pass over a row, and llama.cpp is idle meanwhile, so rows are shared out.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from urial_tui.shift.records import GeneratorScore, ReferenceScore
from urial_tui.shift.statistics import Row, RowScorer

_MOST_THREADS = 4
Scores = tuple[GeneratorScore | None, tuple[ReferenceScore | None, ...]]
GetRow = Callable[[int], Row | None]


class Statistics:
    """Owns the threads and their buffers; `close` it."""

    def __init__(self, commons: Sequence[int], top_k: int, n_threads: int) -> None:
        """`commons`: see RowScorer; without references, the generator's vocabulary size alone."""
        self._commons = tuple(commons)
        self._top_k = top_k
        self._own = threading.local()
        self._threads = max(1, min(_MOST_THREADS, n_threads))
        self._pool = ThreadPoolExecutor(self._threads, "statistics") if self._threads > 1 else None

    def score(
        self, tokens: Sequence[int], generator: GetRow | None, references: Sequence[GetRow | None]
    ) -> list[Scores]:
        """One result a token. The getters give row number k of this call, for token number k."""

        def one(k: int) -> Scores:
            return self._scorer().score(
                tokens[k],
                generator(k) if generator is not None else None,
                [row(k) if row is not None else None for row in references],
            )

        if self._pool is None or len(tokens) == 1:
            return [one(k) for k in range(len(tokens))]
        return list(self._pool.map(one, range(len(tokens))))

    def broken(
        self,
        tokens: Sequence[int],
        rows: Sequence[GetRow | None],
        scores: Sequence[Scores],
        *,
        alone: bool = False,
    ) -> list[int]:
        """References whose rows were there and held no numbers, in what `score` gave for these arguments. Beside a
        generator's row that holds none, nothing can be told of them; `alone`: there was no generator."""
        return [
            number
            for number, (common, row) in enumerate(zip(self._commons, rows, strict=False))
            if row is not None
            and any(
                token < common and (alone or generator is not None) and references[number] is None
                for token, (generator, references) in zip(tokens, scores, strict=True)
            )
        ]

    def generator_is_broken(self, tokens: Sequence[int], scores: Sequence[Scores]) -> bool:
        """Whether a row of the generator held no numbers, in what `score` gave with its rows."""
        widest = max(self._commons)
        return any(
            generator is None and token < widest
            for token, (generator, _) in zip(tokens, scores, strict=True)
        )

    def _scorer(self) -> RowScorer:
        found: RowScorer | None = getattr(self._own, "scorer", None)
        if found is None:
            found = self._own.scorer = RowScorer(self._commons, self._top_k)
        return found

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
