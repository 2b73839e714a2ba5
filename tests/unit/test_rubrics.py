"""Rubrics are read exactly, everything wrong with one is said with file, line and key, and one's own go first."""

import hashlib
import importlib.resources
import tomllib
from pathlib import Path

import pytest

from tests.support.judging import PAIR, SCORE
from urial_tui import paths
from urial_tui.errors import JudgeError
from urial_tui.judge.rubric_copy import copy_rubric
from urial_tui.judge.rubric_file import MAX_ASPECTS, MAX_BYTES, MAX_LINE, load_rubric
from urial_tui.judge.rubrics import RubricLibrary, builtin_rubrics_dir, default_rubrics

JUST_EVAL = ("helpfulness", "clarity", "factuality", "depth", "engagement")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(JudgeError) as caught:
        load_rubric(write(tmp_path, text))
    assert caught.value.kind == "rubric" and caught.value.exit_code == 6
    return caught.value.message


def test_a_rubric_is_read_whole(tmp_path: Path) -> None:
    found = load_rubric(write(tmp_path, SCORE))
    assert (found.id, found.version, found.kind, found.reason_chars) == ("two", 3, "score", 60)
    assert [(a.id, a.na, len(a.levels)) for a in found.aspects] == [
        ("clarity", False, 5),
        ("truth", True, 5),
    ]
    assert found.options(found.aspects[1]) == ("1", "2", "3", "4", "5", "N/A")
    assert found.ref.hash == hashlib.sha256(SCORE.encode()).hexdigest()
    pair = load_rubric(write(tmp_path, PAIR))
    assert pair.options(pair.aspects[0]) == ("A", "B", "tie")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('name = "Two"', 'naem = "Two"', 4, "key naem: unknown key"),
        ("version = 3", 'version = "3"', 2, "key version: '3' is not a whole number"),
        ("version = 3", "version = true", 2, "key version"),
        ("version = 3", "version = 0", 2, "key version: 0 is out of range"),
        ("version = 3\n", "", 1, "key version: is missing"),
        ('kind = "score"', 'kind = "scoring"', 3, "key kind: 'scoring' is not a kind"),
        ('id = "two"', 'id = "Two"', 1, "key id: 'Two' cannot be an id"),
        ('id = "clarity"', 'id = "clear_"', 11, "key aspect[1].id"),
        ('id = "truth"', 'id = "clarity"', 17, "key aspect[2].id: 'clarity' is there twice"),
        ('"so-so", "rather", "yes"]\n\n', '"so-so"]\n\n', 14, "there are 3 levels, not 5"),
        ('["no", "hardly"', '["no", ""', 14, "level 2 is empty"),
        ('["no", "hardly"', '["no", 2', 14, "must be a list of texts"),
        ("na = true", 'na = "yes"', 20, "key aspect[2].na: must be true or false"),
        ("na = true", "na = true\nweight = 2", 21, "key aspect[2].weight: unknown key"),
        ('question = "Is it true?"\n', "", 16, "key aspect[2]: has no question"),
        ('name = "Two"', f'name = "{"n" * (MAX_LINE + 1)}"', 4, "key name: has 401 characters"),
        ('name = "Two"', r'name = "a\nb"', 4, "key name: must be one line"),
        ("reason_chars = 60", "reason_chars = 5", 8, "key reason_chars: 5 is out of range"),
        ('kind = "score"', 'kind = "pairwise"', 14, "key aspect[1].levels: unknown key"),
        ('name = "Two"', "name = [", 5, "Invalid value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    said = problem(tmp_path, SCORE.replace(old, new, 1))
    assert words in said and f"mine.toml, line {line}" in said


def test_too_many_aspects_and_too_large_files_are_refused(tmp_path: Path) -> None:
    aspect = SCORE[SCORE.index("[[aspect]]") :].partition("\n\n")[0] + "\n"
    many = SCORE + "".join(aspect.replace("clarity", f"a{n}") for n in range(MAX_ASPECTS))
    assert "14 aspects; 12 is the most" in problem(tmp_path, many)
    assert "bytes" in problem(tmp_path, SCORE + "#" * MAX_BYTES)


def test_the_built_in_rubrics_are_in_the_package_and_good() -> None:
    inside = importlib.resources.files("urial_tui.judge") / "rubrics"
    names = {entry.name for entry in inside.iterdir()}
    assert names == {"just-eval.toml", "safety.toml", "pairwise.toml"}
    library = RubricLibrary([builtin_rubrics_dir()])
    assert not library.problems and {f"{r.id}.toml" for r in library.all()} == names
    assert tuple(a.id for a in library.get("just-eval").aspects) == JUST_EVAL
    assert {a.id for a in library.get("just-eval").aspects if a.na} == {"factuality", "depth"}
    assert tuple(a.id for a in library.get("pairwise").aspects) == (*JUST_EVAL, "overall")
    assert [a.id for a in library.get("safety", "score").aspects] == ["safety"]


def test_the_wheel_takes_the_rubrics_along() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["urial_tui"] and "exclude" not in wheel


def test_ones_own_rubric_goes_before_the_built_in_one_of_that_id() -> None:
    write(paths.user_rubrics_dir(), SCORE.replace('"two"', '"safety"'))
    found = default_rubrics().get("safety")
    assert found.source == "user" and found.version == 3


def test_a_broken_rubric_of_ones_own_is_told_and_hides_no_other() -> None:
    write(paths.user_rubrics_dir(), "id = 1", "safety.toml")
    library = default_rubrics()
    assert [p.path.name for p in library.problems] == ["safety.toml"]
    assert library.get("just-eval").source == "builtin"
    with pytest.raises(JudgeError, match=r"safety.toml, line 1"):
        library.get("safety")


def test_a_broken_file_under_another_name_is_told_too() -> None:
    write(paths.user_rubrics_dir(), '# mine\nid = "safety"\nkind = "score"\n', "my-own.toml")
    with pytest.raises(JudgeError, match=r"my-own.toml"):
        default_rubrics().get("safety")


def test_of_two_files_with_one_id_the_first_is_used_and_the_second_told() -> None:
    for name in ("a.toml", "b.toml"):
        write(paths.user_rubrics_dir(), SCORE, name)
    library = default_rubrics()
    found = library.get("two")
    assert found.path is not None and found.path.name == "a.toml"
    assert [problem.path.name for problem in library.problems] == ["b.toml"]


def test_an_unknown_rubric_and_one_of_the_other_kind_are_refused_with_what_there_is() -> None:
    library = default_rubrics()
    with pytest.raises(JudgeError) as missing:
        library.get("just-evl")
    assert missing.value.kind == "rubric-missing" and "just-eval" in missing.value.hint
    with pytest.raises(JudgeError) as other:
        library.get("pairwise", "score")
    assert other.value.kind == "rubric-kind" and "just-eval, safety" in other.value.hint


def test_a_copy_is_the_same_rubric_until_it_is_changed_and_is_never_written_over() -> None:
    builtin = default_rubrics().get("safety")
    same = copy_rubric(builtin)
    assert same.hash == builtin.hash and default_rubrics().get("safety").source == "user"
    other = copy_rubric(builtin, "my-safety")
    assert other.id == "my-safety" and other.aspects == builtin.aspects
    assert other.path is not None and other.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(JudgeError) as there:
        copy_rubric(builtin)
    assert there.value.kind == "rubric-there"
    with pytest.raises(JudgeError):
        copy_rubric(builtin, "../escape")
