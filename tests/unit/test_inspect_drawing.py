"""What the inspector's drawing functions put out: the right words at any size, and nothing that hurts a terminal."""

import math
import unicodedata

import pytest
from rich.cells import cell_len

from tests.support.inspected import (
    GENERATOR,
    NOISE,
    REFERENCE,
    answer,
    log,
    pair,
    reference_score,
    token,
    trace,
    view,
)
from urial_tui.chat.pair import PairStatus, ReferenceStatus
from urial_tui.errors import UsageError
from urial_tui.glyphs import to_ascii
from urial_tui.shift.records import ReferenceScore
from urial_tui.shift.summary import early_and_late, most_shifted
from urial_tui.store.types import ShiftTotals
from urial_tui.ui.drawing.lines import (
    Highlight,
    fine_bar,
    fit,
    fit_line,
    fit_middle,
    number,
    probability,
    text_of,
    whole_percent,
    wrapped,
)
from urial_tui.ui.inspect.alternatives import alternatives
from urial_tui.ui.inspect.chart import Answer, bins_of, chart
from urial_tui.ui.inspect.detail import odd_bytes, pinned_line, token_lines
from urial_tui.ui.inspect.header import header, problems, warnings
from urial_tui.ui.inspect.layout import Drawn, Shown, draw
from urial_tui.ui.inspect.table import totals_lines
from urial_tui.ui.inspect.tally import MOST_BINS, Tally
from urial_tui.ui.inspect.totals import class_lines, proportions, short_class_lines, sparkline
from urial_tui.ui.inspect.trace_view import TraceView

SIZES = [(34, 8), (34, 12), (34, 24), (34, 45), (46, 20), (60, 45), (72, 8), (78, 12), (100, 23)]


def drawn(shown: Shown, width: int = 46, height: int = 45) -> Drawn:
    return draw(shown, Tally(), width, height)


def words(shown: Shown, width: int = 46, height: int = 45) -> str:
    return text_of(drawn(shown, width, height).lines)


# --- fitting ------------------------------------------------------------------------------------


def test_a_wide_character_is_never_cut_in_two() -> None:
    assert fit("散歩の効果", 7) == "散歩の…"
    assert fit("散歩の効果", 6) == "散歩…"
    assert cell_len(fit("散歩の効果", 6, pad=True)) == 6
    assert fit("👨‍👩‍👧 x", 3) == "👨‍👩‍👧…"
    assert fit("abc", 0) == ""


def test_a_side_is_cut_in_the_middle_so_that_both_ends_are_read() -> None:
    shown = fit_middle("/models/with/a/long/path/gemma-3-270m.gguf@zero-shot", 30)
    assert cell_len(shown) <= 30
    assert shown.startswith("/models/") and shown.endswith("gguf@zero-shot") and "…" in shown
    assert fit_middle("demo@raw", 8) == "demo@raw"


def test_a_line_that_is_cut_says_so_even_between_pieces() -> None:
    assert text_of([fit_line([("abcd", ""), ("efg", "")], 4)]) == "abc…"
    assert text_of([fit_line([("abcd", ""), ("efg", "")], 7)]) == "abcdefg"
    assert text_of([fit_line([("abcd", ""), ("", "")], 4)]) == "abcd"


def test_wrapped_text_says_when_there_is_more() -> None:
    lines = wrapped("one two three four five six seven eight", 10, "", most=2)
    assert len(lines) == 2
    assert text_of(lines).endswith("…")


# --- numbers ------------------------------------------------------------------------------------


def test_values_that_are_no_numbers_are_said_in_words() -> None:
    assert number(None) == "none"
    assert number(math.nan) == "not a number"
    assert number(math.inf) == "infinite"
    assert number(-math.inf) == "minus infinity"
    assert probability(-math.inf) == "0"
    assert probability(None) == "none"
    assert probability(math.nan) == "NaN"


