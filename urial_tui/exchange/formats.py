"""The formats that answers and conversations can be exported in, by name. A new one is a function and a line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from urial_tui.exchange import (
    alpaca_eval,
    csv_tables,
    html_page,
    jsonl,
    just_eval,
    lm_eval,
    markdown,
    mt_bench,
    promptfoo,
    urial_pairwise,
)
from urial_tui.exchange.exports import Export, Wanted, What
from urial_tui.exchange.sources import Source

Shape = Literal["folder", "file", "file of one session", "file of one table"]
"""What is written: a folder of files, or one file; for some formats only where one session, or one table, is named."""


@dataclass(frozen=True)
class Exporter:
    """One format: what it is, and what makes its files. `parts`: what of it can be asked for alone; `judged`: those
    that judges can be chosen for; `branches`: whether every version of a conversation can be in it."""

    about: str
    export: Callable[[Source, Wanted], Export]
    shape: Shape = "folder"
    parts: tuple[What, ...] = ()
    judged: tuple[What, ...] = ("all", "judgements", "scores")
    branches: bool = False

    def one_file(self, wanted: Wanted, *, one_session: bool) -> bool:
        """Whether it is written as one file; `one_session`: a single one was named."""
        if self.shape == "file of one session":
            return one_session
        return self.shape == "file" or (self.shape == "file of one table" and wanted.what != "all")


EXPORTERS: dict[str, Exporter] = {
    "just-eval": Exporter(
        "just-eval's model outputs and judge files",
        just_eval.export,
        parts=("outputs", "judgements"),
    ),
    "urial-pairwise": Exporter("comparisons for URIAL's evaluation", urial_pairwise.export),
    "alpaca-eval": Exporter(
        "AlpacaEval's model outputs and annotations",
        alpaca_eval.export,
        parts=("outputs", "judgements"),
    ),
    "mt-bench": Exporter(
        "MT-Bench's questions, answers and judgements",
        mt_bench.export,
        parts=("outputs", "judgements"),
    ),
    "lm-eval": Exporter("lm-evaluation-harness logs", lm_eval.export),
    "promptfoo": Exporter(
        "outputs to grade and finished scores", promptfoo.export, parts=("outputs", "judgements")
    ),
    "jsonl": Exporter("everything, without loss, to be imported again", jsonl.export, "file"),
    "markdown": Exporter(
        "readable transcripts", markdown.export, "file of one session", judged=(), branches=True
    ),
    "html": Exporter(
        "one page, tokens by class", html_page.export, "file", judged=(), branches=True
    ),
    "csv": Exporter(
        "tables of messages, tokens and scores",
        csv_tables.export,
        "file of one table",
        ("messages", "tokens", "scores"),
        branches=True,
    ),
}
