"""What the app needs from the rest of the program, as protocols and one dataclass of callables.

`urial_tui.main` fills `AppServices` with the real things, tests with their own. Nothing here does
any work, and nothing here knows how a conversation is stored or how a model runs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from urial_tui.chat.events import ChatEvent
from urial_tui.engine.protocol import Sampling
from urial_tui.store.types import Message, Session

Listener = Callable[[ChatEvent], None]


class ChatLike(Protocol):
    """The conversation, as the screen uses it: `urial_tui.chat.chat.Chat` or a test's own.

    What happens comes back as ChatEvents through the listener, in the same event loop. Every
    coroutine may raise UrialError; the screen shows it and goes on.
    """

    @property
    def session(self) -> Session | None: ...
    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def side(self) -> str: ...
    @property
    def phase(self) -> str: ...
    @property
    def busy(self) -> bool: ...
    @property
    def sampling(self) -> Sampling: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def context_used(self) -> int: ...
    @property
    def n_ctx(self) -> int: ...

    async def start(self) -> None: ...
    async def open_session(self, session_id: str) -> None: ...
    async def new_session(self) -> None: ...
    async def send(self, text: str, prefill: str = "") -> None: ...
    async def stop(self) -> None: ...
    async def regenerate(self, message_id: str | None = None) -> None: ...
    async def continue_answer(self, message_id: str | None = None) -> None: ...
    async def edit_and_resend(self, message_id: str, text: str) -> None: ...
    async def switch_sibling(self, message_id: str, step: int) -> None: ...
    async def set_side(self, side: str) -> None: ...
    async def set_pack(self, pack_id: str) -> None: ...
    async def set_sampling(self, sampling: Sampling, max_tokens: int) -> None: ...
    async def sessions(self, query: str = "") -> Sequence[Session]: ...
    async def rename(self, session_id: str, title: str) -> None: ...
    async def delete(self, session_id: str) -> None: ...
    async def save_draft(self, text: str) -> None: ...
    async def draft(self) -> str: ...
    async def pack_cost(self, pack_id: str) -> int: ...
    async def preview(self, pack_id: str) -> str: ...
    async def siblings(self, message_id: str) -> tuple[int, int]: ...
    async def versions(self) -> dict[str, tuple[int, int]]: ...
    async def export_markdown(self) -> str: ...
    async def aclose(self) -> None: ...


class PackInfo(Protocol):
    """What the pack picker shows of a prompt pack; `urial_tui.prompts.packs.Pack` has it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def source(self) -> str: ...


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

    make_chat: Callable[[Listener], Awaitable[ChatLike]]
    list_packs: Callable[[], Sequence[PackInfo]] = tuple
    pack_problems: Callable[[], Sequence[str]] = tuple
    list_models: Callable[[], Awaitable[Sequence[ModelChoice]]] = _no_models
    check_side: Callable[[str], None] | None = None
    """Raises UrialError when the SIDE cannot be used; asked before the picker closes."""
    state_dir: Path | None = None
    """Where copies go besides the clipboard; None means no file."""
    theme: str = ""
    keymap: Mapping[str, str] = field(default_factory=dict)
    save_theme: Callable[[str], None] | None = None
    session_id: str | None = None
    """The session to open first; None: the last one that was used, when `resume` is set."""
    resume: bool = True
    close: Callable[[], Awaitable[None]] | None = None
    """Awaited after the chat is closed."""
