"""Official URIAL files: sent byte for byte with the tail their name asks for; parsed for display only."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.packs import DATA, OFFICIAL, needs_official_data, turns
from urial_tui.errors import PromptError
from urial_tui.prompts.importer import import_official, pack_id_for
from urial_tui.prompts.official import BACKTICKS, V5, V6, load_official, parse_official, tail_for
from urial_tui.prompts.pack_file import PACK_ID, parse_pack
from urial_tui.prompts.pack_text import pack_to_toml
from urial_tui.prompts.render import official_shape, pack_shape

TURN = "# Query:\n```\nq{0}\n```\n\n# Answer:\n```\na{0}\n```"
FENCED = f"# Instruction\n\nBe kind.\n\n\n{TURN.format(1)}\n\n{TURN.format(2)}"


@needs_official_data
def test_every_official_file_renders_every_conversation_byte_for_byte() -> None:
    assert DATA is not None and OFFICIAL is not None
    sample = json.loads((Path(DATA) / "official_renders_sample.json").read_text("utf-8"))
    checked = 0
    for name, expected in sample["files"].items():
        prompt = load_official(OFFICIAL / name)
        assert prompt.hash == expected["prompt_sha256"]
        for texts, render in zip(sample["cases"], expected["renders"], strict=True):
            rendered = official_shape(prompt).render(turns(*texts))
            assert hashlib.sha256(rendered.text.encode()).hexdigest() == render["sha256"], name
            assert rendered.stops == (expected["stop"],)
            checked += 1
    assert checked == 32


@needs_official_data
@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("basic_icl.txt", ["inline", "block"] * 3),
        ("inst_1k_v4.txt", ["block", "block"] * 3),
        ("inst_help_mini_yi.txt", ["bare", "bare"] * 3),
        ("inst_help_v5-1k.txt", ["bare", "bare"] * 3),
        ("inst_only.txt", []),
    ],
)
def test_official_files_parse_to_their_turns(name: str, forms: list[str]) -> None:
    assert OFFICIAL is not None
    prompt = load_official(OFFICIAL / name)
    assert [turn.body for turn in prompt.turns] == forms
    assert [turn.role for turn in prompt.turns] == ["user", "assistant"] * (len(forms) // 2)
    assert prompt.warnings == ()


@needs_official_data
def test_turns_out_of_order_are_told_and_kept() -> None:
    assert OFFICIAL is not None
    prompt = load_official(OFFICIAL / "inst_2k_v4.txt")
    assert [warning.split(":")[0] for warning in prompt.warnings] == ["line 93", "line 105"]


@needs_official_data
def test_every_official_file_imports_to_a_pack_with_the_same_bytes() -> None:
    assert OFFICIAL is not None
    structured = set()
    for path in sorted(OFFICIAL.glob("*.txt")):
        prompt = load_official(path)
        imported = import_official(prompt, pack_id_for(path.name))
        assert imported.identical
        read = parse_pack(pack_to_toml(imported.pack), Path("x.toml"), "")
        assert pack_shape(read) == official_shape(prompt)
        if read.examples:
            structured.add(path.name)
    assert {"inst_1k_v4.txt", "inst_1k_v4.help.txt", "inst_help_v6-1k.txt"} <= structured


@needs_official_data
def test_other_roles_are_offered_as_the_examples_are_and_explained() -> None:
    assert OFFICIAL is not None
    prompt = load_official(OFFICIAL / "inst_help_mini_yi.txt")
    assert prompt.differences()
    official = import_official(prompt, "yi")
    assert any("--as examples" in note for note in official.notes)
    examples = import_official(prompt, "yi", "examples")
    assert not examples.identical
    assert any("User:" in note for note in examples.notes)
    tail = pack_shape(examples.pack).render(turns("Hello?")).text
    assert tail.endswith("User:\n\nHello?\n\n\nAssistant:\n\n")
    assert len(examples.pack.examples) == 3


def test_the_tail_goes_by_the_file_name() -> None:
    assert tail_for("inst_help_v5-1k.txt") is V5
    assert tail_for("my_inst_help_v6.txt") is V6
    assert tail_for("v5.txt") is BACKTICKS


def test_the_grammar_of_headings_and_fences() -> None:
    prompt = parse_official(FENCED, "x.txt")
    assert (prompt.heading, prompt.preamble) == ("# Instruction", "Be kind.")
    assert [(t.role, t.text, t.line) for t in prompt.turns] == [
        ("user", "q1", 6),
        ("assistant", "a1", 11),
        ("user", "q2", 16),
        ("assistant", "a2", 21),
    ]
    assert not prompt.differences()


def test_role_names_inside_a_line_or_a_fence_are_text() -> None:
    text = 'Write under "# Query:" and\n# Query: here\n# Query:  \n```\nx\n# Answer:\ny\n```\n# Answer:\nz\n'
    prompt = parse_official(text, "x.txt")
    assert prompt.preamble == 'Write under "# Query:" and\n# Query: here'
    assert [turn.text for turn in prompt.turns] == ["x\n# Answer:\ny", "z"]


def test_a_fenced_answer_keeps_its_own_code_blocks() -> None:
    answer = "Look:\n```python\n1\n```\nDone."
    prompt = parse_official(f"# Query:\nq\n# Answer:\n```\n{answer}\n```\n", "x.txt")
    assert prompt.turns[1].text == answer


def test_oddities_become_warnings() -> None:
    assert "empty" in parse_official("# Query:\n\n# Answer:\na", "x.txt").warnings[0]
    assert "never closed" in parse_official("# Query:\n```\na\n", "x.txt").warnings[0]
    assert "no answer" in parse_official("# Query:\na\n", "x.txt").warnings[-1]
    assert "carriage" in parse_official("a\r\nb", "x.txt").warnings[0]
    assert "byte order" in parse_official("\ufeffa", "x.txt").warnings[0]


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "x.txt"
    bad.write_bytes(b"ok\n\xff")
    with pytest.raises(PromptError, match="line 2: byte 0xff"):
        load_official(bad)
    bad.write_bytes(b"\n \n")
    with pytest.raises(PromptError, match="is empty"):
        import_official(load_official(bad), "x")


_NAMES = st.sampled_from(["a.txt", "inst_help_v5.txt", "inst_help_v6.txt"])
_LINES = st.sampled_from(
    [
        "# Query:",
        "# Answer:",
        "User:",
        "Assistant: ",
        "```",
        "```x```",
        "text",
        "",
        " ",
        "# Instruction",
    ]
)
_FILES = st.one_of(st.text(), st.lists(_LINES, max_size=14).map("\n".join))


@given(
    _FILES,
    _NAMES,
    st.lists(st.text(max_size=9), min_size=1, max_size=5).filter(lambda t: len(t) % 2),
)
def test_the_rendering_of_any_file_begins_with_its_text(
    text: str, name: str, said: list[str]
) -> None:
    prompt = parse_official(text, name)
    rendered = official_shape(prompt).render(turns(*said))
    assert rendered.text.startswith(text)
    assert rendered.text[len(text) :].startswith(prompt.tail.query_open + said[0])


@given(_FILES.filter(lambda text: text.strip() and "\0" not in text), _NAMES)
def test_any_file_imports_byte_for_byte(text: str, name: str) -> None:
    prompt = parse_official(text, name)
    imported = import_official(prompt, "x")
    assert imported.identical
    read = parse_pack(pack_to_toml(imported.pack), Path("x.toml"), "")
    assert pack_shape(read) == official_shape(prompt)
    import_official(prompt, "x", "examples")


@given(st.text(max_size=90))
def test_any_file_name_gives_an_id(name: str) -> None:
    assert PACK_ID.fullmatch(pack_id_for(name))
