"""Compared answers as one self-contained page: own styles and script, no network, data that cannot become markup.

The page's texts went through the sanitiser, so that nothing in them is invisible; tokens' bytes are beside them as hex.
"""

import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from urial_tui.cli import pages
from urial_tui.cli.shift_json import Item, Json
from urial_tui.cli.shift_summary import summary_of
from urial_tui.cli.shift_text import label
from urial_tui.safetext import Sanitizer, sanitize, sanitize_line
from urial_tui.shift.classes import COUNTED

DIGITS: Final = 4
"""Decimals of log-probabilities and divergences on the page; --json has them all."""
_KIND: Final = "shift"
"""What the page is marked with."""
_ASSETS = resources.files("urial_tui.cli") / "assets"
_IN_SCRIPT = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def check_target(path: Path) -> None:
    """Refuse early what `write_page` could not write. Raises UsageError."""
    pages.check_page(path, _KIND)


def write_page(path: Path, items: Sequence[Item], *, complete: bool = True) -> None:
    """Write the page, whole or not at all, mode 0600. Raises UrialError when it cannot be written."""
    check_target(path)
    pages.write_page(path, page(items, complete=complete), _KIND)


def page(items: Sequence[Item], *, complete: bool = True) -> str:
    """The whole page as text."""
    data = page_data(items, complete=complete)
    side = data["generator"]["side"] if data["generator"] else "a given text"
    title = f"Token shift: {side} against {data['references'][0]['side']}"
    script = (_ASSETS / "shift.js").read_text("utf-8")
    parts = {"__TITLE__": html.escape(title), "__SCRIPT__": script, "__DATA__": script_json(data)}
    return pages.filled("shift.html", parts)


def script_json(data: Any) -> str:
    """JSON that stays inside a script element whatever is in it: no `<`, so neither `</script>` nor `<!--`."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _IN_SCRIPT.items():
        text = text.replace(character, escape)
    return text


def page_data(items: Sequence[Item], *, complete: bool = True) -> Json:
    """What the script reads; its shape is told at the head of `shift.js`."""
    first = items[0].record
    pieces = {str(id_): label(raw) for item in items for id_, raw in item.pieces.items()}
    generator = first["generator"]
    return {
        "generator": generator and {"side": sanitize_line(generator["side"])},
        "references": [
            {
                "side": sanitize_line(reference["side"]),
                "noise": reference["noise"],
                "null_rate": reference["null_rate"],
                "warnings": [sanitize(warning) for warning in reference["warnings"]],
            }
            for reference in items[-1].record["references"]
        ],
        "items": [_item(number, item) for number, item in enumerate(items)],
        "pieces": pieces,
        "summary": _without_texts(summary_of(items)) if len(items) > 1 else None,
        "path": first["path"],
        "complete": complete,
        "provenance": pages.sanitized(first["provenance"]),
    }


def _item(number: int, item: Item) -> Json:
    record = item.record
    sanitizer = Sanitizer()
    tokens = []
    for token in record["tokens"]:
        shown = sanitizer.feed(token["text"])
        tokens.append(_token(token, shown))
    if tokens:
        tokens[-1][1] += sanitizer.finish()
    name = record.get("id", number)
    return {
        "title": sanitize_line(f"{name}: {record['query']}", 60),
        "query": sanitize(record["query"]),
        "tokens": tokens,
        "references": [_numbers(reference) for reference in record["references"]],
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
