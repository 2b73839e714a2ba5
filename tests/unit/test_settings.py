"""The settings file: what it accepts, what it says otherwise, and that saving loses nothing."""

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from urial_tui.errors import SettingsError
from urial_tui.settings import (
    FIELDS,
    Settings,
    field_named,
    load_settings,
    reset_setting,
    save_settings,
    value_of,
    with_values,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conf" / "settings.toml"


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_missing_file_means_the_defaults_and_stays_missing(file: Path) -> None:
    assert load_settings(file) == Settings()
    assert not file.parent.exists()
    assert (Settings().side, Settings().pack) == ("demo", "urial-general")
    assert (Settings().n_ctx, Settings().gpu_layers) == (4096, -1)
    assert Settings().sampling.temperature is None
    assert Settings().sampling.max_tokens is None


def test_values_are_read_with_their_tables(file: Path) -> None:
    write(
        file,
        'side = "my-model@raw"\nmodel_folders = ["~/gguf"]\n[sampling]\ntemperature = 0\nseed = 7\n'
        '[keymap]\n"chat.send" = ["ctrl+s", "f5"]\nplain.id = "f9"\n'.replace(
            "plain.id", '"plain.id"'
        ),
    )
    settings = load_settings(file)
    assert settings.side == "my-model@raw"
    assert settings.model_folders == ("~/gguf",)
    assert settings.sampling.temperature == 0.0
    assert settings.sampling.seed == 7
    assert settings.keymap == {"chat.send": "ctrl+s,f5", "plain.id": "f9"}


def test_references_are_a_list_of_sides_which_may_be_empty_or_left_to_the_program(
    file: Path,
) -> None:
    assert Settings().references is None and Settings().scoring
    assert load_settings(write(file, "references = []\nscoring = false\n")).references == ()
    settings = save_settings(
        {"references": field_named("references").parse("demo@raw, x@same")}, file
    )
    assert settings.references == ("demo@raw", "x@same") and not settings.scoring
    assert save_settings({"references": None}, file).references is None
    for wrong in ("demo", ["demo@raw", 3], [""]):
        with pytest.raises(SettingsError, match="a list of sides"):
            with_values(Settings(), {"references": wrong})


def test_automatic_layers_are_written_as_a_word_and_kept_as_a_number(file: Path) -> None:
    for text in ("auto", "-1"):
        saved = save_settings({"gpu_layers": field_named("gpu_layers").parse(text)}, file)
        assert saved.gpu_layers == -1
        assert file.read_text() == 'gpu_layers = "auto"\n'
    assert load_settings(write(file, "gpu_layers = -1\n")).gpu_layers == -1
    assert save_settings({"gpu_layers": 12}, file).gpu_layers == 12
    assert file.read_text() == "gpu_layers = 12\n"
    references = field_named("reference_gpu_layers")
    assert references.parse("") is None and references.parse("auto") == -1
    assert save_settings({"reference_gpu_layers": 0}, file).reference_gpu_layers == 0
    assert save_settings({"reference_gpu_layers": None}, file).reference_gpu_layers is None
    assert references.written(None) is None and references.written(-1) == "auto"


def test_a_choice_is_one_of_its_words(file: Path) -> None:
    assert Settings().flash_attention == "auto" and Settings().kv_type == "f16"
    assert field_named("kv_type").parse(" q8_0 ") == "q8_0"
    assert save_settings({"flash_attention": "off"}, file).flash_attention == "off"
    for wrong in ("F16", "", "q5_0", 1):
        with pytest.raises(SettingsError):
            field_named("kv_type").check(wrong)


def test_dotted_keys_and_tables_are_the_same(file: Path) -> None:
    assert load_settings(write(file, "sampling.top_k = 5\n")).sampling.top_k == 5


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# first\nn_ctx = 'many'\n", 2, ["n_ctx", "whole number", "'many'"]),
        ("side = 'demo'\n\n[sampling]\n\ntop_p = 1.5\n", 5, ["sampling.top_p", "from 0 to 1"]),
        ("n_threads = true\n", 1, ["n_threads", "whole number", "true"]),
        ("[sampling]\ntemperature = nan\n", 2, ["sampling.temperature"]),
        ("gpu_layers = -2\n", 1, ["gpu_layers", "-1"]),
        ("gpu_layers = 'all'\n", 1, ["gpu_layers", "auto or a whole number", "'all'"]),
        ("reference_gpu_layers = 1.5\n", 1, ["reference_gpu_layers", "auto"]),
        ("kv_type = 'q2_K'\n", 1, ["kv_type", "one of f16, bf16, f32, q8_0, q4_0", "'q2_K'"]),
        ("flash_attention = true\n", 1, ["flash_attention", "one of auto, on, off"]),
        ("n_batch = 32\n", 1, ["n_batch", "from 64 to 16384"]),
        ("pack = 'Not A Pack'\n", 1, ["pack"]),
        ("side = ' '\n", 1, ["side", "empty"]),
        ("side = 'demo@@'\n", 1, ["side must be a side", "not 'demo@@'"]),
        ("judge = 'a b'\n", 1, ["judge must be a side", "not 'a b'"]),
        ("judge = 'demo+a:x'\n", 1, ["judge must be a side", "not 'demo+a:x'"]),
        ("\nreferences = ['demo', 'demo@@']\n", 2, ["references", "and 'demo@@' is none"]),
        ("model_folders = [1]\n", 1, ["model_folders", "list of folders"]),
        ("[keymap]\nx = 3\n", 1, ["keymap"]),
        ("keymap = 3\n", 1, ["keymap", "table"]),
    ],
)
def test_a_wrong_value_names_file_line_key_and_what_is_expected(
    file: Path, text: str, line: int, words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(file, text))
    assert f"{file}, line {line}: " in caught.value.message
    for word in words:
        assert word in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("temperatur = 1\n", "sampling.temperature"),
        ("temperature = 1\n", "sampling.temperature"),
        ("[sampling]\ntop_kk = 1\n", "sampling.top_k"),
        ("n_context = 1\n", "n_ctx"),
        ("zzzz = 1\n", "settings show"),
        ("[other]\nx = 1\n", "settings show"),
        ("[empty]\n", "settings show"),
    ],
)
def test_an_unknown_setting_suggests_a_close_one(file: Path, text: str, suggestion: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(file, text))
    assert caught.value.kind == "unknown-setting"
    assert suggestion in caught.value.hint


