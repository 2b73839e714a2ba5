"""A session's tree as a list: one straight line, others indented where they leave it, whatever its shape."""

import random

from urial_tui.chat.branch_tree import BranchTree
from urial_tui.store.sessions.outline import OutlineRow


def messages(*pairs: str) -> list[OutlineRow]:
    """`ab` is a message b that follows a; `.b` one that follows none."""
    return [
        OutlineRow(pair[1], None if pair[0] == "." else pair[0], "user", "complete", "", pair[1])
        for pair in pairs
    ]


def drawn(tree: BranchTree) -> list[str]:
    return [
        "  " * row.level + ("+" if row.begins else "") + row.message.id + ("*" if row.shown else "")
        for row in tree.rows
    ]


def test_a_conversation_without_branches_is_no_staircase() -> None:
    rows = [OutlineRow("0", None, "user", "complete", "", "")]
    rows += [OutlineRow(str(n), str(n - 1), "user", "complete", "", "") for n in range(1, 10_000)]
    tree = BranchTree(rows, "9999")
    assert [row.message.id for row in tree.rows] == [str(n) for n in range(10_000)]
    assert {row.level for row in tree.rows} == {0} and all(row.shown for row in tree.rows)


def test_the_shown_branch_is_straight_and_the_others_leave_it() -> None:
    tree = BranchTree(messages(".a", "ab", "bc", "ad", "de", "bf"), "c")
    assert drawn(tree) == ["a*", "  +d", "  e", "b*", "  +f", "c*"]
    assert [row.version for row in tree.rows] == [(1, 1), (2, 2), (1, 1), (1, 2), (2, 2), (1, 2)]


def test_without_a_shown_branch_the_one_written_to_last_is_straight() -> None:
    assert drawn(BranchTree(messages(".a", "ab", "ac", "cd", "be"), None)) == [
        "a",
        "  +c",
        "  d",
        "b",
        "e",
    ]


def test_a_long_conversation_in_which_each_answer_was_made_twice_stays_at_the_left() -> None:
    rows = [OutlineRow("0", None, "user", "complete", "", "")]
    for n in range(1, 2000):
        rows.append(OutlineRow(f"{n}x", str(n - 1), "assistant", "complete", "", ""))
        rows.append(OutlineRow(str(n), str(n - 1), "assistant", "complete", "", ""))
    assert {row.level for row in BranchTree(rows, None).rows} == {0, 1}


def test_every_shape_has_each_message_once_and_after_the_one_it_follows() -> None:
    lots = random.Random(4)
    rows = [OutlineRow("0", None, "user", "complete", "", "")]
    for n in range(1, 3000):
        parent = None if n % 97 == 0 else str(lots.randrange(max(0, n - 20), n))
        rows.append(OutlineRow(str(n), parent, "user", "complete", "", ""))
    tree = BranchTree(rows, "1234")
    assert sorted(int(row.message.id) for row in tree.rows) == list(range(3000))
    for row in tree.rows:
        above = tree.place(row.message.parent_id)
        own = tree.place(row.message.id)
        assert own is not None and (above is None or above < own)
    assert [row.message.id for row in tree.rows if row.shown] == tree.path("1234")
    assert {row.level for row in tree.rows if row.shown} == {0}


def test_a_message_whose_parent_is_not_there_is_not_left_out() -> None:
    assert drawn(BranchTree(messages("xb", "bc"), "c")) == ["b*", "c*"]


def test_versions_are_gone_around_also_from_below() -> None:
    tree = BranchTree(messages(".a", "ab", "ac", "ad", "be"), "e")
    assert tree.other_version("e", 1) == "c"
    assert tree.other_version("b", -1) == "d"
    assert tree.other_version("a", 1) is None


def test_two_branches_have_a_common_beginning_and_ends_of_their_own() -> None:
    tree = BranchTree(messages(".a", "ab", "bc", "ad", "de"), "c")
    assert tree.parted("c", "e") == (["a"], ["b", "c"], ["d", "e"])
    assert tree.parted("b", "c") == (["a", "b"], [], ["c"])
