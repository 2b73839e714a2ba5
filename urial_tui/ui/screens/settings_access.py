"""What the screens of settings work on: the file, the options of this run, and what takes a change at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urial_tui.prompts.named import check_setting
from urial_tui.settings import Layered, Origin, read_layers, reset_setting, save_settings


@dataclass(frozen=True)
class SettingsAccess:
    """`options` are settings of this run, by key. Every method may raise UrialError, and is called in a thread."""

    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Callable[[], Sequence[str]]] = field(default_factory=dict)
    """The values of settings that are texts and chosen from a list."""
    checks: Mapping[str, Callable[[str], None]] = field(default_factory=dict)
    """Raise UrialError for a text that cannot be used; called in a thread."""
    take: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    """What takes a change at once."""

    def read(self) -> Layered:
        """What counts now."""
        return read_layers(self.path, self.options)

    def save(self, key: str, value: Any) -> None:
        """Check and save a value."""
        if key in self.checks and value is not None:
            self.checks[key](value)
        check_setting(key, value)
        save_settings({key: value}, self.path)

    def reset(self, key: str) -> None:
        """Take a setting out of the file."""
        reset_setting(key, self.path)

    def let_count(self, key: str, value: Any, origin: Origin) -> None:
        """Hand a value to what takes it at once, unless it is overruled; not in a thread."""
        if key in self.take and origin in ("default", "file"):
            self.take[key](value)
