"""How events go to the parent: in order, tokens of a fast model a few at a time, nothing waiting for long."""

import io
from typing import Any

import pytest

from urial_tui.engine import protocol as wire
from urial_tui.engine.worker.outbox import Outbox


class Pipe(io.BytesIO):
    """What was written, one entry for each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[list[wire.AnyEvent]] = []

    def write(self, data: Any) -> int:
        self.writes.append(_events(bytes(data)))
        return len(data)


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def _events(data: bytes) -> list[wire.AnyEvent]:
    found = []
    while data:
        length = wire.read_length(data[:4])
        found.append(wire.decode_event(data[4 : 4 + length]))
        data = data[4 + length :]
    return found


def token(i: int) -> wire.Token:
    return wire.Token(1, i=i, id=7, raw=b"a", text="a", visible=1)


def sent(pace: float, count: int) -> list[list[int]]:
    """The numbers of `count` tokens, `pace` seconds apart, by the write that they went with."""
    pipe, clock = Pipe(), Clock()
    outbox = Outbox(pipe, lambda: None, hold_s=0.04, now=clock)
    for i in range(count):
        outbox.send(token(i))
        clock.at += pace
    outbox.send(wire.Ack(2))
    assert isinstance(pipe.writes[-1][-1], wire.Ack)
    return [[e.i for e in events if isinstance(e, wire.Token)] for events in pipe.writes]


def test_the_first_token_goes_at_once_and_quick_ones_go_together() -> None:
    writes = sent(0.01, 9)
    assert writes[0] == [0]
    assert [i for events in writes for i in events] == list(range(9))
    assert max(map(len, writes)) == 3, "written when the next one would come after 40 ms"


@pytest.mark.parametrize("pace", [0.021, 0.05, 1.0])
def test_tokens_of_a_slow_model_never_wait(pace: float) -> None:
    assert sent(pace, 4) == [[0], [1], [2], [3], []]


def test_another_event_takes_what_waits_with_it_in_order() -> None:
    pipe, clock = Pipe(), Clock()
    outbox = Outbox(pipe, lambda: None, hold_s=0.04, now=clock)
    outbox.send(token(0))
    clock.at += 0.001
    outbox.send(token(1))
    assert len(pipe.writes) == 1
    outbox.send(wire.Probed(1, i=1, masses=(0.5,)))
    assert [type(e) for e in pipe.writes[1]] == [wire.Token, wire.Probed]


def test_a_parent_that_is_gone_is_told_of() -> None:
    class Broken(io.BytesIO):
        def write(self, data: Any) -> int:
            raise BrokenPipeError

    gone: list[bool] = []
    Outbox(Broken(), lambda: gone.append(True)).send(wire.Ack(1))
    assert gone == [True]
