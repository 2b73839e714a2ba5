"""How probable each of a few texts was at the places of an answer where one of them was written (a judge's digits).

The masses are of the model's raw softmax over the whole vocabulary: neither samplers nor a grammar change them.
"""

import re

import numpy as np

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.model import Model
from urial_tui.shift.statistics import Row

_LOOK_BACK = 256
"""Bytes of the answer that `before` can look at."""
_MOST_OPTIONS = 64


class ProbeWatch:
    """Feed it each drawn token with the row that it was drawn from."""

    def __init__(self, probe: wire.Probe, model: Model) -> None:
        if not 0 < len(probe.options) <= _MOST_OPTIONS or not all(probe.options):
            raise Fault("probe", f"a probe has 1 to {_MOST_OPTIONS} options, none of them empty")
        try:
            self._before = re.compile(probe.before.encode())
        except re.error as error:
            raise Fault("probe", f"{probe.before!r} is no regular expression: {error}") from error
        self._model = model
        self._options = tuple(option.encode() for option in probe.options)
        self._end = probe.end.encode()
        self._tail = b""

    def observe(self, token: int, row: Row) -> list[tuple[float, ...]]:
        """The masses of each place inside `token` where an option begins, usually none."""
        raw = self._model.piece(token)
        text = self._tail + raw
        here = len(self._tail)
        found = [
            self._masses(text[here : match.end()], row)
            for match in self._before.finditer(text)
            if here <= match.end() < len(text) and self._begins(text[match.end() :])
        ]
        self._tail = text[-_LOOK_BACK:]
        return found

    def _begins(self, rest: bytes) -> bool:
        """Whether an option is written here, or may still become one."""
        return any(rest.startswith(o) or o.startswith(rest) for o in self._options)

    def _masses(self, lead: bytes, row: Row) -> tuple[float, ...]:
        logits = row.astype(np.float64)
        logits -= logits.max()
        np.exp(logits, out=logits)
        total = logits.sum()
        sets = self._model.beginning(lead, self._options, self._end)
        return tuple(float(logits[ids].sum() / total) for ids in sets)
