"""The catalog of models that commands ask."""

from urial_tui.models.catalog import Catalog
from urial_tui.models.library import Library
from urial_tui.settings import current_settings


def open_catalog() -> Catalog:
    """The catalog of the user's settings. Raises SettingsError."""
    settings = current_settings()
    return Catalog(Library.from_settings(settings), settings)
