"""The traces of the answers on screen, as views that share a lane and a reference. Pure; the chat screen feeds it."""

from collections.abc import Collection

from urial_tui.chat.events import TokensScored, TraceEnded, TraceStarted
from urial_tui.shift.classes import COUNTED
from urial_tui.store.types import Trace
from urial_tui.ui.inspect.trace_view import LANES, Lane, TraceView


class Traces:
    """Views by message id. `asked` are the messages whose stored trace is known, be it that there is none."""

    def __init__(self) -> None:
        self.views: dict[str, TraceView] = {}
        self.asked: set[str] = set()
        self.lane: Lane = "class"
        self.side = ""
        """The reference that was chosen, in SIDE notation; a trace without it shows its first one."""

    def get(self, message_id: str | None) -> TraceView | None:
        return self.views.get(message_id) if message_id is not None else None

    def keep_only(self, message_ids: Collection[str]) -> None:
        """Forget the traces of other messages."""
        self.views = {key: view for key, view in self.views.items() if key in message_ids}
        self.asked &= set(message_ids)

    def unmeasured(self) -> set[str]:
        """Messages whose finished trace was loaded before the noise of its models was known."""
        return {
            key
            for key, view in self.views.items()
            if not view.running and any(side.noise is None for side in view.trace.start.references)
        }

    def put(self, trace: Trace, *, running: bool = False) -> TraceView:
        """A trace that was loaded or begins now."""
        view = self.views[trace.message_id] = TraceView(trace, running=running)
        self.asked.add(trace.message_id)
        self._set(view)
        return view

    def started(self, event: TraceStarted) -> TraceView:
        return self.put(event.trace, running=True)

    def scored(self, event: TokensScored) -> list[int]:
        """The indices of the tokens with new scores."""
        view = self.views.get(event.message_id)
        return view.add(event.scores, event.pieces) if view is not None else []

    def ended(self, event: TraceEnded) -> TraceView | None:
        """The view as it is kept; None when there are no scores."""
        view = self.views.get(event.message_id)
        if event.trace is not None:
            view = view or self.put(event.trace)
            view.set_trace(event.trace)
            self._set(view)
        elif view is not None and not view.n:
            self.views.pop(event.message_id)
            return None
        if view is not None:
            view.end()
            if event.error is not None and not _says_itself(event.trace):
                view.fail(event.error.message)
        return view

    def next_lane(self) -> Lane:
        self.lane = LANES[(LANES.index(self.lane) + 1) % len(LANES)]
        for view in self.views.values():
            view.lane = self.lane
        return self.lane

    def next_reference(self, message_id: str) -> str:
        """Go to the next reference of this message's trace, in all traces that have it; its side."""
        view = self.views[message_id]
        view.reference = (view.reference + 1) % max(len(view.trace.start.references), 1)
        self.side = view.reference_side
        for other in self.views.values():
            self._set(other)
        return self.side

    def _set(self, view: TraceView) -> None:
        view.lane = self.lane
        sides = [reference.side for reference in view.trace.start.references]
        view.reference = sides.index(self.side) if self.side in sides else 0


def ratio_words(view: TraceView) -> tuple[str, str]:
    """The ratios as the status line says them, in full and short; empty without counted tokens."""
    ratios = view.summary().ratios
    if ratios is None:
        return "", ""
    words = [f"{name} {ratios[name]:.0%}" for name in COUNTED]
    short = [f"{name[0]} {ratios[name]:.0%}" for name in COUNTED]
    return " ".join(words), " ".join(short)


def _says_itself(trace: Trace | None) -> bool:
    """Whether the trace lacks nothing, or tells for each reference what it lacks."""
    if trace is None:
        return False
    return trace.complete or any(side.error for side in trace.start.references)
