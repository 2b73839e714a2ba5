"""The inspector's first lines: which sides are compared, how, and what must be known to read the numbers."""

import shlex

from urial_tui.chat.pair import PairStatus, ReferenceStatus
from urial_tui.ui.drawing.lines import Line, fit_line, fit_middle, safe, wrapped
from urial_tui.ui.inspect.trace_view import Lane, TraceView

LANE_NAMES: dict[Lane, str] = {
    "class": "class",
    "emitted": "class of the written token",
    "kl": "KL",
    "probability": "reference probability",
    "entropy": "generator entropy",
}


def header(
    view: TraceView | None, pair: PairStatus | None, width: int, size: int = 9
) -> list[Line]:
    """Generator, reference, path and lane: two lines, three with a trace. With two, the path is at the end."""
    if view is None:
        return _of_pair(pair, width)[:size]
    count = len(view.trace.start.references)
    generator = view.generator_side or "none: a given text"
    lines = [_side("gen", generator, "", width)]
    if not count:
        return [*lines, [("ref none", "dim")]]
    nth = f" {view.reference + 1} of {count}" if count > 1 else ""
    if size < 3:
        nth += f" {view.trace.start.path}"
    lines.append(_side("ref", view.reference_side, nth, width))
    if size < 3:
        return lines[:size]
    state: str = view.trace.start.path
    if view.running:
        state += ", scoring"
    elif not view.trace.complete:
        state += ", incomplete"
    lines.append(fit_line([(f"{state} · lane: {LANE_NAMES[view.lane]}", "dim")], width))
    return lines


def _of_pair(pair: PairStatus | None, width: int) -> list[Line]:
    if pair is None:
        return [[("no sides yet", "dim")]]
    lines = [_side("gen", pair.generator, "", width)]
    if not pair.scoring:
        return [*lines, fit_line([("scoring is off", "warn")], width)]
    if not pair.references:
        return [*lines, [("ref none", "dim")]]
    for reference in pair.references:
        state = "" if reference.state == "ready" else f" {reference.state}"
        lines.append(_side("ref", reference.side, state, width))
    return lines


def _side(word: str, side: str, after: str, width: int) -> Line:
    room = max(width - len(word) - 1 - len(after), 1)
    line: Line = [(f"{word} ", "dim"), (fit_middle(safe(side, 2000), room), "strong")]
    return fit_line([*line, (after, "dim")] if after else line, width)


def status_of(view: TraceView | None, pair: PairStatus | None) -> ReferenceStatus | None:
    """What is known now of the reference that is shown; None when it is not one of the present pair."""
    if pair is None:
        return None
    if view is None:
        refused = [status for status in pair.references if status.state == "refused"]
        return (*refused, *pair.references, None)[0]
    if pair.generator != view.generator_side:
        return None
    return next((s for s in pair.references if s.side == view.reference_side), None)


def problems(view: TraceView | None, pair: PairStatus | None, width: int) -> list[Line]:
    """Why there are no scores, or not all: a refused pair, a reference that failed."""
    lines: list[Line] = []
    if view is not None and view.error:
        lines += wrapped(f"! scores are missing: {safe(view.error)}", width, "bad", indent=2)
    status = status_of(view, pair)
    if status is not None and status.state == "refused":
        reason = status.error.message if status.error is not None else "the reason is not known"
        lines += wrapped(f"! refused: {safe(reason)}", width, "bad", indent=2)
        if status.error is not None and status.error.hint:
            lines += wrapped(safe(status.error.hint), width, "", most=3)
    return lines


def warnings(view: TraceView | None, pair: PairStatus | None, width: int) -> list[Line]:
    """What to keep in mind: quantisation, attributes, and what this machine has not measured."""
    status = status_of(view, pair)
    if status is not None and status.state == "refused":
        return []
    said = [f"! {safe(text)}" for text in status.warnings] if status is not None else []
    measured = status.null_rate if status is not None else None
    stored = None
    if view is not None and view.reference_side:
        stored = view.trace.start.references[view.reference].null_rate
    if measured is None and stored is None:
        sides = _sides(view, status, pair)
        if sides:
            command = shlex.join(["urial-tui", "doctor", "--pair", *(safe(s, 2000) for s in sides)])
            said.append(f"! null rate not measured on this machine: {command}")
    rate = stored if stored is not None else measured
    if rate:
        said.append(f"! null rate {rate * 100:.2g} %: scored against itself, so many tokens shift")
    return [line for text in said for line in wrapped(text, width, "warn", indent=2)]


def _sides(
    view: TraceView | None, status: ReferenceStatus | None, pair: PairStatus | None
) -> tuple[str, str] | None:
    if view is not None:
        found = (view.generator_side or view.reference_side, view.reference_side)
        return found if view.reference_side else None
    if status is not None and status.state == "ready" and pair is not None:
        return pair.generator, status.side
    return None
