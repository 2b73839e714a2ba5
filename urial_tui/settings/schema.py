"""The schema of the settings: defaults, checks and descriptions, one entry a setting.

The settings screen, `urial-tui settings` and docs/settings.md are made from `FIELDS`. Values only:
reading and writing the file is `urial_tui.settings.file`.
"""

import dataclasses
import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from urial_tui.errors import SettingsError

Kind = Literal[
    "text", "integer", "number", "yes/no", "choice", "layers", "folders", "sides", "keymap"
]

Counts = Literal["at once", "when models are looked for again", "from the next start"]
"""When the interface that is running takes a change."""

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


def _setting(
    default: Any,
    kind: Kind,
    group: str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    optional: str = "",
    pattern: str = "",
    choices: tuple[str, ...] = (),
    counts: Counts = "from the next start",
) -> Any:
    """A dataclass field that carries its own description; `optional`: what leaving it out means."""
    about = {
        "kind": kind,
        "group": group,
        "help": help,
        "low": low,
        "high": high,
        "unit": unit,
        "optional": optional,
        "pattern": pattern,
        "choices": choices,
        "counts": counts,
    }
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=about)
    return field(default=default, metadata=about)


DEFAULT_MAX_TOKENS: Final = 512
"""How long an answer may be where neither the settings nor the pack say so."""

AUTO: Final = "auto"
"""How -1 is written where it means what fits."""

