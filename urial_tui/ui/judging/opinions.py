"""What judges and people said of an answer, as lines: scores, how sure a judge was, reasons, and what was not readable.

Pure drawing, safe text. What is no number is said in words, never shown as one.
"""

from collections.abc import Sequence

from rich.cells import cell_len

from urial_tui.store.judging.types import AspectScore, Judgement
from urial_tui.ui.drawing.lines import Line, column, fit, fit_line, safe, wrapped
from urial_tui.ui.drawing.side_names import short_side

OUTCOMES = {
    "na": "n/a",
    "invalid": "unreadable",
    "refused": "refused",
}
EXPLAINED = {
    "invalid": "Nothing readable came from the judge, also after a second try: no score.",
    "refused": "The judge declined to judge: no score.",
}
NOT_ASKED = "The judge could not be asked: no score."
OWN = "The judge is the model that wrote the answer: it may favour itself."


def judge_words(judgement: Judgement) -> str:
    """Who judged, with what: `demo+sft@chat · just-eval`."""
    who = short_side(judgement.judge.judge)
    if judgement.judge.kind == "person":
        who = f"{who} (person)"
    return f"{who} · {safe(judgement.rubric.id, 40)}"


def opinion_lines(
    judgements: Sequence[Judgement], width: int, *, brief: bool = False
) -> list[Line]:
    """Each judgement, the newest first; `brief` leaves reasons out."""
    lines: list[Line] = []
    for judgement in reversed(judgements):
        if lines and not brief:
            lines.append([])
        lines += _one(judgement, width, brief)
    return lines


def _one(judgement: Judgement, width: int, brief: bool) -> list[Line]:
    when = safe(judgement.created_at[:16].replace("T", " "), 20)
    head: Line = [(judge_words(judgement), "strong"), (f"  {when}", "dim")]
    if judgement.blind:
        head.append(("  blind", "dim"))
    lines = [fit_line(head, width)]
    if judgement.own:
        lines += wrapped(OWN, width, "warn", most=2)
    if judgement.outcome == "invalid" and not judgement.raw:
        lines += wrapped(NOT_ASKED, width, "bad", most=2)
    elif judgement.outcome in EXPLAINED:
        lines += wrapped(EXPLAINED[judgement.outcome], width, "bad", most=2)
    names = max((cell_len(safe(one.aspect, 40)) for one in judgement.scores), default=0)
    for score in judgement.scores:
        lines += _score(score, min(names, 24), width, brief)
    if judgement.shortened:
        parts = ", ".join(
            f"{safe(name, 20)} {shown:,} of {whole:,} characters"
            for name, (shown, whole) in judgement.shortened.items()
        )
        lines += wrapped(f"The judge read a shortened text: {parts}.", width, "warn", most=3)
    if judgement.note:
        lines += wrapped(f"  {safe(judgement.note, 2000)}", width, "", most=3 if brief else 12, indent=2)  # fmt: skip
    return lines


def _score(score: AspectScore, names: int, width: int, brief: bool) -> list[Line]:
    line: Line = [("  " + fit(safe(score.aspect, 40), names, pad=True) + "  ", "")]
    if score.outcome == "ok" and score.score is not None:
        line.append((str(score.score), "strong"))
        line += _how_sure(score)
    else:
        look = "dim" if score.outcome == "na" else "bad"
        line.append((OUTCOMES.get(score.outcome, score.outcome), look))
    lines = [fit_line(line, width)]
    if score.reason and not brief:
        lines += [
            [("    ", ""), *row]
            for row in wrapped(safe(score.reason, 4000), max(width - 4, 8), "dim", most=8)
        ]
    return lines


def _how_sure(score: AspectScore) -> Line:
    """The expected score with its spread, and the masses of the five digits as columns."""
    line: Line = []
    if score.expected is not None:
        spread = f" ± {score.spread:.2f}" if score.spread is not None else ""
        line.append((f"  expected {score.expected:.2f}{spread}", ""))
    if len(score.probabilities) == 5:
        line.append(("  1", "dim"))
        line.append(("".join(column(share) for share in score.probabilities), "bar"))
        line.append(("5", "dim"))
        rest = 1.0 - sum(score.probabilities)
        if rest >= 0.05:
            line.append((f"  other tokens {rest:.0%}", "dim"))
    return line
