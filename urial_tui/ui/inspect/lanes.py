"""How a token of a scored answer looks in the transcript: style names for its class, its grade, or that it waits.

Style names are the transcript's component classes without their prefix; several are joined by a space. Every name has
an attribute besides its colour (bold, underlined, reversed, dim), so that nothing is lost without colours. Pure.
"""

import math
from typing import Literal

from urial_tui.shift.classes import Class
from urial_tui.ui.inspect.trace_view import Lane, TraceView

Filter = Literal["none", "shifted", "shifted and marginal"]
FILTERS: tuple[Filter, ...] = ("none", "shifted", "shifted and marginal")
_KEPT: dict[Filter, frozenset[Class]] = {
    "shifted": frozenset({"shifted"}),
    "shifted and marginal": frozenset({"shifted", "marginal"}),
}

LANE_NAMES: dict[Lane, str] = {
    "class": "class",
    "emitted": "class of the written token",
    "kl": "KL divergence",
    "probability": "reference probability",
    "entropy": "generator entropy",
}

KL_STEPS = (0.05, 0.25, 1.0, 3.0)
"""Nats. Below the first a token has grade 0, from the last on grade 4."""
PROBABILITY_STEPS = (0.5, 0.2, 0.05, 0.01)
"""The other way round: from the first on grade 0, below the last grade 4."""
ENTROPY_STEPS = (0.25, 1.0, 2.0, 3.5)
"""Nats."""

_STRENGTH = {None: 0, "control": 0, "unshifted": 1, "marginal": 2, "shifted": 3}


def grade_of(view: TraceView, i: int) -> int | None:
    """0 to 4 by the view's graded lane; None for class lanes, and where the value is not known."""
    token = view.score(i)
    if token is None or token.control:
        return None
    if view.lane == "entropy":
        own = token.generator
        return None if own is None else sum(own.entropy >= step for step in ENTROPY_STEPS)
    score = view.reference_score(i)
    if score is None:
        return None
    if view.lane == "kl":
        return None if score.kl is None else sum(score.kl >= step for step in KL_STEPS)
    if view.lane == "probability":
        return sum(math.exp(score.logprob) < step for step in PROBABILITY_STEPS)
    return None


def look_of(view: TraceView, first: int, last: int, only: Filter = "none") -> str:
    """Style names for characters that tokens `first` to `last` share: the strongest of them decides."""
    tokens = range(first, last + 1)
    classes = {view.class_of(i): i for i in tokens}
    strongest = max(classes, key=lambda name: _STRENGTH[name])
    if strongest is None:
        waits = view.running and any(view.score(i) is None for i in tokens)
        return "pending" if waits else ""
    if only != "none" and strongest not in _KEPT[only]:
        return "filtered"
    if view.lane in ("class", "emitted"):
        if strongest == "control":
            return ""
        return f"{strongest} near" if view.near_tie(classes[strongest]) else strongest
    grades = [grade for i in tokens if (grade := grade_of(view, i)) is not None]
    return f"grade{max(grades)}" if grades else ""
