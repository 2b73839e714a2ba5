"""From a Prompt to token ids: one string where possible, special-token literals typed by a user kept as text."""

from urial_tui.engine.protocol import Prompt, Span
from urial_tui.engine.worker.faults import Fault
from urial_tui.engine.worker.model import Model


def prompt_ids(model: Model, prompt: Prompt) -> list[int]:
    """The prompt's token ids, at most one BOS. Raises Fault "prompt" for ids outside the vocabulary.

    Tokenising scaffold and content apart would change ids at their borders, so the spans are joined; only around the
    literal of a special token inside a user span is the string split, and that literal tokenised as plain text.
    """
    if any(not 0 <= token < model.n_vocab for token in prompt.ids):
        raise Fault(
            "prompt",
            "a stored token id is outside this model's vocabulary",
            "The model file has changed.",
        )
    if not prompt.spans:
        return list(prompt.ids)
    ids = span_ids(model, prompt.spans)
    if model.bos is not None and ids[:1] != [model.bos]:
        ids.insert(0, model.bos)
    while len(ids) > 1 and ids[0] == ids[1] == model.bos:
        del ids[0]
    return ids + list(prompt.ids)


def span_ids(model: Model, spans: tuple[Span, ...]) -> list[int]:
    """Ids of the spans without BOS."""
    segments: list[tuple[str, bool]] = []

    def add(text: str, special: bool) -> None:
        if segments and segments[-1][1] == special:
            segments[-1] = (segments[-1][0] + text, special)
        elif text:
            segments.append((text, special))

    for span in spans:
        if not span.user:
            add(span.text, True)
            continue
        for text, literal in _split_literals(model, span.text):
            add(text, not literal)
    return [token for text, special in segments for token in model.tokenize(text, special=special)]


def _split_literals(model: Model, text: str) -> list[tuple[str, bool]]:
    """`text` in pieces; True marks the literal of a special token."""
    with_special = model.tokenize(text, special=True)
    if with_special == model.tokenize(text, special=False):
        return [(text, False)]
    literals = {model.literal(token) for token in with_special if model.is_control(token)} - {""}
    pieces: list[tuple[str, bool]] = [(text, False)]
    for literal in sorted(literals, key=len, reverse=True):
        pieces = [
            piece
            for part, done in pieces
            for piece in ([(part, done)] if done else _cut(part, literal))
        ]
    return pieces


def _cut(text: str, literal: str) -> list[tuple[str, bool]]:
    out: list[tuple[str, bool]] = []
    parts = text.split(literal)
    for i, part in enumerate(parts):
        if i:
            out.append((literal, True))
        if part:
            out.append((part, False))
    return out


def constant_ids(model: Model, prompt: Prompt, ids: list[int]) -> list[int]:
    """The ids of `ids` that the constant spans alone decide: a prefix whose state serves every query.

    The border token may merge with what follows, so the constant text is tokenised on its own and the last two tokens
    are left out, then only what really agrees is kept.
    """
    if not prompt.constant:
        return []
    alone = prompt_ids(model, Prompt(spans=prompt.spans[: prompt.constant]))
    shared = common_prefix(alone[:-2], ids)
    return ids[:shared]


def common_prefix(a: list[int], b: list[int]) -> int:
    """Length of the longest common prefix."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])
