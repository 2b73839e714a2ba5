"""A pack file loads to exact values, and everything wrong with it is said with file, line and key."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.packs import MINIMAL, pack, write
from urial_tui.errors import PromptError
from urial_tui.prompts.pack_file import MAX_BYTES, MAX_EXAMPLES, parse_pack
from urial_tui.prompts.pack_text import pack_to_toml
from urial_tui.prompts.pack_types import Example, Format
from urial_tui.prompts.packs import load_pack
from urial_tui.prompts.toml_lines import key_lines
from urial_tui.sides import RESERVED_STYLES


def test_all_parts_of_a_pack_are_read(tmp_path: Path) -> None:
    text = MINIMAL + (
        'license = "MIT"\ndescription = "D"\nsystem = """\nBe kind.\n"""\n'
        '[format]\nfence = ""\nquery_heading = "Q:"\nanswer_heading = "A:"\nstops = ["\\nQ:"]\n'
        '[[example]]\nquery = "q"\nanswer = """\nline\n\n  indented\n"""\n'
        "[defaults]\ntemperature = 0.5\nmax_tokens = 9\n"
    )
    found = load_pack(write(tmp_path, text))
    assert (found.id, found.name, found.license, found.system) == (
        "mine",
        "Mine",
        "MIT",
        "Be kind.",
    )
    assert found.examples == (Example("q", "line\n\n  indented"),)
    assert (found.format.fence, found.format.stop_texts()) == ("", ("\nQ:",))
    assert found.defaults == {"temperature": 0.5, "max_tokens": 9}
    assert found.hash == hashlib.sha256(text.encode()).hexdigest()
    assert found.source == "file"


def test_only_the_closing_newline_of_a_text_is_dropped(tmp_path: Path) -> None:
    found = load_pack(write(tmp_path, MINIMAL + 'system = """\n\n a \n\n"""\n'))
    assert found.system == "\n a \n"


@pytest.mark.parametrize(
    ("text", "line", "key", "words", "hint"),
    [
        (MINIMAL + 'sytem = "x"\n', 5, "sytem", "unknown key", "system"),
        (MINIMAL + '[format]\nfense = "x"\n', 6, "format.fense", "unknown key", "fence"),
        (
            MINIMAL + '[[example]]\nquery="q"\nanswer="a"\n[[example]]\nquery="q"\nanser="a"\n',
            10,
            "example[2].anser",
            "unknown key",
            "answer",
        ),
        (MINIMAL + '[[example]]\nquery="q"\n', 5, "example[1]", "has no answer", ""),
        (MINIMAL + '[[example]]\nquery="q"\nanswer=""\n', 7, "example[1].answer", "is empty", ""),
        ('name = "x"\n', 1, "id", "is missing", "Add id"),
        (MINIMAL.replace('"mine"', '"Mine!"'), 1, "id", "cannot be a pack id", "lower-case"),
        (MINIMAL.replace('"en"', '"English"'), 4, "language", "language tag", "zh-Hans"),
        (MINIMAL.replace('"Mine"', "3"), 2, "name", "must be a text", "quotes"),
        (MINIMAL + "[defaults]\ntop_p = 2\n", 6, "defaults.top_p", "out of range", "0 to 1"),
        (MINIMAL + "[defaults]\ntop_k = 2.5\n", 6, "defaults.top_k", "a whole number", ""),
        (MINIMAL + "[defaults]\ntop_p = true\n", 6, "defaults.top_p", "a number", ""),
        (MINIMAL + "[defaults]\ntop_p = nan\n", 6, "defaults.top_p", "out of range", ""),
        (MINIMAL + '[format]\nfence = "~~"\n', 6, "format.fence", "not a fence", "backticks"),
        (MINIMAL + '[format]\nstops = [""]\n', 6, "format.stops", "not empty", ""),
        (MINIMAL + '[format]\nquery_heading = " "\n', 6, "format.query_heading", "is empty", ""),
        (
            MINIMAL + '[format]\nquery_heading = "a\\nb"\n',
            6,
            "format.query_heading",
            "one line",
            "",
        ),
        (MINIMAL + 'system = "a\\u0000b"\n', 5, "system", "null character", ""),
        (MINIMAL + "example = 3\n", 5, "example", "list of tables", "[[example]]"),
        (MINIMAL + "format = 3\n", 5, "format", "must be a table", "[format]"),
        (
            MINIMAL + 'system = """\nname = 1\n# x\n"""\nbad = 1\n',
            9,
            "bad",
            "unknown key",
            "Known here",
        ),
    ],
)
def test_a_schema_error_names_file_line_and_key(
    tmp_path: Path, text: str, line: int, key: str, words: str, hint: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(PromptError) as caught:
        load_pack(path)
    assert caught.value.message.startswith(f"{path}, line {line}, key {key}: ")
    assert words in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("word", sorted(RESERVED_STYLES))
def test_the_names_of_styles_are_refused_as_ids(tmp_path: Path, word: str) -> None:
    with pytest.raises(PromptError, match="line 1, key id"):
        load_pack(write(tmp_path, MINIMAL.replace('"mine"', f'"{word}"')))


def test_a_syntax_error_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"mine\.toml, line 5, column 10: "):
        load_pack(write(tmp_path, MINIMAL + "system = yes\n"))
    with pytest.raises(PromptError, match=r"mine\.toml, line [56]"):
        load_pack(write(tmp_path, MINIMAL + 'system = """open\n'))


