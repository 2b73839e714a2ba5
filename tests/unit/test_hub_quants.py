"""Which files of a repository are one model, and what each is called."""

import pytest

from urial_tui.models.hub.quants import find_quant, is_model_file, label_in, quants_of
from urial_tui.models.hub.types import HubFile, Quant


def quants(*names: str) -> dict[str, list[str]]:
    found, _ = quants_of([HubFile(name, 100) for name in names])
    return {quant.label: [file.path for file in quant.files] for quant in found}


def problems(*names: str) -> tuple[str, ...]:
    return quants_of([HubFile(name, 100) for name in names])[1]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Llama-3.2-1B-Instruct-Q4_K_M", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q4_k_m", "Q4_K_M"),
        ("mistral-7b-v0.1.Q4_K_M", "Q4_K_M"),
        ("model_Q5_K_S", "Q5_K_S"),
        ("DeepSeek-R1-UD-IQ1_S", "UD-IQ1_S"),
        ("gemma-ud-q4_k_xl", "UD-Q4_K_XL"),
        ("model.i1-IQ2_XXS", "IQ2_XXS"),
        ("m-IQ4_NL", "IQ4_NL"),
        ("m-IQ3_M", "IQ3_M"),
        ("m-IQ4_KS", "IQ4_KS"),
        ("m-Q6_K", "Q6_K"),
        ("m-Q6_K_L", "Q6_K_L"),
        ("m-Q8_0", "Q8_0"),
        ("m-Q4_0_4_8", "Q4_0_4_8"),
        ("m-TQ1_0", "TQ1_0"),
        ("ggml-model-i2_s", "I2_S"),
        ("gpt-oss-20b-mxfp4", "MXFP4"),
        ("gpt-oss-20b-MXFP4_MOE", "MXFP4_MOE"),
        ("ggml-model-f16", "F16"),
        ("phi-fp16", "F16"),
        ("m-BF16", "BF16"),
        ("BF16", "BF16"),
        ("m-f32", "F32"),
        ("phi-3-mini-4k-instruct-q4", "Q4"),
        ("Kunoichi-7B-Q4_K_M-imat", "Q4_K_M"),
        ("F16-distilled-Q4_0", "Q4_0"),
        ("Qwen1.5-4B", ""),
        ("model", ""),
        ("mQ4_K_Mx", ""),
    ],
)
def test_the_quantisation_is_read_from_the_name(name: str, label: str) -> None:
    assert label_in(name) == label


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("m-Q4_K_M.gguf", True),
        ("model.gguf", True),
        ("lora-F16.gguf", True),
        ("m-Q4_K_M-imatrix.gguf", True),
        ("mmproj-F16.gguf", False),
        ("m-mmproj-f16.gguf", False),
        ("gemma.Q8_0.mmproj.gguf", False),
        ("mmproj_f16.gguf", False),
        ("imatrix.gguf", False),
        ("imatrix-Q8_0.gguf", False),
        ("google_gemma-3-4b-it-imatrix.gguf", False),
        ("models/ggml-vocab-llama-bpe.gguf", False),
        ("llama-vocab.gguf", False),
    ],
)
def test_projectors_matrices_and_vocabularies_are_no_models(path: str, model: bool) -> None:
    assert is_model_file(path) is model
    assert bool(quants(path)) is model


def test_parts_are_joined_in_order_whatever_the_order_of_the_listing() -> None:
    parts = [f"BF16/m-BF16-{no:05}-of-00012.gguf" for no in range(1, 13)]
    assert quants(*reversed(parts)) == {"BF16": parts}


def test_a_part_without_a_quantisation_has_its_folders() -> None:
    assert list(quants("Q8_0/model-00001-of-00001.gguf")) == ["Q8_0"]


@pytest.mark.parametrize(
    "names",
    [
        ("m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00003-of-00003.gguf"),
        ("m-Q8_0-00002-of-00002.gguf",),
        ("m-Q8_0-00000-of-00001.gguf",),
        ("m-Q8_0-00001-of-00001.gguf", "m-Q8_0-00002-of-00001.gguf"),
        ("m-Q8_0-00001-of-99999.gguf",),
    ],
)
def test_a_model_with_missing_parts_is_refused_and_told(names: tuple[str, ...]) -> None:
    assert quants(*names) == {}
    assert "m-Q8_0" in problems(*names)[0]
    assert "missing" in problems(*names)[0]


def test_a_hostile_name_is_left_out_and_told() -> None:
    assert quants("../../m-Q4_K_M.gguf", "m-Q8_0.gguf") == {"Q8_0": ["m-Q8_0.gguf"]}
    assert "../../m-Q4_K_M.gguf" in problems("../../m-Q4_K_M.gguf")[0]


def test_a_file_without_a_size_is_left_out_and_told() -> None:
    found, told = quants_of([HubFile("m-Q8_0.gguf", 0)])
    assert found == ()
    assert "no size" in told[0]


def test_files_of_one_quantisation_are_told_apart_by_what_differs_in_their_names() -> None:
    assert quants(
        "gemma-2b-Q4_K_M.gguf",
        "gemma-7b-Q4_K_M.gguf",
        "gemma-7b-it-Q4_K_M.gguf",
        "gemma-7b-Q8_0.gguf",
    ) == {
        "2b-Q4_K_M": ["gemma-2b-Q4_K_M.gguf"],
        "7b-Q4_K_M": ["gemma-7b-Q4_K_M.gguf"],
        "7b-it-Q4_K_M": ["gemma-7b-it-Q4_K_M.gguf"],
        "Q8_0": ["gemma-7b-Q8_0.gguf"],
    }
    assert set(quants("base/m-Q4_0.gguf", "chat/m-Q4_0.gguf")) == {"base-Q4_0", "chat-Q4_0"}
    assert set(quants("m-Q4_0.gguf", "m-v2-Q4_0.gguf")) == {"Q4_0", "v2-Q4_0"}


@pytest.mark.parametrize(
    "names",
    [
        ("m-Q4_K_M.gguf", "m-q4_k_m.gguf", "M.Q4_K_M.gguf"),
        ("m-Q4_K_M.gguf", "m-Q4_K_M-00001-of-00001.gguf"),
        ("model.gguf", "model-v2.gguf", "other/model.gguf"),
        ("a-b-Q4_0.gguf", "a.b-Q4_0.gguf", "a b-Q4_0.gguf"),
        ("x/Q4_0/m.gguf", "y/Q4_0/m.gguf"),
    ],
)
def test_every_model_has_a_label_of_its_own(names: tuple[str, ...]) -> None:
    found = quants(*names)
    assert len(found) == len(names)
    assert all(found)
    assert sorted(name for files in found.values() for name in files) == sorted(names)


def test_the_smallest_is_first() -> None:
    found, _ = quants_of([HubFile("m-Q8_0.gguf", 8), HubFile("m-Q2_K.gguf", 2)])
    assert [quant.label for quant in found] == ["Q2_K", "Q8_0"]
    assert found[1].size == 8


def test_a_quant_is_found_in_any_case_and_by_its_files_name() -> None:
    found = [
        Quant("Q4_K_M", (HubFile("a/m-Q4_K_M.gguf", 1),)),
        Quant("q4_k_m", (HubFile("x.gguf", 1),)),
    ]
    assert find_quant(found, "q4_k_m") is found[1]
    assert find_quant(found, "Q4_k_m") is found[0]
    assert find_quant(found, "m-Q4_K_M.gguf") is found[0]
    assert find_quant(found, "Q4") is None
