"""The one screen for the work: sessions, transcript, composer, status line, and a footer with what
can be done now.

This module composes and lays out; the parts beside it in this folder act, one a subject. The chat
itself is made after the first paint, so the screen is there before the history and the model are.
"""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from urial_tui.errors import UrialError
from urial_tui.safetext import sanitize_line
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.events import ChatEvents
from urial_tui.ui.chat.exporting import ChatExporting
from urial_tui.ui.chat.finding import ChatFinding
from urial_tui.ui.chat.judging import ChatJudging
from urial_tui.ui.chat.models import ChatModels
from urial_tui.ui.chat.organising import ChatOrganising
from urial_tui.ui.chat.sessions import ChatSessions
from urial_tui.ui.chat.tokens import ChatTokens
from urial_tui.ui.chat.tools import ChatTools
from urial_tui.ui.chat.turns import ChatTurns
from urial_tui.ui.commands import CHAT_COMMANDS
from urial_tui.ui.inspect.pane import InspectorPane
from urial_tui.ui.keymap import key_name, keys_of, works_while_writing
from urial_tui.ui.situation import can
from urial_tui.ui.widgets.banner import Banner
from urial_tui.ui.widgets.begin_line import BeginLine
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.session_list import SessionList
from urial_tui.ui.widgets.status_bar import StatusBar
from urial_tui.ui.widgets.transcript import Transcript

MIN_WIDTH, MIN_HEIGHT = 44, 12
"""The smallest terminal that the screen is laid out for."""
FULL_WIDTH, FULL_HEIGHT = 60, 16
"""Below this something is hidden, and a notice says what."""

ACTIONS = frozenset(command.action for command in CHAT_COMMANDS)
"""The actions that are asked of the moment; all others on the screen are Textual's."""
WELCOME_KEYS = (
    ("chat.pack", "choose the prompt pack"),
    ("chat.side", "choose the model"),
    ("chat.sampling", "sampling settings"),
    ("chat.prefill", "begin the answer yourself"),
    ("chat.next-pair", "compare another pair of sides"),
    ("chat.sessions", "earlier sessions"),
    ("app.palette", "all commands"),
    ("app.help", "help"),
)


