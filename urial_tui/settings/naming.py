"""Errors of what a setting names. Whoever uses such a value says so here, so that the error tells where it is from."""

from collections.abc import Iterator
from contextlib import contextmanager

from urial_tui.errors import UrialError


@contextmanager
def from_setting(key: str | None) -> Iterator[None]:
    """What is used inside is what the setting `key` names; None: it is from elsewhere, an option for example.

    A UrialError stays as it is, but for its hint, which then ends with the setting that can be changed.
    """
    try:
        yield
    except UrialError as error:
        if key is None:
            raise
        hint = f"{error.hint} Or change `{key}` in the settings.".lstrip()
        raise type(error)(error.message, hint=hint, kind=error.kind) from error
