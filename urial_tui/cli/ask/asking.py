"""The work behind `urial-tui ask`: a session of one turn, text to stdout as it comes, Ctrl+C that keeps the text."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import click
import msgspec

from urial_tui.chat.active import ActiveSide, context_options
from urial_tui.chat.events import ChatEvent, ContextNotice, StoreTrouble, TextStreamed
from urial_tui.chat.keeping import keep_writing
from urial_tui.chat.turn import Outcome, Turn
from urial_tui.cli.common.fit_warning import warn_unless_fits
from urial_tui.cli.common.leaving import leave_by
from urial_tui.engine.protocol import ContextInfo
from urial_tui.errors import StoreError, UrialError
from urial_tui.safetext import Sanitizer
from urial_tui.services import Services, SideChoice
from urial_tui.standard_output import OutputError
from urial_tui.store.aio import AsyncStore
from urial_tui.store.store import Store
from urial_tui.store.types import Message, Session

PROGRAM = "urial-tui ask"


@dataclass(frozen=True)
class Asking:
    """One question. `stream`: write the text as it comes; `save`: keep the session in the history."""

    query: str
    choice: SideChoice
    seed: int | None
    temperature: float | None
    max_tokens: int | None
    save: bool
    stream: bool
    overrides: dict[str, Any] = field(default_factory=dict)
    """Settings of this run, by key."""


@dataclass(frozen=True)
class Answered:
    """The result as `--json` prints it. `session_id` is None when nothing was saved."""

    outcome: Outcome
    side: ActiveSide
    sampling: dict[str, Any]
    session_id: str | None
    message_id: str | None
    info: ContextInfo
    signal: int | None = None
    """What interrupted the answer; 128 + this is the exit code."""
    refused: BrokenPipeError | OutputError | None = None
    """Why standard output took no more; the answer was stopped and kept."""

    @property
    def error(self) -> UrialError | None:
        return self.outcome.error

    @property
    def finish_reason(self) -> str:
        finished = self.outcome.finished
        if finished is not None:
            return finished.reason
        return "error" if self.outcome.error is not None else "cancelled"

    def as_dict(self) -> dict[str, Any]:
        finished = self.outcome.finished
        timings = msgspec.structs.asdict(finished.timings) if finished else {}
        result: dict[str, Any] = {
            "text": self.outcome.message.content,
            "finish_reason": self.finish_reason,
            "prompt_tokens": finished.prompt_tokens if finished else 0,
            "completion_tokens": finished.completion_tokens if finished else 0,
            "timings": {k: round(v, 6) if isinstance(v, float) else v for k, v in timings.items()},
            "provenance": self._provenance(),
            "session_id": self.session_id,
            "message_id": self.message_id,
        }
        if self.outcome.error is not None:
            result["error"] = self.outcome.error.as_dict()
        return result

    def _provenance(self) -> dict[str, Any]:
        side, finished = self.side, self.outcome.finished
        sampling = self.sampling | ({"seed": finished.seed} if finished else {})
        return {
            "side": side.notation,
            "model_path": side.spec.model_path,
            "model_sha256": side.model_sha256,
            "adapter_path": side.spec.adapter_path,
            "adapter_sha256": side.adapter_sha256,
            "style": side.style.id,
            "pack_id": side.style.pack.id if side.style.pack else None,
            "pack_hash": side.style.hash,
            "template_hash": side.style.template_hash,
            "sampling": sampling,
            "n_ctx": side.spec.n_ctx,
            **context_options(side.spec, self.info),
            "versions": side.versions,
        }


def run(asking: Asking) -> Answered:
    """Ask and wait. Raises UrialError when the answer could not even begin."""
    return asyncio.run(_run(asking))


async def _run(asking: Asking) -> Answered:
    services = Services(overrides=asking.overrides)
    loop = asyncio.get_running_loop()
    this = asyncio.current_task()
    turn: Turn | None = None
    cancels: set[asyncio.Task[None]] = set()

    caught: list[int] = []

    def end() -> None:
        """The answer ends and is kept; before it began, so does the program."""
        if turn is not None and not cancels:
            cancels.add(asyncio.create_task(turn.cancel()))
        elif this is not None:
            this.cancel()

    def on_signal(number: int) -> None:
        caught.append(number)
        end()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, on_signal, number)
    store: AsyncStore | None = None
    session: Session | None = None
    try:
        side = await services.activate(
            services.notation(asking.choice), pack_file=asking.choice.pack_file
        )
        side = _as_asked(side, asking)
        hashing = asyncio.create_task(services.hash_files(side))
        store = await _store(services, asking)
        warn_unless_fits(await services.fit([side]))
        info = await services.engine.open(side.spec)
        screen = _Screen(asking.stream, on_gone=end)
        # The turn is there before its rows: a signal from now on ends an answer that is kept and told.
        turn = Turn(services.engine, store, side, info, screen.show)
        session, user, answer = await _begin(store, side.notation, asking.query)
        outcome = await turn.run([user], answer, sampling=side.sampling, max_tokens=side.max_tokens)
        screen.end(outcome)
        with contextlib.suppress(
            UrialError, OSError
        ):  # unknown hashes are null, the answer is there
            await hashing
        saved = asking.save and not store.is_in_memory
        sampling = msgspec.structs.asdict(side.sampling) | {"max_tokens": side.max_tokens}
        return Answered(
            outcome,
            side,
            sampling,
            session.id if saved else None,
            answer.id if saved else None,
            info,
            caught[0] if caught else None,
            screen.refused,
        )
    except asyncio.CancelledError:
        leave_by(caught[0] if caught else signal.SIGINT)
    finally:
        if store is not None:
            if session is not None:
                with contextlib.suppress(StoreError):
                    await store.call(Store.unlock, session.id)
            await store.aclose()
        await services.aclose()


def _as_asked(side: ActiveSide, asking: Asking) -> ActiveSide:
    changes = {"seed": asking.seed, "temperature": asking.temperature}
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(
        side,
        sampling=msgspec.structs.replace(side.sampling, **given),
        max_tokens=asking.max_tokens or side.max_tokens,
    )


async def _store(services: Services, asking: Asking) -> AsyncStore:
    if not asking.save:
        return await AsyncStore.in_memory()
    store, trouble = await services.open_store()
    if trouble is not None:
        _warn(trouble)
    return store


async def _begin(store: AsyncStore, side: str, query: str) -> tuple[Session, Message, Message]:
    """A session with the question and the answer's row; in memory when the disk refuses one of them."""
    session = await keep_writing(store, _warn, Store.create_session, side)
    await keep_writing(store, _warn, Store.lock, session.id, PROGRAM)
    user = await keep_writing(store, _warn, Store.add_user_message, session.id, None, query)
    answer = await keep_writing(store, _warn, Store.begin_answer, session.id, user.id)
    return session, user, answer


