"""Everything that is on an app's screen, as plain text."""

import html
import re
from typing import Any

from textual.app import App

_TEXT = re.compile(r'<text[^>]* x="([\d.]+)"[^>]*-line-(\d+)\)"[^>]*>(.*?)</text>', re.DOTALL)


def drawn(app: App[Any]) -> str:
    """The screen's lines, as a person reads them."""
    lines: dict[int, list[tuple[float, str]]] = {}
    for x, line, text in _TEXT.findall(app.export_screenshot()):
        lines.setdefault(int(line), []).append((float(x), html.unescape(text)))
    return "\n".join(
        "".join(text for _, text in sorted(lines[line])).replace("\xa0", " ")
        for line in sorted(lines)
    )
