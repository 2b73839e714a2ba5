"""The transcript's keys: those for reading and acting on messages, and those of the token cursor.

A key may be in both tables; `Transcript.check_action` lets one of them be possible at a time.
"""

from textual.binding import Binding

from urial_tui.ui.widgets.transcript_model import Entry

JUDGING = frozenset({"rate", "compare", "judge", "judgements"})
"""The actions that are for answers only."""
WRITING = frozenset({"edit", "regenerate", "continue"})
"""The actions that add messages to the session."""
VERSIONS = frozenset({"compare", "differences", "previous_branch", "next_branch"})
"""The actions for which there must be another version of the message."""


def possible(name: str, entry: Entry | None, *, finding: bool, read_only: bool) -> bool:
    """Whether an action makes sense for the message that it is meant for. `finding`: there are hits of a search;
    `read_only`: another program writes the session."""
    if name in ("next_hit", "previous_hit"):
        return finding
    if entry is None or (name in WRITING and read_only):
        return False
    if name in JUDGING and entry.role != "assistant":
        return False
    return name not in VERSIONS or entry.branch[1] > 1


def _move(keys: str, action: str, label: str, tooltip: str, name: str) -> Binding:
    return Binding(keys, action, label, show=False, tooltip=tooltip, id=f"transcript.{name}")


def _act(key: str, name: str, label: str, tooltip: str, *, show: bool = False) -> Binding:
    """A key that does something with the chosen message."""
    return Binding(
        key, f"act('{name}')", label, show=show, tooltip=tooltip, id=f"transcript.{name}"
    )


READING_KEYS = [
    _move("up,k,alt+up", "previous_message", "Previous", "Choose the message before", "previous"),
    _move("down,j,alt+down", "next_message", "Next", "Choose the message after", "next"),
    _move("home", "first_message", "Start", "Choose the first message", "first"),
    _move("end", "follow", "End", "Go to the end, and follow what is written", "follow"),
    _move("ctrl+up", "scroll_up", "Line up", "Move the text, not the choice", "line_up"),
    _move("ctrl+down", "scroll_down", "Line down", "Move the text, not the choice", "line_down"),
    _act("c", "copy", "Copy", "The whole message", show=True),
    _act("x", "copy_code", "Copy code", "The last code block up to this message"),
    _act("e", "edit", "Edit", "Change your message and send it again", show=True),
    _act("r", "regenerate", "Regenerate", "Another answer; this one stays", show=True),
    _act("g", "continue", "Continue", "Go on where this answer ends", show=True),
    _act("v", "markdown", "Markdown", "Read the message laid out", show=True),
    _act("b", "branches", "Branches", "All versions of the session as a tree", show=True),
    _act("d", "differences", "Differences", "From the version before, word by word", show=True),
    _act("n", "next_hit", "Next hit", "Of the last search", show=True),
    _act("N", "previous_hit", "Hit before", "Of the last search"),
    _act("t", "tokens", "Tokens", "Go through the answer token by token", show=True),
    _act("s", "score", "Score", "Compare the answer with the references"),
    _act("l", "lane", "Lane", "Colour the tokens by something else"),
    _act("i", "inspector", "Inspector", "Show or hide it"),
    _act("a", "rate", "Rate", "Give the answer scores by hand", show=True),
    _act("p", "compare", "Compare versions", "Say which of two versions is better"),
    _act("J", "judge", "Judge", "Let a model give scores with reasons"),
    _act("o", "judgements", "Judgements", "What was said of the answer"),
    Binding(
        "left_square_bracket",
        "act('previous_branch')",
        "Branch",
        key_display="[",
        tooltip="The version before",
        id="transcript.branch_back",
    ),
    Binding(
        "right_square_bracket",
        "act('next_branch')",
        "Branch",
        key_display="]",
        tooltip="The version after",
        id="transcript.branch_on",
    ),
]


def _token_key(key: str, name: str, words: str, tooltip: str, *, show: bool = False) -> Binding:
    return Binding(
        key, f"inspect('{name}')", words, show=show, tooltip=tooltip, id=f"tokens.{name}"
    )


NEED_SCORES = frozenset(
    f"tokens.{name}"
    for name in ("next_shifted", "next_marginal", "branch", "lane", "filter", "pin", "reference")
)
"""Keys of the footer that an answer without scores has no use for."""
TOKEN_KEYS = [
    _token_key("left", "left", "Token before", "Move the token cursor"),
    _token_key("right", "right", "Token after", "Move the token cursor"),
    _token_key("home", "home", "First token", "Of the answer"),
    _token_key("end", "end", "Last token", "Of the answer"),
    _token_key("up", "up", "Alternative before", "In the list of what could stand here"),
    _token_key("down", "down", "Alternative after", "In the list of what could stand here"),
    _token_key("n", "next_shifted", "Shifted", "Go to the next shifted token", show=True),
    _token_key("N", "previous_shifted", "Shifted before", "Go to the shifted token before"),
    _token_key("m", "next_marginal", "Marginal", "Go to the next marginal token", show=True),
    _token_key("M", "previous_marginal", "Marginal before", "Go to the marginal token before"),
    _token_key("b", "branch", "Branch here", "Go on from the chosen alternative", show=True),
    _token_key("l", "lane", "Lane", "Colour the tokens by something else", show=True),
    _token_key("f", "filter", "Filter", "All, shifted, or marginal too", show=True),
    _token_key("p", "pin", "Pin", "Keep it for comparison, or let it go", show=True),
    _token_key("r", "reference", "Reference", "Show the next one", show=True),
    _token_key("s", "score", "Score", "Compare the answer with the references", show=True),
    _token_key("i", "inspector", "Inspector", "Show or hide it"),
    _token_key("o", "other_list", "Other side's list", "Choose among its alternatives"),
    _token_key("h", "positions", "Positions", "Where in the answer tokens were shifted"),
    _token_key("a", "totals", "Totals", "Over the session and the whole history"),
]
