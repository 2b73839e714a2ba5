"""The options of every command that loads a model: where its layers go, threads, context, batch, attention, cache.

They stand for settings, for one run. Only click is imported here: `urial_tui.main` uses it before anything else is
loaded. That the words and bounds are those of the settings is held by a test.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    ParamType = click.ParamType[int]
else:  # only newer versions of click know of the parameter
    ParamType = click.ParamType

AUTO: Final = "auto"

Command = Callable[..., Any]


class Layers(ParamType):
    """`auto` (-1), or how many layers go to the GPU."""

    name = "layers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if text == AUTO:
            return -1
        try:
            number = int(text)
        except ValueError:
            number = -2
        if not -1 <= number <= 10_000:
            self.fail(f"{value!r} is neither {AUTO} nor a number of layers.", param, ctx)
        return number


LEAST_CONTEXT: Final = 256


class ContextSize(click.IntRange):
    """0, or a context that llama.cpp can make."""

    def __init__(self) -> None:
        super().__init__(0, 16_777_216)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(super().convert(value, param, ctx))
        if 0 < number < LEAST_CONTEXT:
            self.fail(f"{number} is neither 0 nor {LEAST_CONTEXT} or more.", param, ctx)
        return number


_OPTIONS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    (
        "gpu_layers",
        "--gpu-layers",
        {
            "type": Layers(),
            "metavar": "auto|N",
            "help": "Layers on the GPU; auto: as many as fit, 0: the CPU.",
        },
    ),
    (
        "reference_gpu_layers",
        "--reference-gpu-layers",
        {
            "type": Layers(),
            "metavar": "auto|N",
            "help": "The same for references on other model files.",
        },
    ),
    (
        "main_gpu",
        "--main-gpu",
        {
            "type": click.IntRange(-1, 255),
            "metavar": "N",
            "help": "Use this GPU alone, counted from 0; -1: all of them.",
        },
    ),
    (
        "n_threads",
        "--threads",
        {
            "type": click.IntRange(0, 1024),
            "metavar": "N",
            "help": "CPU threads; 0: one for each physical core.",
        },
    ),
    (
        "n_ctx",
        "--ctx",
        {
            "type": ContextSize(),
            "metavar": "N",
            "help": "Context size in tokens, at least 256; 0: what the model was trained with.",
        },
    ),
    (
        "n_batch",
        "--batch",
        {
            "type": click.IntRange(64, 16_384),
            "metavar": "N",
            "help": "Prompt tokens that are read at once.",
        },
    ),
    (
        "flash_attention",
        "--flash-attention",
        {
            "type": click.Choice(["auto", "on", "off"]),
            "help": "Attention without a table of scores.",
        },
    ),
    (
        "kv_type",
        "--kv-type",
        {
            "type": click.Choice(["f16", "bf16", "f32", "q8_0", "q4_0"]),
            "help": "How keys and values of the context are kept.",
        },
    ),
)


def context_options(*, references: bool = False) -> Callable[[Command], Command]:
    """Adds the options to a command, which is given `overrides`: the settings that were named, by key.

    `references`: the command has some, and their layers can be said apart.
    """
    wanted = [entry for entry in _OPTIONS if references or entry[0] != "reference_gpu_layers"]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(*args: Any, **kwargs: Any) -> Any:
            given = {key: kwargs.pop(_name(key)) for key, _, _ in wanted}
            overrides = {key: value for key, value in given.items() if value is not None}
            return command(*args, overrides=overrides, **kwargs)

        decorated: Command = run
        for key, option, settings in reversed(wanted):
            decorated = click.option(option, _name(key), **settings)(decorated)
        return decorated

    return decorate


def _name(key: str) -> str:
    """The parameter's name, which must not be one of the command's own."""
    return f"context_{key}"
