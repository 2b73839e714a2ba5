"""The library for an event loop: what there is, what goes with what, what it needs, each asked in a thread.

The half of `ModelDesk` that is about files on this machine. It decides nothing: `catalog` and `fit` do. What they need
is imported in the threads, so that neither a start nor a key waits for it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from urial_tui.errors import ModelError, SettingsError, UrialError
from urial_tui.models.apart import apart
from urial_tui.models.facts import ModelFacts, Partner, Verification
from urial_tui.settings import Settings
from urial_tui.sides import DEMO, Side, parse_side

if TYPE_CHECKING:
    from urial_tui.models.catalog import Catalog
    from urial_tui.models.fit import Fit, Verdict
    from urial_tui.models.library import Library
    from urial_tui.models.machine import Memory
    from urial_tui.models.resolve import ResolvedSide

DEVICE_SECONDS: Final = 1.5
"""The engine is asked what its GPUs have free; while it works, what it said last has to do after so long."""


async def no_device() -> int:
    """Without GPUs nothing is free on them."""
    return 0


class LibraryDesk:
    """`library` gives the one that sides are resolved with, and `settings` reads the settings of this run anew; both
    are called in a thread. `device_free` gives the bytes that are free on GPUs.
    """

    def __init__(
        self,
        library: "Callable[[], Library]",
        settings: Callable[[], Settings],
        device_free: Callable[[], Awaitable[int]] = no_device,
    ) -> None:
        self._library, self._settings = library, settings
        self._device_free = device_free
        self._device_known = 0
        self._device_asked: asyncio.Task[int] | None = None
        self._opened: _Opened | None = None
        self._opening = threading.Lock()
        self._closing = threading.Event()
        self._resolved: dict[str, ResolvedSide] = {}
        self._stale = False
        self._unread = ""  # why the setting of folders could not be read anew

    def stop_reading(self) -> None:
        """The program ends: what is being verified is not read to its end."""
        self._closing.set()

    def file_came(self) -> None:
        """There is another file since the folders were looked through."""
        self._stale = True

    # --- the library ------------------------------------------------------------------------------------------------

    @property
    def demo_problem(self) -> str:
        """Why the embedded model cannot be used, in words; "" if it can."""
        from urial_tui.models import demo

        if demo.is_assembled() or demo.is_installed():
            return ""
        return "it is not installed: pip install 'urial-tui[demo]'"

    @property
    def problems(self) -> tuple[str, ...]:
        """What the last scan could not read or left out, in words."""
        found = self._opened.catalog.problems if self._opened is not None else ()
        return (*found, self._unread) if self._unread else found

    def _open(self) -> "_Opened":
        """Called in a thread."""
        with self._opening:
            if self._opened is None:
                from urial_tui.models.catalog import Catalog

                library, settings = self._library(), self._settings()
                self._opened = _Opened(Catalog(library, settings), library, settings)
            return self._opened

    async def facts(self, *, rescan: bool = False) -> tuple[ModelFacts, ...]:
        """With `rescan` in the folders that the settings name now: a command may have added one."""
        again = rescan or self._stale
        self._stale = False
        if again:
            self._resolved.clear()

        def look() -> tuple[ModelFacts, ...]:
            if rescan:
                self._take_folders()
            return self._open().catalog.facts(rescan=again)

        return await apart(look)

    def _take_folders(self) -> None:
        """Called in a thread. Where the settings cannot be read, the folders stay, and `problems` says why."""
        before = self._open()
        try:
            folders = self._settings().model_folders
        except SettingsError as error:
            self._unread = error.message
            return
        self._unread = ""
        if folders != before.settings.model_folders:
            settings = replace(before.settings, model_folders=folders)
            before.catalog.use(settings)
            self._opened = replace(before, settings=settings)

    async def partners(self, name: str) -> tuple[Partner, ...]:
        """What can be compared with it, likely pairs first. May take seconds where vocabularies are read."""
        return await apart(lambda: self._open().catalog.partners(name))

    async def add(self, path: str) -> Path:
        """Raises UsageError, SettingsError."""
        return await asyncio.to_thread(self._add, Path(path))

    def _add(self, path: Path) -> Path:
        from urial_tui.models.own_folder import add_folder, folder_to_add

        folder = folder_to_add(path)
        add_folder(folder)
        before, settings = self._open(), self._settings()
        before.catalog.use(settings)
        self._opened = replace(before, settings=settings)
        return folder

    async def check_removable(self, name: str) -> None:
        """Raise ModelError for a file that is not the program's own, saying who keeps it and where."""

        def check() -> None:
            catalog = self._open().catalog
            catalog.refuse_what_is_not_ours(catalog.find(name))

        await asyncio.to_thread(check)

    async def remove(self, name: str) -> tuple[Path, ...]:
        """Delete the model's files; which ones."""
        self._resolved.clear()
        return await asyncio.to_thread(lambda: self._open().catalog.remove(name))

    async def verify(self, name: str, on_progress: Callable[[int, int], None]) -> Verification:
        """Raises ModelError. Cancelling stops the reading."""
        stop = threading.Event()
        tell = _Latest(asyncio.get_running_loop(), on_progress)
        work = asyncio.ensure_future(asyncio.to_thread(self._verify, name, stop, tell))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            tell.end()
            with contextlib.suppress(UrialError, asyncio.CancelledError):
                await work
            raise

    def _verify(self, name: str, stop: threading.Event, tell: "_Latest") -> Verification:
        from urial_tui.models.hashes import HashingStopped

        try:
            return self._open().catalog.verify(
                name, lambda: stop.is_set() or self._closing.is_set(), tell
            )
        except HashingStopped as stopped:
            raise ModelError("verifying was stopped", kind="stopped") from stopped

    # --- memory -----------------------------------------------------------------------------------------------------

    async def memory(self) -> "Memory":
        return await apart(_memory)

    async def fit(self, sides: Sequence[str], instead_of: Sequence[str] = ()) -> "Fit":
        """Raises UrialError for a side that cannot be used."""
        device = await self._device()
        return await apart(lambda: self._fit(sides, instead_of, device))

    def _fit(self, sides: Sequence[str], instead_of: Sequence[str], device: int) -> "Fit":
        from urial_tui.models import demo
        from urial_tui.models.fit import Fit, fit_sides, verdict_for_size

        settings = self._open().settings
        memory, device = self._freed(instead_of, device)
        if not _is_assembled() and any(parse_side(side).model == DEMO for side in sides):
            # Resolving would put it together, which only its use is worth.
            return Fit(verdict_for_size(demo.SIZE, memory, device), demo.SIZE, memory.free)
        return fit_sides([self._resolve(side) for side in sides], settings, memory, device)

    def _freed(self, instead_of: Sequence[str], device: int) -> "tuple[Memory, int]":
        """What will be free once the sides are unloaded that are in memory now.

        Weights that are mapped from their file count as free already; what is sure to come back are caches and
        buffers, and all that is on a GPU.
        """
        from urial_tui.models.fit import fit_sides
        from urial_tui.models.machine import Memory

        memory = _memory()
        try:
            now = [self._resolve(side) for side in instead_of]
        except UrialError:
            return memory, device
        if not now or memory.free is None:
            return memory, device
        held = fit_sides(now, self._open().settings, Memory(None, None), device)
        back = sum(
            need.estimate.kv_cache + need.estimate.compute
            for need in held.sides
            if not need.on_device
        )
        free = memory.free + back
        if memory.total is not None:
            free = min(free, memory.total)
        return Memory(free, memory.total), device

    async def verdicts(
        self, facts: Sequence[ModelFacts], instead_of: Sequence[str] = ()
    ) -> "Mapping[str, Verdict]":
        """Whether each of these models fits by itself, by name; adapters and what cannot be read are left out."""
        device = await self._device()
        return await apart(lambda: self._verdicts(facts, instead_of, device))

    def _verdicts(
        self, facts: Sequence[ModelFacts], instead_of: Sequence[str], device: int
    ) -> "dict[str, Verdict]":
        from urial_tui.models.fit import fit_sides, verdict_for_size

        settings = self._open().settings
        memory, device = self._freed(instead_of, device)
        found: dict[str, Verdict] = {}
        for one in facts:
            if not one.is_model:
                continue
            try:
                if one.name == DEMO and not _is_assembled():
                    found[one.name] = verdict_for_size(one.size, memory, device)
                else:
                    resolved = self._resolve(str(Side(one.name)))
                    found[one.name] = fit_sides([resolved], settings, memory, device).verdict
            except UrialError:
                continue
        return found

    async def verdicts_for_sizes(
        self, sizes: Sequence[int], instead_of: Sequence[str] = ()
    ) -> "list[Verdict]":
        """The same for files that are not here yet."""
        device = await self._device()

        def judge() -> "list[Verdict]":
            from urial_tui.models.fit import verdict_for_size

            memory, free = self._freed(instead_of, device)
            return [verdict_for_size(size, memory, free) for size in sizes]

        return await apart(judge)

    def _resolve(self, notation: str) -> "ResolvedSide":
        """The side's files and headers, remembered while the library stays as it is."""
        from urial_tui.models.resolve import resolve_side

        opened = self._open()
        side = parse_side(notation).with_style(None)
        known = self._resolved.get(str(side))
        if known is None:
            known = resolve_side(side, opened.library, opened.settings)
            self._resolved[str(side)] = known
        return known

    async def _device(self) -> int:
        """What is free on GPUs; what was known last where the engine does not answer soon."""
        if self._device_asked is None or self._device_asked.done():
            self._device_asked = asyncio.create_task(self._ask_device(), name="device memory")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._device_asked), DEVICE_SECONDS)
        return self._device_known

    async def _ask_device(self) -> int:
        with contextlib.suppress(UrialError):
            self._device_known = await self._device_free()
        return self._device_known


@dataclass(frozen=True)
class _Opened:
    catalog: "Catalog"
    library: "Library"
    settings: Settings


class _Latest:
    """Passes progress from a thread to `tell` in the loop: the latest of what came since the loop last looked."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[int, int], None]) -> None:
        self._loop, self._tell = loop, tell
        self._lock = threading.Lock()
        self._waiting: tuple[int, int] | None = None
        self._ended = False

    def __call__(self, done: int, total: int) -> None:
        with self._lock:
            first, self._waiting = self._waiting is None, (done, total)
        if first:
            with contextlib.suppress(RuntimeError):  # the loop may be closed already
                self._loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        with self._lock:
            latest, self._waiting = self._waiting, None
        if latest is not None and not self._ended:
            self._tell(*latest)

    def end(self) -> None:
        """Say nothing more."""
        self._ended = True


def _memory() -> "Memory":
    from urial_tui.models.machine import main_memory

    return main_memory()


def _is_assembled() -> bool:
    from urial_tui.models import demo

    return demo.is_assembled()
