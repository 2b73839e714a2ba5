"""What of a stored answer a continuation goes on from."""

from types import SimpleNamespace
from typing import Any

from urial_tui.chat import resuming
from urial_tui.store.store import Store
from urial_tui.store.types import Token


def token(i: int, *, control: bool = False, cut: bool = False) -> Token:
    raw = b"<x>" if control else b"ab"
    return Token(i, 100 + i, raw, "" if control else "ab", 0 if control else 2, cut, control)


class OneAnswer:
    """A store with one answer of these tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        start = SimpleNamespace(prompt_ids=(1, 2), dropped_turns=0)
        generation = SimpleNamespace(start=start, end=None)
        self._known: dict[Any, Any] = {Store.generation_of: generation, Store.tokens: tokens}

    async def call(self, method: Any, _message_id: str) -> Any:
        return self._known[method]


async def resumed(monkeypatch: Any, *tokens: Token) -> list[int]:
    monkeypatch.setattr(resuming, "is_writer", lambda active, start: True)
    store: Any = OneAnswer(list(tokens))
    answer: Any = SimpleNamespace(id="m1", content="".join(t.text for t in tokens))
    active: Any = None
    found = await resuming.resumption(store, answer, active, 4096)
    assert found is not None
    return [t.i for t in found.tokens]


async def test_what_ended_the_answer_is_left_out(monkeypatch: Any) -> None:
    assert await resumed(monkeypatch, token(0), token(1), token(2, control=True)) == [0, 1]
    assert await resumed(monkeypatch, token(0), token(1, cut=True)) == [0]


async def test_a_control_token_in_the_middle_is_part_of_what_the_model_saw(
    monkeypatch: Any,
) -> None:
    """Without it later tokens would keep their old places, and the new ones would take them too."""
    kept = await resumed(monkeypatch, token(0), token(1, control=True), token(2), token(3))
    assert kept == [0, 1, 2, 3]
