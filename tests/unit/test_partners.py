"""Which sides can be compared with a model: likely pairs first, the aligned side writes, files are read sparingly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import tinygguf
from urial_tui.errors import ModelError
from urial_tui.models import partners as partners_module
from urial_tui.models.catalog import Catalog
from urial_tui.models.facts import ModelFacts, Partner
from urial_tui.models.library import Library
from urial_tui.models.partners import Files, partners_of
from urial_tui.models.places import Place
from urial_tui.models.resolve import resolve_side
from urial_tui.settings import Settings
from urial_tui.shift.vocabularies import VocabularyMatch
from urial_tui.sides import parse_side

SMALL = tinygguf.TinyShape(n_layers=1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A family, a cousin of another size, a stranger, and adapters."""
    folder = tmp_path / "models"
    folder.mkdir()
    chat = tinygguf.CHATML
    tinygguf.write_model(folder / "Fam-1B-F16.gguf")
    tinygguf.write_model(folder / "Fam-1B-Instruct-F16.gguf", seed=1, chat_template=chat)
    tinygguf.write_model(folder / "Fam-05B-Instruct.gguf", seed=2, shape=SMALL, chat_template=chat)
    tinygguf.write_model(folder / "Stranger-1B.gguf", changed_tokens={300: "giraffe"})
    tinygguf.write_adapter(folder / "tune.gguf", chat_template=chat)
    tinygguf.write_adapter(folder / "wide.gguf", shape=tinygguf.TinyShape(n_embd=128))
    tinygguf.write_adapter(folder / "other-arch.gguf", architecture="qwen2")
    (folder / "broken.gguf").write_bytes(b"GGUF")
    return folder


def catalog_of(folder: Path) -> Catalog:
    return Catalog(Library([Place(folder, "here")]), Settings())


def by_name(found: tuple[Partner, ...]) -> dict[str, Partner]:
    return {partner.name: partner for partner in found}


def test_a_base_model_is_paired_with_its_tuned_one_and_with_adapters_that_fit(folder: Path) -> None:
    found = catalog_of(folder).partners("Fam-1B-F16")
    assert [(partner.name, partner.likely) for partner in found] == [
        ("tune", True),
        ("Fam-1B-Instruct-F16", True),
        ("Fam-05B-Instruct", False),
    ]
    named = by_name(found)
    tuned = named["Fam-1B-Instruct-F16"]
    assert (tuned.generator, tuned.references) == ("Fam-1B-Instruct-F16@chat", ("Fam-1B-F16@raw",))
    assert "same vocabulary, 512 tokens" in tuned.reason
    assert "base and chat of fam-1b" in tuned.reason
    adapter = named["tune"]
    assert (adapter.generator, adapter.references) == ("Fam-1B-F16+tune@chat", ("Fam-1B-F16@raw",))


def test_the_tuned_model_gives_the_same_pair_the_right_way_round(folder: Path) -> None:
    found = by_name(catalog_of(folder).partners("Fam-1B-Instruct-F16"))
    pair = found["Fam-1B-F16"]
    assert (pair.generator, pair.references) == ("Fam-1B-Instruct-F16@chat", ("Fam-1B-F16@raw",))
    assert pair.likely
    cousin = found["Fam-05B-Instruct"]
    assert (cousin.generator, cousin.references) == (
        "Fam-1B-Instruct-F16@chat",
        ("Fam-05B-Instruct@chat",),
    )
    assert not cousin.likely


def test_an_adapter_has_the_models_that_it_fits(folder: Path) -> None:
    found = by_name(catalog_of(folder).partners("tune"))
    assert set(found) == {"Fam-1B-F16", "Fam-1B-Instruct-F16", "Stranger-1B"}
    pair = found["Fam-1B-F16"]
    assert (pair.generator, pair.references) == ("Fam-1B-F16+tune@chat", ("Fam-1B-F16@raw",))
    assert catalog_of(folder).partners("wide") == ()


def test_every_side_that_is_offered_can_be_used(folder: Path) -> None:
    catalog, library = catalog_of(folder), Library([Place(folder, "here")])
    for name in ("Fam-1B-F16", "Fam-1B-Instruct-F16", "Stranger-1B", "tune"):
        for partner in catalog.partners(name):
            for side in (partner.generator, *partner.references):
                assert resolve_side(side, library, Settings()).style in ("chat", "raw", "same")


def test_a_stranger_has_no_partner_and_a_broken_file_says_why(folder: Path) -> None:
    catalog = catalog_of(folder)
    assert {partner.name for partner in catalog.partners("Stranger-1B")} == {"tune"}
    with pytest.raises(ModelError, match="incomplete") as caught:
        catalog.partners("broken")
    assert caught.value.kind == "unusable"


def test_other_quantisations_are_named_in_the_reason(folder: Path) -> None:
    catalog = catalog_of(folder)
    facts = {one.name: one for one in catalog.facts()}
    other = replace(facts["Fam-1B-Instruct-F16"], quantization="Q4_K_M")
    files = Files(lambda one: one.path, lambda one: "same", lambda one, two: pytest.fail("read"))
    (found,) = partners_of(facts["Fam-1B-F16"], [other], files, "pack")
    assert "F32 and Q4_K_M weights" in found.reason


