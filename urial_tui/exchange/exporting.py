"""Exports as the interface asks for them: what, in which format, where. Work goes through a thread and a connection of
its own, so that an answer that is being written meanwhile waits for nothing.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from urial_tui.errors import ExchangeError
from urial_tui.exchange.exports import Names, Wanted
from urial_tui.exchange.writing import Written, write_export

_EXTENSIONS: Final = {"markdown": ".md", "html": ".html", "jsonl": ".jsonl"}


@dataclass(frozen=True)
class Subject:
    """What can be exported: a run, or conversations, under a name for people."""

    label: str
    run: str | None = None
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """What was written, and what a person should know about it."""

    written: tuple[Written, ...]
    notes: tuple[str, ...]


class ExportDesk:
    """`history` gives the file, None while the history is in memory alone."""

    def __init__(self, history: Callable[[], Path | None]) -> None:
        self._history = history

    def formats(self) -> tuple[tuple[str, str], ...]:
        """Names, and what each is."""
        from urial_tui.exchange.formats import EXPORTERS

        return tuple((name, exporter.about) for name, exporter in EXPORTERS.items())

    def place(self, subject: Subject, format_: str) -> str:
        """Where an export would go unless it is told otherwise: a name in the user's own folder."""
        name = Names().make(subject.label)
        if not self._one_file(subject, format_):
            return str(Path("~") / f"{name}-{format_}")
        return str(Path("~") / f"{name}{_EXTENSIONS[format_]}")

    def _one_file(self, subject: Subject, format_: str) -> bool:
        from urial_tui.exchange.formats import EXPORTERS

        return EXPORTERS[format_].one_file(Wanted(), one_session=len(subject.sessions) == 1)

    async def export(
        self, subject: Subject, format_: str, place: str, *, force: bool = False
    ) -> Exported:
        """Raises ExchangeError and StoreError, as the command does."""
        path = self._history()
        if path is None:
            raise ExchangeError(
                "the history is in memory alone, which cannot be exported",
                hint="It can be once it is written again; Save transcript works now.",
                kind="in-memory",
            )
        return await asyncio.to_thread(self._export, path, subject, format_, place, force)

    def _export(
        self, path: Path, subject: Subject, format_: str, place: str, force: bool
    ) -> Exported:
        from urial_tui.exchange.choosing import Choice, source_of
        from urial_tui.exchange.formats import EXPORTERS
        from urial_tui.store.store import Store

        with Store.open(path, readonly=True) as store:
            source = source_of(store, Choice(subject.run, subject.sessions))
            made = EXPORTERS[format_].export(source, Wanted())
            one_file = self._one_file(subject, format_)
            written = write_export(made, _path(place), one_file=one_file, force=force)
        return Exported(tuple(written), made.notes)


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~ of nobody
        raise ExchangeError(str(error), hint="Write the whole path.", kind="unwritable") from error
