"""What the fakes behind the interface share: every call is kept, and can be held at a gate or made to fail once."""

import asyncio
from typing import Any

from urial_tui.errors import UrialError


class Recorded:
    """`errors` are raised once, by method; a method with a gate waits there. `stopped` are the methods whose work was
    cancelled while it waited."""

    calls: list[tuple[Any, ...]]
    errors: dict[str, UrialError]
    gates: dict[str, asyncio.Event]
    stopped: list[str]

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of `name`."""
        return [call[1:] for call in self.calls if call[0] == name]

    async def _called(self, name: str, *arguments: Any) -> None:
        self.calls.append((name, *arguments))
        if name in self.gates:
            try:
                await self.gates[name].wait()
            except asyncio.CancelledError:
                self.stopped.append(name)
                raise
        if name in self.errors:
            raise self.errors.pop(name)