def test_a_tail_of_added_tokens_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    tinygguf.write_model(folder / "Fam-1B.gguf")
    tinygguf.write_model(
        folder / "Fam-1B-it.gguf", extra_tokens=["<|tool|>"], chat_template=tinygguf.CHATML
    )
    tinygguf.write_model(folder / "Fam-1B-words.gguf", extra_words=["giraffe"])
    (found,) = catalog_of(folder).partners("Fam-1B")
    assert found.name == "Fam-1B-it"
    assert "the first 512 tokens are the same, one has 1 more" in found.reason


# --- from facts alone -------------------------------------------------------------------------------------------------


def facts(name: str, role: str = "unknown", **more: object) -> ModelFacts:
    made = ModelFacts(
        name, Path(f"/m/{name}.gguf"), "here", 1, "model", architecture="llama",
        tokenizer="gpt2", n_vocab=1000, n_params=10**9, quantization="Q8_0",
        role=role,  # type: ignore[arg-type]
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


Search = Callable[..., tuple[Partner, ...]]


@pytest.fixture
def search() -> Search:
    """Looks for partners where every vocabulary is the same; `read` are the files that were looked into."""

    def run(
        target: ModelFacts, *library: ModelFacts, read: list[str] | None = None
    ) -> tuple[Partner, ...]:
        def fingerprint(one: ModelFacts) -> str:
            if read is not None and one.vocabulary is None:
                read.append(one.name)
            return one.vocabulary or "same"

        def compare(one: ModelFacts, other: ModelFacts) -> VocabularyMatch:
            return VocabularyMatch(True, min(one.n_vocab, other.n_vocab), extra=1)

        files = Files(lambda one: one.path, fingerprint, compare)
        return partners_of(target, library, files, "my-pack")

    return run


def test_models_that_cannot_share_a_vocabulary_are_not_read(search: Search) -> None:
    read: list[str] = []
    others = [
        facts("spm", tokenizer="llama"),
        facts("larger", n_vocab=100_000),
        facts("no-vocabulary", n_vocab=0),
        facts("broken", problem="damaged"),
        facts("projector", kind="mmproj"),
    ]
    assert search(facts("x"), *others, read=read) == ()
    assert read == []


def test_no_more_vocabularies_are_read_than_allowed_and_the_likeliest_come_first(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partners_module, "MAX_FINGERPRINTS", 3)
    read: list[str] = []
    others = [facts(f"other-{n}", "base", n_params=n * 10**9) for n in range(2, 9)]
    known = facts("known", "base", vocabulary="same", n_params=9 * 10**9)
    aligned = facts("x-chat", "chat", has_template=True)
    found = search(facts("x", "base"), *others, known, aligned, read=read)
    assert read == ["x", "x-chat", "other-2", "other-3"]
    assert [partner.name for partner in found] == ["x-chat", "other-2", "other-3", "known"]


def test_two_base_models_get_the_same_prompt_and_a_pair_without_a_template_a_pack(
    search: Search,
) -> None:
    (found,) = search(facts("x", "base"), facts("y", "base", n_params=2 * 10**9))
    assert (found.generator, found.references) == ("x@my-pack", ("y@same",))
    (found,) = search(facts("x", "base"), facts("x-sft", "chat"))
    assert (found.generator, found.references) == ("x-sft@my-pack", ("x@raw",))


@pytest.mark.parametrize(
    ("one", "other", "likely"),
    [
        (facts("x", "base"), facts("y-chat", "chat", n_params=10**9 + 10**6), True),
        (facts("x", "base"), facts("y-chat", "chat", n_params=2 * 10**9), False),
        (facts("x", "base"), facts("y-chat", "chat", architecture="qwen2"), False),
        (facts("X-1B", "base"), facts("X-1B-Instruct", "chat", n_params=0), True),
        (facts("X-1B", "base"), facts("X-1B-Q4", "base"), False),
        (facts("X-1B", "base"), facts("Merge", "chat", base_model="org/X-1B", n_params=0), True),
        (facts("X-1B", "base"), facts("X-1B-Q4", "base", base_model="org/X-1B"), False),
        (facts("x", "chat"), facts("y", "chat"), False),
        (facts("x"), facts("y"), False),
    ],
)  # fmt: skip
def test_what_makes_a_pair_likely(
    one: ModelFacts, other: ModelFacts, likely: bool, search: Search
) -> None:
    for target, candidate in ((one, other), (other, one)):
        (found,) = search(target, candidate)
        assert found.likely == likely
        if likely:
            assert parse_side(found.references[0]).model == one.name


def test_names_that_need_quotes_have_them(search: Search) -> None:
    (found,) = search(facts("llama3:8b", "base"), facts("a+b@c", "chat", has_template=True))
    assert (found.generator, found.references) == ('"a+b@c"@chat', ('"llama3:8b"@raw',))
