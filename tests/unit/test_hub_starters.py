"""Starting points: the data that ships, and a file that is wrong says where."""

import copy
import tomllib
from typing import Any

import pytest

from urial_tui.errors import ModelError
from urial_tui.models.hub import starters
from urial_tui.models.hub.quants import label_in

GOOD = """
[[starter]]
id = "tiny"
title = "Tiny"
ram_gb = 8
license = "MIT"
why = "It is small."
base = { repo = "org/base-GGUF", quant = "Q4_K_M", size = 1_000, license = "MIT", name = "base" }
aligned = { repo = "org/chat-GGUF", quant = "Q8_0", size = 2_000, license = "MIT", name = "chat" }
"""


def test_what_ships_is_right_and_fits_the_memory_that_it_names() -> None:
    found = starters.starters()
    assert {starter.ram_gb for starter in found} == {8, 16, 32}
    for starter in found:
        # Both models are loaded, and the system and the caches need room beside them.
        assert starter.size < 0.6 * starter.ram_gb * 1e9, starter.id
        for model in (starter.base, starter.aligned):
            assert label_in(model.quant) == model.quant


def test_a_starting_point_is_found_by_its_id() -> None:
    first = starters.starters()[0]
    assert starters.find_starter(first.id) == starters.find_starter(f"starter:{first.id}") == first
    with pytest.raises(ModelError) as error:
        starters.find_starter("starter:none")
    assert first.id in error.value.hint


def test_a_file_is_read_as_it_says() -> None:
    (tiny,) = starters.parse(GOOD)
    assert (tiny.id, tiny.title, tiny.ram_gb, tiny.license, tiny.why, tiny.note) == (
        "tiny", "Tiny", 8, "MIT", "It is small.", "",
    )  # fmt: skip
    assert tiny.base == starters.StarterModel("base", "org/base-GGUF", "Q4_K_M", 1000, "MIT")
    assert tiny.aligned.quant == "Q8_0"
    assert tiny.size == 3000


def wrong(*path: str, value: Any = None) -> str:
    """What is said when the key at `path` has `value` (None: is missing)."""
    data = copy.deepcopy(tomllib.loads(GOOD))
    table: Any = data["starter"][0]
    for key in path[:-1]:
        table = table[key]
    if value is None:
        del table[path[-1]]
    else:
        table[path[-1]] = value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starters.tomllib, "loads", lambda _text: data)
        with pytest.raises(ModelError) as error:
            starters.parse("")
    assert error.value.kind == "starters"
    return error.value.message


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("id",), None, "entry 1.id"),
        (("id",), "A b", "entry 1"),
        (("title",), 5, "tiny.title"),
        (("title",), " ", "tiny.title"),
        (("ram_gb",), 12, "tiny: ram_gb is one of 8, 16, 32"),
        (("ram_gb",), "8", "tiny: ram_gb"),
        (("ram_gb",), None, "tiny: ram_gb"),
        (("why",), None, "tiny.why"),
        (("note",), 1, "tiny.note"),
        (("colour",), "red", "tiny.colour"),
        (("base",), None, "tiny.base"),
        (("base",), "org/m", "tiny.base"),
        (("base", "repo"), "../m", "tiny.base.repo"),
        (("base", "size"), "1 GB", "tiny.base.size"),
        (("base", "size"), 0, "tiny.base.size"),
        (("base", "size"), True, "tiny.base.size"),
        (("aligned", "quant"), None, "tiny.aligned.quant"),
        (("aligned", "license"), None, "tiny.aligned.license"),
        (("aligned", "sha256"), "0", "tiny.aligned.sha256"),
    ],
)
def test_a_wrong_entry_names_itself_and_its_key(
    path: tuple[str, ...], value: object, says: str
) -> None:
    assert says in wrong(*path, value=value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[starter", "not TOML"),
        ("", "starter"),
        ("starter = 5", "starter"),
        ("starter = [5]", "entry 1"),
        (GOOD + "\n[other]\n", "nothing else"),
        (GOOD + GOOD, "another entry"),
    ],
)
def test_a_wrong_file_is_told(text: str, says: str) -> None:
    with pytest.raises(ModelError, match="starting points is wrong") as error:
        starters.parse(text)
    assert says in error.value.message
