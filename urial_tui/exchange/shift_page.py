"""Scored answers as one self-contained page: own styles and script, no network, data that cannot become markup.

`shift --html` and the export of conversations make theirs here. The page's texts went through the sanitiser, so that
nothing in them is invisible; tokens' bytes are beside them as hex.
"""

import html
from collections.abc import Sequence
from typing import Any, Final

from urial_tui.exchange.pages import asset, filled, head, label, sanitized, script_json
from urial_tui.exchange.shift_json import Item, Json
from urial_tui.exchange.shift_summary import summary_of
from urial_tui.safetext import Sanitizer, sanitize, sanitize_line
from urial_tui.shift.classes import COUNTED

DIGITS: Final = 4
"""Decimals of log-probabilities and divergences on the page; --json has them all."""
SHIFT: Final = "shift"
"""What the page of `shift` is marked with."""
_PACKAGE: Final = "urial_tui.exchange"


def page(items: Sequence[Item], *, complete: bool = True) -> str:
    """The whole page of `shift` as text."""
    first = items[0].record
    side = first["generator"]["side"] if first["generator"] else "a given text"
    title = f"Token shift: {side} against {first['references'][0]['side']}"
    before, after = around_data(SHIFT, "Token shift", title)
    return before + script_json(page_data(items, complete=complete)) + after


def around_data(kind: str, heading: str, title: str) -> tuple[str, str]:
    """The page before its data and after it. `kind` is what its first lines are marked with."""
    before, after = asset(_PACKAGE, "shift.html").split("__DATA__")
    parts = {
        "__PAGE__": head(kind, sanitize_line(title, 300), script=True),
        "__HEADING__": html.escape(sanitize_line(heading, 200)),
    }
    return filled(before, parts), filled(after, {"__SCRIPT__": asset(_PACKAGE, "shift.js")})


def page_data(items: Sequence[Item], *, complete: bool = True) -> Json:
    """What the script reads; its shape is told at the head of `shift.js`."""
    pieces: dict[str, dict[str, str]] = {}
    for item in items:
        add_pieces(pieces, item)
    return {
        "items": [item_data(item, number) for number, item in enumerate(items)],
        "pieces": pieces,
        "summary": _without_texts(summary_of(items)) if len(items) > 1 else None,
        "complete": complete,
        "provenance": sanitized(items[0].record["provenance"]),
    }


def add_pieces(pieces: dict[str, dict[str, str]], item: Item) -> None:
    """The labels of an item's ids, for the vocabulary that they are of."""
    own = pieces.setdefault(_vocabulary(item), {})
    own.update((str(id_), label(raw)) for id_, raw in item.pieces.items())


def item_data(item: Item, number: int) -> Json:
    """One answer, with its sides."""
    record = item.record
    sanitizer = Sanitizer()
    tokens = []
    for token in record["tokens"]:
        shown = sanitizer.feed(token["text"])
        tokens.append(_token(token, shown))
    if tokens:
        tokens[-1][1] += sanitizer.finish()
    name = record.get("id", number)
    generator = record["generator"]
    return {
        "title": sanitize_line(f"{name}: {record['query']}", 60),
        "query": sanitize(record["query"]),
        "tokens": tokens,
        "generator": generator and {"side": sanitize_line(generator["side"])},
        "references": [_reference(reference) for reference in record["references"]],
        "path": record["path"],
        "vocabulary": _vocabulary(item),
    }


def _vocabulary(item: Item) -> str:
    return str(item.record["provenance"]["vocabulary"]["fingerprint"])


def _reference(reference: Json) -> Json:
    return {
        "side": sanitize_line(reference["side"]),
        "noise": reference["noise"],
        "null_rate": reference["null_rate"],
        "warnings": [sanitize(warning) for warning in reference["warnings"]],
        **_numbers(reference),
    }


def _token(token: Json, shown: str) -> list[Any]:
    flags = (1 if token.get("control") else 0) + (2 if token.get("cut") else 0)
    mine = None
    if token["rank"] is not None:
        mine = [_short(token["logprob"]), _short(token["entropy"]), token["rank"], _top(token)]
    return [
        token["id"],
        shown,
        label(bytes.fromhex(token["hex"])),
        token["hex"],
        flags,
        mine,
        [_score(score) for score in token["references"]],
    ]


def _score(score: Json | None) -> list[Any] | None:
    if score is None:
        return None
    classes = [COUNTED.index(score[name]) if score[name] in COUNTED else 0 for name in _LANES]
    return [
        _short(score["logprob"]),
        _short(score["entropy"]),
        score["rank"],
        score["argmax_rank"],
        _short(score["kl"]),
        bool(score["near_tie"]),
        *classes,
        _top(score),
    ]


_LANES = ("class", "emitted_class")


def _top(holder: Json) -> list[list[Any]]:
    return [[id_, _short(logprob)] for id_, logprob in holder["top"] or ()]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _numbers(reference: Json) -> Json:
    names = (
        "counts", "ratios", "near_ties", "ratios_without_near_ties", "mean_kl", "top_agreement",
        "early", "late", "most_shifted", "emitted",
    )  # fmt: skip
    return {name: _without_texts(reference[name]) for name in names}


def _without_texts(value: Any) -> Any:
    """Raw token texts left out: the page names tokens by the labels in `pieces`."""
    if isinstance(value, dict):
        return {key: _without_texts(v) for key, v in value.items() if key not in ("text", "hex")}
    if isinstance(value, list):
        return [_without_texts(entry) for entry in value]
    return sanitize(value) if isinstance(value, str) else value