def test_what_is_nearly_nothing_or_nearly_all_is_not_rounded_to_it() -> None:
    assert probability(log(0.58)) == ".58"
    assert probability(log(0.0004)) == "<.01"
    assert probability(log(0.998)) == ".99"
    assert probability(0.0) == "1"
    assert probability(log(0.00004), 3) == "<.001"
    assert number(0.0004) == "<0.01"
    assert number(0.0) == "0.00"
    assert whole_percent(0.004) == "<1%"
    assert whole_percent(0.996) == ">99%"
    assert whole_percent(1.0) == "100%"


# --- header -------------------------------------------------------------------------------------


def test_the_header_names_sides_path_lane_and_which_reference() -> None:
    shown = view()
    text = text_of(header(shown, pair(), 46))
    assert GENERATOR in text and REFERENCE in text
    assert "live" in text and "lane: class" in text
    assert " of " not in text
    two = TraceView(trace([], references=("demo@raw", REFERENCE), path="canonical", complete=False))
    two.reference = 1
    two.lane = "kl"
    text = text_of(header(two, None, 46))
    assert f"{REFERENCE} 2 of 2" in text
    assert "canonical, incomplete" in text and "lane: KL" in text


def test_the_path_is_said_even_in_the_shortest_header() -> None:
    assert "live" in text_of(header(view(), pair(), 34, 2))


def test_a_given_text_has_no_generator() -> None:
    given = TraceView(trace([], generator=None))
    assert "none: a given text" in text_of(header(given, None, 46))


@pytest.mark.parametrize("rate", [None, 0.0, 0.012])
def test_a_null_rate_that_is_not_measured_names_the_command(rate: float | None) -> None:
    status = ReferenceStatus(REFERENCE, "ready", noise=NOISE, null_rate=rate)
    shown = TraceView(trace(answer(3), null_rate=None))
    text = " ".join(text_of(warnings(shown, pair(status), 200)).split())
    command = f"urial-tui doctor --pair {GENERATOR} {REFERENCE}"
    assert (command in text) == (rate is None)
    assert ("null rate 1.2 %" in text) == bool(rate)


def test_warnings_are_said_and_a_refused_pair_has_its_reason_and_hint() -> None:
    status = ReferenceStatus(
        REFERENCE, "ready", warnings=("quantisation differs: Q4_K_M against Q8_0",), null_rate=0.0
    )
    text = text_of(warnings(view(), pair(status), 80))
    assert "quantisation differs: Q4_K_M against Q8_0" in text
    error = UsageError("id 7 is ' a' in one and ' b' in the other", hint="Take another reference.")
    refused = pair(ReferenceStatus(REFERENCE, "refused", error))
    for shown in (None, view()):
        text = text_of(problems(shown, refused, 80))
        assert "refused: id 7 is ' a'" in text and "Take another reference." in text
        assert warnings(shown, refused, 80) == []


def test_the_status_of_another_pair_is_not_said_of_this_trace() -> None:
    error = UsageError("vocabularies differ")
    other = pair(ReferenceStatus(REFERENCE, "refused", error), generator="other@raw")
    assert problems(view(), other, 80) == []


def test_scoring_that_is_off_and_sides_without_references_are_said() -> None:
    assert "scoring is off" in words(Shown(pair=pair(scoring=False)))
    assert "ref none" in words(Shown(pair=PairStatus(GENERATOR)))
    assert f"{REFERENCE} loading" in words(Shown(pair=pair(ReferenceStatus(REFERENCE, "loading"))))


# --- one token ----------------------------------------------------------------------------------


def test_a_token_has_its_class_ranks_probabilities_and_divergence() -> None:
    score = reference_score(2, written_rank=5, margin=0.01)
    shown = TraceView(trace([token(0, 100, score)]))
    text = text_of(token_lines(shown, 0, 60))
    assert '"␣benefits" marginal ?' in text
    assert "argmax rank 2 · written rank 5 (shifted)" in text
    assert "gen .580 (log -0.54)" in text and "ref .290 (log -1.24)" in text
    assert "KL 0.41" in text and "H gen 1.20 ref 2.31 nats" in text
    assert "token 1 of 1 · id 100" in text
    shown.lane = "emitted"
    text = text_of(token_lines(shown, 0, 60))
    assert '"␣benefits" shifted ?' in text
    assert "written rank 5 · argmax rank 2 (marginal)" in text


