"""Starting work beside the screen: one after the other, or the newest request of a kind in place of the one before.

The coroutine is made when the worker starts: one that is cancelled or replaced before leaves nothing un-awaited.
"""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from textual.dom import DOMNode
from textual.worker import Worker

Work = Callable[[], Coroutine[Any, Any, None]]


def run_beside(node: DOMNode, work: Work, group: str) -> Worker[None]:
    """Run `work` as a worker of `node`, beside those of the same group."""
    return node.run_worker(cast(Any, work), group=group)


def run_latest(node: DOMNode, work: Work, group: str) -> Worker[None]:
    """The same; a worker of the group that still runs is cancelled."""
    return node.run_worker(cast(Any, work), group=group, exclusive=True)
