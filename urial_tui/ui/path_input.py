"""A line for a path that completes itself from the folder: Right or Tab takes what is suggested."""

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from urial_tui.safetext import sanitize_line
from urial_tui.ui.background import run_latest

MAX_LOOKED_AT = 5_000
"""Entries of a folder that are looked at for a suggestion."""


def completion(value: str) -> str | None:
    """`value` completed by the first folder (with a separator) or GGUF file that begins like it; None without one."""
    if not value or value.endswith("~"):
        return None
    head, tail = os.path.split(value)
    found: list[tuple[bool, str]] = []
    try:
        folder = Path(head).expanduser() if head else Path()
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MAX_LOOKED_AT:
                    break
                name = entry.name
                if not name.startswith(tail) or (name.startswith(".") and not tail.startswith(".")):
                    continue
                if name != sanitize_line(name, 1000):
                    continue
                if entry.is_dir():
                    found.append((True, name + os.sep))
                elif name.lower().endswith(".gguf"):
                    found.append((False, name))
    except (OSError, ValueError, RuntimeError):
        return None
    best = min(found, default=None)
    if best is None or best[1] == tail:
        return None
    return value[: len(value) - len(tail)] + best[1]


class _PathSuggester(Suggester):
    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return await asyncio.to_thread(completion, value)


class PathInput(Input):
    """An Input for paths."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", tooltip="Complete the path", show=False),
    ]

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, id=id, suggester=_PathSuggester())

    def action_complete(self) -> None:
        """Take what completes the path; without anything, go to the next widget."""
        run_latest(self, self._complete, "complete")

    async def _complete(self) -> None:
        before = self.value
        found = await asyncio.to_thread(completion, before)
        if self.value != before:
            return
        if found is None:
            self.screen.focus_next()
            return
        self.value = found
        self.cursor_position = len(found)
