"""The tree and two branches beside each other as lines: what is said, what is marked, and that nothing overflows."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

from urial_tui.chat.branch_tree import BranchTree
from urial_tui.chat.differences import in_words, runs_of
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.ui.branches.compare_lines import Comparison, Passage, compared
from urial_tui.ui.branches.tree_lines import Columns, detail_lines, head_line, tree_line
from urial_tui.ui.drawing.lines import Line, text_of

ASKED = OutlineRow("q", None, "user", "complete", "", "Why are there tides?\nAnd when?")
FIRST = OutlineRow(
    "a", "q", "assistant", "complete", "", "\n\nThe \x1b[31mmoon pulls.", "", "demo@urial-general", 51, 34.12,
    "demo@zero-shot", 40, 8, 3, 4.25,
)  # fmt: skip
SECOND = replace(FIRST, id="b", beginning="", status="failed", error="no\x07 memory", score=None)
TREE = BranchTree([ASKED, FIRST, SECOND], "a")


def text(line: Line) -> str:
    return text_of([line])


def drawn(width: int) -> list[str]:
    columns = Columns.of(TREE)
    return [
        text(tree_line(row, columns, width, here=False, mark=" ", parts=row.message.id == "q"))
        for row in TREE.rows
    ]


def test_a_line_says_place_version_role_text_and_numbers() -> None:
    asked, second, first = drawn(80)
    assert asked.startswith("  ◆ You   Why are there tides?") and "And when" not in asked
    assert second.startswith("  ├ ○ 2/2 Model (empty)") and "failed" in second
    assert first.startswith("  ● 1/2 Model The ␛[31mmoon pulls.")
    assert first.endswith("6%    4.2") and text(head_line(Columns.of(TREE), 80)).endswith("score")
    assert "demo@urial-general" in drawn(120)[2]


@pytest.mark.parametrize("width", [44, 80, 200])
def test_no_line_of_the_tree_is_longer_than_its_room(width: int) -> None:
    rows = [OutlineRow("0", None, "user", "complete", "", "漢字" * 300)]
    rows += [replace(FIRST, id=str(n), parent_id=str(max(n - 2, 0))) for n in range(1, 90)]
    tree = BranchTree(rows, "0")
    assert max(row.level for row in tree.rows) >= 1
    for row in tree.rows:
        deep = replace(row, level=row.level * 40)
        line = tree_line(deep, Columns(True, True, True), width, here=True, mark="A", parts=True)
        assert cell_len(text(line)) == width
    for line in detail_lines(tree.rows[1], width, 5):
        assert cell_len(text(line)) <= width


def test_the_detail_says_everything_that_is_known() -> None:
    said = text_of(detail_lines(TREE.rows[2], 90, 6))
    assert "Model 1/2 · demo@urial-general · 51 tokens · 34.1 tok/s · score 4.2" in said
    assert "unshifted 78%" in said and "against demo@zero-shot" in said and "␛[31mmoon" in said
    assert "no␇ memory" in text_of(detail_lines(TREE.rows[1], 90, 6))


# --- two branches -------------------------------------------------------------------------------


def passage(a: str, b: str, titles: tuple[str, str] = ("", "")) -> Passage:
    left, right = in_words(a), in_words(b)
    return Passage(titles, "word", (left, right), tuple(runs_of(left.keys, right.keys)))


def looked(made: Comparison, look: str, current: int | None = None) -> list[str]:
    found = []
    for number in range(len(made.lines)):
        found += [part.strip() for part, name in made.draw(number, current) if name == look]
    return [part for part in found if part]


def columns(made: Comparison) -> list[tuple[str, str]]:
    found = []
    for number in range(len(made.lines)):
        left, _, right = text(made.draw(number, None)).partition(" │ ")
        found.append((left.rstrip(), right.rstrip()))
    return found


def test_what_differs_is_marked_in_both_columns_and_what_is_the_same_is_not() -> None:
    made = compared([passage("It is good for you.", "It is great for you.")], 60, folded=True)
    assert looked(made, "differs") == ["good", "great"]
    assert looked(made, "here", 0) == ["good", "great"] and looked(made, "differs", 0) == []
    assert (made.differences, made.places) == ([(0, 1)], [0])


def test_the_columns_are_in_step_where_the_same_line_begins() -> None:
    made = compared(
        [passage("One line.\nEnd here.", "One much longer line, that takes two rows.\nEnd here.")],
        43,
        folded=True,
    )
    rows = columns(made)
    assert ("End here.", "End here.") in rows
    assert rows.index(("End here.", "End here.")) >= 2


def test_a_line_break_that_only_one_has_is_seen() -> None:
    made = compared([passage("One two", "One\n\ntwo")], 60, folded=True)
    assert any("↵" in part for part in looked(made, "differs"))


def test_a_long_common_beginning_is_folded_but_for_its_end() -> None:
    beginning = " ".join(f"word{n}" for n in range(100))
    one = passage(f"{beginning} here", f"{beginning} there")
    folded = compared([one], 60, folded=True, before=[("You", "Why?")])
    said = [left for left, _ in columns(folded)]
    assert said[0] == "… 1 message in common" and "… 80 words in common" in said
    assert not any("word1 " in line for line in said) and any("word99" in line for line in said)
    opened = [left for left, _ in columns(compared([one], 60, folded=False, before=[("You", "Why?")]))]  # fmt: skip
    assert opened[:2] == ["You", "Why?"] and any("word1 " in line for line in opened)
    assert folded.differences == compared([one], 60, folded=False).differences


def test_a_message_that_only_one_branch_has_is_no_difference() -> None:
    alone = Passage(("You", ""), "word", (in_words("More?"), in_words("")), ())
    made = compared([passage("a", "a"), alone], 60, folded=True)
    assert made.differences == [] and ("More?", "") in columns(made)


@pytest.mark.parametrize("width", [11, 44, 80, 200])
@pytest.mark.parametrize("folded", [True, False])
def test_hostile_text_stays_in_its_column(width: int, folded: bool) -> None:
    bad = (
        "漢字\x1b[2J\u202e" * 30 + "\t" * 9 + "e" + "\u0301" * 40 + "\r\r\n" + "x" * 500 + " " * 99
    )
    made = compared([passage(bad, bad + "!\n\r"), passage("", bad)], width, folded=folded)
    for number in range(len(made.lines)):
        line = made.draw(number, 0)
        assert cell_len(text(line)) <= max(width, 11)
        assert all(part.isprintable() for part, _ in line)
        if not isinstance(made.lines[number], str):
            left = text(line).split(" │ ")[0]
            assert cell_len(left) == made.column


def test_4096_pieces_against_4096_are_laid_out() -> None:
    a = " ".join(f"w{n % 700}" for n in range(4096))
    b = " ".join(f"w{n % 701}" for n in range(4096))
    made = compared([passage(a, b)], 80, folded=True)
    assert len(made.places) == len(made.differences) > 0
