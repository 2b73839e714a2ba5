"""Rendering is exact: fixed bytes for fixed packs, the constant part first, people's text untouched in user spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.packs import pack, turns
from urial_tui.errors import PromptError
from urial_tui.prompts.pack_types import Example, Format
from urial_tui.prompts.render import RAW_SHAPE, pack_shape, zero_shot_shape
from urial_tui.prompts.styles import default_library, resolve_style
from urial_tui.prompts.types import Span

OPENING = (
    '# Instruction\n\nQuestions under "# Query:" and replies under "# Answer:".\n'
    "\n# Query:\n```\nWho?\n```\n\n# Answer:\n```\nMe.\n```\n"
    "\n# Query:\n```\nWhen?\n```\n\n# Answer:\n```\nNow.\n```\n"
    "\n# Query:\n```\n"
)


def test_a_pack_renders_in_the_official_fenced_form() -> None:
    rendered = pack_shape(pack()).render(turns("Where?"))
    assert rendered.text == OPENING + "Where?\n```\n\n# Answer:\n```\n"
    assert rendered.spans == (
        Span(OPENING),
        Span("Where?", user=True),
        Span("\n```\n\n# Answer:\n```\n"),
    )
    assert (rendered.constant, rendered.fence) == (1, "```")
    assert rendered.stops == ("\n# Query:", "\n# Answer:")


def test_an_earlier_answer_is_one_more_block_as_it_was_written() -> None:
    answer = "Look:\n```python\nprint(1)\n```\nDone."
    rendered = pack_shape(pack()).render(turns("Where?", answer, "Why?"))
    assert rendered.text == (
        OPENING
        + "Where?\n```\n\n# Answer:\n```\n"
        + answer
        + "\n```\n\n# Query:\n```\nWhy?\n```\n\n# Answer:\n```\n"
    )
    assert [span.text for span in rendered.spans if span.user] == ["Where?", answer, "Why?"]


def test_a_prefill_follows_the_open_fence_as_user_text() -> None:
    rendered = pack_shape(pack()).render(turns("Where?"), "Well,")
    assert rendered.text.endswith("# Answer:\n```\nWell,")
    assert rendered.spans[-1] == Span("Well,", user=True)


def test_formats_change_every_piece_of_the_scaffold() -> None:
    form = Format(
        system_heading="",
        query_heading="Q:",
        answer_heading="A:",
        fence="",
        after_system="<s>",
        before_heading="<b>",
        after_heading="<h>",
        after_block="<a>",
        after_examples="<e>",
        stops=("Q:",),
    )
    rendered = pack_shape(pack(system="S", examples=(Example("q", "a"),), format=form)).render(
        turns("u")
    )
    assert rendered.text == "S<s><b>Q:<h>q<a><b>A:<h>a<e><b>Q:<h>u<a><b>A:<h>"
    assert (rendered.stops, rendered.fence) == (("Q:",), None)


def test_nothing_stands_before_the_first_heading_of_a_prompt() -> None:
    assert pack_shape(pack(system="")).render(turns("x")).text.startswith("# Query:\n```\nWho?")
    assert zero_shot_shape().render(turns("x")).text == "# Query:\n```\nx\n```\n\n# Answer:\n```\n"


def test_zero_shot_is_the_default_packs_form_without_its_texts() -> None:
    style = resolve_style("zero-shot", default_library())
    general = resolve_style(None, default_library())
    for query in ("x", "# Query:\n```"):
        short = style.render(turns(query)).text
        assert general.render(turns(query)).text.endswith(short)
    assert style.render(turns("x")).stops == general.render(turns("x")).stops


def test_zero_shot_can_take_another_packs_headings() -> None:
    form = Format(query_heading="# Domanda:", answer_heading="# Risposta:")
    rendered = zero_shot_shape(pack(format=form)).render(turns("x"))
    assert rendered.text == "# Domanda:\n```\nx\n```\n\n# Risposta:\n```\n"


def test_raw_is_the_text_alone_and_the_answer_follows_directly() -> None:
    rendered = RAW_SHAPE.render(turns("The capital of France is"))
    assert (rendered.text, rendered.constant) == ("The capital of France is", 0)
    assert (rendered.stops, rendered.fence) == ((), None)
    longer = RAW_SHAPE.render(turns("The capital of France is", " Paris.", "And Italy's"), " is")
    assert longer.text == "The capital of France is Paris.\n\nAnd Italy's is"


@pytest.mark.parametrize(
    ("texts", "words"),
    [([], "is empty"), (["a", "b"], "ends with an answer")],
)
def test_a_conversation_that_asks_nothing_is_refused(texts: list[str], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        pack_shape(pack()).render(turns(*texts))


def test_turns_must_alternate() -> None:
    with pytest.raises(PromptError, match="message 2 is the user's"):
        RAW_SHAPE.render([*turns("a"), *turns("b")])


_conversations = st.lists(st.text(max_size=30), min_size=1, max_size=7).filter(lambda t: len(t) % 2)
_STYLES = [resolve_style(name, default_library()) for name in default_library().ids()]


@given(_conversations, st.text(max_size=20), st.sampled_from(_STYLES))
def test_every_prompt_begins_with_its_constant_part_and_keeps_the_texts(
    texts: list[str], prefill: str, style: object
) -> None:
    rendered = style.render(turns(*texts), prefill)  # type: ignore[attr-defined]
    constant = style.constant()  # type: ignore[attr-defined]
    assert rendered.spans[: rendered.constant] == constant.spans
    assert rendered.text.startswith(constant.text)
    assert rendered.text.endswith(prefill)
    written = "".join(span.text for span in rendered.spans if span.user)
    assert written == "".join(texts) + prefill
    assert all(span.text for span in rendered.spans)


@given(_conversations)
def test_a_longer_conversation_extends_the_prompt_and_the_answer(texts: list[str]) -> None:
    """Prefix reuse rests on this: prompt + answer + closing is how the next prompt begins."""
    shape = pack_shape(pack())
    before = shape.render(turns(*texts)).text
    after = shape.render(turns(*texts, "answer", "next")).text
    assert after.startswith(before + "answer" + shape.answer_close)
