"""What one streamed token costs the transcript: at 50,000 tokens against at 500.

`python benchmarks/bench_transcript.py` prints both medians and their ratio; `run()` gives the same as rows for the
common runner. A cost is: append one token, then draw the lines on screen, as the widget does for the screen. A second
row measures whole refreshes of the app, layout and screen included.
"""

import asyncio
import random
import statistics
import sys
import time
from typing import Any

from textual.app import App, ComposeResult

from urial_tui.ui.widgets.transcript import Transcript
from urial_tui.ui.widgets.transcript_model import Entry

BOUND = 1.5
SMALL, LARGE = 500, 50_000
ROUNDS = 400
SCREEN = (100, 40)


class _Host(App[None]):
    def compose(self) -> ComposeResult:
        yield Transcript()


def _tokens(count: int, seed: int = 7) -> list[str]:
    """Words of a few letters, a newline now and then, some wide characters: what models write."""
    chooser = random.Random(seed)
    words = [
        " " + "".join(chooser.choices("etaoinshrdlu", k=chooser.randint(1, 9))) for _ in range(500)
    ]
    words += [".", ",", "\n", "\n\n", " 漢字", "é"] * 8
    return chooser.choices(words, k=count)


def _draw(transcript: Transcript) -> None:
    for y in range(transcript.size.height):
        transcript.render_line(y)


async def _fill(transcript: Transcript, tokens: list[str]) -> None:
    question = Entry("u", "user", "You", "What are the benefits of walking?")
    transcript.set_entries([question, Entry("a", "assistant", "urial-general")])
    transcript.set_streaming("a")
    for start in range(0, len(tokens), 500):
        batch = tokens[start : start + 500]
        transcript.append("a", "".join(batch), batch)
    _draw(transcript)


async def _measure() -> dict[str, float]:
    """Median seconds for one token, by "small"/"large" and "draw"/"refresh"."""
    extra = _tokens(2 * ROUNDS, seed=8)
    medians: dict[str, float] = {}
    apps = {"small": SMALL, "large": LARGE}
    for name, count in apps.items():
        app = _Host()
        async with app.run_test(size=SCREEN) as pilot:
            transcript = app.query_one(Transcript)
            await _fill(transcript, _tokens(count))
            await pilot.pause()
            draws, refreshes = [], []
            for token in extra[:ROUNDS]:
                start = time.process_time()  # CPU, so that other programs do not count
                transcript.append("a", token, [token])
                _draw(transcript)
                draws.append(time.process_time() - start)
            await pilot.pause()
            for token in extra[ROUNDS : ROUNDS + ROUNDS // 4]:
                start = time.process_time()  # the wall time is the wait for the next frame
                transcript.append("a", token, [token])
                await pilot.pause()
                refreshes.append(time.process_time() - start)
            if not (transcript.following and transcript.scroll_offset.y == transcript.max_scroll_y):
                raise RuntimeError("the transcript did not follow the text that was measured")
            medians[f"{name} draw"] = statistics.median(draws)
            medians[f"{name} refresh"] = statistics.median(refreshes)
    return medians


def run() -> list[dict[str, Any]]:
    """One row a measurement: name, value (the ratio), bound, ok, detail."""
    best: dict[str, float] = {}
    for _ in range(3):  # medians of three runs: the least disturbed one
        for name, seconds in asyncio.run(_measure()).items():
            best[name] = min(seconds, best.get(name, seconds))
    rows = []
    for kind, words in (
        ("draw", "append and draw (CPU)"),
        ("refresh", "append and refresh the whole app (CPU)"),
    ):
        small, large = best[f"small {kind}"], best[f"large {kind}"]
        ratio = large / small
        rows.append(
            {
                "name": f"transcript: {words}, a token at {LARGE} / at {SMALL}",
                "value": ratio,
                "bound": BOUND,
                "ok": ratio <= BOUND,
                "detail": f"{large * 1e6:.0f} us / {small * 1e6:.0f} us, medians of {ROUNDS}",
            }
        )
    return rows


def main() -> int:
    """Print the rows; 1 when a bound does not hold."""
    rows = run()
    for row in rows:
        verdict = "PASS" if row["ok"] else "FAIL"
        print(
            f"{verdict}  {row['name']}: {row['value']:.2f} (bound <= {row['bound']})  {row['detail']}"
        )
    return 0 if all(row["ok"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
