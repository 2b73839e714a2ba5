"""Everything that is known of one model, as lines for the pane beside the library's table. Pure, safe text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from urial_tui.models.facts import ModelFacts, Partner, Verification
from urial_tui.safetext import sanitize
from urial_tui.ui.drawing.lines import Line, fit, safe, wrapped
from urial_tui.ui.library.words import VERDICT_LOOKS, size_words

if TYPE_CHECKING:
    from urial_tui.models.fit import Fit

LABEL = 13
"""Cells for the names of the facts."""
INDENT = 2
MAX_PARTNERS = 6


@dataclass(frozen=True)
class Found:
    """What is worked out of a model when it is looked at. None: it is being worked out; a text: why it is not known."""

    fit: "Fit | str | None" = None
    partners: Sequence[Partner] | str | None = None
    verifying: str = ""
    verification: Verification | None = None


def detail_lines(facts: ModelFacts, found: Found, width: int) -> list[Line]:
    """The lines for a pane of `width` cells."""
    lines = wrapped(safe(facts.title or facts.name), width, "title", most=2)
    if facts.problem:
        lines += wrapped(safe(f"Cannot be used: {facts.problem}"), width, "bad", most=4)
    lines += _whole("name", facts.name if facts.title else "", "", width)
    if facts.kind and not facts.problem:
        lines += _entry("role", _role(facts), "strong", width)
    if found.verifying:
        lines += _hash(facts, found, width)
    lines += _memory(facts, found, width)
    lines += _partners(facts, found, width)
    for label, text in _more_texts(facts):
        lay_out = _whole if label in ("made from", "path", "also") else _entry
        lines += lay_out(label, text, "", width)
    if not found.verifying:
        lines += _hash(facts, found, width)
    return lines


def _entry(label: str, text: str, look: str, width: int, most: int = 4) -> list[Line]:
    """A label and a text that is wrapped beside it; nothing for an empty text."""
    text = safe(text, 1000)
    if not text:
        return []
    room = max(width - LABEL, 8)
    rows = wrapped(text, room, look, most=most)
    return [
        [(label.ljust(LABEL) if number == 0 else " " * LABEL, "dim"), *row]
        for number, row in enumerate(rows)
    ]


def _whole(label: str, text: str, look: str, width: int) -> list[Line]:
    """As `_entry`, for a name or a path: on lines of its own where there is no room beside the label, and cut where a
    part of it ends."""
    text = safe(text, 1000)
    if not text or cell_len(text) <= width - LABEL:
        return _entry(label, text, look, width)
    rows = _cut_at_parts(text, max(width - INDENT, 8))[:6]
    return [[(label, "dim")], *([(" " * INDENT + row, look)] for row in rows)]


def _cut_at_parts(text: str, width: int) -> list[str]:
    """Rows of at most `width` cells that end behind a separator where one is near enough."""
    rows = [""]
    for part in re.findall(r"[^/\\_.\- ]*[/\\_.\- ]?", text):
        if rows[-1] and cell_len(rows[-1] + part) > width:
            rows.append("")
        rows[-1] += part
        while cell_len(rows[-1]) > width:
            head = fit(rows[-1], width + 1).removesuffix("…")
            rows[-1:] = [head, rows[-1][len(head) :]]
    return [row for row in rows if row]


def _role(facts: ModelFacts) -> str:
    role: str = "not known" if facts.role == "unknown" else facts.role
    return f"{role}: {facts.role_reason}" if facts.role_reason else role


def _more_texts(facts: ModelFacts) -> list[tuple[str, str]]:
    vocabulary = f"{facts.n_vocab:,} tokens" if facts.n_vocab else ""
    if facts.tokenizer:
        vocabulary += f" ({facts.tokenizer})"
    if facts.vocabulary:
        vocabulary += f", fingerprint {facts.vocabulary[:16]}"
    size = ", ".join(
        filter(None, (facts.quantization, size_words(facts.size) if facts.size else ""))
    )
    if facts.parts > 1:
        size += f" in {facts.parts} parts"
    if facts.missing_parts:
        size += f", {facts.missing_parts} missing"
    kind = " ".join(filter(None, (facts.architecture, facts.size_label)))
    if facts.n_params:
        kind += f", {facts.n_params:,} parameters"
    plain = facts.kind == "model"
    return [
        ("made from", facts.base_model),
        ("kind", kind),
        ("on disk", size),
        ("context", f"{facts.context_length:,} tokens" if facts.context_length else ""),
        ("vocabulary", vocabulary),
        ("template", ("yes" if facts.has_template else "none") if plain else ""),
        ("licence", facts.license),
        ("where", facts.source),
        ("path", _short(facts.path)),
        *(("also", _short(path)) for path in facts.also[:4]),
    ]


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _hash(facts: ModelFacts, found: Found, width: int) -> list[Line]:
    if found.verifying:
        return _entry("sha256", found.verifying, "warn", width)
    done = found.verification
    if done is None:
        if facts.sha256:
            return _whole("sha256", _halves(facts.sha256, width), "", width)
        return _entry("sha256", "not computed yet", "dim", width)
    if done.ok is None:
        words, look = f"{done.sha256}; nothing says what it should be", ""
    elif done.ok:
        words, look = f"{done.sha256}, as {done.source} says", "strong"
    else:
        words, look = f"{done.sha256}, but {done.source} says {done.expected}: it is damaged", "bad"
    return _entry("sha256", words, look, width, most=6)


def _halves(digest: str, width: int) -> str:
    """A hash in two halves where it does not fit a line, so that it breaks in its middle."""
    return digest if width >= LABEL + 64 else f"{digest[:32]} {digest[32:]}"


def _memory(facts: ModelFacts, found: Found, width: int) -> list[Line]:
    if not facts.is_model:
        return []
    if found.fit is None:
        return _entry("memory", "being worked out…", "dim", width)
    if isinstance(found.fit, str):
        return _entry("memory", found.fit, "dim", width)
    from urial_tui.models.fit import in_words

    fit = found.fit
    known = fit.verdict != "unknown"
    words = f"{fit.verdict}: {in_words(fit)}" if known else in_words(fit)
    lines = _entry("memory", words, VERDICT_LOOKS[fit.verdict] or "strong", width)
    for need in fit.sides[:1]:
        parts = need.estimate
        split = (
            f"weights {size_words(parts.weights)}, context {size_words(parts.kv_cache)}, "
            f"working {size_words(parts.compute)}"
        )
        lines += _entry("", split, "dim", width)
    return lines


def _partners(facts: ModelFacts, found: Found, width: int) -> list[Line]:
    if facts.problem:
        return []
    if found.partners is None:
        return _entry("compare with", "looking for the same vocabulary…", "dim", width)
    if isinstance(found.partners, str):
        return _entry("compare with", found.partners, "dim", width)
    if not found.partners:
        return _entry("compare with", "no other model here has its vocabulary", "dim", width)
    lines: list[Line] = []
    for number, partner in enumerate(found.partners[:MAX_PARTNERS]):
        label = "" if number else "compare with"
        lines += _entry(label, partner.name, "strong" if partner.likely else "", width, most=1)
        lines += _entry("", sanitize(partner.reason), "dim", width, most=3)
    more = len(found.partners) - MAX_PARTNERS
    return lines + (_entry("", f"and {more} more", "dim", width) if more > 0 else [])
