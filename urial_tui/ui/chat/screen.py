"""The one screen for the work: sessions, transcript, composer, status line, and a footer with what can be done now.

This module composes, makes the parts beside it in this folder, one a subject, and says who answers to what: commands
by their action, messages of widgets, and what the chat tells. The chat itself is made after the first paint, so the
screen is there before the history and the model are.
"""

from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Input, Static

from urial_tui.errors import UrialError
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.branches import Branches
from urial_tui.ui.chat.choosing import Choosing
from urial_tui.ui.chat.drafts import Drafts
from urial_tui.ui.chat.exporting import Exporting
from urial_tui.ui.chat.finding import Finding
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.in_hand import InHand
from urial_tui.ui.chat.inspection import Inspection
from urial_tui.ui.chat.judging import Judging
from urial_tui.ui.chat.labels import Labels
from urial_tui.ui.chat.message_actions import MessageActions
from urial_tui.ui.chat.models import Models
from urial_tui.ui.chat.organising import Organising
from urial_tui.ui.chat.pairs import Pairs
from urial_tui.ui.chat.panes import Panes
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.reading import Reading
from urial_tui.ui.chat.scores import Scores
from urial_tui.ui.chat.sessions import Sessions
from urial_tui.ui.chat.sides import Sides
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.chat.telling import Telling
from urial_tui.ui.chat.tokens import Tokens
from urial_tui.ui.chat.turns import Turns
from urial_tui.ui.commands import CHAT_COMMANDS
from urial_tui.ui.inspect.pane import AlternativeChosen, InspectorPane
from urial_tui.ui.keymap import keys_of
from urial_tui.ui.relay import FLUSH_PERIOD, ChatArrived
from urial_tui.ui.services import AppServices
from urial_tui.ui.situation import Situation, can
from urial_tui.ui.widgets.banner import Banner
from urial_tui.ui.widgets.begin_line import BeginLine
from urial_tui.ui.widgets.composer import Composer
from urial_tui.ui.widgets.hint_bar import HintBar
from urial_tui.ui.widgets.session_list import SessionList
from urial_tui.ui.widgets.status_bar import StatusBar
from urial_tui.ui.widgets.transcript import Transcript
from urial_tui.ui.widgets.transcript_keys import NEED_SCORES

ACTIONS = frozenset(command.action for command in CHAT_COMMANDS)
"""The actions that are asked of the moment; all others on the screen are Textual's."""


