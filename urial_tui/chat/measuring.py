"""Measuring the rounding noise of a model, once, with a text that every installation has.

`Chat` measures in idle time, `shift` and `doctor` before they need it. What was measured is kept: see `noise`.
"""

import asyncio

from urial_tui.chat.active import as_prompt
from urial_tui.chat.noise import Measurement, Measurements
from urial_tui.engine.api import Engine, OnProgress
from urial_tui.engine.protocol import ContextSpec, Prompt
from urial_tui.prompts.styles import default_library, resolve_style

__all__ = ["Measurement", "Measurements", "measure", "measuring_text"]


def measuring_text() -> Prompt:
    """The default pack's constant part. It reads a file: not for an event loop."""
    return as_prompt(resolve_style(None, default_library()).constant())


async def measure(
    engine: Engine,
    spec: ContextSpec,
    measurements: Measurements,
    on_progress: OnProgress | None = None,
    *,
    again: bool = False,
) -> Measurement:
    """The kept result, or a new one, which is then kept: a few hundred single decodes. `again` always measures.

    Raises EngineError. Cancelling it ends the engine's work, and nothing is kept.
    """
    kept = None if again else measurements.get(spec)
    if kept is not None:
        return kept
    text = await asyncio.to_thread(measuring_text)
    return measurements.put(spec, await engine.measure(spec, text, on_progress))
