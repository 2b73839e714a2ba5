"""How long the program takes to show something: `--help`, and the interface's first paint, before any model."""

import subprocess
import time

from measuring import Row, median, own_home, program, spread
from terminal import Terminal

RUNS = 7
HELP_BOUND = 0.3
PAINT_BOUND = 1.0


def _help_once() -> float:
    began = time.perf_counter()
    subprocess.run([*program(), "--help"], check=True, capture_output=True)
    return time.perf_counter() - began


def _paint_once() -> float:
    with Terminal([*program(), "--demo"]) as terminal:
        painted = terminal.wait(lambda screen: any(line.strip() for line in screen), 30)
        terminal.quit()
    return painted


def run(*, quick: bool = False) -> list[Row]:
    """Both rows. The first run of each warms the disk cache and does not count."""
    runs = 3 if quick else RUNS
    with own_home():
        helps = [_help_once() for _ in range(runs + 1)][1:]
        paints = [_paint_once() for _ in range(runs + 1)][1:]
    return [
        Row(
            "start: urial-tui --help",
            median(helps),
            HELP_BOUND,
            f"median of {runs}, {spread(helps)} s",
            unit="s",
        ),
        Row(
            "start: first paint of the interface",
            median(paints),
            PAINT_BOUND,
            f"median of {runs}, {spread(paints)} s from the start to the first text on screen",
            unit="s",
        ),
    ]
