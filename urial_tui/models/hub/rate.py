"""How fast bytes come, over the last seconds, and when the rest will be there."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

WINDOW_S: Final = 5.0
_STEP_S: Final = 0.2


class Rate:
    """Fed with how many bytes there are by now; not for several threads at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, done: int) -> None:
        """`done` bytes are there. Fewer than before begin the count anew."""
        now = self._clock()
        if self._samples and done < self._samples[-1][1]:
            self._samples.clear()
        if len(self._samples) > 1 and now - self._samples[-2][0] < _STEP_S:
            self._samples[-1] = (now, done)
        else:
            self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_S:
            self._samples.popleft()

    def clear(self) -> None:
        self._samples.clear()

    def per_second(self) -> float:
        """Bytes a second over the last seconds; 0 while it is not known."""
        if len(self._samples) < 2:
            return 0.0
        passed = max(self._clock(), self._samples[-1][0]) - self._samples[0][0]
        return (self._samples[-1][1] - self._samples[0][1]) / passed if passed > 0 else 0.0

    def eta_s(self, missing: int) -> float | None:
        """Seconds that `missing` bytes will take at this rate; None while that is not known."""
        rate = self.per_second()
        return missing / rate if rate > 0 else None
