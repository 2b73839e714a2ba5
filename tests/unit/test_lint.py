"""`packs lint` finds what breaks a pack, and has nothing to say about the built-in ones."""

import re
from pathlib import Path

import pytest

from tests.support.packs import pack
from urial_tui.prompts.language import language_problem
from urial_tui.prompts.lint import Finding, counted_texts, fence_problem, lint_pack
from urial_tui.prompts.pack_file import DEFAULTS, FORMAT_KEYS, OPTIONAL, REQUIRED
from urial_tui.prompts.pack_types import Example, Format
from urial_tui.prompts.styles import default_library


def codes(found: list[Finding], severity: str = "") -> set[str]:
    return {f.code for f in found if not severity or f.severity == severity}


def answering(answer: str, **changes: object) -> set[str]:
    return codes(lint_pack(pack(examples=(Example("Who?", answer),), **changes)))


def test_a_good_pack_has_no_findings() -> None:
    assert lint_pack(pack()) == []


def test_the_built_in_packs_have_neither_errors_nor_warnings() -> None:
    for built_in in default_library().all():
        assert codes(lint_pack(built_in), "error") == set(), built_in.id
        assert codes(lint_pack(built_in), "warning") == set(), built_in.id


def test_a_stop_inside_an_example_is_found() -> None:
    found = lint_pack(
        pack(examples=(Example("Who?", "STOP it"),), format=Format(stops=("# Query:", "STOP")))
    )
    assert ("stop-in-answer", "error", ("example", 0, "answer")) in {
        (f.code, f.severity, f.key) for f in found
    }
    assert "stop-in-answer" in answering("# Answer:\nx")


def test_fences_that_would_end_or_break_a_block_are_found() -> None:
    assert "unbalanced-fence" in answering("Code:\n```python\nx")
    assert "unbalanced-fence" in answering("Code:\n```\nx\n```")
    assert "unbalanced-fence" not in answering("Code:\n```python\nx\n```\nDone.")
    assert "unbalanced-fence" not in answering("Code:\n```\nx\n```", format=Format(fence="````"))


@pytest.mark.parametrize(
    ("text", "outer", "bad"),
    [
        ("a", "```", False),
        ("```sh\na\n```", "```", False),
        ("```", "```", True),
        ("``` x```", "```", False),
        ("````\n```\n````", "", False),
        ("```sh", "", True),
        ("~~~\na\n~~~", "```", False),
    ],
)
def test_fence_problems(text: str, outer: str, bad: bool) -> None:
    assert bool(fence_problem(text, outer)) is bad


def test_headings_that_are_missing_or_confused_are_found() -> None:
    assert "heading-in-text" in answering("Yes.\n# Query:\nno")
    assert "missing-heading" in codes(lint_pack(pack(format=Format(query_heading="Q:"))))
    same = Format(query_heading="X:", answer_heading="X:")
    assert "same-headings" in codes(lint_pack(pack(format=same)), "error")
    assert "headings-unsaid" in codes(lint_pack(pack(system="Be kind to people.")), "info")
    assert "heading-line" in codes(lint_pack(pack(format=Format(after_heading=" "))))


def test_an_answer_that_nothing_ends_is_an_error() -> None:
    assert "no-end" in codes(lint_pack(pack(format=Format(fence="", stops=()))), "error")
    assert "stop-heading" in codes(lint_pack(pack(format=Format(stops=("END",)))))


def test_long_and_repeated_and_missing_examples_are_found() -> None:
    assert "long-text" in answering("word " * 700)
    twice = (Example("Who?", "Me."), Example("who? ", "You."))
    assert "duplicate-example" in codes(lint_pack(pack(examples=twice)))
    assert "no-examples" in codes(lint_pack(pack(examples=())))
    assert "empty-pack" in codes(lint_pack(pack(examples=(), system="")))


def test_texts_that_a_reader_would_not_see_are_found() -> None:
    assert "special-token" in answering("a <|im_end|> b")
    assert "hidden-character" in answering("a\u202eb")
    assert "blank-edges" in answering("a ")


def test_tokens_are_counted_over_the_constant_part_only_when_asked() -> None:
    asked: list[str] = []

    def count(text: str) -> int:
        asked.append(text)
        return 2500

    found = lint_pack(pack(), count)
    assert asked == counted_texts(pack())
    assert asked[0].endswith("# Query:\n```\n")
    assert {"token-cost", "costly"} <= codes(found)
    assert "token-cost" not in codes(lint_pack(pack()))


def test_errors_come_first() -> None:
    found = lint_pack(pack(license="", examples=(Example("q", "```"),), system=""))
    assert found[0].severity == "error" and found[-1].severity == "info"


ENGLISH = "This is the answer to your question, and it is not what you would expect of the others."
ITALIAN = (
    "Questa è la risposta alla tua domanda e non è quella che ti aspetti di solito per gli altri."
)


@pytest.mark.parametrize(
    ("text", "language", "bad"),
    [
        (ENGLISH, "en", False),
        (ENGLISH, "it", True),
        (ITALIAN, "it", False),
        (ITALIAN, "en", True),
        (ENGLISH, "zh-Hans", True),
        ("你好，下面是几条建议，希望这个回答对你有帮助，祝你学习顺利。", "zh-Hans", False),
        ("你好，下面是几条建议，希望这个回答对你有帮助，祝你学习顺利。", "en", True),
        (ENGLISH, "tlh", False),
        ("Ok", "zh", False),
        ("```python\n" + ENGLISH + "\n```", "zh", False),
    ],
)
def test_a_language_mismatch_is_seen_and_nothing_else(text: str, language: str, bad: bool) -> None:
    assert bool(language_problem(text, language)) is bad


def test_the_documentation_names_every_code_key_and_setting() -> None:
    root = Path(__file__).parents[2]
    docs = (root / "docs" / "packs.md").read_text("utf-8")
    source = (root / "urial_tui" / "prompts" / "lint.py").read_text("utf-8")
    codes_made = set(re.findall(r'"(?:error|warning|info)",\s*"([a-z-]+)"', source))
    codes_made -= {"error", "warning", "info"}
    assert len(codes_made) > 15
    missing = {code for code in codes_made if f"`{code}`" not in docs}
    missing |= {key for key in (*FORMAT_KEYS, *DEFAULTS, *REQUIRED, *OPTIONAL) if key not in docs}
    assert missing == set()
