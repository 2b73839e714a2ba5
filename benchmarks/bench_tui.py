"""The real interface in a pseudo-terminal with the embedded model: its memory, and how soon keys show while it writes.

A terminal emulator in Python follows along on the same machine, as a user's terminal does; its time is in the numbers.
"""

import random
import time

from core import endless_pack
from measuring import MIB, Row, memory, own_home, peak_memory, percentile, program
from terminal import Terminal

KEYS = 60
LEAST_KEYS = 40
ROUNDS = 12
KEY_BOUND_MS = 100.0
MEMORY_BOUND_MIB = 150.0
QUESTION = "Tell a very long story about a lighthouse keeper."
"""Fits one line of the composer, also beside the inspector, which comes with the first scores."""
LETTERS = "bdfghjklmnpqrtvwxz"
"""No vowels: what is typed is nowhere else on the screen."""


def _state(terminal: Terminal, word: str) -> bool:
    """Whether the status line, in the last lines of the screen, begins with `word`."""
    return any(line.strip().startswith(word) for line in terminal.lines[-3:])


def _writing(terminal: Terminal) -> bool:
    return _state(terminal, "generating")


def _wait_ready(terminal: Terminal) -> None:
    terminal.wait(lambda _: _state(terminal, "ready"), 120)


def _ask(terminal: Terminal, question: str) -> None:
    """Send the question and wait until text streams."""
    terminal.send(question)
    terminal.wait(lambda _: terminal.shows(question[-24:]), 10)
    terminal.send("\r")
    terminal.wait(lambda _: _writing(terminal), 60)


def _type(terminal: Terminal, chooser: random.Random, wanted: int) -> list[float]:
    """Milliseconds from key to screen, one key at a time, for as long as the answer streams."""
    typed = "".join(chooser.choices(LETTERS, k=4))
    terminal.send(typed)
    terminal.wait(lambda _: terminal.shows(typed), 10)
    took: list[float] = []
    while len(took) < wanted and len(typed) < 60:
        terminal.settle(chooser.uniform(0.05, 0.2))
        if not _writing(terminal):
            break
        letter = chooser.choice(LETTERS)
        typed += letter
        began = time.perf_counter()
        terminal.send(letter)
        terminal.wait(lambda _, text=typed: terminal.shows(text), 10)  # type: ignore[misc]
        took.append((time.perf_counter() - began) * 1e3)
    terminal.send("\x7f" * len(typed))
    terminal.wait(lambda _: not terminal.shows(typed[:4]), 10)
    return took


def run(*, quick: bool = False) -> list[Row]:
    """Keys over as many answers as it takes, memory at the end. Needs the embedded model."""
    chooser = random.Random(5)
    keys = LEAST_KEYS if quick else KEYS
    took: list[float] = []
    with own_home():
        with Terminal([*program(), "--demo"]) as terminal:
            _wait_ready(terminal)
            _ask(terminal, "What are the benefits of walking every day?")
            _wait_ready(terminal)
            after_one = memory(terminal.pid)
            terminal.quit()
        with Terminal([*program(), "--demo", "--pack", endless_pack()]) as terminal:
            _wait_ready(terminal)
            for _ in range(ROUNDS):
                if len(took) >= keys:
                    break
                _ask(terminal, QUESTION)
                took += _type(terminal, chooser, keys - len(took))
                terminal.send("\x1b")  # stop what would be written up to the end of the context
                _wait_ready(terminal)
            peak = peak_memory(terminal.pid)
            terminal.quit()
    return [_key_row(took), _memory_row(peak, after_one)]


def _key_row(took: list[float]) -> Row:
    name = "tui: key to screen while the model streams, p95"
    if len(took) < LEAST_KEYS:
        return Row(name, None, KEY_BOUND_MS, f"answers ended too soon: {len(took)} keys", unit="ms")
    return Row(
        name,
        percentile(took, 95),
        KEY_BOUND_MS,
        f"{len(took)} keys, median {percentile(took, 50):.0f}, largest {max(took):.0f} ms",
        unit="ms",
    )


def _memory_row(peak: int | None, after_one: int | None) -> Row:
    name = "tui: peak memory of the interface process"
    if peak is None or after_one is None:
        return Row(name, None, MEMORY_BOUND_MIB, "this system does not tell it", unit="MiB")
    return Row(
        name,
        peak / MIB,
        MEMORY_BOUND_MIB,
        f"{after_one / MIB:.0f} MiB resident after one answer in another run; the model is in another process",
        unit="MiB",
    )
