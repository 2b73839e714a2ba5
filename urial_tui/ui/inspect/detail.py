"""What both sides say of one token: its class, ranks, probabilities, KL and entropies. Pure drawing."""

import math

from urial_tui.safetext import sanitize
from urial_tui.shift.classes import Lane, reference_class
from urial_tui.shift.records import ReferenceScore, TokenScore
from urial_tui.ui.drawing.lines import Line, fit, fit_line, number, probability, safe
from urial_tui.ui.inspect.trace_view import TraceView


def token_lines(view: TraceView, i: int, width: int) -> list[Line]:
    """The token at place `i`, most important lines first: name, class, probabilities, divergence, place."""
    token = view.score(i)
    if token is None:
        words = "scoring…" if view.running else "no score for this token"
        return [fit_line([(f"token {i + 1}: ", "dim"), (words, "pending")], width)]
    score = view.reference_score(i)
    # The place is cut first, then the label; the class stays.
    name = _class_words(view, i, token)
    label = f'"{safe(view.label(token.id))}"'
    room = max(width - sum(len(text) for text, _ in name) - 1, 4)
    lines: list[Line] = [fit_line([(fit(label, room) + " ", "strong"), *name], width)]
    if score is not None:
        lines.append(fit_line(_ranks(view, score), width))
    lines.append(fit_line(_probabilities(token, score, width), width))
    if score is not None:
        lines.append(fit_line(_divergence(token, score, width), width))
    lines.append(fit_line([(f"token {i + 1} of {view.n} · id {token.id}", "dim")], width))
    if shown := odd_bytes(view.piece(token.id)):
        lines.append(fit_line([("bytes ", "dim"), (shown, "")], width))
    return lines


def _class_words(view: TraceView, i: int, token: TokenScore) -> Line:
    name = view.class_of(i)
    if token.cut:
        return [("cut by a stop", "control")]
    if name is None:
        return [("no score", "pending")]
    words: Line = [(name, name)]
    if name != "control" and view.near_tie(i):
        words.append((" ?", "warn"))
    return words


def _ranks(view: TraceView, score: ReferenceScore) -> Line:
    """Which rank decides the class, and what the other lane would say where it differs."""
    argmax = "" if score.argmax_rank is None else f"argmax rank {score.argmax_rank}"
    written = f"written rank {score.rank}"
    other: Lane = "class" if view.class_lane == "emitted" else "emitted"
    first, second = (written, argmax) if view.class_lane == "emitted" else (argmax, written)
    line: Line = [(" · ".join(part for part in (first, second) if part), "")]
    shown, differs = reference_class(score, view.class_lane), reference_class(score, other)
    if shown != differs:
        line.append((f" ({differs})", differs))
    return line


def _probabilities(token: TokenScore, score: ReferenceScore | None, width: int) -> Line:
    digits = 3 if width >= 44 else 2
    line: Line = [("p ", "dim")]
    word_of_log = "log " if width >= 44 else ""
    for word, logprob in (
        ("gen", token.generator.logprob if token.generator else None),
        ("ref", score.logprob if score else None),
    ):
        shown = "none" if logprob is None else probability(logprob, digits)
        line.append((f"{word} ", "dim"))
        line.append((shown, "strong"))
        if logprob is not None:
            words = "excluded" if logprob == -math.inf else word_of_log + number(logprob)
            line.append((f" ({words})", "dim"))
        line.append((" ", ""))
    return line[:-1]


def _divergence(token: TokenScore, score: ReferenceScore, width: int) -> Line:
    unit = " nats" if width >= 44 else ""
    entropy = number(token.generator.entropy) if token.generator else "none"
    return [
        ("KL ", "dim"),
        (number(score.kl), "strong"),
        ("  H gen ", "dim"),
        (entropy, ""),
        (" ref ", "dim"),
        (number(score.entropy) + unit, ""),
    ]


def odd_bytes(piece: bytes) -> str:
    """The bytes in hex where the label does not say all: white space, hidden characters, parts of characters."""
    try:
        text = piece.decode().removeprefix(" ")
    except UnicodeDecodeError:
        text = ""
    if not piece or (
        text and text.isprintable() and text.strip() == text and sanitize(text) == text
    ):
        return ""
    return piece[:24].hex(" ").upper() + (" …" if len(piece) > 24 else "")


def pinned_line(view: TraceView, i: int, width: int) -> Line:
    """A pinned token in one line, to compare with."""
    token, score = view.score(i), view.reference_score(i)
    if token is None or score is None:
        return fit_line([("pin ", "dim"), (f"token {i + 1}: no score", "pending")], width)
    name = view.class_of(i) or "control"
    near = " ?" if name != "control" and view.near_tie(i) else ""
    mine = probability(token.generator.logprob) if token.generator else "none"
    numbers = f" p {mine}/{probability(score.logprob)} KL {number(score.kl)}"
    word = name if width >= 44 else name[:1]
    room = max(width - 5 - len(word) - len(near) - len(numbers), 4)
    label = fit(f'"{safe(view.label(token.id))}"', room)
    return fit_line(
        [("pin ", "dim"), (f"{label} ", ""), (word, name), (near, "warn"), (numbers, "dim")], width
    )
