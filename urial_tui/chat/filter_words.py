"""The filter line over sessions: words, and filters such as `tag:work side:demo since:7d score>3 is:archived`.

Pure; the list of sessions, the search and the command line read it. What is no filter is a word to look for.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from urial_tui.errors import UsageError
from urial_tui.store.database.ids import stamp
from urial_tui.store.types import SessionFilter

FILTERS = {
    "tag:": "a tag; several must all be there",
    "side:": "a part of the name of a side",
    "pack:": "a part of the name of a prompt pack",
    "since:": "the time of the last message: 12h, 7d, 4w, or a day such as 2026-01-31",
    "until:": "the same, up to then",
    "score>": "the mean score of the answers, 1 to 5; also <, >= and <=",
    "shifted>": "the share of shifted tokens, 0.1 or 10%; also <, >= and <=",
    "is:": "pinned, archived, or deleted (in the bin)",
}
"""What each filter means, for help and documents."""

_PARTS = re.compile(
    r'(?P<name>tag|side|pack|since|until|is):(?:"(?P<quoted>[^"]*)"?|(?P<value>\S*))'
    r"|(?P<number>score|shifted)(?P<sign>>=|<=|>|<|[:=](?=\d))(?P<bound>\S*)"
    r'|(?P<words>"[^"]*"?|\S+)',
    re.IGNORECASE,
)
_AGE = re.compile(r"(\d{1,5})([hdw])(?: ago)?")
_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
_HOURS = {"h": 1, "d": 24, "w": 168}
_RANGES = {"score": (1, 5), "shifted": (0, 1)}
_STATES: dict[str, dict[str, Any]] = {
    "pinned": {"pinned": True},
    "archived": {"archived": "only"},
    "deleted": {"deleted": "only"},
}


def session_filter(text: str, now: datetime | None = None) -> SessionFilter:
    """The filter that `text` says. Raises UsageError for a filter that cannot be understood.

    Times without a zone, and days, are those of `now` (aware; by default this moment here). As in every query, the
    last word may be the beginning of one, unless a blank follows it.
    """
    moment = now if now is not None else datetime.now().astimezone()
    words: list[str] = []
    tags: list[str] = []
    fields: dict[str, Any] = {}
    for part in _PARTS.finditer(text):
        if name := part["name"]:
            value = (part["value"] if part["quoted"] is None else part["quoted"]).strip()
            if not value:
                raise _wrong(f"{name}: needs a value", name.lower() + ":")
            if name.lower() == "tag":
                tags.append(value)
            else:
                fields |= _field(name.lower(), value, moment)
        elif name := part["number"]:
            fields |= _bound(name.lower(), part["sign"], part["bound"])
        else:
            words.append(part["words"])
    if fields.get("deleted") == "only":
        fields.setdefault("archived", "yes")
    whole = bool(words) and text.endswith((words[-1] + " ", words[-1] + "\t"))
    return SessionFilter(" ".join(words) + " " * whole, tags=tuple(tags), **fields)


def _field(name: str, value: str, now: datetime) -> dict[str, Any]:
    match name:
        case "since" | "until":
            return {name: _time(name, value, now)}
        case "is":
            if value.lower() not in _STATES:
                raise _wrong(f"is:{value} is nothing", "is:")
            return _STATES[value.lower()]
    return {name: value}


def _time(name: str, value: str, now: datetime) -> str:
    try:
        return stored_time(value, now, end=name == "until")
    except ValueError:
        raise _wrong(f"{name}:{value} is no time", "since:") from None


def stored_time(text: str, now: datetime, *, end: bool = False) -> str:
    """A time as the history has it: `12h`, `7d` or `2w` before `now`, a day (`end`: its end) or an ISO 8601 time, of
    the zone of `now` where it names none. Before the first day that can be written, or after the last one, it is the
    first or the last moment. Raises ValueError for anything else."""
    then = datetime.min
    try:
        if age := _AGE.fullmatch(text.lower()):
            return stamp(now - timedelta(hours=int(age[1]) * _HOURS[age[2]]))
        then = datetime.fromisoformat(text)
        if then.tzinfo is None:
            then = then.replace(tzinfo=now.tzinfo)
        if end and _DAY.fullmatch(text):
            then += timedelta(days=1)
        return stamp(then)
    except OverflowError:
        moment = datetime.min if then.year == datetime.min.year else datetime.max
        return stamp(moment.replace(tzinfo=UTC))


def _bound(name: str, sign: str, text: str) -> dict[str, Any]:
    if sign in (":", "="):
        raise _wrong(f"{name}{sign}{text} is neither a lower bound nor an upper one", name + ">")
    percent = name == "shifted" and text.endswith("%")
    try:
        bound = float(text.removesuffix("%") if percent else text)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise _wrong(f"{name}{sign}{text} has no number", name + ">")
    if percent:
        bound /= 100
    lowest, highest = _RANGES[name]
    if not lowest <= bound <= highest:
        raise _wrong(f"{name}{sign}{text} is out of range", name + ">")
    if sign in ("<", ">"):  # a filter's bounds are part of what they allow
        bound = math.nextafter(bound, -math.inf if sign == "<" else math.inf)
    return {f"{name}_{'min' if sign.startswith('>') else 'max'}": bound}


def _wrong(message: str, name: str) -> UsageError:
    return UsageError(message, hint=f"{name} is for {FILTERS[name]}.", kind="bad-filter")
