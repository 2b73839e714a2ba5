"""The schema of the settings: defaults and descriptions, one entry a setting; what those can say is in `fields`.

The settings screen, `urial-tui settings` and docs/settings.md are made from `FIELDS`. Values only:
reading and writing the file is `urial_tui.settings.file`.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from urial_tui.errors import SettingsError
from urial_tui.settings.fields import NAME_PATTERN, Field, setting

LEAST_CONTEXT: Final = 256
"""llama.cpp makes no smaller context."""

DEFAULT_MAX_TOKENS: Final = 512
"""How long an answer may be where neither the settings nor the pack say so."""

_PACK = "the pack's own value"


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is chosen. None leaves a value to the pack, and then to the engine."""

    temperature: float | None = setting(
        None, "number", "Sampling", "0 always takes the likeliest token; higher is more varied.",
        low=0, high=5, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    top_k: int | None = setting(
        None, "integer", "Sampling", "Choose among this many likeliest tokens; 0 is all.",
        low=0, high=1_000_000, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    top_p: float | None = setting(
        None, "number", "Sampling", "Choose among the likeliest tokens that hold this probability.",
        low=0, high=1, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    min_p: float | None = setting(
        None, "number", "Sampling", "Leave out tokens below this share of the likeliest one.",
        low=0, high=1, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    repeat_penalty: float | None = setting(
        None, "number", "Sampling", "Above 1 makes tokens of the answer less likely to come again.",
        low=0.1, high=5, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    frequency_penalty: float | None = setting(
        None, "number", "Sampling", "Lowers a token's logit for each time it was written.",
        low=-5, high=5, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    presence_penalty: float | None = setting(
        None, "number", "Sampling", "Lowers a token's logit once when it was written at all.",
        low=-5, high=5, optional=_PACK, counts="for the next answer",
    )  # fmt: skip
    seed: int | None = setting(
        None, "integer", "Sampling", "The same seed and prompt give the same answer.",
        low=0, high=2**32 - 2, optional="a new random seed for each answer",
        counts="for the next answer",
    )  # fmt: skip
    max_tokens: int | None = setting(
        None, "integer", "Sampling", "An answer ends after this many tokens.",
        low=1, high=1_000_000, unit="tokens", optional=_PACK, counts="for the next answer",
    )  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Every setting, checked. Attribute names are the keys of the file; `sampling` is a table."""

    side: str = setting(
        "demo", "side", "Chat",
        "The side where there is no session to go on with, and of `ask` and `prompt` without one; "
        "`demo` is the embedded model.",
    )  # fmt: skip
    pack: str = setting(
        "urial-general", "text", "Chat", "The prompt pack of a side that names no style.",
        pattern=NAME_PATTERN,
    )  # fmt: skip
    references: tuple[str, ...] | None = setting(
        None, "sides", "Chat",
        "The sides that score what the chat's side writes; `[]` is none. A style `same` takes its exact prompt.",
        optional="what suits the side: `MODEL@zero-shot` for a pack, `MODEL@raw` for an adapter's chat",
    )  # fmt: skip
    scoring: bool = setting(
        True, "yes/no", "Chat", "Score each token of an answer against the references while it is written.",
        counts="at once",
    )  # fmt: skip
    n_ctx: int = setting(
        4096, "integer", "Engine", "Context size; 0 is what the model was trained with.",
        low=LEAST_CONTEXT, high=16_777_216, or_zero=True, unit="tokens",
        counts="when a model is loaded",
    )  # fmt: skip
    n_threads: int = setting(
        0, "integer", "Engine", "CPU threads; 0 is one for each physical core.", low=0, high=1024,
        counts="when a model is loaded",
    )  # fmt: skip
    n_batch: int = setting(
        512, "integer", "Engine",
        "Prompt tokens that are read at once; more take more memory and suit GPUs.",
        low=64, high=16_384, unit="tokens",
        counts="when a model is loaded",
    )  # fmt: skip
    flash_attention: str = setting(
        "auto", "choice", "Engine", "Attention without a table of all scores; `auto` takes it where it can be used.",
        choices=("auto", "on", "off"),
        counts="when a model is loaded",
    )  # fmt: skip
    kv_type: str = setting(
        "f16", "choice", "Engine",
        "How the context's keys and values are kept; `q8_0` and `q4_0` are smaller and need flash attention.",
        choices=("f16", "bf16", "f32", "q8_0", "q4_0"),
        counts="when a model is loaded",
    )  # fmt: skip
    gpu_layers: int = setting(
        -1, "layers", "Engine", "Layers on the GPU; `auto` (-1) takes as many as fit, 0 stays on the CPU.",
        low=-1, high=10_000,
        counts="when a model is loaded",
    )  # fmt: skip
    reference_gpu_layers: int | None = setting(
        None, "layers", "Engine",
        "The same for references; one on the generator's own model file shares its weights where they are.",
        low=-1, high=10_000, optional="as `gpu_layers`",
        counts="when a model is loaded",
    )  # fmt: skip
    main_gpu: int = setting(
        -1, "integer", "Engine", "The number of the one GPU to use; -1 leaves it to llama.cpp, which uses all.",
        low=-1, high=255,
        counts="when a model is loaded",
    )  # fmt: skip
    prompt_state_quota_mb: int = setting(
        2048, "integer", "Engine",
        "Disk space for the kept states of constant prompts; the oldest go first. 0 keeps none.",
        low=0, high=1_048_576, unit="MB",
    )  # fmt: skip
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    judge: str | None = setting(
        None, "side", "Judging",
        "The side that judges answers in the interface; it can be another one each time. An empty text is none.",
        optional="none is proposed", counts="at once",
    )  # fmt: skip
    rater: str = setting(
        "me", "text", "Judging", "The name under which what you rate by hand is kept; another name is another judge.",
        counts="at once",
    )  # fmt: skip
    model_folders: tuple[str, ...] = setting(
        (), "folders", "Models",
        "More folders with GGUF files. Files are found where they are and never moved.",
        counts="when models are looked for again",
    )  # fmt: skip
    theme: str = setting(
        "urial-night", "text", "Interface", "The colour theme, by name.", pattern=NAME_PATTERN,
        counts="at once",
    )  # fmt: skip
    ascii: str = setting(
        "auto", "choice", "Interface",
        "Draw with ASCII alone: `auto` does where the locale is not UTF-8, and on the Linux console.",
        choices=("auto", "on", "off"), counts="at once",
    )  # fmt: skip
    compact: str = setting(
        "auto", "choice", "Interface",
        "Without frames and padding; `auto` does below 80x24.",
        choices=("auto", "on", "off"), counts="at once",
    )  # fmt: skip
    keymap: dict[str, str] = setting(  # noqa: RUF009
        {}, "keymap", "Interface",
        'Other keys for the program\'s bindings: `"binding.id" = "ctrl+n,f2"`, or a list of keys; `""` for none.',
        counts="at once",
    )  # fmt: skip


def _fields_of(schema: type, prefix: str = "") -> list[Field]:
    found: list[Field] = []
    for item in dataclasses.fields(schema):
        if item.name == "sampling":
            found += _fields_of(SamplingSettings, "sampling.")
            continue
        default = {} if item.default is dataclasses.MISSING else item.default
        found.append(Field(key=prefix + item.name, default=default, **item.metadata))
    return found


FIELDS: Final[tuple[Field, ...]] = tuple(_fields_of(Settings))
"""Every setting, in the order in which a form and the documentation show them."""

BY_KEY: Final = {item.key: item for item in FIELDS}


def field_named(key: str) -> Field:
    """The setting `key`. Raises SettingsError that names similar settings."""
    if key in BY_KEY:
        return BY_KEY[key]
    raise SettingsError(f"there is no setting {key!r}", hint=_similar(key), kind="unknown-setting")


def _similar(key: str) -> str:
    close = difflib.get_close_matches(key, BY_KEY, n=3, cutoff=0.6)
    last = key.rsplit(".", 1)[-1]
    close += [known for known in BY_KEY if known.rsplit(".", 1)[-1] == last and known not in close]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return "`urial-tui settings show` lists the settings."


def value_of(settings: Settings, key: str) -> Any:
    """The value of the setting with the dotted `key`."""
    found: Any = settings
    for part in field_named(key).key.split("."):
        found = getattr(found, part)
    return found


def with_values(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """`settings` with values changed, by dotted key. Raises SettingsError for what does not fit."""
    top: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    for key, value in changes.items():
        checked = field_named(key).check(value)
        table, _, name = key.rpartition(".")
        (sampling if table else top)[name] = checked
    if sampling:
        top["sampling"] = dataclasses.replace(settings.sampling, **sampling)
    return dataclasses.replace(settings, **top)