def test_without_measured_noise_nothing_is_called_a_near_tie() -> None:
    shown = TraceView(trace([token(0, 100, reference_score(2, margin=0.0))], noise=None))
    assert "?" not in text_of(token_lines(shown, 0, 60))
    assert "noise not measured" in text_of(class_lines(shown.summary(), 60))


def test_odd_bytes_are_shown_in_hex_and_others_are_not() -> None:
    assert odd_bytes(b"\xe2\x82") == "E2 82"
    assert odd_bytes(b"\n") == "0A"
    assert odd_bytes("\u202e".encode()) == "E2 80 AE"
    assert odd_bytes(b"  ") == "20 20"
    assert odd_bytes(b" benefits") == ""
    assert odd_bytes("散歩".encode()) == ""
    assert odd_bytes(b"\x00" * 30).endswith("…")


def test_missing_scores_are_words() -> None:
    shown = TraceView(trace([token(0, 100, None), token(2, 100)]), running=True)
    assert "no score" in text_of(token_lines(shown, 0, 46))
    assert "scoring…" in text_of(token_lines(shown, 1, 46))
    assert "no score" in text_of([pinned_line(shown, 0, 46)])
    shown.end()
    assert "no score for this token" in text_of(token_lines(shown, 1, 46))
    given = TraceView(
        trace([token(0, 100, reference_score(given=True), generator=False)], generator=None)
    )
    text = text_of(token_lines(given, 0, 60))
    assert "gen none" in text and "KL none" in text and "argmax" not in text


def test_numbers_that_are_none_are_drawn_as_words() -> None:
    broken = ReferenceScore(
        -math.inf, math.nan, 9, 0.0, 9, math.inf, math.inf, ((100, math.nan), (101, -math.inf))
    )
    shown = TraceView(trace([token(0, 100, broken)]))
    text = words(Shown(shown, 0, 0))
    assert "KL infinite" in text and "ref not a number" in text and "ref 0 (excluded)" in text
    assert "NaN" in text
    assert "mean KL infinite" in text and "mean KL, highest infinite" in text


def test_control_tokens_and_cut_ones_are_named() -> None:
    shown = TraceView(trace([token(0, 107, control=True), token(1, 100, cut=True)]))
    assert "control" in text_of(token_lines(shown, 0, 46))
    assert "cut by a stop" in text_of(token_lines(shown, 1, 46))
    assert "no token is counted yet" in words(Shown(shown))


# --- lists --------------------------------------------------------------------------------------


def test_both_lists_are_marked() -> None:
    shown = TraceView(trace([token(0, 100)]))
    text = text_of(alternatives(shown, 0, 60, 10, Highlight(1, 0)))
    rows = text.splitlines()
    assert rows[0].startswith("generator ") and "reference <" in rows[0]
    own, theirs = rows[1].split("│")
    assert own.startswith(" *^␣benefits") and ".580" in own and own.endswith(" ██▉   ")
    assert theirs.startswith(" > =␣reasons") and ".370" in theirs
    assert rows[2].split("│")[1].startswith("  *^␣benefits")
    assert rows[3].split("│")[0].startswith("   ⇥⇥ways")


def test_the_bar_of_one_cell_tells_probabilities_apart() -> None:
    bars = [fine_bar(share, 1) for share in (0, 0.0001, 0.02, 0.25, 0.5, 0.75, 0.93, 1)]
    assert bars == [" ", "▏", "▏", "▎", "▌", "▊", "▉", "█"]
    assert (fine_bar(0.58, 6), fine_bar(1, 3), fine_bar(0.5, 0)) == ("███▌  ", "███", "")


