"""Finds what is wrong or doubtful in a pack that loads: for `packs lint` and the pack picker. Pure; no model needed.

Errors break the rendering (an answer would end early or never), warnings make answers worse, infos are worth knowing.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from urial_tui.prompts.language import language_problem
from urial_tui.prompts.pack_types import Format, Pack
from urial_tui.prompts.render import pack_shape
from urial_tui.prompts.toml_lines import Key

Severity = Literal["error", "warning", "info"]

LONG_TEXT = 3000
"""Characters of one query or answer above which an example is called long (about 700 tokens of English)."""
COSTLY_PACK = 2000
"""Tokens of the constant part above which half of a 4,096-token context is gone."""
MANY_EXAMPLES = 8

_SPECIAL = re.compile(
    r"<\|[a-z_0-9]{2,30}\|>|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|\[/?INST\]"
)
_HIDDEN = re.compile(
    "[\x01-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_FENCE_LINE = re.compile(r"(`{3,}|~{3,})([^\n`]*)")


@dataclass(frozen=True)
class Finding:
    """One remark. `code` is stable; `key` says where, as in the loader's errors; () is the whole pack."""

    severity: Severity
    code: str
    key: Key
    message: str


def lint_pack(pack: Pack, count_tokens: Callable[[str], int] | None = None) -> list[Finding]:
    """All findings, errors first. `count_tokens` gives the cost on a model; without it costs are not reported."""
    found = [
        *_about(pack),
        *_format(pack.format),
        *_stops(pack),
        *_fences(pack),
        *_headings(pack),
        *_texts(pack),
        *_duplicates(pack),
        *_language(pack),
        *_cost(pack, count_tokens),
    ]
    order: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


def counted_texts(pack: Pack) -> list[str]:
    """What `count_tokens` will be asked for, so that a caller can count all of it with one model load."""
    return [pack_shape(pack).opening]


def _about(pack: Pack) -> Iterator[Finding]:
    if not pack.description.strip():
        yield Finding(
            "info", "no-description", ("description",), "the pack does not say what it is for"
        )
    if not pack.license.strip():
        yield Finding("info", "no-license", ("license",), "the pack names no license")
    if pack.path is not None and pack.path.suffix == ".toml" and pack.path.stem != pack.id:
        yield Finding("info", "file-name", ("id",), f"the file is not named {pack.id}.toml")
    if not pack.system.strip() and not pack.examples:
        yield Finding(
            "warning", "empty-pack", (), "there is no system text and no example: this is zero-shot"
        )
    elif not pack.examples:
        yield Finding("warning", "no-examples", (), "there are no examples to follow")
    if len(pack.examples) > MANY_EXAMPLES:
        yield Finding(
            "info",
            "many-examples",
            ("example",),
            f"{len(pack.examples)} examples; three are enough",
        )


def _format(form: Format) -> Iterator[Finding]:
    default = Format()
    if form.query_heading.strip() == form.answer_heading.strip():
        yield Finding(
            "error",
            "same-headings",
            ("format", "answer_heading"),
            "query and answer have one heading",
        )
    for key, other in (("query", "answer"), ("answer", "query")):
        own, its = f"{key}_heading", f"{other}_heading"
        if getattr(form, own) == getattr(default, own) and getattr(form, its) != getattr(
            default, its
        ):
            yield Finding(
                "warning",
                "missing-heading",
                ("format",),
                f"{its} is set and {own} is not: it stays {getattr(default, own)!r}",
            )
    for key in ("before_heading", "after_heading"):
        if "\n" not in getattr(form, key):
            yield Finding(
                "warning", "heading-line", ("format", key), "a heading is not on a line of its own"
            )
    stops = form.stop_texts()
    if not stops and not form.fence:
        yield Finding(
            "error", "no-end", ("format", "stops"), "no fence and no stop: nothing ends an answer"
        )
    elif not any(form.query_heading.startswith(stop.strip()) for stop in stops if stop.strip()):
        yield Finding(
            "warning",
            "stop-heading",
            ("format", "stops"),
            f"no stop matches the heading {form.query_heading!r}: the model may go on with a query",
        )


def _stops(pack: Pack) -> Iterator[Finding]:
    """A stop inside an example teaches the model to write it, and cuts answers of that kind."""
    for number, example in enumerate(pack.examples):
        for stop in pack.format.stop_texts():
            if stop in "\n" + example.answer + "\n":
                yield Finding(
                    "error",
                    "stop-in-answer",
                    ("example", number, "answer"),
                    f"the stop {stop!r} is inside the answer: such answers would be cut",
                )
            if stop in "\n" + example.query + "\n":
                yield Finding(
                    "warning",
                    "stop-in-query",
                    ("example", number, "query"),
                    f"the stop {stop!r} is inside the query",
                )


