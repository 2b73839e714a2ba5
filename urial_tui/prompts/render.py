"""Turns into prompt text: one loop for every style. Pure; `docs/packs.md` describes the result byte by byte.

A style comes down to a `Shape`: the texts before and after a query and an answer. What a person or a model wrote is in
`user` spans and is never changed; everything before the first query is the constant part, which can be prefilled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from urial_tui.errors import PromptError
from urial_tui.prompts.official import OfficialPrompt, Tail
from urial_tui.prompts.pack_types import Format, Pack
from urial_tui.prompts.types import Rendered, Span, Turn


@dataclass(frozen=True)
class Shape:
    """`opening` is everything up to the first query's text; later queries begin with `query_open`."""

    opening: str
    query_open: str
    query_close: str
    answer_open: str
    answer_close: str
    stops: tuple[str, ...] = ()
    fence: str | None = None

    def constant(self) -> Rendered:
        """The part that no conversation changes, alone."""
        spans = (Span(self.opening),) if self.opening else ()
        return Rendered(spans, constant=len(spans), stops=self.stops, fence=self.fence)

    def render(self, turns: Sequence[Turn], prefill: str = "") -> Rendered:
        """The prompt for the next answer. PromptError unless turns alternate from user to user."""
        check_turns(turns)
        constant = self.constant().spans
        spans = list(constant)
        for number, turn in enumerate(turns):
            if turn.role == "user":
                if number:
                    spans.append(Span(self.query_open))
                spans += [Span(turn.text, user=True), Span(self.query_close + self.answer_open)]
            else:
                spans += [Span(turn.text, user=True), Span(self.answer_close)]
        spans.append(Span(prefill, user=True))
        kept = constant + _merged(spans[len(constant) :])
        return Rendered(kept, constant=len(constant), stops=self.stops, fence=self.fence)


RAW_SHAPE = Shape("", "", "", "", "\n\n")
"""The query's text and nothing else; the answer follows directly; a blank line before the next query."""


def pack_shape(pack: Pack) -> Shape:
    """System text and examples of a pack, in its format."""
    form = pack.format
    opening = ""
    if pack.system:
        heading = form.system_heading + "\n\n" if form.system_heading else ""
        opening = heading + pack.system + form.after_system
    last = len(pack.examples) - 1
    for number, example in enumerate(pack.examples):
        after = form.after_block
        if number == last and form.after_examples is not None:
            after = form.after_examples
        for begin, text, end in (
            (_open(form, form.query_heading), example.query, form.after_block),
            (_open(form, form.answer_heading), example.answer, after),
        ):
            first = "" if opening else form.before_heading
            opening += begin.removeprefix(first) + text + _close(form) + end
    return _format_shape(form, opening)


def zero_shot_shape(pack: Pack | None = None) -> Shape:
    """A pack's headings and fence (default: the official form) with no system text and no examples."""
    return _format_shape(pack.format if pack else Format(), "")


def official_shape(prompt: OfficialPrompt) -> Shape:
    """The file's text, then the tail that the official runner picks by the file's name."""
    tail: Tail = prompt.tail
    return Shape(
        opening=prompt.text + tail.query_open,
        query_open=tail.query_open,
        query_close=tail.close,
        answer_open=tail.answer_open,
        answer_close=tail.close,
        stops=(tail.stop,),
        fence=tail.fence,
    )


def _format_shape(form: Format, before: str) -> Shape:
    query_open = _open(form, form.query_heading)
    first = query_open if before else query_open.removeprefix(form.before_heading)
    return Shape(
        opening=before + first,
        query_open=query_open,
        query_close=_close(form) + form.after_block,
        answer_open=_open(form, form.answer_heading),
        answer_close=_close(form) + form.after_block,
        stops=form.stop_texts(),
        fence=form.fence or None,
    )


def _open(form: Format, heading: str) -> str:
    fence = form.fence + "\n" if form.fence else ""
    return form.before_heading + heading + form.after_heading + fence


def _close(form: Format) -> str:
    return "\n" + form.fence if form.fence else ""


def _merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Without empty spans, neighbours of one kind joined."""
    found: list[Span] = []
    for span in spans:
        if not span.text:
            continue
        if found and found[-1].user == span.user:
            found[-1] = Span(found[-1].text + span.text, span.user)
        else:
            found.append(span)
    return tuple(found)


def check_turns(turns: Sequence[Turn]) -> None:
    """PromptError unless turns alternate from user to user."""
    if not turns:
        raise PromptError("the conversation is empty", hint="It begins with a message of the user.")
    for number, turn in enumerate(turns):
        expected = "assistant" if number % 2 else "user"
        if turn.role != expected:
            raise PromptError(
                f"message {number + 1} is the {turn.role}'s where the {expected}'s is due",
                hint="User and assistant take turns, the user first.",
            )
    if turns[-1].role == "assistant":
        raise PromptError(
            "the conversation ends with an answer, so there is nothing to answer",
            hint="End it with a message of the user; a begun answer is a prefill.",
        )
