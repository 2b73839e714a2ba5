"""The command line in this process, as far as a test sees it from outside."""

import os
from collections.abc import Callable

import pytest

from urial_tui.main import main

Run = Callable[..., tuple[int, str, str]]
"""Runs the program with arguments: exit code, standard output, standard error."""


def ran(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    """A `Run` with `capsys`. Whatever went wrong, no traceback is shown unless one was asked for."""
    with pytest.raises(SystemExit) as left:
        main(args)
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    assert "Traceback" not in err or os.environ.get("URIAL_TUI_DEBUG") == "1"
    return left.value.code, out, err
