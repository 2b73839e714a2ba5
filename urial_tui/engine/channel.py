"""The engine process and the pipe to it: starts it, keeps its log, notices its death, starts it again.

`Channel` hands each event to the queue of its request. A dead process fails every open request with
`EngineError(kind="engine-died")`, with the last lines of its log as the reason; the next request starts a new one.
Only `engine.client` uses this module; it imports neither llama_cpp nor numpy.
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from urial_tui.engine import protocol as wire
from urial_tui.errors import EngineError, UrialError
from urial_tui.paths import ensure_private_dir

_LOG_LIMIT = 2 * 1024 * 1024
_SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN")
_NO_MEMORY = ("out of memory", "OutOfDeviceMemory", "failed to allocate")
_COMPLAINTS = ("GGML_ASSERT", "error:", "Error", "failed", "lacks:")
_CANCELLED = "ret = 2"
"""What llama.cpp says of a decode that was cancelled: no complaint."""
_LAST_WORDS_S = 5.0
"""A complaint older than this has nothing to do with the process's end."""

Reply = wire.AnyEvent | EngineError
Make = Callable[[int], wire.Request]


class Channel:
    """`states_dir` None keeps no prompt states on disk; `log_file` None drops the engine's log."""

    def __init__(self, states_dir: Path | None, states_quota: int, log_file: Path | None) -> None:
        self._states_dir = states_dir
        self._states_quota = states_quota
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._open: dict[int, asyncio.Queue[Reply]] = {}
        self._last = 0
        self._complaints: deque[tuple[float, str]] = deque(maxlen=8)
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the running engine, None when there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    # --- requests ---------------------------------------------------------------------------------------------------

    async def send(self, make: Make) -> tuple[int, "asyncio.Queue[Reply]"]:
        """Send a new request, starting the process when there is none: its number and the queue of its events.

        Call `forget` when no more of them are wanted. Raises EngineError when the process cannot be started.
        """
        await self._ensure()
        self._last += 1
        number = self._last
        queue: asyncio.Queue[Reply] = asyncio.Queue()
        self._open[number] = queue
        await self._write(make(number))
        return number, queue

    def forget(self, number: int, *, cancel: bool = False) -> None:
        """Drop what else comes for a request; `cancel` also tells the process, without waiting."""
        self._open.pop(number, None)
        process = self._process
        if (
            cancel
            and process is not None
            and process.returncode is None
            and process.stdin is not None
        ):
            self._last += 1
            with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
                process.stdin.write(wire.frame(wire.Cancel(self._last, number)))

    async def _write(self, request: wire.Request) -> None:
        process = self._process
        assert process is not None and process.stdin is not None
        # A broken pipe is noticed by the reading task, which fails the request with the reason.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(wire.frame(request))
            await process.stdin.drain()

    # --- the process ------------------------------------------------------------------------------------------------

    async def _ensure(self) -> None:
        async with self._starting:
            if self._closed:
                raise EngineError("the engine is closed", kind="engine-closed")
            if self.pid is not None:
                return
            await self._reap()
            await self._start()

    async def _start(self) -> None:
        command = [sys.executable, "-P", "-m", "urial_tui.engine.worker"]
        if self._states_dir is not None:
            command += [
                "--states",
                str(self._states_dir),
                "--states-quota",
                str(self._states_quota),
            ]
        environment = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment,
                start_new_session=os.name != "nt",
            )
        except OSError as error:
            raise EngineError(
                f"cannot start the engine process: {error.strerror or error}",
                hint="Check the installation: urial-tui doctor",
            ) from error
        self._complaints.clear()
        self._tasks = [
            asyncio.create_task(self._read_events(self._process), name="engine events"),
            asyncio.create_task(self._drain_log(self._process), name="engine log"),
        ]

    async def _read_events(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while True:
                header = await process.stdout.readexactly(4)
                body = await process.stdout.readexactly(wire.read_length(header))
                event = wire.decode_event(body)
                queue = self._open.get(event.request)
                if queue is not None:
                    queue.put_nowait(event)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        except Exception as error:  # noqa: BLE001 - an unreadable stream means the two ends are out of step
            self._complain(f"unreadable message from the engine: {error}")
            self.kill(process)
        status = await process.wait()
        if len(self._tasks) > 1:
            await asyncio.wait(self._tasks[1:], timeout=1.0)
        self._fail_all(self._death(status))

    def _death(self, status: int) -> EngineError:
        how = f"with status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                how = f"by {signal.Signals(-status).name}"
        since = time.monotonic() - _LAST_WORDS_S
        reason = next((line for at, line in reversed(self._complaints) if at >= since), "")
        hint = "What was written is kept; the next message starts the engine again."
        if status == -9 or any(words in reason for words in _NO_MEMORY):
            hint += " If it was ended for lack of memory, choose a smaller model or context, or fewer GPU layers."
        message = f"the engine process ended {how}"
        if reason:
            message += f": {reason}"
        return EngineError(message, hint=hint, kind="engine-died")

    def _fail_all(self, error: EngineError) -> None:
        for queue in self._open.values():
            queue.put_nowait(error)

    async def _drain_log(self, process: asyncio.subprocess.Process) -> None:
        """stderr to the log file, the old half dropped when it passes the limit; always read, so it never blocks."""
        assert process.stderr is not None
        log = _Log(self._log_file)
        try:
            while chunk := await process.stderr.read(65536):
                log.write(chunk)
                for line in chunk.decode("utf-8", "replace").splitlines():
                    self._note(line)
        finally:
            log.close()

    def _note(self, line: str) -> None:
        """A line of the log: kept as a last word where it may be one."""
        if any(word in line for word in _COMPLAINTS) and _CANCELLED not in line:
            self._complain(line)

    def _complain(self, line: str) -> None:
        if line.strip():
            self._complaints.append((time.monotonic(), line.strip()[:300]))

    def kill(self, process: asyncio.subprocess.Process | None = None) -> None:
        """End the process at once."""
        process = process or self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _reap(self) -> None:
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task}, timeout=2.0)
        self._tasks = []
        self._process = None

    async def aclose(self) -> None:
        """End the process: a request to shut down first, a kill when it does not follow within a second."""
        self._closed = True
        process = self._process
        if process is not None and process.returncode is None:
            self._last += 1
            if self._open:
                self.kill(process)
            else:
                await self._write(wire.Shutdown(self._last))
            try:
                await asyncio.wait_for(process.wait(), 1.0)
            except TimeoutError:
                self.kill(process)
                await process.wait()
        await self._reap()


class _Log:
    """A capped log file, mode 0600. A disk that refuses loses the log, nothing else."""

    def __init__(self, path: Path | None) -> None:
        self._file = None
        if path is None:
            return
        try:
            ensure_private_dir(path.parent)
            if path.exists() and path.stat().st_size > _LOG_LIMIT:
                kept = path.read_bytes()[-_LOG_LIMIT // 2 :]
                path.write_bytes(kept)
            self._file = os.fdopen(
                os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0
            )
        except (OSError, UrialError):
            self._file = None
        self._room = _LOG_LIMIT

    def write(self, data: bytes) -> None:
        if self._file is not None and self._room > 0:
            self._room -= len(data)
            try:
                self._file.write(data)
            except OSError:
                self._file = None

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
