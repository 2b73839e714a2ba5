"""Guessing from names and templates whether a model is a base model, and what related names have in common."""

import pytest

from urial_tui.models.naming import bare_name, says_nothing
from urial_tui.models.roles import guess_role


@pytest.mark.parametrize(
    ("name", "role", "word"),
    [
        ("SmolLM2-135M-Instruct.Q4_1", "chat", "instruct"),
        ("gemma-3-270m-it-Q8_0", "chat", "it"),
        ("Llama-2-7b-chat-hf", "chat", "chat"),
        ("Llama-3-Base-8B-SFT-DPO", "chat", "sft"),
        ("OLMo-2-0425-1B-DPO", "chat", "dpo"),
        ("openchat-3.5", "chat", "openchat"),
        ("somebody/qwen-chat1.5:latest", "chat", "chat1.5"),
        ("Qwen3-0.6B-Base", "base", "base"),
        ("gemma-3-1b-pt-qat-q4_0", "base", "pt"),
        ("llama3:8b-text-q4_0", "base", "text"),
    ],
)
def test_a_word_in_the_name_decides_and_is_the_reason(name: str, role: str, word: str) -> None:
    for has_template in (False, True):
        found, reason = guess_role(name, has_template=has_template)
        assert found == role
        assert f'"{word}" in its name' in reason


@pytest.mark.parametrize(
    "name", ["Mistral-7B-v0.1", "capital-7b", "baseline-1b", "Sabia-pt-br-7b", "context-1b"]
)
def test_parts_of_words_decide_nothing(name: str) -> None:
    assert guess_role(name, has_template=True) == ("chat", "it has a chat template")
    assert guess_role(name, has_template=False) == ("base", "no chat template")


def test_a_base_model_with_a_template_is_one_and_the_reason_says_so() -> None:
    role, reason = guess_role("Qwen3-0.6B-Base-Q8_0", has_template=True)
    assert role == "base"
    assert '"base" in its name' in reason
    assert "template all the same" in reason


def test_the_name_goes_before_the_title_and_both_before_the_other_fields() -> None:
    assert guess_role("x-base", title="X Instruct")[0] == "base"
    assert guess_role("x", title="X Instruct", finetune="base")[1] == '"instruct" in its title'
    assert guess_role("x", finetune="Instruct")[1] == '"instruct" in its finetune field'
    assert guess_role("x", repo="org-chat/X-DPO-GGUF")[1] == '"dpo" in its repository\'s name'


def test_what_it_was_made_from_counts_where_nothing_else_tells() -> None:
    made = "the name of what it was made from"
    assert guess_role("merged", base_model="org/X-Instruct") == ("chat", f'"instruct" in {made}')
    # The same model in another format keeps the role; one that was made from a base may have any.
    assert guess_role("X-1B-Q4_K_M", base_model="org/X-1B-Base") == ("base", f'"base" in {made}')
    assert guess_role("Y-1B", base_model="org/X-1B-Base", has_template=True)[0] == "chat"


def test_what_is_no_model_has_no_role_and_an_adapter_only_what_its_name_tells() -> None:
    assert guess_role("x-instruct-mmproj", kind="mmproj") == ("unknown", "")
    assert guess_role("broken-chat", kind="") == ("unknown", "")
    assert guess_role("adapter", kind="adapter") == ("unknown", "")
    assert guess_role("demo+sft", kind="adapter") == ("chat", '"sft" in its name')


@pytest.mark.parametrize(
    "names",
    [
        ("HuggingFaceTB/SmolLM2-135M", "SmolLM2-135M-Instruct.Q4_1", "smollm2-135m-instruct-q8_0.gguf"),
        ("Qwen/Qwen3-0.6B-Base", "Qwen3-0.6B-Q8_0", "Qwen3-0.6B-UD-IQ2_XXS"),
        ("google/gemma-3-270m", "gemma-3-270m-it-qat-q4_0", "gemma-3-270m-q4_k_m"),
        ("allenai/OLMo-2-0425-1B", "OLMo-2-0425-1B-SFT.i1-Q4_K_M", "OLMo-2-0425-1B-DPO-00001-of-00002.gguf"),
    ],
)  # fmt: skip
def test_a_family_has_one_bare_name(names: tuple[str, ...]) -> None:
    assert len({bare_name(name) for name in names}) == 1
    assert bare_name(names[0])


def test_sizes_and_versions_keep_models_apart() -> None:
    names = ["Qwen2.5-0.5B", "Qwen2.5-1.5B", "Qwen3-0.6B", "Mistral-7B-v0.1", "Mistral-7B-v0.3"]
    assert len({bare_name(name) for name in names}) == len(names)


def test_some_names_say_nothing() -> None:
    for stem in ("model", "ggml-model-q4_0", "Q8_0", "ggml-model-f16", "unsloth.Q4_K_M"):
        assert says_nothing(stem), stem
        assert bare_name(stem) in ("", "unsloth")
    assert not says_nothing("SmolLM2-135M")
