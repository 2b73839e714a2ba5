"""ASCII in place of lines, bars and marks: nothing is left, nothing gets wider, letters stay."""

import io
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from urial_tui import glyphs
from urial_tui.glyphs import needs_ascii, to_ascii, wants_ascii

PACKAGE = Path(__file__).parents[2] / "urial_tui"
NOT_DRAWN = {"wrap.py"}
"""It knows where lines of other languages break."""


def test_every_mark_that_the_program_draws_has_an_ascii_one() -> None:
    left: dict[str, set[str]] = {}
    for file in (*PACKAGE.glob("ui/**/*.py"), *PACKAGE.glob("cli/**/*.py")):
        if file.name in NOT_DRAWN:
            continue
        drawn = {
            mark for mark in re.findall(r"[^\x00-\x7f]", file.read_text()) if not mark.isalnum()
        }
        if missing := {mark for mark in drawn if not to_ascii(mark).isascii()}:
            left[file.name] = missing
    assert left == {}


def test_an_ascii_glyph_is_as_wide_as_the_glyph_was() -> None:
    for code, glyph in glyphs.TABLE.items():
        assert len(glyph) == cell_len(glyph) == cell_len(chr(code)), chr(code)
        assert glyph.isascii() and glyph.isprintable()


def test_what_is_told_apart_by_its_glyph_still_is() -> None:
    for told_apart in ("░▒█·", "▁▂▃▄▅▆▇█", "●○◆◇", "■□", "▇·", "│─└┤"[:3], "←→↑↓", "✓✗"):
        assert len({to_ascii(mark) for mark in told_apart}) == len(told_apart)


def test_what_is_cut_off_looks_cut_off_and_not_like_the_end_of_a_sentence_or_a_number() -> None:
    assert to_ascii("expected 2.…") == "expected 2.~"


def test_letters_of_all_languages_stay() -> None:
    text = "naïve Größe 日本語 Ελλάδα é 🙂"
    assert to_ascii(text) == text
    assert to_ascii("── “Größe” … ▌") == '-- "Größe" ~ |'


@pytest.mark.parametrize(
    ("environ", "encoding", "wanted"),
    [
        ({"LANG": "en_US.UTF-8"}, "ANSI_X3.4-1968", False),  # the locale is not installed
        ({"LANG": "en_US.utf8", "TERM": "xterm"}, "utf-8", False),
        ({"LANG": "en_US.ISO-8859-1"}, "utf-8", True),
        ({"LANG": "de_DE.ISO-8859-15@euro"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, "ANSI_X3.4-1968", True),
        ({"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "x.latin1"}, "utf-8", False),
        ({}, "utf-8", False),
        ({}, "ANSI_X3.4-1968", True),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, "utf-8", True),
    ],
)
def test_auto_follows_the_locale_and_the_terminal(
    environ: dict[str, str], encoding: str, wanted: bool
) -> None:
    assert needs_ascii(environ, encoding) is wanted
    if environ.get("TERM") == "linux":
        assert wants_ascii("auto", environ)
    assert wants_ascii("on", environ)
    assert not wants_ascii("off", environ)


def test_output_that_cannot_be_encoded_is_written_with_ascii_glyphs() -> None:
    glyphs.register_errors()
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="latin-1", errors=glyphs.ERRORS) as out:
        out.write("█ ─ é 日 …")
        out.flush()
        assert raw.getvalue() == b"# - \xe9 \\u65e5 ~"
