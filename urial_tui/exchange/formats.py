"""The formats that a run can be exported in, by name. A new one is a function and a line here."""

from collections.abc import Callable
from dataclasses import dataclass

from urial_tui.exchange import just_eval
from urial_tui.exchange.exports import Export, Wanted
from urial_tui.store.run_types import Run
from urial_tui.store.store import Store


@dataclass(frozen=True)
class Exporter:
    """One format: what it is, and what makes its files of a run."""

    about: str
    export: Callable[[Store, Run, Wanted], Export]


EXPORTERS: dict[str, Exporter] = {
    "just-eval": Exporter("just-eval's model outputs and judge files", just_eval.export),
}