def test_bars_have_whole_cells_where_only_ascii_can_be_shown() -> None:
    assert [to_ascii(fine_bar(share, 4)) for share in (1, 0.6, 0.01)] == ["####", "##| ", "|   "]


def test_a_low_list_scrolls_to_the_highlighted_row() -> None:
    top = tuple((id_, log(0.1)) for id_ in range(100, 108))
    shown = TraceView(trace([token(0, 100, reference_score(top=top), top=top)]))
    text = text_of(alternatives(shown, 0, 60, 3, Highlight(0, 6)))
    assert len(text.splitlines()) == 4
    assert ">" in text.splitlines()[3]


def test_a_text_without_a_generator_has_one_list() -> None:
    given = TraceView(trace([token(0, 100, generator=False)], generator=None))
    text = text_of(alternatives(given, 0, 46, 10))
    assert "generator" not in text and "│" not in text and "reference" in text


# --- the answer ---------------------------------------------------------------------------------


def test_ratios_are_given_with_and_without_near_ties_and_control_apart() -> None:
    scores = [
        token(0, 100, reference_score(1)),
        token(1, 100, reference_score(1)),
        token(2, 100, reference_score(2)),
        token(3, 100, reference_score(9, margin=0.01)),
        token(4, 107, control=True),
    ]
    text = text_of(class_lines(TraceView(trace(scores)).summary(), 60))
    assert "unshifted  50.0 %    2" in text
    assert "marginal   25.0 %    1" in text
    assert "shifted    25.0 %    1  1 ?" in text
    assert "without 1 near tie: u 66.7 m 33.3 s 0.0 %" in text
    assert "mean KL 0.410 nats · control 1" in text
    assert "░u 50% ▒m 25% █s 25% 1? KL 0.41" in text_of(
        short_class_lines(TraceView(trace(scores)).summary(), 34)
    )


def test_tokens_without_a_score_are_counted_apart() -> None:
    shown = TraceView(trace([token(0, 100, None), token(1, 100)]))
    assert "1 token without a score" in text_of(class_lines(shown.summary(), 46))


def test_the_bar_is_full_and_shows_every_class_that_occurs() -> None:
    counts = {"unshifted": 997, "marginal": 2, "shifted": 1, "control": 0}
    cells = dict(proportions(counts, 34))  # type: ignore[arg-type]
    assert sum(cells.values()) == 34
    assert cells["marginal"] == cells["shifted"] == 1
    none = {"unshifted": 3, "marginal": 0, "shifted": 0, "control": 0}
    assert proportions(none, 34) == [("unshifted", 34)]  # type: ignore[arg-type]


def test_the_tally_agrees_with_the_summary_of_the_whole_also_when_it_grows() -> None:
    scores = answer(700)
    scores[40] = token(40, 107, control=True)
    grown = TraceView(trace())
    tally = Tally()
    for start in range(0, 700, 23):
        grown.add(scores[start : start + 23], {})
        tally.follow(grown)
    early, late = early_and_late([scores], noise=NOISE)
    assert tally.early.counts["shifted"] == early.counts["shifted"]
    assert tally.late.counts["shifted"] == late.counts["shifted"]
    assert tally.most_shifted(5) == most_shifted(scores, limit=5)
    assert len(tally.bins) <= MOST_BINS and tally.size == 4
    assert sum(part.n for part in tally.bins) == 699
    at_once = Tally().follow(TraceView(trace(scores)))
    assert [part.counts for part in at_once.bins] == [part.counts for part in tally.bins]
    assert tally.position_of(39) == 39 and tally.position_of(41) == 40


def test_the_tally_begins_again_when_the_lane_or_an_old_score_changes() -> None:
    shown = TraceView(trace([token(0, 100, reference_score(1, written_rank=9))]))
    tally = Tally()
    assert tally.follow(shown).early.counts["shifted"] == 0
    shown.lane = "emitted"
    assert tally.follow(shown).early.counts["shifted"] == 1
    shown.add([token(0, 100, reference_score(1))], {})
    assert tally.follow(shown).early.counts["shifted"] == 0
    shown.set_trace(trace(answer(1)))
    shown.lane = "class"
    assert tally.follow(shown).early.counts["shifted"] == 1