def test_all_problems_are_told_at_once(file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(file, "n_ctx = 'a'\nn_threads = 'b'\n"))
    assert "line 1" in caught.value.message
    assert "line 2" in caught.value.message


def test_broken_toml_names_the_line(file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(write(file, "side = 'demo'\nn_ctx = = 3\n"))
    assert str(file) in caught.value.message
    assert "line 2" in caught.value.message
    assert caught.value.kind == "settings-syntax"


def test_what_is_not_a_text_file_is_refused(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(file)
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(file.parent)
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="larger"):
        load_settings(file)


def test_saving_keeps_comments_order_and_unrelated_lines(file: Path) -> None:
    write(file, "# mine\nn_ctx = 2048  # small laptop\n\n[sampling]\n# cold\ntemperature = 0.2\n")
    after = save_settings({"sampling.temperature": 0.5, "pack": "urial-brief"}, file)
    text = file.read_text()
    for kept in ("# mine\n", "n_ctx = 2048  # small laptop", "# cold\n", "temperature = 0.5"):
        assert kept in text
    assert after == load_settings(file)
    assert after.pack == "urial-brief"


def test_saving_none_takes_an_optional_setting_out(file: Path) -> None:
    save_settings({"sampling.seed": 3}, file)
    assert load_settings(file).sampling.seed == 3
    save_settings({"sampling.seed": None}, file)
    assert "seed" not in file.read_text()
    with pytest.raises(SettingsError):
        save_settings({"n_ctx": None}, file)


def test_resetting_takes_a_setting_out_and_keeps_the_rest(file: Path) -> None:
    write(file, "# mine\nn_ctx = 2048\n\n[sampling]\n# cold\ntop_k = 4\nseed = 1\n")
    reset_setting("n_ctx", file)
    reset_setting("sampling.top_k", file)
    reset_setting("sampling.top_p", file)
    assert file.read_text() == "# mine\n\n[sampling]\n# cold\nseed = 1\n"


def test_resetting_repairs_a_wrong_value_but_no_broken_file(file: Path) -> None:
    write(file, "n_ctx = 'many'\nn_threads = 2\n")
    reset_setting("n_ctx", file)
    assert load_settings(file) == with_values(Settings(), {"n_threads": 2})
    write(file, "n_ctx = = 1\n")
    with pytest.raises(SettingsError, match="line 1"):
        reset_setting("n_ctx", file)
    assert file.read_text() == "n_ctx = = 1\n"


def test_saving_whole_settings_writes_only_what_differs(file: Path) -> None:
    save_settings(with_values(Settings(), {"n_ctx": 1024, "keymap": {"a.b": "f2"}}), file)
    assert tomllib.loads(file.read_text()) == {"n_ctx": 1024, "keymap": {"a.b": "f2"}}


def test_a_top_level_value_lands_above_the_tables_of_the_file(file: Path) -> None:
    write(file, "[sampling]\ntop_k = 4\n")
    save_settings({"theme": "nord"}, file)
    assert load_settings(file).theme == "nord"
    assert load_settings(file).sampling.top_k == 4


def test_the_saved_file_is_private_and_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = write(tmp_path / "dotfiles" / "s.toml", "n_ctx = 512\n")
    file.parent.mkdir()
    file.symlink_to(real)
    save_settings({"n_ctx": 1024}, file)
    assert file.is_symlink()
    assert load_settings(real).n_ctx == 1024
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert [p.name for p in real.parent.iterdir()] == ["s.toml"]


def test_a_broken_file_is_not_overwritten_by_saving(file: Path) -> None:
    write(file, "broken = = 1\n")
    with pytest.raises(SettingsError):
        save_settings({"n_ctx": 1024}, file)
    assert file.read_text() == "broken = = 1\n"


def test_a_failed_save_leaves_the_old_file_and_no_temporary(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, "n_ctx = 512\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left") as caught:
        save_settings({"n_ctx": 1024}, file)
    assert caught.value.hint
    assert file.read_text() == "n_ctx = 512\n"
    assert [p.name for p in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("n_ctx", "8192", 8192),
        ("sampling.temperature", "0.7", 0.7),
        ("sampling.temperature", "", None),
        ("side", "demo@raw", "demo@raw"),
        ("side", "007", "007"),
        ("side", " demo+sft:0.50@raw ", "demo+sft:0.50@raw"),
        ("judge", "", None),
        ("references", "['demo@raw ', ' x']", ("demo@raw", "x")),
        ("model_folders", "/a:/b" if os.pathsep == ":" else "/a;/b", ("/a", "/b")),
        ("model_folders", "['/a b']", ("/a b",)),
        ("keymap", "{ 'chat.send' = 'f5' }", {"chat.send": "f5"}),
        ("keymap", "{ 'chat.send' = '', 'chat.new' = [] }", {"chat.send": "", "chat.new": ""}),
    ],
)
def test_typed_values_are_read_by_their_kind(key: str, typed: str, value: object) -> None:
    assert field_named(key).parse(typed) == value