_PACK = "the pack's own value"


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is chosen. None leaves a value to the pack, and then to the engine."""

    temperature: float | None = _setting(
        None, "number", "Sampling", "0 always takes the likeliest token; higher is more varied.",
        low=0, high=5, optional=_PACK,
    )  # fmt: skip
    top_k: int | None = _setting(
        None, "integer", "Sampling", "Choose among this many likeliest tokens; 0 is all.",
        low=0, high=1_000_000, optional=_PACK,
    )  # fmt: skip
    top_p: float | None = _setting(
        None, "number", "Sampling", "Choose among the likeliest tokens that hold this probability.",
        low=0, high=1, optional=_PACK,
    )  # fmt: skip
    min_p: float | None = _setting(
        None, "number", "Sampling", "Leave out tokens below this share of the likeliest one.",
        low=0, high=1, optional=_PACK,
    )  # fmt: skip
    repeat_penalty: float | None = _setting(
        None, "number", "Sampling", "Above 1 makes tokens of the answer less likely to come again.",
        low=0.1, high=5, optional=_PACK,
    )  # fmt: skip
    frequency_penalty: float | None = _setting(
        None, "number", "Sampling", "Lowers a token's logit for each time it was written.",
        low=-5, high=5, optional=_PACK,
    )  # fmt: skip
    presence_penalty: float | None = _setting(
        None, "number", "Sampling", "Lowers a token's logit once when it was written at all.",
        low=-5, high=5, optional=_PACK,
    )  # fmt: skip
    seed: int | None = _setting(
        None, "integer", "Sampling", "The same seed and prompt give the same answer.",
        low=0, high=2**32 - 2, optional="a new random seed for each answer",
    )  # fmt: skip
    max_tokens: int | None = _setting(
        None, "integer", "Sampling", "An answer ends after this many tokens.",
        low=1, high=1_000_000, unit="tokens", optional=_PACK,
    )  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Every setting, checked. Attribute names are the keys of the file; `sampling` is a table."""

    side: str = _setting(
        "demo", "text", "Chat",
        "The side of a new session: MODEL[+ADAPTER[:SCALE]][@STYLE]. `demo` is the embedded model.",
    )  # fmt: skip
    pack: str = _setting(
        "urial-general", "text", "Chat", "The prompt pack of a side that names no style.",
        pattern=_ID.pattern,
    )  # fmt: skip
    references: tuple[str, ...] | None = _setting(
        None, "sides", "Chat",
        "The sides that score what the chat's side writes; `[]` is none. A style `same` takes its exact prompt.",
        optional="what suits the side: `MODEL@zero-shot` for a pack, `MODEL@raw` for an adapter's chat",
    )  # fmt: skip
    scoring: bool = _setting(
        True, "yes/no", "Chat", "Score each token of an answer against the references while it is written.",
    )  # fmt: skip
    n_ctx: int = _setting(
        4096, "integer", "Engine", "Context size; 0 is what the model was trained with.",
        low=0, high=16_777_216, unit="tokens",
    )  # fmt: skip
    n_threads: int = _setting(
        0, "integer", "Engine", "CPU threads; 0 is one for each physical core.", low=0, high=1024,
    )  # fmt: skip
    n_batch: int = _setting(
        512, "integer", "Engine",
        "Prompt tokens that are read at once; more take more memory and suit GPUs.",
        low=64, high=16_384, unit="tokens",
    )  # fmt: skip
    flash_attention: str = _setting(
        "auto", "choice", "Engine", "Attention without a table of all scores; `auto` takes it where it can be used.",
        choices=("auto", "on", "off"),
    )  # fmt: skip
    kv_type: str = _setting(
        "f16", "choice", "Engine",
        "How the context's keys and values are kept; `q8_0` and `q4_0` are smaller and need flash attention.",
        choices=("f16", "bf16", "f32", "q8_0", "q4_0"),
    )  # fmt: skip
    gpu_layers: int = _setting(
        -1, "layers", "Engine", "Layers on the GPU; `auto` (-1) takes as many as fit, 0 stays on the CPU.",
        low=-1, high=10_000,
    )  # fmt: skip
    reference_gpu_layers: int | None = _setting(
        None, "layers", "Engine",
        "The same for references; one on the generator's own model file shares its weights where they are.",
        low=-1, high=10_000, optional="as `gpu_layers`",
    )  # fmt: skip
    main_gpu: int = _setting(
        -1, "integer", "Engine", "The number of the one GPU to use; -1 leaves it to llama.cpp, which uses all.",
        low=-1, high=255,
    )  # fmt: skip
    prompt_state_quota_mb: int = _setting(
        2048, "integer", "Engine",
        "Disk space for the kept states of constant prompts; the oldest go first. 0 keeps none.",
        low=0, high=1_048_576, unit="MB",
    )  # fmt: skip
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    judge: str | None = _setting(
        None, "text", "Judging",
        "The side that judges answers in the interface; it can be another one each time. An empty text is none.",
        optional="none is proposed",
    )  # fmt: skip
    rater: str = _setting(
        "me", "text", "Judging", "The name under which what you rate by hand is kept; another name is another judge.",
    )  # fmt: skip
    model_folders: tuple[str, ...] = _setting(
        (), "folders", "Models",
        "More folders with GGUF files. Files are found where they are and never moved.",
        counts="when models are looked for again",
    )  # fmt: skip
    theme: str = _setting(
        "urial-night", "text", "Interface", "The colour theme, by name.", pattern=_ID.pattern,
        counts="at once",
    )  # fmt: skip
    ascii: str = _setting(
        "auto", "choice", "Interface",
        "Draw with ASCII alone: `auto` does where the locale is not UTF-8, and on the Linux console.",
        choices=("auto", "on", "off"), counts="at once",
    )  # fmt: skip
    compact: str = _setting(
        "auto", "choice", "Interface",
        "Without frames and padding; `auto` does below 80x24.",
        choices=("auto", "on", "off"), counts="at once",
    )  # fmt: skip
    keymap: dict[str, str] = _setting(  # noqa: RUF009
        {}, "keymap", "Interface",
        'Other keys for the program\'s bindings: `"binding.id" = "ctrl+n,f2"`, or a list of keys.',
    )  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One setting as a form or a page shows it. `key` is dotted: `n_ctx`, `sampling.top_k`."""

    key: str
    kind: Kind
    group: str
    help: str
    default: Any
    low: float | None
    high: float | None
    unit: str
    optional: str
    pattern: str
    choices: tuple[str, ...]
    counts: Counts

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        words = {
            "text": "a text",
            "integer": "a whole number",
            "number": "a number",
            "yes/no": "true or false",
            "choice": f"one of {', '.join(self.choices)}",
            "layers": f"{AUTO} or a whole number",
            "folders": "a list of folders",
            "sides": "a list of sides",
            "keymap": "a table of binding id = keys",
        }[self.kind]
        if self.pattern:
            words = "a name of lower-case letters, digits, dots, dashes and underscores"
        if self.low is not None and self.high is not None:
            words += f" from {self.low:.12g} to {self.high:.12g}"
        return words

    def check(self, value: Any) -> Any:
        """`value` as the program keeps it. Raises SettingsError when it does not fit."""
        if value is None and self.optional:
            return None
        checked = _CHECKS[self.kind](value)
        if checked is None:
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        if self.low is not None and self.high is not None and not self.low <= checked <= self.high:
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        if self.kind == "text" and not checked.strip():
            if self.optional:
                return None
            raise SettingsError(f"{self.key} must not be empty")
        if self.pattern and not re.fullmatch(self.pattern, checked):
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        if self.choices and checked not in self.choices:
            raise SettingsError(f"{self.key} must be {self.expected}, not {_show(value)}")
        return checked

    def written(self, value: Any) -> Any:
        """A checked value as the file and the commands write it."""
        return AUTO if self.kind == "layers" and value == -1 else value

    def typed(self, value: Any) -> str:
        """A value as a form's line shows it: what `parse` reads back."""
        if value is None:
            return ""
        if self.kind in ("folders", "sides"):
            separator = os.pathsep if self.kind == "folders" else ", "
            plain = separator.join(value)
            if self._reads(plain, value):
                return plain
            return "[" + ", ".join(map(_quoted, value)) + "]"
        if isinstance(value, dict):
            pairs = (f"{_quoted(key)} = {_quoted(keys)}" for key, keys in value.items())
            return "{" + ", ".join(pairs) + "}"
        if isinstance(value, bool):
            return str(value).lower()
        return str(self.written(value))

    def _reads(self, text: str, value: Any) -> bool:
        try:
            return bool(self.parse(text) == value)
        except SettingsError:
            return False

    def parse(self, text: str) -> Any:
        """Read a value that was typed, in a form or as `settings set KEY VALUE`."""
        text = text.strip()
        if not text and self.optional:
            return None
        if self.kind in ("text", "choice") or (self.kind == "layers" and text == AUTO):
            return self.check(text)
        if self.kind == "folders" and not text.startswith("["):
            return self.check([part for part in text.split(os.pathsep) if part])
        if self.kind == "sides" and not text.startswith("["):
            return self.check([part.strip() for part in text.split(",") if part.strip()])
        try:
            document = tomllib.loads(f"v = {text}")
        except tomllib.TOMLDecodeError:
            document = {}
        return self.check(document["v"] if len(document) == 1 else text)


def _quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _show(value: Any) -> str:
    shown = repr(value) if not isinstance(value, bool) else str(value).lower()
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _check_text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _check_integer(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _check_layers(value: Any) -> Any:
    return -1 if value == AUTO else _check_integer(value)


def _check_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e300 else None


def _check_yes_no(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _check_folders(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) and v for v in value):
        return None
    return tuple(str(v) for v in value)


def _check_sides(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return None
    return tuple(value) if all(isinstance(v, str) and v.strip() for v in value) else None


def _check_keymap(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return None
    keymap: dict[str, str] = {}
    for binding, given in value.items():
        listed = given if isinstance(given, (list, tuple)) else [given]
        if not listed or not all(isinstance(keys, str) and keys.strip() for keys in listed):
            return None
        keymap[str(binding)] = ",".join(keys.strip() for keys in listed)
    return keymap


_CHECKS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "text": _check_text,
    "integer": _check_integer,
    "number": _check_number,
    "yes/no": _check_yes_no,
    "choice": _check_text,
    "layers": _check_layers,
    "folders": _check_folders,
    "sides": _check_sides,
    "keymap": _check_keymap,
}


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
