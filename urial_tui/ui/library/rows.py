"""The rows of the library's table: which facts are shown, in which order, and how a filter finds them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from urial_tui.models.facts import ModelFacts
from urial_tui.sides import DEMO
from urial_tui.ui.drawing.lines import safe
from urial_tui.ui.library.words import VERDICT_LOOKS, size_words, tokens_words
from urial_tui.ui.widgets.table import Cell, Column, Row

if TYPE_CHECKING:
    from urial_tui.models.fit import Verdict

COLUMNS = (
    Column("name", "name", 23, stretches=True),
    Column("role", "role", 8, rank=1),
    Column("quant", "quant", 7, rank=2),
    Column("size", "on disk", 7, rank=1, right=True),
    Column("fit", "memory", 12, rank=1),
    Column("label", "size", 5, rank=4, right=True),
    Column("arch", "kind", 9, rank=5),
    Column("ctx", "ctx", 5, rank=6, right=True),
    Column("source", "where", 13, rank=7),
)


def role_word(facts: ModelFacts) -> str:
    """What it is, in a word."""
    if facts.problem:
        return "unusable"
    if facts.kind != "model":
        return safe(facts.kind, 20) or "?"
    return "?" if facts.role == "unknown" else facts.role


def in_order(all_facts: Iterable[ModelFacts]) -> list[ModelFacts]:
    """Models first, then adapters, then what cannot be used; the embedded model before all others."""

    def place(facts: ModelFacts) -> tuple[bool, bool, bool, str]:
        embedded = facts.name == DEMO
        return (not embedded, bool(facts.problem), facts.kind != "model", facts.name.casefold())

    return sorted(all_facts, key=place)


def matches(facts: ModelFacts, words: Sequence[str]) -> bool:
    """Whether every one of these words, in lower case, is in what the table says of the model."""
    texts = (
        facts.name, facts.title, facts.architecture, facts.quantization, facts.size_label,
        facts.source, role_word(facts),
    )  # fmt: skip
    text = "\n".join(texts).casefold()
    return all(word in text for word in words)


def rows_of(
    all_facts: Iterable[ModelFacts], verdicts: "Mapping[str, Verdict] | None", current: str = ""
) -> list[Row]:
    """The rows, in the order given. `verdicts` None: they are being worked out. `current` is the chat's own model."""
    return [_row(facts, verdicts, current) for facts in all_facts]


def _row(facts: ModelFacts, verdicts: "Mapping[str, Verdict] | None", current: str) -> Row:
    name = safe(facts.name, 120)
    bad = "dim" if facts.problem else ""
    cells = {
        "name": Cell(f"● {name}" if facts.name == current else name, bad),
        "role": Cell(role_word(facts), "bad" if facts.problem else ""),
        "quant": Cell(safe(facts.quantization, 20), bad),
        "size": Cell(size_words(facts.size) if facts.size else "", bad),
        "fit": _verdict(facts, verdicts),
        "label": Cell(safe(facts.size_label, 20)),
        "arch": Cell(safe(facts.architecture, 40)),
        "ctx": Cell(tokens_words(facts.context_length)),
        "source": Cell(safe(facts.source, 40)),
    }
    return Row(facts.name, cells)


def _verdict(facts: ModelFacts, verdicts: "Mapping[str, Verdict] | None") -> Cell:
    if not facts.is_model:
        return Cell("")
    if verdicts is None:
        return Cell("…", "dim")
    verdict = verdicts.get(facts.name, "unknown")
    return Cell("" if verdict == "unknown" else verdict, VERDICT_LOOKS[verdict])
