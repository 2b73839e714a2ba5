"""Which names from the hub may become files, how people name repositories, and that nothing goes through links."""

from pathlib import Path

import pytest

from urial_tui.errors import ModelError, UsageError
from urial_tui.models.hub.names import check_way, is_repo, problem_of, repo_and_quant, target_of


@pytest.mark.parametrize(
    "path",
    [
        "../m.gguf",
        "a/../../m.gguf",
        "a/./m.gguf",
        "/etc/m.gguf",
        "a//m.gguf",
        "",
        ".gguf",
        "a/.gguf",
        ".hidden.gguf",
        ".git/m.gguf",
        "m.gguf/",
        "m.gguf/..",
        "m\0.gguf",
        "m\n.gguf",
        "m\x1b[2J.gguf",
        "m\x7f.gguf",
        "m\x9b.gguf",
        "m\u202efugg.gguf",
        "m\u200b.gguf",
        "m\u2028.gguf",
        "m\u00a0.gguf",
        "m\ud800.gguf",
        "..\\m.gguf",
        "C:\\m.gguf",
        "m:stream.gguf",
        "m?.gguf",
        "con.gguf",
        "a./m.gguf",
        "a /m.gguf",
        " m.gguf",
        "m.bin",
        "m.gguf.part",
        "m.gguf.hub.json",
        "x" * 300 + ".gguf",
        "é" * 120 + ".gguf",
        "a/b/c/d/e/m.gguf",
    ],
)
def test_a_hostile_name_is_refused(path: str, tmp_path: Path) -> None:
    assert problem_of(path)
    with pytest.raises(ModelError) as refused:
        target_of(tmp_path, "org/repo", path)
    assert refused.value.kind == "hub-name"


@pytest.mark.parametrize(
    "path",
    ["m.gguf", "M.GGUF", "Q4 K/m-Q4_K_M.gguf", "a/b/c/m-00001-of-00002.gguf", "模型 (1).gguf"],
)
def test_an_ordinary_name_goes_below_its_repository(path: str, tmp_path: Path) -> None:
    assert problem_of(path) == ""
    assert target_of(tmp_path, "org/repo", path) == tmp_path / "org" / "repo" / path


@pytest.mark.parametrize(
    "repo",
    ["", "m", "a/b/c", "../x", "a/..", "a/.", "/a", "a/", "a b/c", "a/b\n", ".a/b", "a/b.git"],
)
def test_what_is_no_repository_is_refused(repo: str, tmp_path: Path) -> None:
    assert not is_repo(repo)
    with pytest.raises(ModelError):
        target_of(tmp_path, repo, "m.gguf")


@pytest.mark.parametrize(
    ("text", "repo", "quant"),
    [
        ("org/m-GGUF", "org/m-GGUF", ""),
        ("org/m-GGUF:Q4_K_M", "org/m-GGUF", "Q4_K_M"),
        (" hf.co/org/m:IQ2_XXS ", "org/m", "IQ2_XXS"),
        ("https://huggingface.co/org/m", "org/m", ""),
        ("https://huggingface.co/org/m/tree/main", "org/m", ""),
        ("https://huggingface.co/org/m/blob/main/m.gguf", "org/m", ""),
        ("http://127.0.0.1:8000/org/m:Q8_0", "org/m", "Q8_0"),
    ],
)
def test_a_repository_is_named_as_people_write_it(text: str, repo: str, quant: str) -> None:
    assert repo_and_quant(text) == (repo, quant)


@pytest.mark.parametrize("text", ["", "m", ":Q4_K_M", "org/m/x", "../../etc/passwd", "a b/c"])
def test_what_names_no_repository_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="does not name a repository"):
        repo_and_quant(text)


def test_nothing_is_written_through_links_below_the_folder(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    folder = tmp_path / "models"
    folder.symlink_to(real)  # the folder itself may be one
    target = folder / "org" / "repo" / "m.gguf"
    check_way(folder, target)
    (tmp_path / "elsewhere").mkdir()
    (real / "org").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="is a link") as refused:
        check_way(folder, target)
    assert refused.value.kind == "in-the-way"
    (real / "org").unlink()
    (real / "org" / "repo").mkdir(parents=True)
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="is a link"):
        check_way(folder, target)
    target.unlink()
    target.mkdir()
    with pytest.raises(ModelError, match="is not a file"):
        check_way(folder, target)
    target.rmdir()
    (real / "org" / "repo").rmdir()
    (real / "org" / "repo").write_text("")
    with pytest.raises(ModelError, match="is not a folder"):
        check_way(folder, target)
