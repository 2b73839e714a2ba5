"""Reading a run's events so that the engine stops working when nobody reads any more."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any


async def events_of(run: Any) -> AsyncGenerator[Any]:
    """The events of a Generation or a ScoreRun. Use it with `aclosing`: a reader that goes away before the end, or is
    cancelled, cancels the run and waits until the engine has acknowledged."""
    try:
        async for event in run:
            yield event
    except (asyncio.CancelledError, GeneratorExit):
        await run.cancel()
        raise