def _warn(error: UrialError) -> None:
    hint = f"\n  {error.hint}" if error.hint else ""
    click.echo(f"warning: {error.message}; this answer will not be in the history{hint}", err=True)


class _Screen:
    """Text to stdout as it comes: sanitised for a terminal, as it is for a pipe."""

    def __init__(self, stream: bool, on_gone: Callable[[], None]) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self._sanitizer = Sanitizer() if sys.stdout.isatty() else None
        self.refused: BrokenPipeError | OutputError | None = None

    def show(self, event: ChatEvent) -> None:
        if isinstance(event, TextStreamed) and self._stream and event.text:
            self._write(event.text)
        elif isinstance(event, ContextNotice) and event.kind == "trimmed":
            click.echo(f"warning: {event.dropped_turns} oldest turns left out", err=True)
        elif isinstance(event, StoreTrouble) and event.error is not None:
            _warn(event.error)

    def end(self, outcome: Outcome) -> None:
        if not self._stream:
            return
        if outcome.finished is not None and outcome.finished.tail:
            self._write(outcome.finished.tail)
        if self._sanitizer is not None:
            self._put(self._sanitizer.finish())
        if outcome.message.content:
            self._put("\n")

    def _write(self, text: str) -> None:
        self._put(self._sanitizer.feed(text) if self._sanitizer else text)

    def _put(self, text: str) -> None:
        """A reader that has gone away (`| head`), or a full disk, ends the answer; what was written is kept."""
        if self.refused is not None:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except (BrokenPipeError, OutputError) as error:
            self.refused = error
            self._on_gone()
