"""What is inspected: the traces of the answers on screen, the pair of sides, and the token cursor.

State and questions about it alone; `scores` and `tokens` beside it act.
"""

from urial_tui.chat.pair import PairStatus
from urial_tui.store.types import Message
from urial_tui.ui.chat.part import Part
from urial_tui.ui.chat.stage import ChatStage
from urial_tui.ui.inspect.lanes import Filter
from urial_tui.ui.inspect.trace_view import TraceView
from urial_tui.ui.inspect.traces import Traces
from urial_tui.ui.situation import Inspected


class Inspection(Part):
    """See the module."""

    def __init__(self, stage: ChatStage) -> None:
        super().__init__(stage)
        self.traces = Traces()
        self.pair: PairStatus | None = None
        self.cursor: int | None = None
        """The token under the cursor, an index into the inspected message's tokens."""
        self.pinned: int | None = None
        self.only: Filter = "none"

    def forget_token(self) -> None:
        """No token is under the cursor, none is pinned, none is left out."""
        self.cursor, self.pinned, self.only = None, None, "none"

    @property
    def inspecting(self) -> str | None:
        """The answer that the token cursor is in."""
        return self.stage.transcript.inspecting

    def shown_answer(self) -> Message | None:
        """The answer that the inspector and the status line are about: inspected, chosen or last."""
        chosen = self.stage.message(self.inspecting or self.stage.transcript.selected)
        if chosen is not None and chosen.role == "assistant":
            return chosen
        return next((m for m in reversed(self.stage.messages) if m.role == "assistant"), None)

    def shown_view(self) -> TraceView | None:
        answer = self.shown_answer()
        return self.traces.get(answer.id) if answer is not None else None

    def is_without_tokens(self, answer: Message | None) -> bool:
        """Whether the model has written nothing of an answer and writes nothing of it now."""
        if answer is None or answer.id == self.stage.streaming:
            return False
        return answer.content == answer.prefill and not self.stage.transcript.token_count(answer.id)

    def inspected(self) -> Inspected:
        answer, view = self.shown_answer(), self.shown_view()
        return Inspected(
            inspecting=self.inspecting is not None,
            has_answer=answer is not None,
            has_scores=view is not None,
            n_references=len(view.trace.start.references) if view is not None else 0,
            n_compared=len(self.pair.references) if self.pair is not None else 0,
            n_pairs=len(self.stage.chat.pairs()) if self.stage.chat is not None else 0,
            scoring=self.stage.chat is not None and self.stage.chat.scoring_message is not None,
        )
