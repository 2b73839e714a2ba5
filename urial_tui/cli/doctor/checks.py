"""What a check of `urial-tui doctor` finds. A module of its own: the parts of the doctor share it."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One finding. `hint` says what to do when `status` is not ok."""

    group: str
    name: str
    status: Status
    detail: str
    hint: str = ""
