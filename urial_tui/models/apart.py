"""Runs a blocking question in a thread that nobody has to wait for: not its caller, and not the end of the program.

For questions that only read: the library's folders, vocabularies, the hub. `asyncio.to_thread` would keep the program
from ending while a server or a network disk does not answer.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


async def apart(question: Callable[[], T]) -> T:
    """What `question` gives, or raises. Cancelling forgets it; its thread goes on until it has an answer."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(found: T | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(cast(T, found))

    def ask() -> None:
        found: T | None = None
        failure: Exception | None = None
        try:
            found = question()
        except Exception as error:  # noqa: BLE001 - whoever asked gets it, whatever it is
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, found, failure)

    threading.Thread(target=ask, name="question", daemon=True).start()
    return await answer
