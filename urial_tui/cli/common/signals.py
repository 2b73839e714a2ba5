"""Ctrl+C and its like for commands that work on long lists: the running item is dropped, the finished ones stay."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def cancelling(caught: list[int]) -> Iterator[None]:
    """The first of SIGINT, SIGTERM and SIGHUP cancels the current task and is put into `caught`; a second one ends the
    program at once, with the exit code that shells expect."""
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    added = []

    def on_signal(number: int) -> None:
        caught.append(number)
        if len(caught) > 1:
            os._exit(128 + number)
        if this is not None:
            this.cancel()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
                loop.add_signal_handler(number, on_signal, number)
                added.append(number)
    try:
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)
