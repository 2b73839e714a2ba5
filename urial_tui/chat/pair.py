"""Which sides are compared: the generator's side, its references, and what is known of them. Values only."""

from dataclasses import dataclass
from typing import Literal

from urial_tui.errors import UrialError

ReferenceState = Literal["loading", "ready", "refused"]


@dataclass(frozen=True)
class Pair:
    """A generator and its references that are worth looking at, in SIDE notation, with a title for lists.

    Not `likely`: it can be compared, but nothing says that one was made from the other."""

    generator: str
    references: tuple[str, ...]
    title: str
    likely: bool = True


@dataclass(frozen=True)
class ReferenceStatus:
    """One reference. `warnings` in words: attributes that differ, another quantisation. `noise` (nats) and `null_rate`
    as measured on this machine, None when that was not done."""

    side: str
    state: ReferenceState
    error: UrialError | None = None
    warnings: tuple[str, ...] = ()
    noise: float | None = None
    null_rate: float | None = None


@dataclass(frozen=True)
class PairStatus:
    """`scoring` False: the user switched the inspector's scoring off; references are then not loaded."""

    generator: str
    references: tuple[ReferenceStatus, ...] = ()
    scoring: bool = True
