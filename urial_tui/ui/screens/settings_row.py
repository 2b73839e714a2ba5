"""One setting on the settings screen: its key, the widget that edits it, where the value is from, what it means, and
what is wrong with what is typed.

A row checks and shows; it saves nothing. What the user wants is told to the screen by messages.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from urial_tui.errors import SettingsError, UrialError
from urial_tui.safetext import sanitize, sanitize_line
from urial_tui.settings import Field, Origin
from urial_tui.ui.screens.dialog import problem_text
from urial_tui.ui.setting_words import about, overruled_words, words_of


class Pressable(Static, can_focus=True):
    """A value that is changed by pressing it: a switch, or one of several that are listed."""

    PANE = "Setting"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "press", "Change", tooltip="Switch it, or choose from a list"),
    ]

    class Pressed(Message):
        """Enter, Space or a click."""

    def action_press(self) -> None:
        self.post_message(self.Pressed())

    def on_click(self) -> None:
        self.action_press()


class OriginMark(Static):
    """Where the value is from; a click on one from the file takes it out."""

    class Clicked(Message):
        pass

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Clicked())


class SettingRow(Vertical):
    """See the module."""

    @dataclass
    class Wanted(Message):
        """The user wants this value, which passed the checks of the schema."""

        row: "SettingRow"
        value: Any

    @dataclass
    class ChoiceWanted(Message):
        """The user wants to choose from the list of values."""

        row: "SettingRow"

    @dataclass
    class ResetWanted(Message):
        """The user wants the default."""

        row: "SettingRow"

    def __init__(self, item: Field, value: Any, origin: Origin, *, listed: bool) -> None:
        """`listed`: the values are chosen from a list."""
        super().__init__()
        self.item, self.value, self.origin = item, value, origin
        self._listed = listed
        self._pressed = listed or item.kind in ("yes/no", "keymap")

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(Content(self.item.key), classes="key")
            if self._pressed:
                yield Pressable("", classes="editor")
            else:
                yield Input(placeholder=self.item.optional, classes="editor", compact=True)
            yield OriginMark("", classes="origin")
        yield Static("", classes="words", markup=False)
        yield Static("", classes="problem", markup=False)

    def on_mount(self) -> None:
        self.show(self.value, self.origin)

    # --- what it shows ----------------------------------------------------------------------

    @property
    def editor(self) -> Input | Pressable:
        if self._pressed:
            return self.query_one(Pressable)
        return self.query_one(Input)

    @property
    def shown(self) -> str:
        """The value as the editor shows it."""
        return sanitize_line(self.item.typed(self.value), 10_000)

    @property
    def typed(self) -> str | None:
        """What is in the line and not saved; None where nothing is."""
        editor = self.editor
        text = editor.value if isinstance(editor, Input) else self.shown
        return None if text.strip() == self.shown.strip() else text

    def show(self, value: Any, origin: Origin) -> None:
        """Show what counts now. What is typed and not saved stays."""
        unsaved = self.typed if self.origin == origin and self.is_mounted else None
        self.value, self.origin = value, origin
        editor = self.editor
        if isinstance(editor, Pressable):
            editor.update(Content(self._pressable_words()))
        elif unsaved is None:
            editor.value = self.shown
        overruled = overruled_words(self.item, origin)
        editor.disabled = bool(overruled)
        words = f"{words_of(self.item, listed=self._listed)} {overruled}".strip()
        self.query_one(".words", Static).update(Content(words))
        mark = Content.assemble("file, ", ("reset", "underline")) if origin == "file" else origin
        self.query_one(OriginMark).update(mark)
        self.set_class(origin != "default", "-changed")
        self.set_class(bool(overruled), "-overruled")

    def about(self, *, with_words: bool) -> str:
        """What the screen says below the form while the cursor is here; `with_words`: what it means, too."""
        words = f"{words_of(self.item, listed=self._listed)}\n" if with_words else ""
        return words + about(self.item)

    def _pressable_words(self) -> str:
        if self.item.kind == "yes/no":
            return "[x] on" if self.value else "[ ] off"
        if self.item.kind == "keymap":
            return f"{len(self.value)} changed ▾" if self.value else "as they come ▾"
        return f"{self.shown} ▾"

    def show_problem(self, error: UrialError | None) -> None:
        """Say beside the field what is wrong; None: nothing is."""
        self._show_not_saved(problem_text(error) if error else "")
        self.editor.set_class(error is not None, "-invalid")

    def tell_unsaved(self) -> None:
        """The line was left: say that what is typed in it is not saved."""
        usable, _ = self.read()
        if usable:
            self._show_not_saved(
                "Enter in the line saves it, Escape there puts the old value back."
            )

    def _show_not_saved(self, why: str) -> None:
        line = self.query_one(".problem", Static)
        line.update(Content(sanitize(f"Not saved: {why}") if why else ""))
        line.display = bool(why)

    def put_back(self) -> None:
        """Forget what is typed."""
        editor = self.editor
        if isinstance(editor, Input):
            editor.value = self.shown
        self.show_problem(None)

    # --- what the user does -----------------------------------------------------------------

    @on(Input.Changed)
    def check(self) -> None:
        self.read()

    def read(self) -> tuple[bool, Any]:
        """(whether something else is typed that can be used, the value). Shows what is wrong with it."""
        text = self.typed
        if text is None:
            self.show_problem(None)
            return False, None
        try:
            value = self.item.parse(text)
        except SettingsError as error:
            self.show_problem(error)
            return False, None
        self.show_problem(None)
        return value != self.value, value

    def offer(self) -> None:
        """Tell the screen of what is typed, if it can be used."""
        usable, value = self.read()
        if usable:
            self.post_message(self.Wanted(self, value))

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.offer()

    @on(Pressable.Pressed)
    def pressed(self, event: Pressable.Pressed) -> None:
        event.stop()
        if self.item.kind == "yes/no":
            self.post_message(self.Wanted(self, not self.value))
        else:
            self.post_message(self.ChoiceWanted(self))

    @on(OriginMark.Clicked)
    def clicked(self, event: OriginMark.Clicked) -> None:
        event.stop()
        if self.origin == "file":
            self.post_message(self.ResetWanted(self))
