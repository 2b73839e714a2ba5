"""The board's numbers against numbers by hand: what is in a mean, what is counted beside it, what stands apart."""

from dataclasses import replace

import pytest

from tests.support.boards import (
    JUST_EVAL,
    SAFETY,
    SMOL,
    ZOE,
    compared,
    judged,
    material,
    pick,
)
from urial_tui.errors import JudgeError
from urial_tui.judge.board.building import MAX_GROUPS, build
from urial_tui.judge.board.material import Material, choose, judge_labels
from urial_tui.judge.board.types import Board, Cell, Line
from urial_tui.judge.published import published_tables
from urial_tui.shift.summary import bootstrap
from urial_tui.store.judging.types import Judgement, Pick
from urial_tui.store.runs.types import AnswerShift, RunItem


def line(board: Board, row: str = "r1:0", panel: int = 0) -> Line:
    return next(line for line in board.panels[panel].lines if line.row == row)


def cell(found: Line, aspect: str) -> Cell:
    return next(cell for cell in found.cells if cell.aspect == aspect)


# --- scores


def test_a_mean_is_over_scores_alone_with_its_interval_over_items() -> None:
    given = [judged(f"0.{i}", clarity=score) for i, score in enumerate((2, 3, 5, 4))]
    found = cell(line(build(material(given))), "clarity")
    assert found.score == bootstrap([2.0, 3.0, 5.0, 4.0])
    assert found.score is not None and (found.score.mean, found.n) == (3.5, 4)
    assert (found.n_na, found.n_invalid, found.n_refused, found.expected) == (0, 0, 0, None)


def test_what_is_no_number_is_counted_and_in_no_mean() -> None:
    given = [
        judged("0.0", factuality=4),
        judged("0.1", factuality="na"),
        judged("0.2", factuality="invalid"),
        judged("0.3", factuality="refused"),
    ]
    found = cell(line(build(material(given))), "factuality")
    assert found.score is not None and (found.score.mean, found.score.n) == (4.0, 1)
    assert (found.n, found.n_na, found.n_invalid, found.n_refused, found.n_judged) == (
        1,
        1,
        1,
        1,
        4,
    )
    assert found.compatible == 4.5  # the score, and N/A as 5


def test_one_item_has_no_interval_and_few_items_are_said() -> None:
    few = [judged(f"0.{i}", clarity=1 + i % 5) for i in range(19)]
    board = build(material(few, n=25))
    (note,) = [note for note in board.notes if "intervals" in note]
    assert "fewer than 20 items" in note and "19" in note
    enough = [*few, judged("0.19", clarity=5)]
    assert not any("intervals" in note for note in build(material(enough, n=25)).notes)
    alone = build(material([judged("0.0", clarity=4)], n=25))
    score = cell(line(alone), "clarity").score
    assert score is not None and (score.mean, score.low, score.high) == (4.0, None, None)
    assert any("(the fewest: 1)" in note for note in alone.notes)


def test_an_aspect_without_a_score_has_no_mean_and_no_average_hides_that() -> None:
    given = [judged("0.0", clarity=4, depth="invalid"), judged("1.0", clarity=4, depth=2)]
    board = build(material(given))
    mine, other = line(board), line(board, "r1:1")
    assert cell(mine, "depth").score is None and mine.average is None
    assert mine.average_compatible is None
    assert other.average is not None and (other.average.mean, other.average.n) == (3.0, 1)


def test_the_average_is_of_the_aspects_means_and_leaves_safety_out() -> None:
    given = [
        judged("0.0", clarity=5, depth=1, safety=5),
        judged("0.1", clarity=5, depth="na", safety=5),
        judged("0.2", clarity=2, depth=3, safety=5),
    ]
    board = build(material(given))
    assert board.panels[0].averaged == ("clarity", "depth")
    average = line(board).average
    assert average is not None and average.mean == pytest.approx((4.0 + 2.0) / 2)
    assert average.n == 2
    assert line(board).average_compatible == pytest.approx((4.0 + 3.0) / 2)


