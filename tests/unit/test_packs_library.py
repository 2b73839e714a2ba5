"""The library finds packs in folders, keeps good ones visible beside broken ones, and never replaces one silently."""

from pathlib import Path

import pytest

from tests.support.packs import MINIMAL, write
from urial_tui.errors import PromptError
from urial_tui.prompts.locate import builtin_packs_dir
from urial_tui.prompts.packs import PackLibrary
from urial_tui.prompts.styles import DEFAULT_PACK, default_library, resolve_style

EIGHT = {
    "urial-general",
    "urial-helpful",
    "urial-safe",
    "urial-brief",
    "urial-one-shot",
    "urial-code",
    "urial-italian",
    "urial-chinese",
}


def test_the_eight_built_in_packs_load_and_the_default_has_three_examples() -> None:
    library = PackLibrary([builtin_packs_dir()])
    assert set(library.ids()) == EIGHT
    assert library.problems == ()
    assert len(library.get(DEFAULT_PACK).examples) == 3
    assert all(pack.source == "builtin" and pack.description for pack in library.all())


def test_every_built_in_pack_suggests_a_repeat_penalty_and_a_length() -> None:
    for pack in PackLibrary([builtin_packs_dir()]).all():
        assert {"temperature", "repeat_penalty", "max_tokens"} <= set(pack.defaults), pack.id


def test_a_broken_file_does_not_hide_the_good_ones(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    bad = write(tmp_path, "id =", "bad.toml")
    library = PackLibrary([tmp_path, tmp_path / "missing"])
    assert library.ids() == ("mine",)
    assert [problem.path for problem in library.problems] == [bad]
    with pytest.raises(PromptError, match=r"bad\.toml, line 1"):
        library.get("bad")


def test_a_second_pack_of_one_id_is_a_problem_and_not_used(tmp_path: Path) -> None:
    other = write(tmp_path, MINIMAL.replace('"mine"', f'"{DEFAULT_PACK}"'))
    library = PackLibrary([builtin_packs_dir(), tmp_path])
    assert library.get(DEFAULT_PACK).source == "builtin"
    assert [problem.path for problem in library.problems] == [other]
    assert "is taken by" in library.problems[0].error.message


def test_an_unknown_id_lists_close_matches() -> None:
    with pytest.raises(PromptError) as caught:
        default_library().get("urial-genral")
    assert caught.value.kind == "unknown-pack"
    assert "urial-general" in caught.value.hint


def test_users_packs_are_found_and_reread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path))
    library = default_library()
    assert "mine" not in library.ids()
    folder = tmp_path / "config" / "packs"
    folder.mkdir(parents=True)
    write(folder, MINIMAL)
    assert "mine" not in library.ids()
    library.reload()
    assert library.get("mine").source == "user"


def test_built_in_packs_are_found_in_a_wheel_and_in_a_source_tree(tmp_path: Path) -> None:
    package = tmp_path / "urial_tui"
    beside = tmp_path / "prompt_packs"
    inside = package / "prompt_packs"
    package.mkdir()
    with pytest.raises(PromptError, match="missing"):
        builtin_packs_dir(package)
    beside.mkdir()
    assert builtin_packs_dir(package) == beside
    inside.mkdir()
    assert builtin_packs_dir(package) == inside


def test_styles_are_resolved_by_name_and_by_file(tmp_path: Path) -> None:
    library = default_library()
    default = resolve_style(None, library)
    assert (default.id, default.hash) == (DEFAULT_PACK, library.get(DEFAULT_PACK).hash)
    assert default.defaults == library.get(DEFAULT_PACK).defaults
    assert resolve_style("raw", library).constant().spans == ()
    assert resolve_style("zero-shot", library).pack is None
    mine = resolve_style("raw", library, write(tmp_path, MINIMAL))
    assert mine.pack is not None and mine.id == "mine"
    official = resolve_style(None, library, write(tmp_path, "# Instruction\n", "a b.txt"))
    assert official.official is not None and official.id == "a_b.txt"
    assert official.defaults["repeat_penalty"] == 1.1


@pytest.mark.parametrize(
    ("word", "kind"), [("chat", "template-missing"), ("same", "style"), ("text", "style")]
)
def test_styles_without_a_text_form_are_refused(word: str, kind: str) -> None:
    with pytest.raises(PromptError) as caught:
        resolve_style(word, default_library())
    assert caught.value.kind == kind


def test_a_pack_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="cannot tell what"):
        resolve_style(None, default_library(), write(tmp_path, MINIMAL, "pack.md"))
    with pytest.raises(PromptError, match="is a folder"):
        resolve_style(None, default_library(), tmp_path)