def _fences(pack: Pack) -> Iterator[Finding]:
    for number, example in enumerate(pack.examples):
        for name, text in (("query", example.query), ("answer", example.answer)):
            problem = fence_problem(text, pack.format.fence)
            if problem:
                yield Finding("error", "unbalanced-fence", ("example", number, name), problem)
    problem = fence_problem(pack.system, "")
    if problem:
        yield Finding("error", "unbalanced-fence", ("system",), problem)


def fence_problem(text: str, outer: str) -> str:
    """What is wrong with the code fences of `text` when it stands inside the fence `outer`; "" when nothing is."""
    fence = ""
    for number, line in enumerate(text.split("\n"), 1):
        match = _FENCE_LINE.fullmatch(line)
        if match is None:
            continue
        marks, info = match[1], match[2].strip()
        if fence:
            if marks[0] == fence[0] and len(marks) >= len(fence) and not info:
                fence = ""
        elif outer and marks[0] == outer[0] and len(marks) >= len(outer) and not info:
            return (
                f"its line {number} is a bare fence, which ends the block; name a language after it"
            )
        else:
            fence = marks
    return "a code fence is opened and not closed" if fence else ""


def _headings(pack: Pack) -> Iterator[Finding]:
    headings = [pack.format.query_heading.strip(), pack.format.answer_heading.strip()]
    for number, example in enumerate(pack.examples):
        for name, text in (("query", example.query), ("answer", example.answer)):
            for line in text.split("\n"):
                if line.strip() in headings:
                    yield Finding(
                        "error",
                        "heading-in-text",
                        ("example", number, name),
                        f"the heading {line.strip()!r} is a line of the text: turns cannot be told apart",
                    )
    if pack.system.strip() and not any(heading in pack.system for heading in headings):
        yield Finding(
            "info", "headings-unsaid", ("system",), f"it does not mention {' and '.join(headings)}"
        )


def _texts(pack: Pack) -> Iterator[Finding]:
    texts: list[tuple[Key, str]] = [(("system",), pack.system)]
    for number, example in enumerate(pack.examples):
        texts += [
            (("example", number, "query"), example.query),
            (("example", number, "answer"), example.answer),
        ]
    for key, text in texts:
        if len(text) > LONG_TEXT:
            yield Finding(
                "warning",
                "long-text",
                key,
                f"{len(text):,} characters (over {LONG_TEXT:,}): it costs context and is copied from",
            )
        if text != text.strip():
            yield Finding(
                "info", "blank-edges", key, "it begins or ends with blanks, which are sent as well"
            )
        special = _SPECIAL.search(text)
        if special:
            yield Finding(
                "warning",
                "special-token",
                key,
                f"{special[0]!r} may be a special token: in a pack's texts it is read as one",
            )
        hidden = _HIDDEN.search(text)
        if hidden:
            yield Finding(
                "warning",
                "hidden-character",
                key,
                f"it contains the hidden character U+{ord(hidden[0]):04X}",
            )


def _duplicates(pack: Pack) -> Iterator[Finding]:
    for name in ("query", "answer"):
        seen: dict[str, int] = {}
        for number, example in enumerate(pack.examples):
            text = " ".join(getattr(example, name).casefold().split())
            first = seen.setdefault(text, number)
            if first != number:
                yield Finding(
                    "warning",
                    "duplicate-example",
                    ("example", number, name),
                    f"the same {name} as in example {first + 1}",
                )


def _language(pack: Pack) -> Iterator[Finding]:
    texts: list[tuple[Key, str]] = [(("system",), pack.system)]
    texts += [
        (("example", number), example.query + "\n" + example.answer)
        for number, example in enumerate(pack.examples)
    ]
    for key, text in texts:
        problem = language_problem(text, pack.language)
        if problem:
            yield Finding("warning", "language-mismatch", key, problem)


def _cost(pack: Pack, count_tokens: Callable[[str], int] | None) -> Iterator[Finding]:
    if count_tokens is None:
        return
    tokens = count_tokens(pack_shape(pack).opening)
    yield Finding("info", "token-cost", (), f"the constant part is {tokens:,} tokens")
    if tokens > COSTLY_PACK:
        yield Finding(
            "warning", "costly", (), f"{tokens:,} tokens leave little of a 4,096-token context"
        )
