"""What can be done on the screens of rating and of the board: one value for the moment of each, one function that
answers. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ByHandMoment:
    """`shown`: there is an answer (or two) on the screen."""

    shown: bool = False
    marked: bool = False
    in_comment: bool = False
    several: bool = False
    """There are others to go to."""
    saved_before: bool = False
    n_rubrics: int = 1
    """How many rubrics this answer can be rated with."""
    one_at_a_time: bool = False
    """Of two answers only one is on the screen."""
    aspects_open: bool = True
    """Marks are for the aspect under the cursor; else for all in all."""


def can_by_hand(action: str, now: ByHandMoment) -> bool:
    """Whether a command makes sense now. Actions that are not of these screens are always possible."""
    match action:
        case "save":
            return now.in_comment or (now.shown and now.marked and now.aspects_open)
        case "score" | "choose":
            return now.shown and not now.in_comment
        case "not_applicable" | "clear":
            return now.shown and not now.in_comment and now.aspects_open
        case "comment" | "show_rubric" | "aspects":
            return now.shown and not now.in_comment
        case "other":
            return now.shown and now.one_at_a_time and not now.in_comment
        case "skip":
            return now.shown and now.several and not now.in_comment
        case "undo":
            return now.saved_before and not now.in_comment
        case "next_rubric":
            return now.shown and now.n_rubrics > 1 and not now.in_comment
    return True


@dataclass(frozen=True)
class BoardMoment:
    """`row`: a side is under the table's cursor. `panels`: how many judges with a rubric there are."""

    view: str = "scores"
    row: bool = False
    panels: int = 0
    one_run: bool = False
    """The board is of runs, and one of them is meant."""
    sides: int = 0
    """Of that run."""
    exports: bool = False
    """There is something that writes exports."""


def can_on_board(action: str, now: BoardMoment) -> bool:
    """Whether a command of the board makes sense now. Actions that are not its own are always possible."""
    match action:
        case "open_answers":
            return now.view == "scores" and now.row
        case "next_judge":
            return now.view == "scores" and now.panels > 1
        case "breakdown":
            return now.view == "scores" and now.panels > 0
        case "rate_run":
            return now.one_run
        case "export_run":
            return now.one_run and now.exports
        case "compare_run":
            return now.one_run and now.sides > 1
    return True
