"""When work of many answers is given up: after three failures of the engine with nothing made in between."""

import pytest

from urial_tui.engine.giving_up import Patience
from urial_tui.errors import EngineError, StoreError, UrialError, UsageError

DIED = EngineError("the engine died", kind="engine-died")
TOO_LONG = EngineError("the message is too long", kind="context-full")


@pytest.mark.parametrize(
    ("errors", "ended"),
    [
        ([DIED] * 3, [False, False, True]),
        ([DIED, DIED, None, DIED, DIED], [False] * 4),
        ([TOO_LONG] * 5, [False] * 5),
        ([DIED, TOO_LONG, DIED, DIED], [False, False, False, True]),
        ([UsageError("a bad row"), StoreError("full"), DIED], [False] * 3),
        ([EngineError("no memory", kind="memory")] * 3, [False, False, True]),
    ],
)
def test_three_failures_of_the_engine_with_nothing_made_in_between(
    errors: list[UrialError | None], ended: list[bool]
) -> None:
    patience = Patience()
    found = []
    for error in errors:
        if error is None:
            patience.restored()
        else:
            found.append(patience.ended_by(error))
    assert found == ended
