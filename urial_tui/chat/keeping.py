"""Writing to a history that may refuse: a full or read-only disk moves the history into memory, and work goes on."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from urial_tui.errors import StoreError, UrialError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store

P = ParamSpec("P")
R = TypeVar("R")
DISK_TROUBLE = frozenset({"disk-full", "read-only", "io", "cannot-open", "corrupt", "locked"})


async def keep_writing(
    store: AsyncStore,
    on_trouble: Callable[[StoreError], None],
    write: Callable[Concatenate[Store, P], R],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Call a method of the store; when the disk refuses it, tell, and call it again on a copy in memory, ids kept.
    Other errors raise, and so does that one for a store that does not fall back."""
    try:
        return await store.call(write, *args, **kwargs)
    except StoreError as error:
        if error.kind not in DISK_TROUBLE or not store.falls_back:
            raise
        if not store.is_in_memory:  # a write that failed beside this one may have moved it already
            await store.fall_back()
            on_trouble(error)
        return await store.call(write, *args, **kwargs)


async def write_back(store: AsyncStore) -> bool:
    """Try the disk again when the history is in memory for a trouble that may have passed; whether it worked."""
    if not store.is_in_memory:
        return False
    try:
        await store.write_back()
    except UrialError:
        return False
    return True
