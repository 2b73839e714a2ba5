"""Starting work beside the screen, where the newest request of a kind replaces the one before."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode

Work = Callable[[], Coroutine[Any, Any, None]]


def run_latest(node: DOMNode, work: Work, group: str) -> None:
    """Run `work` as a worker of `node`; a worker of the same group that still runs is cancelled.

    The coroutine is made when the worker starts, so that a replaced one leaves nothing un-awaited.
    """
    node.run_worker(cast(Any, work), group=group, exclusive=True)
