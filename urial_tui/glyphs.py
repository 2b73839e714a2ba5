"""What stands for the program's lines, bars, arrows and marks where only ASCII can be shown: one cell for one cell.

The interface translates all that it draws (`ui.ascii_filter`), the commands what their output's encoding lacks. Letters
of any language are left alone.
"""

import codecs
import locale
from collections.abc import Mapping

ERRORS = "ascii-glyphs"
"""The name of the codecs' error handler: what cannot be encoded becomes its ASCII glyph, or is escaped."""

_MARKS = {
    **dict.fromkeys("·•∙", "."),
    **dict.fromkeys("…‥", "~"),  # a dot would let what is cut off look whole
    **dict.fromkeys("–—‒―−", "-"),
    **dict.fromkeys("‘’‚′", "'"),
    **dict.fromkeys("“”„″", '"'),
    **dict.fromkeys("←⟵⇐◀◂‹", "<"),
    **dict.fromkeys("→⟶⇒▶▸›⇥", ">"),
    **dict.fromkeys("↑⇑▲▴", "^"),
    **dict.fromkeys("↓⇓▼▾", "v"),
    **dict.fromkeys("●⬤★⭑", "*"),
    **dict.fromkeys("○◌◯", "o"),
    **dict.fromkeys("✓✔", "v"),
    **dict.fromkeys("✗✘✕×", "x"),
    **dict.fromkeys("⏎↵␍", "$"),
    "■": "#",
    "□": "-",
    "▪": "*",
    "◆": "@",
    "◇": "0",
    "⟨": "<",
    "⟩": ">",
    "␣": "_",
    "⌫": "<",
    "␡": "?",
    "␛": "?",
    "∅": "0",
    "∞": "!",
    "±": "~",
    "🔎": "? ",
}
_BARS = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.:-=+%#", strict=True)),
    **dict.fromkeys("▏▎▍▌▋▊▉▐▕", "|"),
    **dict.fromkeys("▔▀", "-"),
    **dict(zip("░▒▓", ":=%", strict=True)),
    **dict.fromkeys("▖▗▘▙▚▛▜▝▞▟", "+"),
}
_HORIZONTAL, _VERTICAL = "─━┄┅┈┉╌╍═╴╶╸╺╼╾", "│┃┆┇┊┋╎╏║╵╷╹╻╽╿"
_LINES = {
    **{chr(code): "+" for code in range(0x2500, 0x2580)},
    **dict.fromkeys(_HORIZONTAL, "-"),
    **dict.fromkeys(_VERTICAL, "|"),
    "╱": "/",
    "╲": "\\",
    "╳": "x",
}

TABLE = str.maketrans(_MARKS | _BARS | _LINES)


def to_ascii(text: str) -> str:
    """`text` with our glyphs in ASCII; as wide as before."""
    return text if text.isascii() else text.translate(TABLE)


def needs_ascii(environ: Mapping[str, str], encoding: str | None = None) -> bool:
    """Whether this terminal most likely cannot show more: the Linux console, whose fonts lack most, or a locale that is
    not UTF-8. `encoding` is that of the locale.

    The variables come first: where their locale is not installed, the C library falls back to ASCII.
    """
    if environ.get("TERM", "") == "linux":
        return True
    named = next(
        (environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), ""
    )
    charset = named.partition("@")[0].partition(".")[2] or encoding or locale.getencoding()
    return charset.lower().replace("-", "").replace("_", "") not in ("utf8", "cp65001")


def wants_ascii(setting: str, environ: Mapping[str, str]) -> bool:
    """What the setting `ascii` means here: `on`, `off`, or `auto`."""
    return needs_ascii(environ) if setting == "auto" else setting == "on"


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    glyph = to_ascii(error.object[error.start])
    if glyph.isascii():
        return glyph, error.start + 1
    return codecs.backslashreplace_errors(error)


def register_errors() -> None:
    """Make the error handler known."""
    codecs.register_error(ERRORS, _replace)
