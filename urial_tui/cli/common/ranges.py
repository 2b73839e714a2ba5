"""Types of options that several commands have."""

import math
from typing import Any

import click


class FiniteRange(click.FloatRange):
    """A range of numbers. Every comparison with nan is false, so click's own range lets it in."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number