class ChatScreen(ChatStage):
    """See the module."""

    AUTO_FOCUS = "#composer"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (16, "-low"), (20, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in CHAT_COMMANDS),
        Binding("ctrl+up", "scroll_transcript(-1)", "Scroll up", show=False),
        Binding("ctrl+down", "scroll_transcript(1)", "Scroll down", show=False),
        # The composer leaves these alone while all of its text is in sight.
        Binding("pageup", "page_transcript(-1)", "Page up", show=False),
        Binding("pagedown", "page_transcript(1)", "Page down", show=False),
    ]

    def __init__(self, services: AppServices) -> None:
        super().__init__(services)
        self.focus_owner = focus = Focus(self)
        self.inspection = inspection = Inspection(self)
        self.labels = labels = Labels(self)
        self.in_hand = in_hand = InHand(self, focus)
        self.panes = panes = Panes(self, focus, inspection)
        self.drafts = drafts = Drafts(self, focus)
        self.sides = sides = Sides(self, labels)
        self.branches = branches = Branches(self, focus)
        self.turns = Turns(self, focus, drafts)
        self.sessions = Sessions(self, focus, in_hand, panes, labels, drafts)
        self.exporting = Exporting(self, in_hand)
        self.organising = Organising(self, focus, in_hand, drafts, self.sessions, self.exporting)
        self.finding = Finding(self, focus, drafts, self.sessions, branches)
        self.reading = Reading(self)
        self.models = Models(self, panes, sides)
        self.choosing = Choosing(self, labels, sides, self.models)
        self.scores = Scores(self, panes, inspection)
        self.pairs = Pairs(self, labels, sides, inspection, self.scores)
        self.tokens = Tokens(self, focus, panes, inspection, self.scores)
        self.judging = Judging(self, branches, sides)
        self.message_actions = MessageActions(
            self, self.turns, branches, self.finding, self.reading, self.judging, self.tokens
        )
        self.telling = Telling(
            self, labels, self.sessions, branches, self.turns, self.scores, self.pairs
        )
        for part in vars(self).copy().values():
            if isinstance(part, Part):
                for action, act in part.actions().items():
                    setattr(self, f"action_{action}", act)  # Textual finds them by this name

    def compose(self) -> ComposeResult:
        with Horizontal(id="work"):
            yield SessionList(id="sessions")
            with Vertical(id="main"):
                yield Static("", id="heading", markup=False)
                yield Transcript(id="transcript")
                with Container(id="welcome"):
                    yield Static(self.labels.welcome())
                yield Banner(id="banner")
                yield BeginLine(id="begin")
                yield Composer(placeholder="Write a message", id="composer")
            yield InspectorPane(id="inspector")
        with Container(id="too-small"):
            yield Static("", id="too-small-text", markup=False)
        yield StatusBar(id="status")
        yield HintBar(self.is_idle_key, id="hints")

    def show_keys(self) -> None:
        """The keys were bound anew."""
        self.labels.show_welcome()

    # --- start and end ----------------------------------------------------------------------

    def on_mount(self) -> None:
        self.add_class("-empty")
        self.status.update(state="starting", tone="busy")
        self.set_interval(FLUSH_PERIOD, self.relay.tick, name="stream")
        self.models.watch_downloads()
        self.sessions.watch_lock()
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
        self.labels.show_side()
        self.pairs.changed_to(chat.pair)
        await self._guarded(self._first_session)
        self.changed()
        if await self.models.is_first_run():
            self.models.welcome_user()
        else:
            await self._guarded(chat.start)
        await self.models.tell_unfinished()

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
            self.labels.show_side()
        await self.drafts.begin()
        self.turns.send_early()
        self.sessions.refresh()

    def say_closing(self) -> None:
        kept = self.models.unfinished_words()
        self.status.update(state=f"closing; {kept}" if kept else "closing", tone="busy")

    # --- what can be done -------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return can(action, self.moment) if action in ACTIONS else True

    def on_key(self, event: events.Key) -> None:
        """A key that only an answer on its way keeps from doing something says so."""
        if not self.moment.busy:
            return
        after = replace(self.moment, busy=False)
        for command in CHAT_COMMANDS:
            waits = not can(command.action, self.moment) and can(command.action, after)
            if waits and event.key in keys_of(command.id, self.keymap):
                self.tell_busy()

    def is_idle_key(self, binding_id: str) -> bool:
        """A key that would only be refused: it is not offered."""
        if binding_id in NEED_SCORES:
            return not self.moment.inspected.has_scores
        return binding_id == "composer.send" and (self.moment.busy or self.moment.locked)

    def look(self) -> Situation:
        chat, messages, target = self.chat, self.messages, self.target()
        place = self.focus_owner.place()
        return Situation(
            connected=chat is not None,
            busy=self.is_working,
            place=place,
            editing=self.drafts.editing is not None,
            prefilling=self.begin_line.is_open,
            n_messages=len(messages),
            has_user_message=any(m.role == "user" for m in messages),
            target_is_answer=target is not None and target.role == "assistant",
            versions=self.branches.versions(),
            has_code=any("```" in m.content or "~~~" in m.content for m in messages),
            has_session=chat is not None and chat.session is not None,
            locked=chat is not None and chat.locked is not None,
            session_chosen=place == "sessions" and self.session_list.highlighted is not None,
            can_undo=self.organising.can_undo(),
            too_small=self.panes.too_small,
            can_export=self.services.exports is not None,
            has_library=self.services.models is not None,
            judging=self.judging.judged(),
            inspected=self.inspection.inspected(),
        )

    def on_descendant_focus(self) -> None:
        self.panes.uncover()
        self.changed()

    def on_descendant_blur(self) -> None:
        self.changed()

    def on_resize(self, event: events.Resize) -> None:
        self.panes.fit(event.size)

    def action_scroll_transcript(self, lines: int) -> None:
        self.transcript.scroll_relative(y=lines, animate=False)

    def action_page_transcript(self, pages: int) -> None:
        height = max(self.transcript.size.height - 1, 1)
        self.transcript.scroll_relative(y=pages * height, animate=False)

    # --- what the chat and the widgets tell -------------------------------------------------

    @on(ChatArrived)
    def _chat_told(self, message: ChatArrived) -> None:
        self.telling.told(message.event)

    @on(Composer.Submitted)
    def _submitted(self, message: Composer.Submitted) -> None:
        self.turns.send(message.text)

    @on(Composer.Refused)
    def _refused(self) -> None:
        self.turns.explain_refusal()

    @on(Composer.DraftChanged)
    def _draft_changed(self) -> None:
        self.drafts.save()

    @on(Input.Changed, "#begin-text")
    def _beginning_changed(self) -> None:
        self.drafts.save_soon()

    @on(Input.Submitted, "#begin-text")
    def _beginning_written(self) -> None:
        self.focus_owner.to_composer()

    @on(SessionList.FilterChanged)
    def _filter_changed(self) -> None:
        self.sessions.refresh()

    @on(SessionList.MoreWanted)
    def _more_wanted(self) -> None:
        self.sessions.more()

    @on(SessionList.Chosen)
    def _session_chosen(self, message: SessionList.Chosen) -> None:
        self.sessions.choose(message.session_id)

    @on(SessionList.Requested)
    def _asked_of_sessions(self, message: SessionList.Requested) -> None:
        self.organising.ask(message.action, message.session_ids)

    @on(SessionList.UndoRequested)
    def _undo_wanted(self) -> None:
        self.organising.undo()

    @on(Transcript.Action)
    def _asked_of_message(self, message: Transcript.Action) -> None:
        self.message_actions.act(message.action, message.message_id)

    @on(Transcript.Selected)
    def _message_chosen(self) -> None:
        self.scores.answers_changed()
        self.changed()

    @on(Transcript.ViewMoved)
    def _view_moved(self) -> None:
        self.scores.load()

    @on(Transcript.FollowChanged)
    def _follow_changed(self, message: Transcript.FollowChanged) -> None:
        self.status.update(
            notice="" if message.following else f"more below: {self.key('chat.follow')}"
        )

    @on(Transcript.TokenClicked)
    def _token_clicked(self, message: Transcript.TokenClicked) -> None:
        self.tokens.move_cursor(message.token)

    @on(Transcript.TokenKey)
    def _token_key(self, message: Transcript.TokenKey) -> None:
        self.tokens.pressed(message.action)

    @on(AlternativeChosen)
    def _alternative_chosen(self, message: AlternativeChosen) -> None:
        self.tokens.branch(message)
