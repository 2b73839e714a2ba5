"""One error type a layer, each with a stable `kind`, shown the same way on every surface.

The TUI shows `message` and `hint`; the CLI prints them to stderr and leaves with `exit_code`; `--json`
gives `{"error": {"kind", "message", "hint"}}`. Nothing here knows about a surface.
"""

from typing import ClassVar


class UrialError(Exception):
    """Something that a user can understand and act on.

    `message` says what is wrong, `hint` what to do about it, `kind` is a stable machine-readable word.
    """

    exit_code: ClassVar[int] = 1
    default_kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind or self.default_kind

    def as_dict(self) -> dict[str, str]:
        """The error as `--json` shows it."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint}


class UsageError(UrialError):
    """The request itself is wrong: an empty query, a bad SIDE, options that exclude each other."""

    exit_code = 2
    default_kind = "usage"


class SettingsError(UrialError):
    """The settings file or a setting's value cannot be used."""

    exit_code = 2
    default_kind = "settings"


class PromptError(UrialError):
    """A pack, an official prompt file or a conversation cannot be read or rendered."""

    exit_code = 2
    default_kind = "prompt"


class ModelError(UrialError):
    """A model or adapter file is missing, unreadable or not what it should be."""

    exit_code = 3
    default_kind = "model"


class EngineError(UrialError):
    """The engine process failed or refused a request."""

    exit_code = 4
    default_kind = "engine"


class StoreError(UrialError):
    """The history cannot be opened, read or written."""

    exit_code = 5
    default_kind = "store"


class JudgeError(UrialError):
    """A rubric cannot be used, or a judge cannot judge."""

    exit_code = 6
    default_kind = "judge"


class ExchangeError(UrialError):
    """What was asked for cannot be written in a format, or a file is not what its format says."""

    exit_code = 7
    default_kind = "exchange"