def test_a_rubric_of_one_aspect_has_no_average() -> None:
    board = build(material([judged("0.0", rubric=SAFETY, safety=5)]))
    assert board.panels[0].averaged == () and line(board).average is None


def test_expected_scores_stand_beside_the_sampled_ones() -> None:
    given = [judged("0.0", clarity=2.25), judged("0.1", clarity=3.25), judged("0.2", clarity="na")]
    found = line(build(material(given)))
    one = cell(found, "clarity")
    assert one.score is not None and one.score.mean == 2.5
    assert one.expected is not None and (one.expected.mean, one.expected.n) == (2.75, 2)


def test_the_mass_says_how_much_of_the_judges_probability_an_expected_score_is_about() -> None:
    sure, torn, unknown = (judged(f"0.{i}", clarity=3.0) for i in range(3))
    masses = (0.0, 0.1, 0.7, 0.1, 0.0), (0.0, 0.0, 0.1, 0.0, 0.0)
    given = [
        replace(one, scores=(replace(one.scores[0], probabilities=mass),))
        for one, mass in zip((sure, torn), masses, strict=True)
    ]
    found = cell(line(build(material([*given, unknown]))), "clarity")
    assert found.mass == pytest.approx((0.9 + 0.1) / 2)
    assert cell(line(build(material([judged("0.0", ZOE, clarity=4)]))), "clarity").mass is None


def test_an_aspect_that_a_person_left_out_is_not_unreadable() -> None:
    given = [judged("0.0", ZOE, clarity=4, depth=2), judged("0.1", ZOE, clarity=3)]
    found = line(build(material(given)))
    assert cell(found, "depth").n_judged == 1 and cell(found, "depth").n_invalid == 0
    assert found.n_judged == 2


def test_a_judgement_without_any_aspect_counts_in_each() -> None:
    unreadable = Judgement("0.1", SMOL, JUST_EVAL, "refused", ())
    found = line(build(material([judged("0.0", clarity=4), unreadable])))
    assert cell(found, "clarity").n_refused == 1 and cell(found, "clarity").n == 1


def test_judges_and_wordings_of_a_rubric_are_never_mixed() -> None:
    other = replace(JUST_EVAL, hash="cc" * 32)
    given = [
        judged("0.0", clarity=1),
        judged("0.0", ZOE, clarity=5),
        judged("0.1", rubric=other, clarity=3),
    ]
    board = build(material(given))
    found = [
        (p.judge.label, p.rubric.hash[:2], line(board, panel=n).n_judged)
        for n, p in enumerate(board.panels)
    ]
    assert found == [("smol@chat", "aa", 1), ("Zoë", "aa", 1), ("smol@chat", "cc", 1)]
    assert any("2 wordings" in note and "aaaaaaaa" in note for note in board.notes)


def test_judges_that_look_alike_have_labels_of_their_own() -> None:
    twin = replace(SMOL, key="key-twins")
    labels = judge_labels([SMOL, twin, ZOE])
    assert labels == {
        "key-smol": "smol@chat (model y-smol)",
        "key-twins": "smol@chat (model -twins)",
        "person:Zoë": "Zoë",
    }


def test_a_line_says_what_weakens_it() -> None:
    given = [judged("0.0", clarity=4, own=True), judged("0.1", clarity=3, shortened=True)]
    found = line(build(material(given)))
    assert (found.n_answers, found.n_judged, found.n_own, found.n_shortened) == (4, 2, 1, 1)


# --- rows


def test_a_row_says_length_how_answers_ended_and_what_is_missing() -> None:
    full = material()
    some = replace(full, answers=full.answers[:-1])
    first, second = build(some).rows
    assert first.words == bootstrap([10.0, 20.0, 30.0, 40.0]) and first.length_share == 0.0
    assert second.words is not None and (second.words.mean, second.words.n) == (40.0, 3)
    assert second.length_share == 1.0 and (second.n_answers, second.n_wanted) == (3, 4)
    assert any("1 answers are missing" in note for note in build(some).notes)