def test_a_sparkline_shows_small_shares_and_marks_the_cursor() -> None:
    tally = Tally().follow(view(200))
    line, top, each = sparkline(tally.bins, 34, at=100)
    assert len("".join(text for text, _ in line)) <= 34
    assert each == 6 and 0 < top < 1
    assert [text for text, name in line if name == "here"] != []
    quiet = [reference_score(9 if i == 0 else 1) for i in range(100)]
    tally = Tally().follow(TraceView(trace([token(i, 100, s) for i, s in enumerate(quiet)])))
    line, _, _ = sparkline(tally.bins, 1)
    assert text_of([line]) == "▁"


# --- the whole pane -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("cursor", [None, 14])
def test_everything_fits_and_the_class_and_the_ratios_stay(
    size: tuple[int, int], cursor: int | None
) -> None:
    width, height = size
    shown = Shown(view(running=True), cursor, 3, pair(), "", Highlight(0, 1))
    lines = drawn(shown, width, height).lines
    assert len(lines) <= height
    assert all(cell_len(text_of([line])) <= width for line in lines)
    text = text_of(lines)
    assert GENERATOR in text and "live" in text
    assert '"' in text and ("marginal" in text or "m 14%" in text)
    assert "75" in text  # the share of unshifted tokens


def test_the_least_important_parts_give_way_first() -> None:
    shown = Shown(view(), 14, None, pair(), "", Highlight(0, 1))
    assert "most shifted tokens" in words(shown, 46, 45)
    assert "most shifted tokens" not in words(shown, 46, 24)
    assert "generator <" in words(shown, 46, 24)
    assert drawn(shown, 34, 12).list_rows > 0
    assert drawn(shown, 34, 8).list_rows == 0


def test_a_low_and_wide_pane_has_the_answer_beside_the_token() -> None:
    shown = Shown(view(), 14, None, pair(), "", Highlight(0, 1))
    lines = text_of(drawn(shown, 78, 12).lines).splitlines()
    assert lines[0].startswith("gen ") and "│ ░" in lines[0]
    assert "generator <" in words(shown, 78, 12)


def test_no_scores_say_why_and_what_can_be_done() -> None:
    text = words(Shown(pair=pair(), offer="This answer has no scores: press s to score it."), 34, 8)
    assert "press s to score it." in text.replace("\n", " ")
    failed = view(3)
    failed.fail("the context of the reference is full")
    text = words(Shown(failed, None, None, pair(), "press s to score it"), 60, 45)
    assert "scores are missing: the context of the reference is full" in text
    assert "press s to score it" in text
    empty = TraceView(trace([]))
    assert "press s" in words(Shown(empty, None, None, pair(), "press s"))
    empty.running = True
    assert "press s" not in words(Shown(empty, None, None, pair(), "press s"))
    stopped = TraceView(trace(answer(3), complete=False))
    assert "press s" in words(Shown(stopped, None, None, pair(), "press s"))
    assert "press s" not in words(Shown(view(), None, None, pair(), "press s"))


def test_the_newest_token_is_shown_while_they_come_and_none_afterwards() -> None:
    assert "token 57 of 57" in words(Shown(view(running=True)))
    assert "token 57 of 57" not in words(Shown(view()))


HOSTILE = [
    b"\x1b[2J\x1b]0;x\x07",
    b"\x9b31m",
    "\u202egnirts\u2066".encode(),
    b"\xc2\x9b\xc2\x85",
    b"\r\n\r\x00",
    "\u200b\u2028\U000e0041".encode(),
    ("a" + "\u0301" * 200).encode(),
    b"[bold red]x[/]",
    b"\xff\xfe\xed\xa0\x80",
]


