"""What the settings screen says of settings, and how it finds them."""

from urial_tui.settings import FIELDS, Field, Origin, field_named
from urial_tui.ui.setting_words import about, matches, overruled_words, words_of


def test_what_is_expected_is_said_unless_it_is_listed() -> None:
    assert words_of(field_named("n_batch")).endswith("from 64 to 16384, in tokens.")
    assert "one of" not in words_of(field_named("kv_type"))
    assert "lower-case" in words_of(field_named("theme"))
    assert "lower-case" not in words_of(field_named("theme"), listed=True)


def test_what_goes_before_the_file_is_named() -> None:
    item = field_named("sampling.top_k")
    assert "URIAL_TUI_SAMPLING_TOP_K" in overruled_words(item, "environment")
    assert "option" in overruled_words(item, "option")
    assert overruled_words(item, "file") == overruled_words(item, "default") == ""


def test_all_words_must_occur_somewhere_in_what_is_shown() -> None:
    def found(*words: str) -> list[str]:
        return [item.key for item in FIELDS if matches(item, origin(item), words)]

    def origin(item: Field) -> Origin:
        return "file" if item.key == "n_ctx" else "default"

    assert found("layers", "reference") == ["reference_gpu_layers"]
    assert found("engine", "file", "trained") == ["n_ctx"]
    assert found("judging") == ["judge", "rater"]
    assert found("zzz") == []
    assert found() == [item.key for item in FIELDS]


def test_every_setting_says_its_default_and_when_a_change_counts() -> None:
    assert "default: 4096" in about(field_named("n_ctx"))
    assert "a new random seed" in about(field_named("sampling.seed"))
    assert "at once" in about(field_named("theme"))
    assert "when a model is loaded" in about(field_named("n_ctx"))
    assert "from the next start" in about(field_named("side"))
    assert "looked for again" in about(field_named("model_folders"))
