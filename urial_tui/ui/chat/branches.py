"""The versions of messages: how many there are, going around them, the tree of the session, and what differs."""

from urial_tui.chat.branch_tree import BranchTree
from urial_tui.errors import UrialError
from urial_tui.store.types import Message
from urial_tui.ui.background import run_latest
from urial_tui.ui.chat.focus import Focus
from urial_tui.ui.chat.part import Actions, Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.drawing.roles import ROLES
from urial_tui.ui.widgets.transcript_model import Entry, entry_of


class Branches(Part):
    """See the module. What shows a version or goes to one is here, whoever asks for it."""

    def __init__(self, stage: ChatStage, focus: Focus) -> None:
        super().__init__(stage)
        self.focus = focus
        self.counts: dict[str, tuple[int, int]] = {}
        """For messages with several versions: which one is shown (from 1), of how many."""

    def actions(self) -> Actions:
        return {
            "next_branch": self.next_version,
            "open_branches": self.open_tree_here,
            "differences": self.differences_here,
        }

    def count_of(self, message_id: str) -> tuple[int, int]:
        """Which version of a message is shown, of how many."""
        return self.counts.get(message_id, (1, 1))

    def target(self) -> Message | None:
        """The chosen message, or the last one that has several versions."""
        chosen = self.stage.message(self.stage.transcript.selected)
        if chosen is not None:
            return chosen
        return next((m for m in reversed(self.stage.messages) if m.id in self.counts), None)

    def versions(self) -> int:
        """How many there are of that message."""
        target = self.target()
        return self.count_of(target.id)[1] if target is not None else 1

    def entry(self, message: Message, note: str = "") -> Entry:
        """A message as the transcript shows it."""
        branch = self.count_of(message.id)
        return entry_of(message, ROLES[message.role], branch=branch, note=note)

    def count(self) -> None:
        """Ask how many there are, and show it."""
        run_latest(self.stage, self._count, "versions")

    async def _count(self) -> None:
        """Ask how many versions each message on screen has, and show it where there are several."""
        chat = self.stage.chat
        if chat is None:
            return
        try:
            versions = await chat.versions()
        except UrialError as error:
            self.stage.log.warning(error.message)
            return
        counts = {key: (index, count) for key, (index, count) in versions.items() if count > 1}
        changed = {key for key in {*counts, *self.counts}
                   if counts.get(key) != self.counts.get(key)}  # fmt: skip
        self.counts = counts
        for message in self.stage.messages:
            if message.id not in changed:
                continue
            if message.id == self.stage.streaming:  # its text is still coming
                self.stage.transcript.set_branch(message.id, self.count_of(message.id))
            else:
                self.stage.transcript.update_entry(self.entry(message))
        self.stage.changed()

    # --- going to others --------------------------------------------------------------------

    def next_version(self) -> None:
        target = self.target()
        if target is not None:
            self.stage.do_turn(self.step, target.id, 1)

    async def step(self, message_id: str, step: int) -> None:
        """Show the next or previous version of a message; past the last one comes the first."""
        if self.stage.chat is None:
            return
        index, count = await self.stage.chat.siblings(message_id)
        if count < 2:
            self.stage.tell("There is only this version of the message.")
            return
        wanted = (index - 1 + step) % count + 1
        await self.stage.chat.switch_sibling(message_id, wanted - index)

    def open_tree_here(self) -> None:
        self.open_tree(self.stage.transcript.selected)

    def open_tree(self, at: str | None) -> None:
        """The tree of the session, the cursor on a message."""
        from urial_tui.ui.branches.tree import BranchesScreen

        chat = self.stage.chat
        if chat is None or not self.stage.messages:
            return

        def show(message_id: str) -> None:
            self.stage.do_turn(self.go_to, message_id)

        title = chat.session.title if chat.session is not None else ""
        leaf = self.stage.messages[-1].id
        tree = BranchesScreen(
            chat, self.stage.keymap, leaf, at or leaf, show, title, self.stage.streaming
        )
        self.stage.app.push_screen(tree)

    async def go_to(self, message_id: str) -> None:
        """Show the branch through a message of the session and choose the message."""
        if self.stage.chat is None:
            return
        await self.stage.chat.show_branch(message_id)
        self.focus.to_transcript()
        self.stage.call_after_refresh(self.stage.transcript.select, message_id)

    def differences_here(self) -> None:
        target = self.target()
        if target is not None:
            self.stage.do(self.differences, target.id)

    async def differences(self, message_id: str) -> None:
        """Compare a message with the version before it."""
        from urial_tui.ui.branches.compare import CompareScreen

        chat = self.stage.chat
        if chat is None:
            return
        tree = BranchTree(await chat.outline(), self.stage.messages[-1].id, self.stage.streaming)
        versions = tree.versions(message_id)
        if len(versions) < 2:
            self.stage.tell("There is only this version of the message.")
            return
        before = versions[versions.index(message_id) - 1]
        self.stage.app.push_screen(CompareScreen(chat, self.stage.keymap, tree, before, message_id))
