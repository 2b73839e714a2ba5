"""Which references a generator has, how they get ready, and that they never stand in the way of an answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chat.conftest import Room
from urial_tui.chat.active import ActiveSide
from urial_tui.chat.events import PairChanged, TraceEnded
from urial_tui.chat.noise import Measurements
from urial_tui.chat.pairs import default_references, suggested_pairs
from urial_tui.errors import EngineError, UsageError
from urial_tui.store.store import Store

Make = Callable[..., Room]


def states(room: Room) -> list[tuple[str, str]]:
    return [(ref.side, ref.state) for ref in room.chat.pair.references]


def calls(room: Room, name: str) -> list[str]:
    return [call.spec.slot for call in room.engine.calls if call.name == name]


@pytest.mark.parametrize(
    ("generator", "references"),
    [
        ("demo", ("demo@zero-shot",)),
        ("demo@urial-general", ("demo@zero-shot",)),
        ("demo+sft@chat", ("demo@raw",)),
        ("demo+sft", ("demo@raw",)),
        ("demo+sft@urial-general", ()),
        ("demo@zero-shot", ()),
        ("demo@raw", ()),
        ("instruct@chat", ()),
        ('"a b.gguf"@mine', ('"a b.gguf"@zero-shot',)),
    ],
)
def test_the_references_that_suit_a_generator(generator: str, references: tuple[str, ...]) -> None:
    assert default_references(generator) == references


def test_the_suggested_pairs_of_the_embedded_model_and_of_others() -> None:
    def written(side: str) -> list[tuple[str, tuple[str, ...]]]:
        return [(pair.generator, pair.references) for pair in suggested_pairs(side, "mine")]

    demo = [("demo@mine", ("demo@zero-shot",)), ("demo+sft@chat", ("demo@raw",))]
    assert written("demo@raw") == written("demo+sft@chat") == demo
    assert written("qwen") == [
        ("qwen@mine", ("qwen@zero-shot",)),
        ("qwen@zero-shot", ("qwen@raw",)),
    ]
    assert written("qwen+lora:0.5@raw")[-1] == ("qwen+lora:0.5@chat", ("qwen@raw",))


async def test_references_get_ready_after_the_generator_each_in_a_context_of_its_own(
    make_room: Make,
) -> None:
    room = make_room()
    await room.paired(references=("demo@zero-shot", "other@same"))
    assert states(room) == [("demo@zero-shot", "ready"), ("other@same", "ready")]
    assert calls(room, "open") == ["generator", "reference-0", "reference-1"]
    seen = [[ref.state for ref in event.pair.references] for event in room.told(PairChanged)]
    assert seen == [["loading"] * 2, ["ready", "loading"], ["ready"] * 2]
    assert room.chat.pair.generator == "demo@urial-general" and room.chat.pair.scoring


async def test_an_answer_sent_while_the_model_loads_waits_for_references_on_its_weights(
    make_room: Make,
) -> None:
    room = make_room("one two", loaded=False)
    room.chat = room.new("demo@urial-general")
    await room.chat.start()
    await room.chat.send("Hello?")
    room.engine.load.open()
    await room.settled()
    assert calls(room, "open") == ["generator", "reference-0"]
    ended = room.told(TraceEnded)[-1]
    assert ended.error is None and ended.trace is not None and ended.trace.complete


async def test_loading_other_weights_waits_while_an_answer_is_written(make_room: Make) -> None:
    room = make_room("one two", loaded=False, paced=True)
    room.chat = room.new("demo@urial-general", references=("other@raw",))
    await room.chat.start()
    await room.chat.send("Hello?")
    room.engine.load.open()
    await room.until(room.engine.generations)
    assert calls(room, "open") == ["generator"] and states(room) == [("other@raw", "loading")]
    room.engine.pace.open()
    await room.settled()
    ended = room.told(TraceEnded)[-1]
    assert ended.trace is None and ended.error is not None and ended.error.kind == "not-ready"
    await room.chat._pairing.settled()
    assert states(room) == [("other@raw", "ready")]
    await room.ask("Again?")
    assert room.told(TraceEnded)[-1].error is None


async def test_loading_other_weights_gives_way_to_an_answer_and_goes_on_after_it(
    make_room: Make,
) -> None:
    room = make_room("one two")
    room.engine.check.close()
    room.chat = room.new("demo@urial-general", references=("other@raw",))
    await room.chat.start()
    await room.until(lambda: room.engine.check.waiting)
    await room.ask("Hello?")
    assert room.chat.messages[-1].status == "complete"
    assert room.engine.check.waiting <= 1
    room.engine.check.open()
    await room.chat._pairing.settled()
    assert states(room) == [("other@raw", "ready")]
    assert calls(room, "check_pair") == ["reference-0", "reference-0"]


async def test_a_reference_with_another_vocabulary_is_refused_and_the_chat_goes_on(
    make_room: Make,
) -> None:
    room = make_room("one two")
    room.engine.foreign.add("/models/other.gguf")
    await room.paired(references=("other@raw",))
    (status,) = room.chat.pair.references
    assert status.state == "refused" and status.error is not None
    assert status.error.kind == "vocabulary"
    assert "id 5: '\\n' against '<x>'; id 7: 'a' against none" in status.error.message
    assert {spec.slot for spec in room.engine.open_contexts} == {"generator"}
    await room.ask("Go.")
    assert room.chat.messages[-1].status == "complete"
    assert room.told(TraceEnded)[-1].error is status.error


async def test_references_are_refused_while_the_generator_cannot_be_loaded(make_room: Make) -> None:
    room = make_room("one two")
    room.engine.prefill_error = EngineError("the prompt has 9 tokens", kind="context-full")
    room.chat = room.new("demo@urial-general")
    await room.chat.start()
    with pytest.raises(EngineError, match="9 tokens"):
        await asyncio.shield(room.chat._loader._task)  # type: ignore[arg-type]
    for _ in range(2):
        (status,) = room.chat.pair.references
        assert status.state == "refused" and status.error is not None
        assert status.error.message == "the generator is not loaded"
        assert room.told(PairChanged)[-1].pair == room.chat.pair
        await room.chat.set_references(("demo@raw",))
    await room.chat.set_scoring(True)
    assert states(room) == [("demo@raw", "refused")] and not calls(room, "check_pair")
    before = len(room.told(PairChanged))
    await room.ask("Go.")
    await room.chat._pairing.settled()
    after = [[ref.state for ref in e.pair.references] for e in room.told(PairChanged)[before:]]
    assert after == [["loading"], ["ready"]]
    assert room.told(TraceEnded)[-1].error is None


async def test_another_generator_ends_the_refusal_of_one_that_cannot_be_loaded(
    make_room: Make,
) -> None:
    room = make_room("one two")
    room.engine.load_error = EngineError("no", kind="model")
    room.chat = room.new("demo@urial-general")
    await room.chat.start()
    await room.until(lambda: states(room) == [("demo@zero-shot", "refused")])
    room.engine.load.close()
    await room.chat.set_side("demo+sft@chat")
    assert states(room) == [("demo@raw", "loading")]
    room.engine.load.open()
    await room.chat._loader.ready()
    await room.chat._pairing.settled()
    assert states(room) == [("demo@raw", "ready")]


async def test_the_references_that_can_be_used_score_beside_one_that_is_refused(
    make_room: Make,
) -> None:
    room = make_room("one two")
    await room.paired(references=("missing@raw", "demo@raw"))
    assert [state for _, state in states(room)] == ["refused", "ready"]
    await room.ask("Go.")
    trace = await room.chat.trace(room.chat.messages[-1].id)
    assert trace is not None and trace.complete
    assert [side.side for side in trace.start.references] == ["demo@raw"]


async def test_a_reference_that_fails_unexpectedly_says_so_and_the_others_get_ready(
    make_room: Make,
) -> None:
    room = make_room("one two")
    resolve = room.resolve

    async def broken(text: str) -> ActiveSide:
        if text == "other@raw":
            raise ValueError("a bug")
        return await resolve(text)

    room.resolve = broken  # type: ignore[method-assign]
    await room.paired(references=("other@raw", "demo@raw"))
    assert [state for _, state in states(room)] == ["refused", "ready"]
    error = room.chat.pair.references[0].error
    assert error is not None and error.kind == "internal" and "a bug" in error.message
    assert "ValueError: a bug" in Path(error.hint.split()[-1].rstrip(".")).read_text()


async def test_a_reference_that_the_engine_dies_of_is_not_tried_again_by_itself(
    make_room: Make,
) -> None:
    room = make_room("one two")
    room.engine.lethal.add("/models/other.gguf")
    await room.paired(references=("other@raw", "demo@raw"))
    assert room.engine.deaths == 1
    assert states(room) == [("other@raw", "refused"), ("demo@raw", "loading")]
    await room.ask("Still there?")
    await room.chat._pairing.settled()
    assert room.chat.messages[-1].status == "complete"
    assert room.engine.deaths == 1
    assert states(room) == [("other@raw", "refused"), ("demo@raw", "ready")]


async def test_changing_the_references_closes_the_contexts_that_are_not_needed(
    make_room: Make,
) -> None:
    room = make_room()
    await room.paired(references=("demo@raw", "other@raw"))
    await room.chat.set_references(("other@zero-shot",))
    await room.chat._pairing.settled()
    left = {(spec.slot, spec.model_path) for spec in room.engine.open_contexts}
    assert left == {
        ("generator", "/models/demo.gguf"),
        ("reference-0", "/models/other.gguf"),
    }
    await room.chat.set_scoring(False)
    await room.chat._pairing.settled()
    assert {spec.slot for spec in room.engine.open_contexts} == {"generator"}
    assert not room.chat.pair.scoring
    await room.chat.set_scoring(True)
    await room.chat._pairing.settled()
    assert states(room) == [("other@zero-shot", "ready")]


async def test_a_side_that_cannot_be_read_is_refused_and_the_references_stay(
    make_room: Make,
) -> None:
    room = make_room()
    await room.paired()
    with pytest.raises(UsageError):
        await room.chat.set_references(("demo@@raw",))
    assert states(room) == [("demo@zero-shot", "ready")]


async def test_the_references_follow_the_generator_unless_they_were_chosen(
    make_room: Make,
) -> None:
    room = make_room()
    await room.paired()
    await room.chat.set_side("other@urial-general")
    assert states(room) == [("other@zero-shot", "loading")]
    await room.chat.set_references(("other@raw",))
    await room.chat.set_side("other@urial-brief")
    assert [side for side, _ in states(room)] == ["other@raw"]
    await room.chat.set_side("demo@urial-general")
    assert [side for side, _ in states(room)] == ["demo@zero-shot"]


async def test_the_next_pair_switches_generator_and_references_together(make_room: Make) -> None:
    room = make_room("one two")
    await room.paired("demo")
    assert len(room.chat.pairs()) == 2
    await room.chat.next_pair()
    await room.chat._loader.ready()
    await room.chat._pairing.settled()
    assert room.chat.side == "demo+sft@chat" and states(room) == [("demo@raw", "ready")]
    await room.ask("Go.")
    trace = await room.chat.trace(room.chat.messages[-1].id)
    assert trace is not None and trace.start.generator is not None
    assert trace.start.generator.adapter_path == "/models/sft.gguf"
    assert trace.start.generator.template_hash == "template"
    await room.chat.next_pair()
    assert room.chat.side == "demo@urial-general"
    assert [side for side, _ in states(room)] == ["demo@zero-shot"]


async def test_what_was_measured_before_is_shown_at_once_and_not_measured_again(
    make_room: Make, tmp_path: Path
) -> None:
    room = make_room("one two")
    measurements = Measurements(tmp_path / "m.json", "1")
    await room.paired(measurements=measurements, idle_seconds=0)
    await room.ask("Go.")
    await room.until(lambda: room.chat.pair.references[0].noise is not None)
    await room.chat.aclose()
    before = len(calls(room, "measure"))
    await room.paired(measurements=Measurements(tmp_path / "m.json", "1"), idle_seconds=0)
    assert room.chat.pair.references[0].noise == 0.25
    assert room.chat.pair.references[0].null_rate == 0.0
    await room.ask("Go.")
    await room.chat._pairing._task  # type: ignore[misc]
    assert len(calls(room, "measure")) == before == 1
    trace = await room.chat.trace(room.chat.messages[-1].id)
    assert trace is not None and trace.start.references[0].noise == 0.25


async def test_nothing_is_measured_before_an_answer_has_ended(make_room: Make) -> None:
    room = make_room("one two")
    await room.paired(idle_seconds=0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert not calls(room, "measure")


async def test_a_measurement_gives_way_to_a_message_and_is_made_later(make_room: Make) -> None:
    room = make_room("one two", "three four")
    await room.paired(idle_seconds=0)
    room.engine.measuring.close()
    await room.ask("First.")
    await room.until(lambda: room.engine.measuring.waiting)
    await room.ask("Second.")
    assert room.chat.messages[-1].content == "three four"
    assert room.engine.cancelled_measurements == 1
    assert room.chat.pair.references[0].noise is None
    shown = room.told(TraceEnded)[-1]
    assert shown.trace is not None and shown.trace.start.references[0].noise is None
    room.engine.measuring.open()
    await room.until(lambda: len(room.told(TraceEnded)) == 3)
    again = room.told(TraceEnded)[-1]
    assert again.trace is not None and again.message_id == shown.message_id
    assert again.trace.start.references[0].noise == 0.25
    assert again.trace == await room.store.call(Store.trace_of, shown.message_id)
    assert room.told(PairChanged)[-1].pair.references[0].noise == 0.25


async def test_an_older_trace_gets_the_noise_when_it_is_shown(make_room: Make) -> None:
    room = make_room("one two")
    await room.paired(idle_seconds=3600)
    await room.ask("Go.")
    message_id = room.chat.messages[-1].id
    trace = await room.chat.trace(message_id)
    assert trace is not None and trace.start.references[0].noise is None
    await room.paired(idle_seconds=0)
    await room.ask("Go.")
    await room.until(lambda: room.chat.pair.references[0].noise is not None)
    trace = await room.chat.trace(message_id)
    assert trace is not None and trace.start.references[0].noise == 0.25
    assert await room.store.call(Store.trace_of, message_id) == trace


async def test_a_measurement_that_fails_is_not_repeated(make_room: Make) -> None:
    room = make_room("one two")
    await room.paired(idle_seconds=0)
    room.engine.measure_error = EngineError("too short", kind="measure")
    await room.ask("Go.")
    await room.chat._pairing._task  # type: ignore[misc]
    # The reference's context failed; the same weights were then measured in the generator's.
    assert room.chat.pair.references[0].noise == 0.25
    assert calls(room, "measure") == ["reference-0", "generator"]


async def test_closing_ends_a_measurement(make_room: Make) -> None:
    room = make_room("one two")
    await room.paired(idle_seconds=0)
    room.engine.measuring.close()
    await room.ask("First.")
    await room.until(lambda: room.engine.measuring.waiting)
    await asyncio.wait_for(room.chat.aclose(), 10)
    assert room.engine.cancelled_measurements == 1 and not room.engine.measuring.waiting


async def test_a_side_is_never_compared_with_itself_because_it_was_a_reference(
    make_room: Make,
) -> None:
    room = make_room()
    await room.paired(references=("demo@raw",))
    await room.chat.set_side("demo@raw")
    assert states(room) == []
    await room.chat.set_side("demo@zero-shot")
    assert states(room) == []  # what suits it: nothing


async def test_references_that_were_chosen_stay_behind_when_a_session_brings_its_side(
    make_room: Make,
) -> None:
    room = make_room("It is.")
    await room.paired()
    await room.ask("Is it?")
    session = room.chat.session
    assert session is not None and session.side == "demo@urial-general"
    await room.chat.new_session()
    await room.chat.set_side("demo+sft@chat")
    await room.chat.set_references(("demo@raw", "other@same"))
    await room.chat.open_session(session.id)
    assert [side for side, _ in states(room)] == ["demo@zero-shot"]


async def test_references_of_the_settings_count_for_every_session(make_room: Make) -> None:
    room = make_room("It is.")
    await room.paired(references=("other@raw",))
    await room.ask("Is it?")
    session = room.chat.session
    assert session is not None
    await room.chat.new_session()
    await room.chat.set_side("demo+sft@chat")
    await room.chat.set_references(("demo@raw",))
    await room.chat.open_session(session.id)
    assert [side for side, _ in states(room)] == ["other@raw"]