def test_shift_is_pooled_over_tokens_and_averaged_over_items() -> None:
    shifts = [
        AnswerShift("0.0", "demo@raw", unshifted=8, marginal=1, shifted=1, mean_kl=0.5),
        AnswerShift("0.1", "demo@raw", unshifted=10, marginal=10, shifted=10, mean_kl=1.0),
        AnswerShift("0.2", "demo@raw", unshifted=0, marginal=0, shifted=0, mean_kl=None),
    ]
    (found,) = build(material(shifts=shifts)).rows[0].shifts
    assert (found.n_tokens, found.n_answers) == (40, 3)
    assert found.ratios == {"unshifted": 18 / 40, "marginal": 11 / 40, "shifted": 11 / 40}
    assert found.per_item["unshifted"].mean == pytest.approx((0.8 + 1 / 3) / 2)
    assert found.per_item["unshifted"].n == 2
    assert found.mean_kl == pytest.approx((10 * 0.5 + 30 * 1.0) / 40)
    assert build(material(shifts=shifts)).rows[1].shifts == ()


def test_rows_of_several_runs_are_told_apart() -> None:
    one, two = material([judged("0.0", clarity=1)]), material(run="r2", name="again")
    both = Material(
        one.runs + two.runs,
        one.rows + two.rows,
        one.answers + tuple(replace(a, message_id="x" + a.message_id) for a in two.answers),
        {**one.items, **two.items},
        one.judgements,
    )
    board = build(both)
    assert [row.label for row in board.rows][::2] == [
        "demo@urial-general (walks)",
        "demo@urial-general (again)",
    ]
    alike = replace(both, runs=(one.runs[0], replace(two.runs[0], name="walks")))
    assert build(alike).rows[2].label == "demo@urial-general (run 2)"
    twice = material(sides=("demo@raw", "demo@raw"))
    assert [row.label for row in build(twice).rows] == ["demo@raw #0", "demo@raw #1"]
    assert not any("cannot be compared" in note for note in board.notes)
    other = replace(both, runs=(one.runs[0], replace(two.runs[0], input_sha256="00")))
    assert any("cannot be compared" in note for note in build(other).notes)


# --- turns and groups


def test_answers_of_one_item_are_drawn_together_and_turns_shown_apart() -> None:
    given = [
        judged(message, clarity=score)
        for message, score in (("0.0", 5), ("0.0.1", 1), ("0.1", 5), ("0.1.1", 1))
    ]
    board = build(material(given, turns=2, n=2))
    whole = cell(line(board), "clarity").score
    assert whole is not None and (whole.mean, whole.low, whole.high, whole.n) == (3.0, 3.0, 3.0, 4)
    assert whole.n_items == 2
    assert board.breakdown is not None and board.breakdown.by == "turn"
    means = {
        group.name: group.panels[0].lines[0].cells[0].score for group in board.breakdown.groups
    }
    assert {name: mean and mean.mean for name, mean in means.items()} == {"1": 5.0, "2": 1.0}


def test_an_item_with_several_tasks_counts_in_each_of_them() -> None:
    items = [
        RunItem(0, 0, ("q",), task=("Coding", "Math", "Math")),
        RunItem(1, 1, ("q",), task=("Math",)),
        RunItem(2, 2, ("q",)),
    ]
    given = [judged(f"0.{i}", clarity=score) for i, score in enumerate((1, 3, 5))]
    board = build(material(given, items=items), by="task")
    assert board.breakdown is not None and board.breakdown.overlapping
    found = {
        group.name: (group.n_items, mean.mean)
        for group in board.breakdown.groups
        if (mean := group.panels[0].lines[0].cells[0].score)
    }
    assert found == {"Math": (2, 2.0), "": (1, 5.0), "Coding": (1, 1.0)}
    assert [group.name for group in board.breakdown.groups] == ["Math", "", "Coding"]
    assert any("counts in each" in note for note in board.notes)


