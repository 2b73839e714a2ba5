"""The pictures of the documentation are the script's own work, and show the screens of today."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "screenshots"
_SPEC = importlib.util.spec_from_file_location("manifest", FOLDER / "manifest.py")
assert _SPEC is not None and _SPEC.loader is not None
manifest = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(manifest)


def test_every_picture_is_of_one_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "manifest", manifest)
    spec = importlib.util.spec_from_file_location("screenshots_make", FOLDER / "make.py")
    assert spec is not None and spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "screenshots_make", make)  # its dataclasses look there
    spec.loader.exec_module(make)
    names = [name for scene in make.SCENES for name in scene.all_names]
    assert sorted(names) == sorted(manifest.SHOWN_BY)


def test_every_picture_is_listed_with_the_snapshots_of_its_screen() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(manifest.SHOWN_BY)
    assert set(manifest.kept()) == set(manifest.SHOWN_BY)
    missing = [name for names in manifest.now().values() for name, sha in names.items() if not sha]
    assert missing == []


def test_no_picture_was_changed_since_it_was_made() -> None:
    made, kept = manifest.now(), manifest.kept()
    changed = [name for name in made if made[name]["picture"] != kept[name]["picture"]]
    assert changed == [], "pictures are made by make screenshots, all of them at once"


@pytest.mark.pictures
@pytest.mark.parametrize("name", manifest.SHOWN_BY)
def test_a_picture_shows_its_screen_as_it_is_today(name: str) -> None:
    assert manifest.now()[name] == manifest.kept()[name], "the screen has changed: make screenshots"
