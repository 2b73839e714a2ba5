"""The formats that answers and conversations can be exported in, by name. A new one is a function and a line here."""

from collections.abc import Callable
from dataclasses import dataclass

from urial_tui.exchange import just_eval
from urial_tui.exchange.exports import Export, Wanted
from urial_tui.exchange.sources import Source


@dataclass(frozen=True)
class Exporter:
    """One format: what it is, and what makes its files."""

    about: str
    export: Callable[[Source, Wanted], Export]


EXPORTERS: dict[str, Exporter] = {
    "just-eval": Exporter("just-eval's model outputs and judge files", just_eval.export),
}
