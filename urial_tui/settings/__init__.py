"""The settings: one schema gives the defaults, the checks, the settings screen and the docs.

`current_settings` is what counts: the TOML file, over it the environment, over that a run's options. `save_settings`
changes the file and keeps its comments. Nothing is read or made at import.
"""

from urial_tui.settings.fields import Field
from urial_tui.settings.file import load_settings, reset_setting, save_settings, take_out
from urial_tui.settings.layers import (
    Layered,
    Origin,
    Surveyed,
    current_settings,
    read_layers,
    survey_layers,
    variable_of,
)
from urial_tui.settings.naming import from_setting
from urial_tui.settings.schema import (
    DEFAULT_MAX_TOKENS,
    FIELDS,
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
    "Layered",
    "Origin",
    "SamplingSettings",
    "Settings",
    "Surveyed",
    "current_settings",
    "field_named",
    "from_setting",
    "load_settings",
    "read_layers",
    "reset_setting",
    "save_settings",
    "survey_layers",
    "take_out",
    "value_of",
    "variable_of",
    "with_values",
]
