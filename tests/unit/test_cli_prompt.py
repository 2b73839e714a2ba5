"""`urial-tui prompt` and `urial-tui packs`: exact bytes, clear refusals, files written whole or not at all."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support import tinygguf
from tests.support.packs import DATA, MINIMAL, OFFICIAL, needs_official_data, turns, write
from urial_tui.cli.ask.prompt import prompt
from urial_tui.cli.common import engine_access
from urial_tui.cli.packs.command import packs
from urial_tui.errors import PromptError, UrialError, UsageError
from urial_tui.prompts.packs import load_pack
from urial_tui.prompts.styles import default_library, resolve_style


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(command: Any, *arguments: object, **more: Any) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], **more)


def refused(command: Any, *arguments: object, **more: Any) -> UrialError:
    result = run(command, *arguments, **more)
    assert isinstance(result.exception, UrialError), result.output
    assert result.stdout == ""
    return result.exception


def test_stdout_has_the_rendered_bytes_and_nothing_else() -> None:
    expected = resolve_style(None, default_library()).render(turns("Why\x1b[31m?")).text
    assert run(prompt, "Why\x1b[31m?").stdout_bytes == expected.encode()


def test_styles_packs_and_prefills_are_chosen() -> None:
    assert run(prompt, "--style", "raw", "Hi", "--prefill", " there").stdout == "Hi there"
    zero = "# Query:\n```\nHi\n```\n\n# Answer:\n```\n"
    assert run(prompt, "--style", "zero-shot", "Hi").stdout == zero
    assert "# Risposta:" in run(prompt, "--pack", "urial-italian", "Ciao").stdout


def test_a_dash_reads_standard_input() -> None:
    assert run(prompt, "--style", "raw", "-", input="a\nb\n").stdout == "a\nb"


@needs_official_data
def test_official_files_and_conversations_have_the_official_sha256(tmp_path: Path) -> None:
    assert DATA is not None and OFFICIAL is not None
    sample = json.loads((Path(DATA) / "official_renders_sample.json").read_text("utf-8"))
    for name, expected in sample["files"].items():
        for texts, render in zip(sample["cases"], expected["renders"], strict=True):
            talk = write(tmp_path, json.dumps(texts), "talk.json")
            result = run(prompt, "--pack-file", OFFICIAL / name, "--conversation", talk)
            assert hashlib.sha256(result.stdout_bytes).hexdigest() == render["sha256"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "line 1, column 2"),
        ("{}", "not an array"),
        ("[]", "is empty"),
        ('["a", 3, "b"]', "entry 2: not a text but a number"),
        ('["a", null, "b"]', "entry 2: not a text but null"),
        ('["a", "b"]', "the last one is an answer"),
        ('["  "]', "entry 1: the user's text is empty"),
        ('["\\ud800"]', "surrogate"),
        ("[" * 100_000, "cannot be read|line 1"),
    ],
)
def test_a_bad_conversation_is_refused_with_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    path = write(tmp_path, text, "talk.json")
    error = refused(prompt, "--conversation", path)
    assert isinstance(error, PromptError)
    assert any(word in error.message for word in words.split("|")), error.message
    assert str(path) in error.message


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    talk = write(tmp_path, '["a"]', "talk.json")
    for arguments in (
        [],
        [" "],
        ["a", "--conversation", talk],
        ["a", "--pack", "urial-brief", "--style", "raw"],
        ["a", "--demo", "--side", "x"],
        ["a", "--side", "x@y@z"],
    ):
        assert isinstance(refused(prompt, *arguments), UsageError)
    assert refused(prompt, "a", "--pack", "urial-breif").kind == "unknown-pack"
    assert "there is no file" in refused(prompt, "a", "--pack-file", tmp_path / "x.toml").message
    assert "not UTF-8" in refused(prompt, "a", "--prefill", "a\udcff").message


ZERO = "zero-shot"


@pytest.mark.parametrize(
    ("arguments", "settings", "style"),
    [
        ([], "", "urial-general"),
        ([], "pack = 'urial-brief'", "urial-brief"),
        ([], "pack = 'urial-brief'\nside = 'demo@raw'", "raw"),
        (["--demo"], "pack = 'urial-brief'\nside = 'demo@raw'", "urial-brief"),
        (["--side", "demo@zero-shot"], "pack = 'urial-brief'\nside = 'demo@raw'", ZERO),
        (["--side", "demo"], "pack = 'urial-brief'\nside = 'demo@raw'", "urial-brief"),
        (["--side", "demo@chat", "--pack", "urial-safe"], "pack = 'nowhere'", "urial-safe"),
        (["--side", "demo@raw", "--style", ZERO], "pack = 'nowhere'", ZERO),
        (["--side", "demo@chat", "--pack-file", "FILE"], "pack = 'nowhere'", "mine"),
    ],
)
def test_the_style_is_chosen_as_ask_chooses_it(
    tmp_path: Path, home: Path, arguments: list[str], settings: str, style: str
) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "settings.toml").write_text(settings)
    path = str(write(tmp_path, MINIMAL))
    arguments = [path if argument == "FILE" else argument for argument in arguments]
    assert json.loads(run(prompt, "Hi", "--json", *arguments).stdout)["style"] == style


def test_a_side_without_a_style_is_asked_for_its_template(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = "<|user|>{{ messages[0].content }}{{ eos_token }}"
    model = tinygguf.write_model(tmp_path / "m.gguf", chat_template=template)
    base = tinygguf.write_model(tmp_path / "base.gguf")
    for side in ([model], [f"{model}@chat"], [f"{model}@raw", "--style", "chat"]):
        shown = json.loads(run(prompt, "Hi</s>", "--json", "--side", *side).stdout)
        assert shown["style"] == "chat"
        assert shown["template_hash"] == hashlib.sha256(template.encode()).hexdigest()
        spans = [(span["text"], span["user"], span["constant"]) for span in shown["spans"]]
        assert spans == [("<|user|>", False, True), ("Hi</s>", True, False), ("</s>", False, False)]
    assert (
        json.loads(run(prompt, "Hi", "--json", "--side", base).stdout)["style"] == "urial-general"
    )
    assert refused(prompt, "Hi", "--side", f"{base}@chat").kind == "template-missing"
    assert refused(prompt, "Hi", "--side", "demo", "--style", "chat").kind == "template-missing"
    assert refused(prompt, "Hi", "--side", "no-such-model").kind == "unknown-model"


def test_tokens_are_those_of_the_side_s_style(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def tokenize(side: str | None, rendered: Any, *, demo: bool) -> list[tuple[int, bytes]]:
        asked.append(rendered.text)
        return []

    monkeypatch.setattr(engine_access, "tokenize_prompt", tokenize)
    run(prompt, "--tokens", "--side", "demo@raw", "Hi")
    run(prompt, "--tokens", "--side", "demo@raw", "--style", "zero-shot", "Hi")
    assert asked == ["Hi", "# Query:\n```\nHi\n```\n\n# Answer:\n```\n"]


def test_json_tells_spans_stops_and_fence() -> None:
    shown = json.loads(run(prompt, "Hi", "--json").stdout)
    assert (shown["style"], shown["fence"]) == ("urial-general", "```")
    assert "".join(span["text"] for span in shown["spans"]) == shown["text"]
    assert [span["constant"] for span in shown["spans"]] == [True, False, False]


def test_tokens_are_shown_as_a_table_and_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokenize(side: str | None, rendered: Any, *, demo: bool) -> list[tuple[int, bytes]]:
        assert (side, rendered.text, demo) == (None, "Hi", True)
        return [(2, b"<bos>"), (7, b"H\x1b"), (9, b"\xe8")]

    monkeypatch.setattr(engine_access, "tokenize_prompt", tokenize)
    table = run(prompt, "--style", "raw", "Hi", "--tokens", "--demo").stdout
    assert table.splitlines()[-1] == "3 tokens"
    assert "\x1b" not in table
    rows = json.loads(run(prompt, "--style", "raw", "Hi", "--tokens", "--demo", "--json").stdout)
    assert rows["count"] == 3
    assert rows["tokens"][2] == {"id": 9, "hex": "e8", "text": "\ufffd"}


def test_packs_list_shows_all_and_warns_about_broken_ones(home: Path) -> None:
    folder = home / "config" / "packs"
    folder.mkdir(parents=True)
    write(folder, MINIMAL)
    write(folder, "oops", "bad.toml")
    result = run(packs, "list")
    assert "* urial-general" in result.stdout and "  mine" in result.stdout
    assert "bad.toml, line 1" in result.stderr
    rows = json.loads(run(packs, "list", "--json").stdout)
    assert [row["id"] for row in rows if row["default"]] == ["urial-general"]
    assert {row["source"] for row in rows} == {"builtin", "user"}


def test_packs_show_prints_the_constant_part_made_safe(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + 'system = "a\\u001b[31mb"\n')
    result = run(packs, "show", path)
    assert "\x1b" not in result.stdout and "# Query:" in result.stdout
    shown = json.loads(run(packs, "show", path, "--json").stdout)
    assert shown["system"] == "a\x1b[31mb"
    assert shown["constant_text"].endswith("# Query:\n```\n")


def test_packs_lint_names_file_and_line_and_fails_on_errors(tmp_path: Path) -> None:
    assert run(packs, "lint").exit_code == 0
    text = MINIMAL + '[[example]]\nquery = "Who?"\nanswer = "```sh"\n'
    bad = write(tmp_path, text, "bad.toml")
    result = run(packs, "lint", bad)
    assert result.exit_code == 1
    assert f"{bad}:7: error: example[1].answer:" in result.stdout
    broken = write(tmp_path, "oops", "broken.toml")
    rows = json.loads(run(packs, "lint", broken, "urial-brief", "--json").stdout)
    assert [row["code"] for row in rows if row["severity"] == "error"] == ["unreadable"]
    assert refused(packs, "lint", "no-such").kind == "unknown-pack"
    other = tmp_path / "passwd"
    other.write_text("no pack\n")
    told = refused(packs, "lint", str(other))
    assert "ends neither in .toml nor in .txt" in told.message and "*.toml" in told.hint


def test_packs_lint_strict_fails_on_warnings(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    assert run(packs, "lint", path).exit_code == 0
    assert run(packs, "lint", path, "--strict").exit_code == 1


def test_packs_lint_counts_tokens_with_one_load(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[list[str]] = []

    def count(texts: list[str], side: str | None, *, demo: bool) -> list[int]:
        loads.append(texts)
        return [len(text) for text in texts]

    monkeypatch.setattr(engine_access, "count_tokens", count)
    rows = json.loads(run(packs, "lint", "--demo", "--json").stdout)
    assert len(loads) == 1 and len(loads[0]) == 8
    assert sum(row["code"] == "token-cost" for row in rows) == 8


OFFICIAL_TEXT = "# Instruction\n\nBe kind.\n\n# Query:\n```\nq\n```\n\n# Answer:\n```\na\n```"


def test_packs_import_writes_a_pack_with_the_same_bytes(tmp_path: Path, home: Path) -> None:
    source = write(tmp_path, OFFICIAL_TEXT, "My Prompt.txt")
    result = run(packs, "import", source)
    target = home / "config" / "packs" / "my-prompt.toml"
    assert result.stdout.strip() == str(target)
    assert load_pack(target).examples[0].answer == "a"
    exact = run(prompt, "--pack-file", source, "Hi").stdout_bytes
    assert run(prompt, "--pack", "my-prompt", "Hi").stdout_bytes == exact
    assert "exists already" in refused(packs, "import", source).message
    assert run(packs, "import", source, "--force").exit_code == 0
    assert [path.name for path in target.parent.iterdir()] == ["my-prompt.toml"]


def test_packs_import_to_stdout_and_refusals(tmp_path: Path) -> None:
    source = write(tmp_path, OFFICIAL_TEXT, "p.txt")
    shown = run(packs, "import", source, "--output", "-").stdout
    assert 'id = "p"' in shown
    taken = refused(packs, "import", source, "--id", "urial-brief")
    assert "already a pack" in taken.message
    assert "key id" in refused(packs, "import", source, "--id", "raw").message
    missing = tmp_path / "no" / "x.toml"
    assert "cannot write" in refused(packs, "import", source, "--output", missing).message
