"""Writes a pack as TOML text that `load_pack` reads back to the same values. Used by `packs import`."""

import re
from dataclasses import fields

from urial_tui.prompts.pack_types import Format, Pack

_ESCAPED = re.compile('["\\\\\x00-\x08\x0a-\x1f\x7f]')
_ESCAPED_BLOCK = re.compile('\\\\|"""|[\x00-\x08\x0b-\x1f\x7f]')
_NAMED = {"\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\", '"""': '\\"\\"\\"'}


def pack_to_toml(pack: Pack, comment: str = "") -> str:
    """The file's text. `comment` goes on top, one `#` a line."""
    parts = [f"# {line}".rstrip() + "\n" for line in comment.splitlines()]
    for key in ("id", "name", "version", "language", "license", "description"):
        parts.append(f"{key} = {_line(getattr(pack, key))}\n")
    if pack.system:
        parts.append(f"\nsystem = {_block(pack.system)}\n")
    default = Format()
    changed = [
        f.name for f in fields(Format) if getattr(pack.format, f.name) != getattr(default, f.name)
    ]
    if changed:
        parts.append("\n[format]\n")
        for key in changed:
            value = getattr(pack.format, key)
            shown = _line(value) if isinstance(value, str) else f"[{', '.join(map(_line, value))}]"
            parts.append(f"{key} = {shown}\n")
    for example in pack.examples:
        parts.append(
            f"\n[[example]]\nquery = {_block(example.query)}\nanswer = {_block(example.answer)}\n"
        )
    if pack.defaults:
        parts.append("\n[defaults]\n")
        parts += [f"{key} = {value!r}\n" for key, value in pack.defaults.items()]
    return "".join(parts)


def _line(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda m: _escape(m[0]), text) + '"'


def _block(text: str) -> str:
    """A multi-line string; its last newline is the one that the loader drops."""
    return '"""\n' + _ESCAPED_BLOCK.sub(lambda m: _escape(m[0]), text) + '\n"""'


def _escape(found: str) -> str:
    return _NAMED.get(found) or f"\\u{ord(found):04X}"
