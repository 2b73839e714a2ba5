"""What the app needs from the rest of the program: one dataclass of callables and desks.

`urial_tui.launch` fills `AppServices` with the real things, which `urial_tui.composition` makes, tests with their own.
The interface knows the classes that it works with by name only: nothing here imports how a conversation is stored or
how a model runs, so that the first paint waits for neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urial_tui.chat.events import ChatEvent

if TYPE_CHECKING:
    from urial_tui.chat.chat import Chat
    from urial_tui.exchange.exporting import ExportDesk
    from urial_tui.judge.desk import JudgeDesk
    from urial_tui.models.desk import ModelDesk
    from urial_tui.prompts.packs import Pack

Listener = Callable[[ChatEvent], None]


@dataclass(frozen=True)
class ModelChoice:
    """One line of the side picker. `side` is SIDE notation without a style; `detail` is size,
    quantisation, folder.
    """

    side: str
    name: str
    detail: str = ""


async def _no_models() -> Sequence[ModelChoice]:
    return ()


@dataclass(frozen=True)
class AppServices:
    """Everything that the app is given. Only `make_chat` is needed.

    `make_chat` is awaited after the first paint, so it may import and open what is slow.
    `pack_problems` are lines about pack files that could not be read. `keymap` maps binding ids to
    keys, as the user's settings have them.
    """

    make_chat: Callable[[Listener], Awaitable[Chat]]
    list_packs: Callable[[], Sequence[Pack]] = tuple
    pack_problems: Callable[[], Sequence[str]] = tuple
    list_models: Callable[[], Awaitable[Sequence[ModelChoice]]] = _no_models
    check_side: Callable[[str], None] | None = None
    """Raises UrialError when the SIDE cannot be used; asked before the picker closes."""
    state_dir: Path | None = None
    """Where copies go besides the clipboard; None means no file."""
    theme: str = ""
    ascii: str = "off"
    """Whether to draw with ASCII alone: `auto`, `on`, `off`."""
    compact: str = "auto"
    """Whether to do without frames and padding: the same."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    save_theme: Callable[[str], None] | None = None
    settings_file: Path | None = None
    """What the settings screen changes; None: there is no such screen."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of this run alone, by key."""
    take: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    """What takes a setting that was changed at once, by key; what is drawn is the app's own business."""
    session_id: str | None = None
    """The session to open first; None: the last one that was used, when `resume` is set."""
    resume: bool = True
    close: Callable[[], Awaitable[str]] | None = None
    """Awaited after the chat is closed. What it gives back is said on the terminal that was left."""
    models: ModelDesk | None = None
    """The library and the hub; None where there is neither."""
    first_run: bool = False
    """Nobody has chosen a side yet: where the history is empty too, the user is asked before anything is loaded."""
    judging: JudgeDesk | None = None
    """Rubrics, ratings, runs and judges; None where there are none."""
    exports: ExportDesk | None = None
    """Writes conversations and runs to files; None where nothing does."""
    remember: Callable[[str, tuple[str, ...] | None], Awaitable[None]] | None = None
    """Keep the side and the references (None: what suits the side) for the next start. May raise UrialError."""
