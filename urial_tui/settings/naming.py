"""Errors of what a setting names. Whoever uses such a value says so here, so that the error tells where it is from."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from urial_tui.errors import UrialError
from urial_tui.settings.layers import variable_of


@contextmanager
def from_setting(key: str | None) -> Iterator[None]:
    """What is used inside is what the setting `key` names; None: it is from elsewhere, an option for example.

    A UrialError stays as it is, but for its hint, which then ends with the setting or the variable that can be changed;
    the setting that was named first is the one.
    """
    try:
        yield
    except UrialError as error:
        if key is None or "Or change " in error.hint:
            raise
        variable = variable_of(key)
        given = os.environ.get(variable, "").strip()
        where = f"the environment variable {variable}" if given else f"`{key}` in the settings"
        hint = f"{error.hint} Or change {where}.".lstrip()
        raise type(error)(error.message, hint=hint, kind=error.kind) from error
