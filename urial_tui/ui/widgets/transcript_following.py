"""The transcript's part for height and place: it follows the end only while it is at the end, and keeps its place when
its width changes. A base of `Transcript`.
"""

from dataclasses import dataclass

from textual import events
from textual.geometry import Size
from textual.message import Message

from urial_tui.ui.widgets.transcript_lines import GUTTER
from urial_tui.ui.widgets.transcript_model import Block
from urial_tui.ui.widgets.transcript_tokens import TokenMarks


class FollowingEnd(TokenMarks):
    """Where the transcript is scrolled to while its model grows, shrinks and is wrapped anew."""

    @dataclass
    class FollowChanged(Message, namespace="transcript"):
        """Whether new text keeps the end in view."""

        transcript: "FollowingEnd"
        following: bool

        @property
        def control(self) -> "FollowingEnd":
            return self.transcript

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.following = True

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._set_following(True)
        self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._set_following(round(new_value) >= self.max_scroll_y)
            self.tell_view()

    def on_resize(self, event: events.Resize) -> None:
        width = max(self.scrollable_content_region.width - GUTTER, 2)
        if width != self.model.width:
            place = self.model.place_of(self.scroll_offset.y)
            self.model.rewrap(width)
            self._painter.clear()
            following = self.following
            self._update_height()
            if place is not None and not following:
                self.scroll_to(y=self.model.y_of(place), animate=False, force=True)
            self._set_following(following)
        if self.inspecting is not None:
            self.scroll_to_token()
        elif self.following:
            self.follow()
        self.refresh()

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.post_message(self.FollowChanged(self, following))

    def _update_height(self) -> None:
        self.virtual_size = Size(self.model.width + GUTTER, self.model.height)

    def _changed(self, block: Block) -> None:
        self.model.changed(block)
        self._after_change()

    def _after_change(self, *, refresh: bool = True) -> None:
        following = self.following and self.inspecting is None and not self._is_leaving_end()
        self._update_height()
        if following:
            self.scroll_end(animate=False, immediate=True, x_axis=False, force=True)
            self._set_following(True)
        elif self.scroll_offset.y > self.max_scroll_y:  # there is less to see than before
            self.follow()
        if refresh or not following:
            self.refresh()

    def _is_leaving_end(self) -> bool:
        """Whether a scroll away from the end has begun and not moved yet."""
        return round(self.scroll_target_y) < round(self.scroll_y)