def test_a_breakdown_has_the_largest_groups_and_says_what_it_left_out() -> None:
    items = [RunItem(i, i, ("q",), category=f"c{i:03}") for i in range(MAX_GROUPS + 3)]
    board = build(material([judged("0.0", clarity=1)], items=items), by="category")
    assert board.breakdown is not None and len(board.breakdown.groups) == MAX_GROUPS
    assert any(note.startswith("3 smaller groups") for note in board.notes)


# --- compared answers


def test_wins_ties_and_losses_come_with_lengths() -> None:
    pairs = [
        compared("0.0", "1.0", pick("clarity", "a", "a"), words=(10, 5)),
        compared("1.1", "0.1", pick("clarity", "b", "b"), words=(5, 15)),  # turned round: a win
        compared("0.2", "1.2", pick("clarity", "a", "b"), words=(10, 5)),  # its place decided
        compared("0.3", "1.3", pick("clarity", "b", "b"), words=(10, 4)),
    ]
    (duel,) = build(material(comparisons=pairs)).duels
    assert (duel.row, duel.opponent, duel.n) == ("r1:0", "r1:1", 4)
    (found,) = duel.cells
    assert (found.wins, found.ties, found.losses, found.n) == (2, 1, 1, 4)
    assert found.rates == (0.5, 0.25, 0.25) and found.n_split == 1
    assert (found.n_longer, found.n_decided, found.longer) == (2, 3, 2 / 3)
    assert duel.words is not None and duel.words.mean == pytest.approx((5 + 10 + 5 + 6) / 4)


def test_wins_less_losses_have_an_interval_over_items() -> None:
    pairs = [
        compared("0.0", "1.0", pick("clarity", "a", "a")),
        compared("1.1", "0.1", pick("clarity", "b", "b")),  # turned round: a win
        compared("0.2", "1.2", pick("clarity", "a", "b")),
        compared("0.3", "1.3", pick("clarity", "b", "b")),
        compared("0.4", "1.4", Pick("clarity", "invalid")),
    ]
    (found,) = build(material(comparisons=pairs, n=5)).duels[0].cells
    assert found.margin == bootstrap([1.0, 1.0, 0.0, -1.0])
    # Both turns of an item are drawn together.
    turns = [compared(f"0.{i}{t}", f"1.{i}{t}", pick("clarity", *w * 2)) for i, t, w in (
        (0, "", "a"), (0, ".1", "b"), (1, "", "a"), (1, ".1", "b"))]  # fmt: skip
    (found,) = build(material(comparisons=turns, n=2, turns=2)).duels[0].cells
    assert found.margin is not None and found.n == 4
    assert (found.margin.low, found.margin.high, found.margin.n_items) == (0.0, 0.0, 2)
    unreadable = [compared("0.0", "1.0", Pick("clarity", "invalid"))]
    (found,) = build(material(comparisons=unreadable)).duels[0].cells
    assert found.margin is None


def test_a_duel_says_what_weakens_it() -> None:
    one, two, three = (compared(f"0.{i}", f"1.{i}", pick("clarity", "a", "a")) for i in range(3))
    cut = {"a": (10, 20)}
    pairs = [
        replace(one, own=True),
        replace(two, own=True, shortened=cut),
        replace(three, blind=True),
    ]
    (duel,) = build(material(comparisons=pairs)).duels
    assert (duel.n, duel.n_own, duel.n_shortened, duel.n_blind) == (3, 2, 1, 1)


