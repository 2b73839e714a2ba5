"""What the names of model files say: words, a role, a quantisation, and what related models have in common.

For the library's names, the guess at a model's role and the search for partners. Texts only; no file is looked at.
"""

import re
from typing import Final

CHAT_WORDS: Final = frozenset(
    "instruct instruction instructions it chat assistant sft dpo rlhf rlaif orpo kto ppo grpo rlvr"
    " aligned tuned finetuned finetune thinking reasoning r1 vicuna alpaca zephyr tulu hermes"
    " openhermes dolphin wizardlm openchat guanaco starling conversational".split()
)
BASE_WORDS: Final = frozenset("base pt pretrain pretrained foundation untuned".split())

_QUANT: Final = re.compile(
    r"(?:^|(?<=[-._ /]))(?:ud[-_])?(?:i?q\d+(?:_[a-z0-9]+)*|tq\d+_\d+|bf16|fp?16|fp?32|fp8|mxfp4(?:_moe)?|nvfp4)"
    r"(?=$|[-._ /])",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"-\d{5}-of-\d{5}$")
_BREAK: Final = re.compile(r"[-_\s/:+@()\[\],]+|\.(?!\d)|(?<!\d)\.")
_WORD_WITH_VERSION: Final = re.compile(r"([a-z]+)(?:v?\d+(?:\.\d+)*)")
_OF_THE_FILE: Final = frozenset("gguf ggml i1 imat imatrix hf qat model".split())
_SAYS_NOTHING: Final = frozenset({"", "model", "weights", "unsloth", "consolidated", "pytorch"})


def words_of(text: str) -> list[str]:
    """The words of a name in lower case; `2.5` stays one word, `.` between letters parts them."""
    return [word for word in _BREAK.split(text.casefold()) if word]


def without_quantization(text: str) -> str:
    """A file's name without `.gguf`, the number of its part and the quantisation."""
    name = _PART.sub("", text[: -len(".gguf")] if text.casefold().endswith(".gguf") else text)
    return _QUANT.sub("", name).strip("-._ /")


def bare_name(text: str) -> str:
    """What a base model and the models that were aligned from it share: `Qwen/Qwen3-0.6B-Base` is `qwen3-0.6b`.

    Empty where nothing else is left of it.
    """
    last = text.rstrip("/").rpartition("/")[2]
    kept = [
        word
        for word in words_of(without_quantization(last))
        if word not in _OF_THE_FILE and role_word(word) is None
    ]
    return "-".join(kept)


def role_word(word: str) -> str | None:
    """`chat` or `base` where the word tells that of a model, also with a version behind it (`chat1.5`)."""
    if word in CHAT_WORDS:
        return "chat"
    if word in BASE_WORDS:
        return "base"
    versioned = _WORD_WITH_VERSION.fullmatch(word)
    if versioned and len(versioned[1]) > 3 and versioned[1] in CHAT_WORDS:
        return "chat"
    return None


def says_nothing(stem: str) -> bool:
    """Whether a file's name tells no model from another: `ggml-model-q4_0`, `model`, `Q8_0`."""
    words = words_of(without_quantization(stem))
    return all(word in _SAYS_NOTHING or word in _OF_THE_FILE for word in words)
