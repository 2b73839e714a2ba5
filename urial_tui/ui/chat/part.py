"""What a part of the chat screen is."""

from collections.abc import Callable, Mapping

from urial_tui.ui.chat.stage import ChatStage

Actions = Mapping[str, Callable[[], None]]
"""What commands do, by their action (see `ui.commands`)."""


class Part:
    """One subject of the chat screen. It acts through the stage and through the parts that it was given."""

    def __init__(self, stage: ChatStage) -> None:
        self.stage = stage

    def actions(self) -> Actions:
        """The commands that are this part's business."""
        return {}
