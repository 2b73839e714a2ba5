"""Which sides and judges of a run an export is about, as a person names them."""

from collections.abc import Iterable, Sequence

from urial_tui.errors import ExchangeError
from urial_tui.safetext import sanitize_line
from urial_tui.store.judging_types import JudgeInfo
from urial_tui.store.run_types import Run


def side_numbers(run: Run, wanted: Sequence[str]) -> list[int]:
    """Numbers of the sides named, in the run's order: by notation, or by number from 1. Raises ExchangeError."""
    sides = run.start.sides
    found = set()
    for name in wanted:
        text = name.strip()
        matching = [number for number, side in enumerate(sides) if side == text]
        if not matching and text.isascii() and text.isdecimal() and 1 <= int(text) <= len(sides):
            matching = [int(text) - 1]
        if not matching:
            listed = "; ".join(f"{n} {sanitize_line(side)}" for n, side in enumerate(sides, 1))
            raise ExchangeError(
                f"the run has no side {sanitize_line(name)}",
                hint=f"Its sides are: {listed}.",
                kind="no-side",
            )
        found.update(matching)
    return sorted(found) if wanted else list(range(len(sides)))


def judge_keys(judges: Iterable[JudgeInfo], wanted: Sequence[str]) -> set[str]:
    """Keys of the judges named, all of them where none is. Raises ExchangeError."""
    known = {judge.key: judge for judge in judges}
    if not wanted:
        return set(known)
    found = set()
    for name in wanted:
        text = name.strip()
        matching = {key for key, judge in known.items() if text in (key, judge.judge)}
        if not matching:
            names = ", ".join(sorted({sanitize_line(judge.judge) for judge in known.values()}))
            raise ExchangeError(
                f"{sanitize_line(name)} has judged nothing of this run",
                hint=f"Judges of it are: {names}."
                if names
                else "Nobody has. Try `urial-tui judge`.",
                kind="no-judge",
            )
        found |= matching
    return found