@pytest.mark.parametrize("typed", ["", "x", "1 2", "1\nside = 2", "1e999"])
def test_typed_nonsense_is_refused(typed: str) -> None:
    with pytest.raises(SettingsError):
        field_named("n_ctx").parse(typed)


def test_every_field_has_help_and_a_default_that_passes_its_own_check() -> None:
    for item in FIELDS:
        assert item.help.endswith(".")
        assert item.group
        assert item.check(item.default) == item.default
        assert value_of(Settings(), item.key) == item.default


@how(suppress_health_check=[HealthCheck.too_slow])  # a busy machine draws slowly
@given(
    st.dictionaries(
        st.sampled_from([item.key for item in FIELDS]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_any_value_is_either_kept_or_refused_with_a_message(changes: dict[str, object]) -> None:
    try:
        settings = with_values(Settings(), changes)
    except SettingsError as error:
        assert any(key in error.message for key in changes)
    else:
        for key in changes:
            assert field_named(key).check(value_of(settings, key)) == value_of(settings, key)


LISTS = st.lists(st.text(min_size=1).filter(str.strip).filter(lambda text: "\r" not in text)).map(
    tuple
)
KEYS = st.text(min_size=1, alphabet="abc.\"'\\ \x7fé,")


@how(suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_a_form_shows_of_a_value_is_read_back_as_the_value(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(FIELDS))
    number = st.integers(-10, 10**6) | st.floats(-5, 5)
    any_of = {
        "text": st.sampled_from(["demo", "a b", "007", "[x]"]),
        "side": st.sampled_from(["demo", '"a, b"@raw', "a+b:2@c", "demo@@", " demo"]),
        "choice": st.sampled_from(item.choices or ("",)),
        "folders": LISTS,
        "sides": LISTS | st.sampled_from([(), ('"a, b"',), ("[a]", "b"), (" a",)]),
        "keymap": st.dictionaries(KEYS, KEYS.filter(str.strip)),
        "yes/no": st.booleans(),
    }.get(item.kind, number)
    try:
        value = item.check(data.draw(any_of | st.just(item.default)))
    except SettingsError:
        return
    assert item.parse(item.typed(value)) == value


@pytest.mark.parametrize("size", [1, 5, 255])
def test_a_context_that_would_hold_less_than_it_says_is_refused(size: int) -> None:
    with pytest.raises(SettingsError, match="n_ctx must be 0 or a whole number from 256 to"):
        field_named("n_ctx").parse(str(size))
    assert [field_named("n_ctx").parse(text) for text in ("0", "256")] == [0, 256]


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("side", "demo@@", "a path with +, @, : or a space goes in double quotes."),
        ("judge", "demo+a:1000", "Use a number near 1."),
        (
            "references",
            ["demo", "demo+a:x"],
            "The adapter scale 'x' in 'demo+a:x' is not a number.",
        ),
    ],
)
def test_what_is_no_side_is_refused_with_the_hint_of_the_notation(
    key: str, value: object, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        field_named(key).check(value)
    assert caught.value.hint.endswith(hint)
