"""Sampling settings of this conversation: one line for each field of the settings schema, checked
while typing.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widgets import Input, Label, Static

from urial_tui.engine.protocol import Sampling
from urial_tui.errors import SettingsError
from urial_tui.safetext import sanitize
from urial_tui.settings import DEFAULT_MAX_TOKENS, FIELDS, Field
from urial_tui.ui.keymap import up_and_down
from urial_tui.ui.screens.dialog import Dialog

PREFIX = "sampling."


@dataclass(frozen=True)
class SamplingChoice:
    """What the dialog gives back."""

    sampling: Sampling
    max_tokens: int


def sampling_fields() -> list[Field]:
    """The schema's fields of the sampling group, in its order."""
    return [item for item in FIELDS if item.key.startswith(PREFIX)]


def name_of(item: Field) -> str:
    return item.key.removeprefix(PREFIX)


def _default(name: str) -> Any:
    """What an empty field means."""
    return DEFAULT_MAX_TOKENS if name == "max_tokens" else getattr(Sampling(), name)


class SamplingDialog(Dialog[SamplingChoice]):
    """Changes how the next answers are sampled. An empty field means the engine's default."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["dialog.tcss", "sampling.tcss"]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, sampling: Sampling, max_tokens: int) -> None:
        super().__init__()
        self._sampling = sampling
        self._max_tokens = max_tokens
        self._fields = {name_of(item): item for item in sampling_fields()}

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            with VerticalScroll(id="fields", can_focus=False):
                for name in self._fields:
                    with Horizontal(classes="field"):
                        yield Label(name.replace("_", " "), classes="name")
                        yield Input(self._shown(name), id=name, placeholder=self._empty(name))
                        words = Content(self._range(name))
                        yield Static(words, id=f"range-{name}", classes="range")
            yield Static("", id="about", markup=False)
        box.border_title = Content("Sampling")
        box.border_subtitle = Content(
            f"Enter applies, {up_and_down()} move, Esc leaves it as it is"
        )

    def _shown(self, name: str) -> str:
        value = self._max_tokens if name == "max_tokens" else getattr(self._sampling, name)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def _empty(self, name: str) -> str:
        if name == "seed":
            return "random"
        return f"default {_default(name):g}"

    def _read(self, name: str) -> Any:
        """The value typed for `name`. Raises SettingsError."""
        item = self._fields[name]
        text = self.query_one(f"#{name}", Input).value.strip()
        if text:
            return item.parse(text)
        return _default(name)

    def _range(self, name: str) -> str:
        item = self._fields[name]
        words = item.expected.removeprefix("a whole number ").removeprefix("a number ")
        return f"{words} {item.unit}".strip()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._tell_about(event.widget.id or "")

    @on(Input.Changed)
    def check(self, event: Input.Changed) -> None:
        name = event.input.id or ""
        bad = bool(self._problem(name))
        self.query_one(f"#range-{name}", Static).set_class(bad, "-bad")
        event.input.set_class(bad, "-invalid")
        if event.input.has_focus:
            self._tell_about(name)

    def _problem(self, name: str) -> str:
        """What is wrong with what is typed for `name`, "" for nothing."""
        try:
            self._read(name)
        except SettingsError as error:
            return error.message.removeprefix(PREFIX)
        return ""

    def _tell_about(self, name: str) -> None:
        """What the field means; or, where there is the room of the whole line, what is wrong with it."""
        item = self._fields.get(name)
        if item is None:
            return
        problem = self._problem(name)
        about = self.query_one("#about", Static)
        about.update(Content(sanitize(problem or item.help)))
        about.set_class(bool(problem), "-bad")

    @on(Input.Submitted)
    def apply(self) -> None:
        values: dict[str, Any] = {}
        for name in self._fields:
            try:
                values[name] = self._read(name)
            except SettingsError:
                self.query_one(f"#{name}", Input).focus()
                return
        max_tokens = values.pop("max_tokens")
        kept = {name: getattr(self._sampling, name) for name in Sampling.__struct_fields__}
        self.dismiss(SamplingChoice(Sampling(**{**kept, **values}), max_tokens))
