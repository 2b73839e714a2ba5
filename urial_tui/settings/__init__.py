"""The settings: one schema gives the defaults, the checks, the settings screen and the docs.

`load_settings` reads the TOML file, `save_settings` changes it and keeps its comments. Nothing
is read or made at import.
"""

from urial_tui.settings.file import load_settings, save_settings, written_settings
from urial_tui.settings.schema import (
    DEFAULT_MAX_TOKENS,
    FIELDS,
    Field,
    SamplingSettings,
    Settings,
    field_named,
    value_of,
    with_values,
)

__all__ = [
    "DEFAULT_MAX_TOKENS",
    "FIELDS",
    "Field",
    "SamplingSettings",
    "Settings",
    "field_named",
    "load_settings",
    "save_settings",
    "value_of",
    "with_values",
    "written_settings",
]
