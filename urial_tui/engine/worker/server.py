"""The engine process's two threads: one reads requests and answers cancels at once, one does the work in order.

The reading thread ends the process when the parent's pipe closes, also in the middle of a decode.
"""

import os
import queue
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import msgspec

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker import native
from urial_tui.engine.worker.canonical import Side, score
from urial_tui.engine.worker.faults import Cancelled, Fault
from urial_tui.engine.worker.generate import generate
from urial_tui.engine.worker.measure import N_CTX as MEASURE_CTX
from urial_tui.engine.worker.measure import measure
from urial_tui.engine.worker.outbox import Outbox
from urial_tui.engine.worker.prompting import constant_ids, prompt_ids
from urial_tui.engine.worker.residents import Resident, Residents
from urial_tui.engine.worker.states import StateStore
from urial_tui.engine.worker.vocabulary import compare


class Server:
    """Serves one parent until it says Shutdown or goes away."""

    def __init__(self, reading: BinaryIO, writing: BinaryIO, states: StateStore | None) -> None:
        self._reading = reading
        self._send = Outbox(writing, lambda: os._exit(0)).send
        self._queue: queue.SimpleQueue[wire.AnyRequest] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._running: int | None = None
        self._residents = Residents(states)
        self._abort: Callable[[], None] | None = None
        self._cancel_lock = threading.Lock()

    def run(self) -> None:
        """Work until Shutdown."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        while True:
            request = self._queue.get()
            if isinstance(request, wire.Shutdown):
                self._residents.close_all()
                return
            self._serve(request)

    # --- the reading thread -----------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while header := self._reading.read(4):
                if len(header) < 4:
                    break
                body = self._reading.read(wire.read_length(header))
                request = wire.decode_request(body)
                if isinstance(request, wire.Cancel):
                    self._cancel(request)
                else:
                    self._queue.put(request)
        except (OSError, ValueError, struct.error):
            traceback.print_exc(file=sys.stderr)
        os._exit(0)

    def _cancel(self, request: wire.Cancel) -> None:
        with self._cancel_lock:
            self._cancelled.add(request.target)
            if request.target == self._running and self._abort is not None:
                self._abort()
        self._send(wire.Ack(request.request))

    # --- the working thread -----------------------------------------------------------------------------------------

    def _serve(self, request: wire.AnyRequest) -> None:
        number = request.request
        with self._cancel_lock:
            self._running = number
        try:
            self._answer(request)
        except Fault as fault:
            self._send(wire.Failed(number, fault.kind, fault.message, fault.hint))
        except Cancelled:
            self._send(wire.Failed(number, "cancelled", "the request was cancelled"))
        except MemoryError:
            self._send(
                wire.Failed(
                    number, "memory", "not enough memory", "Choose a smaller context or model."
                )
            )
        except Exception as error:  # noqa: BLE001 - the process must outlive one bad request; the log has the rest
            traceback.print_exc(file=sys.stderr)
            self._send(
                wire.Failed(
                    number, "internal", f"{type(error).__name__}: {error}", "See the engine log."
                )
            )
        finally:
            with self._cancel_lock:
                self._running = None
                self._abort = None
                self._cancelled.discard(number)

    def _answer(self, request: wire.AnyRequest) -> None:
        number = request.request
        match request:
            case wire.Open(spec=spec):
                resident = self._resident(number, spec)
                self._send(wire.Opened(number, resident.info()))
            case wire.Tokenize(spec=spec, prompt=prompt, pieces=pieces):
                model = self._resident(number, spec).model
                ids = prompt_ids(model, prompt)
                raw = tuple(model.piece(token) for token in ids) if pieces else ()
                self._send(wire.Tokens(number, tuple(ids), raw))
            case wire.Prefill(spec=spec, prompt=prompt):
                self._prefill(number, self._resident(number, spec), prompt)
            case wire.Generate(spec=spec):
                resident = self._resident(number, spec)
                load_s, resident.load_s = resident.load_s, 0.0
                wanted = request.scoring.references if request.scoring else ()
                others = self._references(number, wanted, {spec})
                with self._abortable(number, resident, *others):
                    generate(
                        request,
                        resident.cache,
                        self._send,
                        lambda: self._is_cancelled(number),
                        load_s=load_s,
                        references=[o.cache if isinstance(o, Resident) else o for o in others],
                    )
            case wire.Score():
                self._score(request)
            case wire.CheckPair(generator=generator, reference=reference):
                mine = self._resident(number, generator).model
                theirs = self._resident(number, reference).model
                vocabulary = self._residents.vocabulary
                self._send(compare(number, vocabulary(mine), vocabulary(theirs)))
            case wire.Measure():
                self._measure(request)
            case wire.Close(spec=spec):
                self._residents.close(spec)
                self._send(wire.Done(number))
            case wire.Describe():
                self._send(_describe(number))
            case _:
                raise Fault("protocol", f"unknown request {type(request).__name__}")

    def _score(self, request: wire.Score) -> None:
        number = request.request
        generator = request.generator
        mine = self._resident(number, generator.spec) if generator else None
        taken = {generator.spec} if generator else set()
        others = self._references(number, request.references, taken)
        with self._abortable(number, mine, *others):
            score(
                request,
                Side(generator, mine.context, mine.states) if generator and mine else None,
                [
                    Side(reference, other.context, other.states)
                    if isinstance(other, Resident)
                    else other
                    for reference, other in zip(request.references, others, strict=True)
                ],
                self._send,
                lambda: self._is_cancelled(number),
            )

    def _measure(self, request: wire.Measure) -> None:
        number = request.request
        own = [
            msgspec.structs.replace(request.spec, slot=slot, n_ctx=MEASURE_CTX)
            for slot in ("measure-0", "measure-1")
        ]
        try:
            one, two = (self._resident(number, spec) for spec in own)
            ids = prompt_ids(one.model, request.prompt)
            with self._abortable(number, one, two):
                measure(
                    request,
                    one.context,
                    two.context,
                    ids,
                    self._send,
                    lambda: self._is_cancelled(number),
                )
        finally:
            for spec in own:
                self._residents.close(spec)

    def _references(
        self,
        number: int,
        wanted: Sequence[wire.Reference],
        taken: set[wire.ContextSpec],
    ) -> list[Resident | Fault]:
        """The context of each reference, or why there is none. No two sides of a request may share one."""
        found: list[Resident | Fault] = []
        for reference in wanted:
            if reference.spec in taken:
                found.append(Fault("protocol", "two sides of a request name the same context"))
                continue
            taken.add(reference.spec)
            try:
                found.append(self._resident(number, reference.spec))
            except Fault as fault:
                found.append(fault)
        return found

    def _prefill(self, number: int, resident: Resident, prompt: wire.Prompt) -> None:
        spans = wire.Prompt(spans=prompt.spans[: prompt.constant], constant=prompt.constant)
        ids = prompt_ids(resident.model, spans)
        constant = constant_ids(resident.model, spans, ids)
        with self._abortable(number, resident):
            filled = resident.cache.fill(
                constant,
                constant,
                lambda done, total: self._send(wire.Progress(number, "prefill", done, total)),
                lambda: self._is_cancelled(number),
                outputs=0,
            )
        self._send(
            wire.Prefilled(number, len(ids), filled.reused, filled.from_disk, filled.seconds)
        )

    def _resident(self, number: int, spec: wire.ContextSpec) -> Resident:
        told = -1

        def on_load(share: float) -> bool:
            nonlocal told
            step = int(share * 50)
            if step != told:
                told = step
                self._send(wire.Progress(number, "load", int(share * 1000), 1000))
            return not self._is_cancelled(number)

        return self._residents.get(spec, on_load)

    @contextmanager
    def _abortable(self, number: int, *running: Resident | Fault | None) -> Iterator[None]:
        """While a request decodes, a cancel also sets the contexts' abort flags."""
        flags = [each.context.abort for each in running if isinstance(each, Resident)]

        def abort() -> None:
            for flag in flags:
                flag.set()

        with self._cancel_lock:
            for flag in flags:
                flag.clear()
            self._abort = abort
            if number in self._cancelled:
                abort()
        try:
            yield
        finally:
            with self._cancel_lock:
                self._abort = None
                for flag in flags:
                    flag.clear()

    def _is_cancelled(self, number: int) -> bool:
        return number in self._cancelled


def _describe(number: int) -> wire.Description:
    return wire.Description(
        number,
        llama_cpp_version=native.VERSION,
        system_info=native.lib.llama_print_system_info().decode("utf-8", "replace"),
        gpu_offload=bool(native.lib.llama_supports_gpu_offload()),
        devices=tuple(native.devices()),
        missing_symbols=native.missing_symbols(),
        backends=tuple(native.backends()),
    )
