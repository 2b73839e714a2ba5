"""What pages are made of: templates with placeholders, data that stays data, texts with nothing invisible in them."""

import html
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from urial_tui.safetext import sanitize, sanitize_line

_IN_SCRIPT: Final = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


_NOTHING_ELSE: Final = "base-uri 'none'; form-action 'none'"


def mark(kind: str) -> str:
    """What tells, in the first bytes of a page, that a command of this program wrote it, and which."""
    return f'<meta name="generator" content="urial-tui {kind}">'


def head(kind: str, title: str, *, script: bool = False) -> str:
    """How every page begins, up to its styles: nothing from elsewhere is loaded, and without `script` nothing runs."""
    runs = "script-src 'unsafe-inline'; " if script else ""
    policy = f"default-src 'none'; style-src 'unsafe-inline'; {runs}{_NOTHING_ELSE}"
    parts = {"__MARK__": mark(kind), "__POLICY__": policy, "__TITLE__": html.escape(title)}
    return filled(asset("urial_tui.exchange", "head.html"), parts).rstrip("\n")


def asset(package: str, name: str) -> str:
    """A file of a package's folder `assets`."""
    return (resources.files(package) / "assets" / name).read_text("utf-8")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A template with the lines' placeholders replaced: what is put in is never looked through for another one."""
    out: list[str] = []
    for line in template.splitlines(keepends=True):
        name = next((name for name in parts if name in line), None)
        out.append(line.replace(name, parts[name]) if name else line)
    return "".join(out)


def script_json(data: Any) -> str:
    """JSON that stays inside a script element whatever is in it: no `<`, so neither `</script>` nor `<!--`."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _IN_SCRIPT.items():
        text = text.replace(character, escape)
    return text


def sanitized(value: Any) -> Any:
    """Everything in a JSON value that is text, sanitised, keys too."""
    if isinstance(value, dict):
        return {sanitize(str(key)): sanitized(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [sanitized(entry) for entry in value]
    return sanitize(value) if isinstance(value, str) else value


def label(raw: bytes, limit: int = 24) -> str:
    """One token on one line: spaces, newlines and tabs visible, bytes that are no text as hex."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return " ".join(f"<{byte:02X}>" for byte in raw[:8])
    for plain, seen in ((" ", "·"), ("\n", "⏎"), ("\t", "⇥")):
        text = text.replace(plain, seen)
    return sanitize_line(text, limit) or "∅"
