"""The keys of the conversation: what they ask for of the chosen message, and whose business that is."""

from urial_tui.ui.chat.branches import Branches
from urial_tui.ui.chat.finding import Finding
from urial_tui.ui.chat.judging import Judging
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.reading import Reading
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.chat.tokens import Tokens
from urial_tui.ui.chat.turns import Turns


class MessageActions(Part):
    """See the module."""

    def __init__(
        self,
        stage: ChatStage,
        turns: Turns,
        branches: Branches,
        finding: Finding,
        reading: Reading,
        judging: Judging,
        tokens: Tokens,
    ) -> None:
        super().__init__(stage)
        self.turns = turns
        self.branches = branches
        self.finding = finding
        self.reading = reading
        self.judging = judging
        self.tokens = tokens

    def act(self, action: str, message_id: str) -> None:  # noqa: C901, PLR0912 - one case an action
        """`action` is one of `Transcript.Action`."""
        busy = self.stage.moment.busy
        match action:
            case "regenerate" if not busy:
                self.turns.regenerate(message_id)
            case "continue" if not busy:
                self.turns.continue_from(message_id)
            case "edit" if not busy:
                self.turns.edit(message_id)
            case "previous_branch" if not busy:
                self.stage.do_turn(self.branches.step, message_id, -1)
            case "next_branch" if not busy:
                self.stage.do_turn(self.branches.step, message_id, 1)
            case "next_hit":
                self.finding.step(1)
            case "previous_hit":
                self.finding.step(-1)
            case "branches":
                self.branches.open_tree(message_id)
            case "differences":
                self.stage.do(self.branches.differences, message_id)
            case "copy" | "copy_code" | "markdown":
                self.reading.act(action, message_id)
            case "rate" | "compare" | "judge" | "judgements":
                self.judging.act(action, message_id)
            case "tokens" | "score" | "lane" | "inspector":
                self.tokens.act(action, message_id)
            case _:
                self.stage.tell_busy()