def test_unreadable_comparisons_and_equal_lengths_are_in_no_rate() -> None:
    pairs = [
        compared("0.0", "1.0", Pick("clarity", "invalid"), words=(10, 5)),
        compared("0.1", "1.1", Pick("clarity", "ok", "a"), words=(5, 5)),
        compared("0.2", "1.2", Pick("clarity", "ok", "tie"), words=(5, 5)),  # a person's tie
        compared("0.3", "0.2", Pick("clarity", "ok", "a"), words=(5, 5)),
    ]
    board = build(material(comparisons=pairs))
    (found,) = board.duels[0].cells
    assert (found.wins, found.ties, found.losses, found.n_invalid) == (1, 1, 0, 1)
    assert found.longer is None and found.n_split == 0
    assert any("two answers of one side" in note for note in board.notes)


# --- agreement


def test_two_judges_agree_over_what_both_gave_a_number() -> None:
    given = [
        judged("0.0", clarity=1, depth=2),
        judged("0.1", clarity=3, depth="na"),
        judged("0.2", clarity=5, depth=4),
        judged("0.3", clarity=5),
        judged("0.0", ZOE, clarity=2, depth=2),
        judged("0.1", ZOE, clarity=3, depth=1),
        judged("0.2", ZOE, clarity=4),
    ]
    (found,) = build(material(given)).agreement
    assert (found.judge, found.other, found.rubric) == ("smol@chat", "Zoë", JUST_EVAL)
    clarity, depth, pooled = found.aspects
    assert (clarity.n, clarity.exact, clarity.within_one, clarity.rho) == (3, 1 / 3, 1.0, 1.0)
    assert clarity.kappa == pytest.approx(
        1 - 3 * 2 / (sum((i - j) ** 2 for i in (1, 3, 5) for j in (2, 3, 4)))
    )
    assert (depth.n, depth.exact, depth.rho, depth.kappa) == (1, 1.0, None, None)
    assert (pooled.aspect, pooled.n) == ("", 4)


def test_comparisons_of_the_same_pair_agree_whichever_was_called_a() -> None:
    pairs = [
        compared("0.0", "1.0", pick("clarity", "a", "a")),
        compared("1.0", "0.0", Pick("clarity", "ok", "b"), judge=ZOE),
        compared("0.1", "1.1", pick("clarity", "b", "b")),
        compared("0.1", "1.1", Pick("clarity", "ok", "b"), judge=ZOE),
    ]
    (found,) = build(material(comparisons=pairs)).agreement
    assert found.kind == "pairwise"
    assert (found.pooled.n, found.pooled.exact, found.pooled.kappa) == (2, 1.0, 1.0)


# --- choosing


def test_judges_and_rubrics_are_chosen_by_name() -> None:
    full = material([judged("0.0", clarity=1), judged("0.0", ZOE, SAFETY, safety=5)])
    assert [j.judge.judge for j in choose(full, judges=["Zoë"]).judgements] == ["Zoë"]
    assert [j.rubric.id for j in choose(full, rubrics=["just-eval"]).judgements] == ["just-eval"]
    assert choose(full) == full
    with pytest.raises(JudgeError) as raised:
        choose(full, judges=["gpt"])
    assert raised.value.kind == "judge-missing" and "smol@chat, Zoë" in raised.value.hint
    with pytest.raises(JudgeError) as raised:
        choose(full, rubrics=["mine"])
    assert raised.value.kind == "rubric-missing" and "just-eval, safety" in raised.value.hint


# --- published figures


def test_published_figures_say_who_judged_and_what_they_are_not() -> None:
    tables = published_tables()
    safety = tables[0]
    assert safety.judge == "gpt-3.5-turbo-0613" and "800-999" in safety.items
    assert {row.system: row.values for row in safety.rows}["vicuna-7b-v1.5"] == {"safety": 4.60}
    for table in tables:
        assert table.note and table.source and table.items
        assert all(set(row.values) <= set(table.columns) and row.values for row in table.rows)
    # Two of the paper's tables could not be checked, and are not there.
    assert sum("helpfulness" in row.values for table in tables for row in table.rows) == 1
    assert not any("marginal" in table.columns for table in tables)
