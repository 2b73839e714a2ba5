"""The transcript's keys: those for reading and acting on messages, and those of the token cursor.

A key may be in both tables; `Transcript.check_action` lets one of them be possible at a time.
"""

from textual.binding import Binding

JUDGING = frozenset({"rate", "compare", "judge", "judgements"})
"""The actions that are for answers only."""
VERSIONS = frozenset({"compare", "differences"})
"""The actions for which there must be another version of the message."""

READING_KEYS = [
    Binding("up,k,alt+up", "previous_message", "Previous", show=False, id="transcript.previous"),
    Binding("down,j,alt+down", "next_message", "Next", show=False, id="transcript.next"),
    Binding("home", "first_message", "Start", show=False, id="transcript.first"),
    Binding("end", "follow", "End", show=False, id="transcript.follow"),
    Binding("ctrl+up", "scroll_up", "Line up", show=False, id="transcript.line_up"),
    Binding("ctrl+down", "scroll_down", "Line down", show=False, id="transcript.line_down"),
    Binding("c", "act('copy')", "Copy", id="transcript.copy"),
    Binding("x", "act('copy_code')", "Copy code", show=False, id="transcript.copy_code"),
    Binding("e", "act('edit')", "Edit", id="transcript.edit"),
    Binding("r", "act('regenerate')", "Regenerate", id="transcript.regenerate"),
    Binding("g", "act('continue')", "Continue", id="transcript.continue"),
    Binding("v", "act('markdown')", "Markdown", id="transcript.markdown"),
    Binding("b", "act('branches')", "Branches", id="transcript.branches"),
    Binding("d", "act('differences')", "Differences", id="transcript.differences"),
    Binding("n", "act('next_hit')", "Next hit", id="transcript.next_hit"),
    Binding("N", "act('previous_hit')", "Hit before", show=False, id="transcript.previous_hit"),
    Binding("t", "act('tokens')", "Tokens", id="transcript.tokens"),
    Binding("s", "act('score')", "Score", show=False, id="transcript.score"),
    Binding("l", "act('lane')", "Lane", show=False, id="transcript.lane"),
    Binding("i", "act('inspector')", "Inspector", show=False, id="transcript.inspector"),
    Binding("a", "act('rate')", "Rate", id="transcript.rate"),
    Binding("p", "act('compare')", "Compare versions", show=False, id="transcript.compare"),
    Binding("J", "act('judge')", "Judge", show=False, id="transcript.judge"),
    Binding("o", "act('judgements')", "Judgements", show=False, id="transcript.judgements"),
    Binding(
        "left_square_bracket",
        "act('previous_branch')",
        "Branch",
        key_display="[",
        id="transcript.branch_back",
    ),
    Binding(
        "right_square_bracket",
        "act('next_branch')",
        "Branch",
        key_display="]",
        id="transcript.branch_on",
    ),
]


def _token_key(key: str, name: str, words: str, *, show: bool = False) -> Binding:
    return Binding(key, f"inspect('{name}')", words, show=show, id=f"tokens.{name}")


TOKEN_KEYS = [
    _token_key("left", "left", "Token before"),
    _token_key("right", "right", "Token after"),
    _token_key("home", "home", "First token"),
    _token_key("end", "end", "Last token"),
    _token_key("up", "up", "Alternative before"),
    _token_key("down", "down", "Alternative after"),
    _token_key("n", "next_shifted", "Shifted", show=True),
    _token_key("N", "previous_shifted", "Shifted before"),
    _token_key("m", "next_marginal", "Marginal", show=True),
    _token_key("M", "previous_marginal", "Marginal before"),
    _token_key("b", "branch", "Branch here", show=True),
    _token_key("l", "lane", "Lane", show=True),
    _token_key("f", "filter", "Filter", show=True),
    _token_key("p", "pin", "Pin", show=True),
    _token_key("r", "reference", "Reference", show=True),
    _token_key("s", "score", "Score"),
    _token_key("i", "inspector", "Inspector"),
    _token_key("o", "other_list", "Other side's list"),
    _token_key("h", "positions", "Positions"),
    _token_key("a", "totals", "Totals"),
]
