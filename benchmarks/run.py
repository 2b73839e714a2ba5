"""Every benchmark against its bound: `make bench`, or `python benchmarks/run.py [--only NAME] [--quick] [--json FILE]`.

Ratios are taken against a raw llama.cpp loop in the same run. Exit code 1 when a bound does not hold, or when a
measurement that the machine can make was not made. Other work on the machine disturbs the numbers: its load is printed.
"""

import argparse
import importlib
import json
import os
import sys
import textwrap
import time
from pathlib import Path

from measuring import Row, Watch, row_of

MODULES = {
    "start": "bench_start",
    "transcript": "bench_transcript",
    "engine": "bench_engine",
    "shift": "bench_shift",
    "judge": "bench_judge",
    "tui": "bench_tui",
    "screen": "bench_screen",
    "history": "bench_history",
}
DISTURBED = 0.05
"""Cores that other programs took during a benchmark, from which on it is said."""
QUIET = 0.5
"""A load above this many waiting processes before the start makes numbers doubtful."""


def measure(name: str, *, quick: bool) -> list[Row]:
    """The rows of one benchmark; a failure becomes a row."""
    try:
        module = importlib.import_module(MODULES[name])
        if name == "transcript":
            return [row_of(row) for row in module.run()]
        rows: list[Row] = module.run(quick=quick)
        return rows
    except Exception as error:  # noqa: BLE001 - one benchmark that fails must not hide the others
        return [Row(name, None, 0.0, f"{type(error).__name__}: {error}")]


def show(row: Row) -> None:
    """One row as lines of a terminal."""
    verdict = {True: "PASS", False: "FAIL", None: "NONE"}[row.ok]
    value = "-" if row.value is None else f"{_number(row.value)}{' ' * bool(row.unit)}{row.unit}"
    sign = ">=" if row.at_least else "<="
    print(f"{verdict}  {row.name:<70} {value:>10}  {sign} {_number(row.bound)}")
    for line in row.detail.splitlines():
        print(textwrap.fill(line, 110, initial_indent=" " * 6, subsequent_indent=" " * 6))
    sys.stdout.flush()


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.3g}"


def load() -> float:
    """Processes that run or wait to, over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=MODULES, help="may be given again")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a first look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()

    before = load()
    print(f"load before: {before:.2f}" + (" - not quiet, see --help" if before > QUIET else ""))
    print(f"{'':4}  {'measurement':<70} {'value':>10}  bound")
    began = time.monotonic()
    rows: list[Row] = []
    others: dict[str, float] = {}
    for name in options.only or MODULES:
        watch = Watch()
        found = measure(name, quick=options.quick)
        others[name] = round(watch.others(), 3)
        rows += found
        for row in found:
            show(row)
        if others[name] > DISTURBED:
            print(f"      Other programs took {others[name]:.2f} of a processor meanwhile.")
    wrong = [row for row in rows if not row.ok]
    print(f"{len(rows) - len(wrong)} of {len(rows)} hold, in {time.monotonic() - began:.0f} s")
    if options.json is not None:
        report = {
            "load_before": before,
            "cores_taken_by_others": others,
            "cpus": os.cpu_count(),
            "rows": [row.as_dict() for row in rows],
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
