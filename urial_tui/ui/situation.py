"""What can be done now: one value that describes the moment, one function that answers for every
command.

The footer, the palette and the help screen ask here, so they agree. Pure; nothing here looks at a
widget.
"""

from dataclasses import dataclass
from typing import Literal

Place = Literal["composer", "transcript", "sessions", "prefill", "elsewhere"]


@dataclass(frozen=True)
class Inspected:
    """What the moment is for the inspector. `answer` is the chosen or the last one."""

    inspecting: bool = False
    """The token cursor is in an answer."""
    has_answer: bool = False
    has_scores: bool = False
    """The answer has scores."""
    n_references: int = 0
    """How many references the answer's scores have."""
    n_compared: int = 0
    """How many references are compared with from now on."""
    n_pairs: int = 0
    scoring: bool = False
    """A stored answer is being scored."""


@dataclass(frozen=True)
class Judged:
    """What the moment is for rating and judging. `answer` is the chosen or the last one."""

    possible: bool = False
    """There are rubrics and a history to rate in."""
    has_answer: bool = False
    """The answer has a text and is not being written."""
    versions: int = 1
    running: bool = False
    """A model is judging."""


@dataclass(frozen=True)
class Situation:
    """The moment. `target` is the message that commands about a message mean: the chosen one, or
    the last.
    """

    connected: bool = False
    """The chat exists (the history is open; a model may still be loading)."""
    busy: bool = False
    """An answer is being written or waits for the model."""
    place: Place = "composer"
    editing: bool = False
    prefilling: bool = False
    """The line with the beginning of the answer is open."""
    n_messages: int = 0
    has_user_message: bool = False
    target_is_answer: bool = False
    versions: int = 1
    """How many versions the target message has."""
    has_code: bool = False
    has_session: bool = False
    locked: bool = False
    """Another program holds the session."""
    session_chosen: bool = False
    """The session list has the focus and a session under its cursor."""
    can_undo: bool = False
    """The list of sessions was changed, and that can be taken back."""
    too_small: bool = False
    can_export: bool = False
    """There is something that writes exports."""
    has_library: bool = False
    """There is a library of models and a hub to look at."""
    inspected: Inspected = Inspected()
    judging: Judged = Judged()


def can(action: str, now: Situation) -> bool:
    """Whether the chat's command with this action makes sense now. Raises ValueError for an action that no command
    has.
    """
    if now.too_small and action in _NEED_ROOM:
        return False
    for subject in _SUBJECTS:
        answer = subject(action, now)
        if answer is not None:
            return answer
    raise ValueError(f"no command has the action {action!r}")


def _can_step_back(action: str, now: Situation) -> bool | None:
    """What Escape is for. None for an action that is another business; so also below."""
    match action:
        case "stop":
            return now.busy or now.inspected.scoring
        case "leave_edit":
            return now.editing and not now.busy
        case "close_prefill":
            first = now.place == "prefill" or not now.inspected.inspecting
            return now.prefilling and first and not now.editing and not now.busy
        case "back":
            plain = not (now.editing or now.prefilling or now.busy)
            free = plain and not (now.inspected.inspecting or now.inspected.scoring)
            return free and now.place in ("transcript", "sessions")
    return None


def _can_write(action: str, now: Situation) -> bool | None:
    """Messages, answers and their versions."""
    match action:
        case "regenerate":
            return now.has_user_message and not now.editing and not (now.busy or now.locked)
        case "continue_answer":
            return now.target_is_answer and not now.editing and not (now.busy or now.locked)
        case "edit":
            return now.has_user_message and not now.editing and not (now.busy or now.locked)
        case "prefill":
            return now.connected and not (now.editing or now.prefilling or now.locked)
        case "next_branch":
            return now.versions > 1 and not now.busy and not now.editing
        case "differences":
            return now.versions > 1
        case "open_branches":
            return now.has_session and now.n_messages > 0
    return None


def _can_read(action: str, now: Situation) -> bool | None:
    """What is there already, and help."""
    match action:
        case "copy_message" | "read" | "save_transcript" | "follow":
            return now.n_messages > 0
        case "copy_code":
            return now.has_code
        case "search":
            return now.connected
        case "app.help":
            return True
    return None


def _can_keep(action: str, now: Situation) -> bool | None:
    """Sessions."""
    match action:
        case "new_session":
            return now.connected and (now.n_messages > 0 or now.has_session)
        case "take_over":
            return now.locked and not now.busy
        case "rename" | "delete" | "pin" | "tag" | "archive":
            return now.connected and (now.has_session or now.session_chosen)
        case "undo_sessions":
            return now.can_undo
        case "export":
            return now.can_export and (now.n_messages > 0 or now.session_chosen)
        case "toggle_sessions":
            return True
    return None


def _can_set_up(action: str, now: Situation) -> bool | None:
    """Model, prompt, references."""
    match action:
        case "choose_pack" | "choose_side" | "reload":
            return now.connected and not now.busy
        case "open_models" | "open_hub":
            return now.connected and now.has_library
        case "sampling" | "choose_references" | "toggle_scoring" | "totals" | "toggle_inspector":
            return now.connected
    return None


def _can_judge(action: str, now: Situation) -> bool | None:
    """None for an action that is no business of judging."""
    it = now.judging
    match action:
        case "rate_answer" | "show_judgements":
            return it.possible and it.has_answer
        case "judge_answer":
            return it.possible and it.has_answer and not it.running
        case "compare_versions":
            return it.possible and it.has_answer and it.versions > 1
        case "stop_judging":
            return it.running
        case "rate_run" | "compare_run" | "open_board":
            return now.connected and it.possible
    return None


def _can_inspect(action: str, now: Situation) -> bool | None:
    """None for an action that is no business of the inspector."""
    it = now.inspected
    match action:
        case "leave_inspect":
            beginning = now.prefilling and now.place == "prefill"
            free = not (now.busy or it.scoring or now.editing or beginning)
            return it.inspecting and free
        case "inspect":
            return it.inspecting or it.has_answer
        case "next_pair":
            return now.connected and it.n_pairs > 1 and not now.busy
        case "score_answer":
            return (
                it.has_answer and it.n_compared > 0 and not (now.busy or now.locked or it.scoring)
            )
        case "next_lane" | "positions":
            return it.has_scores
        case "next_reference":
            return it.has_scores and it.n_references > 1
    return None


_SUBJECTS = (
    _can_step_back, _can_write, _can_read, _can_keep, _can_set_up, _can_judge, _can_inspect,
)  # fmt: skip
_NEED_ROOM = frozenset(
    {
        "edit",
        "prefill",
        "toggle_sessions",
        "search",
        "rename",
        "tag",
        "export",
        "delete",
        "choose_pack",
        "choose_side",
        "sampling",
        "read",
        "inspect",
        "toggle_inspector",
        "choose_references",
        "positions",
        "totals",
        "open_models",
        "open_hub",
        "rate_answer",
        "show_judgements",
        "judge_answer",
        "compare_versions",
        "rate_run",
        "compare_run",
        "open_board",
        "open_branches",
        "differences",
    }
)
