"""Both sides' most probable tokens beside each other, with bars and marks. Pure drawing."""

from urial_tui.shift.records import Alternatives
from urial_tui.ui.drawing.lines import (
    Highlight,
    Line,
    fine_bar,
    fit,
    fit_line,
    probability,
    safe,
    share_of,
)
from urial_tui.ui.inspect.trace_view import TraceView

LEGEND = "* written  ^ argmax  = in both"
GAP = " │ "


def lists_of(view: TraceView, i: int) -> tuple[Alternatives, Alternatives]:
    """The generator's list and the reference's; empty where a side has no score."""
    token, score = view.score(i), view.reference_score(i)
    own = token.generator.top if token is not None and token.generator is not None else ()
    return own, score.top if score is not None else ()


def alternatives(
    view: TraceView, i: int, width: int, rows: int, chosen: Highlight | None = None
) -> list[Line]:
    """A heading, at most `rows` rows of both lists, scrolled so that the chosen row is seen; nothing without lists."""
    own, theirs = lists_of(view, i)
    if rows < 1 or not (own or theirs):
        return []
    written = view.score(i)
    written_id = written.id if written is not None else -1
    both = {id_ for id_, _ in own} & {id_ for id_, _ in theirs}
    argmax = own[0][0] if own else -1
    longest = max(len(own), len(theirs))
    first = 0
    if chosen is not None and chosen.row >= rows:
        first = min(chosen.row - rows + 1, max(longest - rows, 0))
    # A text scored without a generator has one list, which gets all the room.
    shown = [(n, top) for n, top in enumerate((own, theirs)) if top]
    each = width if len(shown) == 1 else (width - len(GAP)) // 2
    heads: Line = []
    for place, (n, _) in enumerate(shown):
        active = chosen is not None and chosen.list == n
        title = ("generator", "reference")[n] + (" <" if active else "")
        heads.append((fit(title, each, pad=True), "title" if active else "dim"))
        if place + 1 < len(shown):
            heads.append((GAP, "dim"))
    lines = [fit_line(heads, width)]
    for row in range(first, min(first + rows, longest)):
        line: Line = []
        for place, (n, top) in enumerate(shown):
            marked = chosen is not None and (chosen.list, chosen.row) == (n, row)
            if row < len(top):
                id_, logprob = top[row]
                marks = (
                    (">" if marked else " ")
                    + ("*" if id_ == written_id else " ")
                    + ("^" if id_ == argmax else "=" if id_ in both else " ")
                )
                line += _cell(view, id_, logprob, marks, each, marked=marked)
            else:
                line.append((" " * each, ""))
            if place + 1 < len(shown):
                line.append((GAP, "dim"))
        lines.append(line)
    return lines


def _cell(
    view: TraceView, id_: int, logprob: float, marks: str, width: int, *, marked: bool
) -> Line:
    digits = 3 if width >= 24 else 2
    shown = probability(logprob, digits).rjust(digits + 2)
    bars = max((width - 12) // 3, 0)
    label = fit(safe(view.label(id_)), max(width - len(marks) - len(shown) - bars - 1, 1), pad=True)
    name = "chosen" if marked else "strong" if "*" in marks else ""
    line: Line = [(f"{marks}{label}{shown} ", name)]
    if bars:
        line.append((fine_bar(share_of(logprob), bars), "bar"))
    return line