def test_files_that_cannot_be_packs_are_refused_clearly(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="there is no file"):
        load_pack(tmp_path / "none.toml")
    with pytest.raises(PromptError, match="is a folder"):
        load_pack(tmp_path)
    with pytest.raises(PromptError, match="a prompt pack may have"):
        load_pack(write(tmp_path, "#" * (MAX_BYTES + 1)))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(MINIMAL.encode() + 'system = "è"\n'.encode("latin-1"))
    with pytest.raises(PromptError, match="line 5: byte 0xe8 is not UTF-8"):
        load_pack(latin)
    with pytest.raises(PromptError, match="cannot read"):
        load_pack(Path("a\0b.toml"))
    many = MINIMAL + '[[example]]\nquery="q"\nanswer="a"\n' * (MAX_EXAMPLES + 1)
    with pytest.raises(PromptError, match=f"there are {MAX_EXAMPLES + 1} examples"):
        load_pack(write(tmp_path, many))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(PromptError, match="not a regular file"):
        load_pack(tmp_path / "pipe.toml")


def test_lines_are_found_behind_strings_arrays_and_comments() -> None:
    text = (
        "# c\na = [ # x = 1\n  \"]\",\n  2,\n]\n\"b c\" = '''\nz = 1\n'''\n"
        '[t.u] # [no]\nk = "\\"[x]"\n\n[[e]]\ni.j = 1\n[[e]]\ni = """a\\"""" \n[e.s]\nq = {w = 1}\n'
    )
    assert key_lines(text) == {
        ("a",): 2,
        ("b c",): 6,
        ("t", "u"): 9,
        ("t", "u", "k"): 10,
        ("e", 0): 12,
        ("e", 0, "i", "j"): 13,
        ("e", 1): 14,
        ("e", 1, "i"): 15,
        ("e", "s"): 16,
        ("e", "s", "q"): 17,
    }


@given(st.text(max_size=200))
def test_any_text_leaves_the_line_scanner_standing(text: str) -> None:
    key_lines(text)


@given(st.text(max_size=300))
def test_any_text_is_a_pack_or_a_prompt_error(text: str) -> None:
    try:
        parse_pack(text, Path("x.toml"), "")
    except PromptError as error:
        assert error.message.startswith("x.toml")


_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60
)
_filled = _texts.filter(str.strip)


@given(
    system=_texts,
    examples=st.lists(st.builds(Example, _filled, _filled), max_size=3),
    stops=st.lists(_texts, min_size=1, max_size=3),
    separators=st.lists(_texts, min_size=5, max_size=5),
)
def test_a_written_pack_loads_to_the_same_values(
    system: str, examples: list[Example], stops: list[str], separators: list[str]
) -> None:
    form = Format(
        fence="",
        after_system=separators[0],
        before_heading=separators[1],
        after_heading=separators[2],
        after_block=separators[3],
        after_examples=separators[4],
        stops=tuple(stops),
    )
    made = pack(system=system, examples=tuple(examples), format=form, defaults={"top_p": 0.5})
    found = parse_pack(pack_to_toml(made, "a\ncomment"), Path("x.toml"), "")
    assert found.system == made.system
    assert found.examples == made.examples
    assert found.format == made.format
    assert found.defaults == made.defaults
