"""Events keep their order on the way to the screen, and text is collected."""

import pytest

from tests.support.fake_chat import FakeChat
from urial_tui.chat.events import EngineStatus, TextStreamed
from urial_tui.engine.protocol import Token
from urial_tui.ui import relay as relay_module
from urial_tui.ui.relay import SLOWEST_PERIOD, EventRelay


def streamed(text: str, message_id: str = "m1") -> TextStreamed:
    return TextStreamed(message_id, text, (Token(1, 0, 5, text.encode(), text, len(text)),))


def told(events):
    posted = []
    relay = EventRelay(lambda message: posted.append(message.event))
    for event in events:
        relay.listen(event)
    return relay, posted


def test_text_waits_for_the_timer_and_arrives_as_one():
    relay, posted = told([streamed("a"), streamed("b"), streamed("c")])
    assert posted == []
    relay.flush()
    assert [event.text for event in posted] == ["abc"]
    assert [token.text for token in posted[0].tokens] == ["a", "b", "c"]
    relay.flush()
    assert len(posted) == 1


def test_another_event_lets_the_waiting_text_go_first():
    _, posted = told([streamed("a"), EngineStatus("ready"), streamed("b")])
    assert [type(event).__name__ for event in posted] == ["TextStreamed", "EngineStatus"]


def test_text_of_two_messages_is_never_mixed():
    relay, posted = told([streamed("a", "m1"), streamed("b", "m2")])
    relay.flush()
    assert [(event.message_id, event.text) for event in posted] == [("m1", "a"), ("m2", "b")]


async def test_a_whole_answer_of_the_chat_becomes_few_messages():
    posted = []
    relay = EventRelay(lambda message: posted.append(message.event))
    chat = FakeChat(relay.listen, answer="one two three four five")
    await chat.start()
    await chat.send("Count.")
    texts = [event.text for event in posted if isinstance(event, TextStreamed)]
    assert texts == ["one two three four five"]


def test_a_terminal_that_is_behind_gets_text_less_often_and_then_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, behind, posted = [100.0], [False], []
    monkeypatch.setattr(relay_module, "monotonic", lambda: now[0])
    relay = EventRelay(lambda message: posted.append(message.event.text), lambda: behind[0])
    relay.listen(streamed("a"))
    relay.tick()
    assert posted == ["a"]
    behind[0] = True
    for text in "bc":
        now[0] += 0.9 * SLOWEST_PERIOD / 2
        relay.listen(streamed(text))
        relay.tick()
    assert posted == ["a"]
    now[0] += 0.2 * SLOWEST_PERIOD
    relay.tick()
    assert posted == ["a", "bc"]
    behind[0] = False
    relay.listen(streamed("d"))
    relay.tick()
    assert posted == ["a", "bc", "d"]