def test_hostile_pieces_sides_and_messages_never_reach_the_terminal() -> None:
    pieces = {100 + n: piece for n, piece in enumerate(HOSTILE)}
    top = tuple((id_, log(0.1)) for id_ in pieces)
    scores = [token(i, id_, reference_score(9, top=top), top=top) for i, id_ in enumerate(pieces)]
    side = '"/m/\x1b[31m\u202e.gguf"@raw'
    error = UsageError("\x1b[2J bad \x9b id \u202e", hint="\x1b]52;c;x\x07")
    shown = TraceView(
        trace(scores, generator=side, references=(side,), pieces=pieces, null_rate=None)
    )
    shown.fail("\x1b[31m gone \u2066")
    totals = [ShiftTotals(side, side, "live", 1, 1, 1, 1, 1, math.nan)]
    text = text_of(totals_lines(totals, 60))
    for status in (
        ReferenceStatus(side, "refused", error),
        ReferenceStatus(side, "ready", warnings=("\x1b[0m\x85",)),
    ):
        for cursor in range(len(scores)):
            for width, height in SIZES:
                given = Shown(
                    shown, cursor, 0, pair(status, generator=side), "\x1b", Highlight(0, 1)
                )
                lines = drawn(given, width, height).lines
                assert all(cell_len(text_of([line])) <= width for line in lines)
                text += "".join(piece for line in lines for piece, _ in line)
        text += words(Shown(None, None, None, pair(status, generator=side), "\x1b"), 46, 45)
    bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")} - {"\n"}
    assert bad == set()
    assert "[bold␣red]x[/]" in text
    assert "\u0301" * 7 not in text


# --- chart and totals ---------------------------------------------------------------------------


def test_the_chart_has_its_panels_scales_and_axis_in_the_room_it_is_given() -> None:
    bins = bins_of([Answer(answer(150))], "class")
    for width, height in ((68, 15), (24, 9), (120, 30)):
        lines = chart(bins, width, height, relative=False)
        assert len(lines) <= height
        assert all(cell_len(text_of([line])) <= width for line in lines)
        text = text_of(lines)
        assert "shifted, share" in text and "marginal, share" in text and "mean KL" in text
        assert "50 %" in text or "100 %" in text or "25 %" in text
        assert lines[-1][0][0].split()[-1] == "150"
    assert "3 to a column" in text_of(chart(bins, 68, 15, relative=False))


def test_relative_positions_pool_answers_of_different_lengths() -> None:
    answers = [Answer(answer(20)), Answer(answer(40))]
    bins = bins_of(answers, "class", relative=10)
    assert [part.n for part in bins] == [6] * 10
    assert text_of(chart(bins, 60, 12, relative=True)).rstrip().endswith("100 %")
    absolute = bins_of(answers, "class")
    assert [part.n for part in absolute] == [2] * 20 + [1] * 20


def test_a_chart_without_tokens_or_without_room_says_so() -> None:
    assert "No token is counted" in text_of(chart([], 60, 12, relative=False))
    assert "Too small" in text_of(
        chart(bins_of([Answer(answer(9))], "class"), 20, 5, relative=False)
    )


def test_a_chart_without_a_generator_has_no_kl() -> None:
    given = [token(i, 100, reference_score(given=True), generator=False) for i in range(9)]
    assert "KL" not in text_of(chart(bins_of([Answer(given)], "class"), 60, 12, relative=False))


@pytest.mark.parametrize("width", [34, 50, 90])
def test_totals_name_sides_path_size_and_ratios(width: int) -> None:
    totals = [
        ShiftTotals(GENERATOR, REFERENCE, "live", 12, 780, 140, 80, 12, 0.41),
        ShiftTotals(None, REFERENCE, "canonical", 1, 0, 0, 0, 1, None),
    ]
    lines = totals_lines(totals, width)
    assert all(cell_len(text_of([line])) <= width for line in lines)
    text = text_of(lines)
    assert GENERATOR in text and "live · 12 answers" in text and "78" in text
    assert "a given text" in text and "canonical · 1 answer " in text
    assert "no token is counted" in text
    assert "No answer has scores here." in text_of(totals_lines([], width))