class ChatScreen(
    ChatTurns,
    ChatSessions,
    ChatOrganising,
    ChatExporting,
    ChatFinding,
    ChatTools,
    ChatModels,
    ChatTokens,
    ChatJudging,
    ChatEvents,
):
    """See the module."""

    AUTO_FOCUS = "#composer"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-low"), (20, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in CHAT_COMMANDS if command.keys),
        Binding("ctrl+up", "scroll_transcript(-1)", "Scroll up", show=False),
        Binding("ctrl+down", "scroll_transcript(1)", "Scroll down", show=False),
    ]

    _left: Widget | None = None
    """What had the focus when the terminal became too small."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="work"):
            yield SessionList(id="sessions")
            with Vertical(id="main"):
                yield Static("", id="heading", markup=False)
                yield Transcript(id="transcript")
                with Container(id="welcome"):
                    yield Static(self.welcome())
                yield Banner(id="banner")
                yield BeginLine(id="begin")
                yield Composer(placeholder="Write a message", id="composer")
            yield InspectorPane(id="inspector")
        with Container(id="too-small"):
            yield Static("", id="too-small-text", markup=False)
        yield StatusBar(id="status")
        yield HintBar(self.is_idle_key, id="hints")

    def welcome(self) -> Content:
        """What an empty conversation shows: what this is, and the keys to begin with."""
        lines = [
            Content.styled("Write a message and press Enter.", "bold $text"),
            Content("The model was never taught to chat."),
            Content("A prompt pack shows it how, with a few examples."),
            Content(""),
        ]
        for command_id, words in WELCOME_KEYS:
            keys = [key for key in keys_of(command_id, self.keymap) if works_while_writing(key)]
            if not keys:
                continue
            key = key_name(keys[0])
            lines.append(Content.assemble((f"{key:>8}", "$text-accent"), f"   {words}"))
        return Content("\n").join(lines)

    def show_keys(self) -> None:
        """The keys were bound anew."""
        if self.is_attached:
            self.query_one("#welcome Static", Static).update(self.welcome())

    # --- start ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.add_class("-empty")
        self.status.update(state="starting", tone="busy")
        self.start_flushing()
        self.watch_downloads()
        self.call_after_refresh(self.connect)

    def connect(self) -> None:
        """Make the chat; called when the first paint is done."""
        run_latest(self, self._connect, "start")

    async def _connect(self) -> None:
        try:
            chat = await self.services.make_chat(self.relay.listen)
        except UrialError as error:
            self.status.update(state="not started", tone="error")
            self.banner.show("startup", f"{error.message}. {error.hint}")
            return
        self.chat = chat
        self.show_side()
        self.pair_changed(chat.pair)
        await self._guarded(self._first_session())
        self.changed()
        if await self.is_first_run():
            self.welcome_user()
        else:
            await self._guarded(chat.start())
        await self.tell_unfinished()

    async def _first_session(self) -> None:
        chat = self.chat
        if chat is None:
            return
        wanted = self.services.session_id
        if wanted is None and self.services.resume:
            sessions = await chat.sessions()  # pinned ones come first
            last = max(sessions, key=lambda one: one.updated_at, default=None)
            wanted = last.id if last is not None else None
        if wanted is not None:
            await chat.open_session(wanted)
            self.show_side()
        typed = self.composer.text
        if self.early_message is not None:
            text, self.early_message = self.early_message, None
            self.send_text(text)
        elif not typed:
            self.composer.set_text(await chat.draft())
        self.refresh_sessions()

    # --- what can be done -------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can(action, self.moment) if action in ACTIONS else True

    def is_idle_key(self, binding_id: str) -> bool:
        """A key that would only be refused: it is not offered."""
        return binding_id == "composer.send" and (self.moment.busy or self.moment.locked)

    def on_descendant_focus(self) -> None:
        self.changed()

    def on_descendant_blur(self) -> None:
        self.changed()

    def action_scroll_transcript(self, lines: int) -> None:
        self.transcript.scroll_relative(y=lines, animate=False)

    # --- layout -----------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        was_too_small = self.too_small
        self.too_small = width < MIN_WIDTH or height < MIN_HEIGHT
        if self.too_small and not was_too_small:
            self._left = self.focused
        self.set_class(self.too_small, "-too-small")
        if self.too_small:
            text = (
                f"urial-tui needs at least {MIN_WIDTH}x{MIN_HEIGHT}.\n"
                f"This terminal is {width}x{height}.\n\n"
                f"Nothing is lost: make it larger,\nor press {self.key('app.quit')} to leave."
            )
            self.query_one("#too-small-text", Static).update(text)
        hidden = []
        if width < FULL_WIDTH:
            hidden.append(f"sessions open over the text ({self.key('chat.sessions')})")
        if height < FULL_HEIGHT:
            hidden.append(f"key hints are hidden ({self.key('app.help')} lists them)")
        small = bool(hidden) and not self.too_small
        words = f"Small terminal, {width}x{height}: {', '.join(hidden)}."
        self.banner.show("layout", words if small else "")
        self.lay_out_list()
        if was_too_small and not self.too_small:
            self.call_after_refresh(self._focus_again)
        self.changed()

    def _focus_again(self) -> None:
        """Textual takes the focus from what is hidden: give it back, to the composer where that is hidden still."""
        left, self._left = self._left, None
        if self.too_small or self.focused is not None:
            return
        self.set_focus(left if left in self.focus_chain else self.composer)

    def say_closing(self) -> None:
        kept = self.unfinished_words()
        self.status.update(state=f"closing; {kept}" if kept else "closing", tone="busy")

    def show_heading(self) -> None:
        self.set_class(not self.messages, "-empty")
        session = self.chat.session if self.chat is not None else None
        title = sanitize_line(session.title, 120) if session is not None else ""
        if session is not None and session.deleted_at is not None:
            title = f"{title} (in the bin)"
        self.query_one("#heading", Static).update(Content(title or "New session"))
