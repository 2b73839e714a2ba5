"""How long after its text a token's class is on the screen, in the real interface with the embedded model.

A terminal emulator follows along. A cell of the answer is born when its character appears, in the look of a token whose
class is not known; its class has come when that look changes for the first time.
"""

import time

from core import endless_pack
from measuring import Row, own_home, percentile, program
from terminal import Terminal

COLUMNS, LINES = 160, 60
QUESTION = "Tell me about the sea."
BOUND_MS = 400.0
LEAST_CELLS = 200
ROUNDS = 3
TOKENS = 120
SETTINGS = f"[sampling]\ntemperature = 0.0\nmax_tokens = {TOKENS}\n"
LEFT = 33
RIGHT = 108
"""Columns of the transcript at this width, between the sessions and the inspector."""


class Cells:
    """Watches the cells of the answer's lines."""

    def __init__(self, first_line: int) -> None:
        self._first = first_line
        self._born: dict[tuple[int, int], tuple[float, object]] = {}
        self.took: dict[tuple[int, int], float] = {}

    def look(self, terminal: Terminal) -> None:
        """Note what is new since the last look."""
        now = time.perf_counter()
        for line in range(self._first, LINES - 6):
            for column in range(LEFT, RIGHT):
                cell = terminal.cell(line, column)
                if cell.data == " ":
                    continue
                place, style = (
                    (line, column),
                    (cell.fg, cell.bg, cell.bold, cell.underscore, cell.reverse),
                )
                if place not in self._born:
                    self._born[place] = (now, style)
                elif place not in self.took and style != self._born[place][1]:
                    self.took[place] = now - self._born[place][0]

    @property
    def still_waiting(self) -> int:
        return len(self._born) - len(self.took)


def _state(terminal: Terminal, word: str) -> bool:
    return any(line.strip().startswith(word) for line in terminal.lines[-3:])


def _answer(pack: str) -> Cells:
    with Terminal([*program(), "--demo", "--pack", pack], COLUMNS, LINES) as terminal:
        terminal.wait(lambda _: _state(terminal, "ready"), 120)
        terminal.settle(3.0)  # the reference is loaded after the generator
        terminal.send(QUESTION)
        terminal.wait(lambda _: terminal.shows(QUESTION), 10)
        terminal.send("\r")
        terminal.wait(lambda _: _state(terminal, "generating"), 30)
        first = next(
            n for n, line in enumerate(terminal.lines) if line[LEFT:RIGHT].strip() == "Model"
        )
        cells = Cells(first + 1)
        until = time.perf_counter() + 60
        while time.perf_counter() < until and not _state(terminal, "ready"):
            if terminal.read(0.05):
                cells.look(terminal)
        terminal.settle(1.0)
        cells.look(terminal)
        terminal.quit()
    return cells


def run(*, quick: bool = False) -> list[Row]:
    """Needs the embedded model."""
    took: list[float] = []
    without = 0
    with own_home() as home:
        (home / "config").mkdir(exist_ok=True)
        (home / "config" / "settings.toml").write_text(SETTINGS)
        pack = endless_pack()
        for number in range(1 if quick else ROUNDS):
            cells = _answer(pack)
            if number or quick:  # the first answer of a home waits for the prompt to be read
                took += cells.took.values()
                without += cells.still_waiting
    name = "shift: class on the screen after its text, p95"
    if len(took) < LEAST_CELLS:
        return [Row(name, None, BOUND_MS, f"only {len(took)} cells got a class", unit="ms")]
    return [
        Row(
            name,
            percentile(took, 95) * 1e3,
            BOUND_MS,
            f"{len(took)} cells, median {percentile(took, 50) * 1e3:.0f}, largest {max(took) * 1e3:.0f} ms; "
            f"{without} cells kept their first look (their class was there with the text)",
            unit="ms",
        )
    ]
