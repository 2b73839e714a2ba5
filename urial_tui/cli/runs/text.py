"""Runs in words and as JSON, for `urial-tui runs`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from urial_tui.cli.common.wording import local, many
from urial_tui.safetext import sanitize_line
from urial_tui.store.runs.types import Run, RunAnswer, RunItem

_FAILURES = 10
_FIRST = 3
"""So many items are shown with their answers."""
_WIDTH = 300
_SETTINGS = 2000
"""Most characters of a text, and of the line of settings."""


def run_lines(run: Run) -> Iterator[str]:
    """A run in a list."""
    state = f"{run.n_answered} of {many(run.n_wanted, 'answer')}"
    if run.n_failed:
        state += f", {run.n_failed} failed"
    yield f"{run.id}  {local(run.created_at)}  {state}  {sanitize_line(run.start.name, 60)}"
    sides = ", ".join(sanitize_line(side, 80) for side in run.start.sides)
    against = ", ".join(sanitize_line(side, 80) for side in run.start.references)
    yield f"    {sides}" + (f"  against {against}" if against else "")


def details_lines(
    run: Run, items: Sequence[RunItem], answers: Sequence[RunAnswer]
) -> Iterator[str]:
    """Everything of a run that fits a page."""
    start = run.start
    yield f"{run.id}  {sanitize_line(start.name, 60)}"
    yield f"begun {local(run.created_at)}, last written {local(run.updated_at)}"
    about = f"{start.input_format}, sha256 {start.input_sha256[:12]}"
    yield f"input {sanitize_line(start.input_name)} ({sanitize_line(about)}), {run.n_items} items"
    data_set = start.settings.get("data_set")
    if isinstance(data_set, dict):
        where = "{repo}, {file}, commit {commit}".format_map(_Texts(data_set))
        yield f"data set {sanitize_line(where)}"
    given = {
        key: value
        for key, value in start.settings.items()
        if isinstance(value, str | int | float | None) and not isinstance(value, bool)
    }
    yield "settings " + sanitize_line(
        ", ".join(
            f"{key} {'-' if value is None else value}" for key, value in sorted(given.items())
        ),
        _SETTINGS,
    )
    for reference in start.references:
        yield f"reference {sanitize_line(reference)}"
    complete = "finished" if run.finished else "not finished"
    yield f"{run.n_answered} of {many(run.n_wanted, 'answer')}, {complete}"
    yield ""
    for number, side in enumerate(start.sides):
        yield f"side {number + 1}  {sanitize_line(side)}: {_counts(number, run, answers)}"
    failed = [answer for answer in answers if answer.status == "failed"]
    if failed:
        yield ""
    for answer in failed[:_FAILURES]:
        yield (
            f"failed: item {answer.index}, side {answer.side + 1}, turn {answer.turn + 1}: "
            f"{sanitize_line(answer.error, _WIDTH)}"
        )
    if len(failed) > _FAILURES:
        yield f"and {len(failed) - _FAILURES} more"
    yield from _first_texts(items, answers)


def run_dict(run: Run) -> dict[str, Any]:
    return asdict(run) | {"finished": run.finished}


def details_dict(
    run: Run, items: Sequence[RunItem], answers: Sequence[RunAnswer]
) -> dict[str, Any]:
    return run_dict(run) | {
        "items": [asdict(item) for item in items],
        "answers": [asdict(answer) for answer in answers],
    }


def _counts(number: int, run: Run, answers: Sequence[RunAnswer]) -> str:
    mine = [answer for answer in answers if answer.side == number]
    wanted = run.n_wanted // max(1, len(run.start.sides))
    status = Counter(answer.status for answer in mine)
    complete = [answer for answer in mine if answer.status == "complete"]
    words = f"{status['complete']} of {many(wanted, 'answer')}"
    words += "".join(
        f", {status[name]} {name}" for name in ("failed", "interrupted", "stopped") if status[name]
    )
    if complete:
        mean = sum(answer.words for answer in complete) / len(complete)
        cut = sum(answer.finish_reason == "length" for answer in complete)
        words += f"; {mean:.0f} words on average"
        words += f", {cut} cut at max_tokens" if cut else ""
    return words


def _first_texts(items: Sequence[RunItem], answers: Sequence[RunAnswer]) -> Iterator[str]:
    for item in items[:_FIRST]:
        for turn, query in enumerate(item.turns):
            there = [a for a in answers if (a.index, a.turn) == (item.index, turn)]
            yield ""
            yield f"item {item.index} (id {sanitize_line(str(item.source_id), 60)}): {sanitize_line(query, _WIDTH)}"
            for answer in there:
                mark = "" if answer.status == "complete" else f" [{answer.status}]"
                yield f"  side {answer.side + 1}{mark}: {sanitize_line(answer.content, _WIDTH)}"


class _Texts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "-"
