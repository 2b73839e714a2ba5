"""The inspector's view of a growing trace: counts that agree with the summary, lanes, jumps, labels."""

import pytest

from tests.support.traces import empty_trace, pieces_of, score, scores_of
from urial_tui.shift.summary import summarise
from urial_tui.ui.inspect.trace_view import TraceView, piece_label, readable_texts


def view_of(kinds: str = "", **changes) -> TraceView:
    return TraceView(empty_trace("m1", scores=scores_of(kinds), **changes))


def test_counts_grow_with_the_scores_and_agree_with_the_summary():
    view = TraceView(empty_trace("m1", noise=0.1), running=True)
    everything = [
        *scores_of("uums"),
        score(4, "-"),
        score(5, "s", margin=0.01),
        score(6, "u", control=True),
    ]
    for token in everything:
        view.add([token], {})
        assert view.summary() == summarise([t for t in everything if t.i <= token.i], noise=0.1)
    assert view.summary().counts == {"unshifted": 2, "marginal": 1, "shifted": 2, "control": 1}
    assert view.summary().near_ties == {"unshifted": 0, "marginal": 0, "shifted": 1}
    assert view.summary().unscored == 1


def test_a_summary_after_an_update_looks_only_at_what_is_new():
    view = view_of("u" * 5000)
    view.summary()
    looked = []
    view._scores = Watched(view._scores, looked)  # type: ignore[assignment]
    view.add(scores_of("ss", 5000), {})
    assert view.summary().counts["shifted"] == 2
    assert looked == [5000, 5001]


class Watched(list):
    """Notes which places are read."""

    def __init__(self, values, looked):
        super().__init__(values)
        self.looked = looked

    def __getitem__(self, place):
        self.looked.append(place)
        return super().__getitem__(place)


def test_a_score_that_comes_again_replaces_the_first():
    view = view_of("uu")
    assert view.summary().counts["unshifted"] == 2
    view.add([score(1, "s")], {})
    assert view.summary().counts == {"unshifted": 1, "marginal": 0, "shifted": 1, "control": 0}


def test_a_gap_that_is_filled_later_is_counted():
    view = TraceView(empty_trace("m1"))
    view.add([score(2, "s")], {})
    assert view.summary().n == 1
    assert view.score(0) is None
    assert view.class_of(0) is None
    view.add([score(0, "u")], {})
    assert view.summary().n == 2


def test_each_reference_and_the_emitted_lane_have_counts_of_their_own():
    view = TraceView(
        empty_trace(
            "m1",
            references=("demo@zero-shot", "demo@raw"),
            scores=[score(0, "us", "m"), score(1, "s", "m")],
        )
    )
    assert view.class_of(0) == "unshifted"
    view.lane = "emitted"
    assert view.class_of(0) == "shifted"
    assert view.summary().counts["shifted"] == 2
    view.lane, view.reference = "kl", 1
    assert view.summary().counts["marginal"] == 2
    assert view.reference_side == "demo@raw"


def test_jumps_go_to_the_next_of_a_class_and_end_at_the_ends():
    view = view_of("usums")
    assert view.next_of(0, "shifted", 1) == 1
    assert view.next_of(1, "shifted", 1) == 4
    assert view.next_of(4, "shifted", 1) is None
    assert view.next_of(4, "shifted", -1) == 1
    assert view.next_of(-1, {"marginal", "shifted"}, 1) == 1


def test_near_ties_are_not_known_without_measured_noise():
    assert view_of("u").near_tie(0) is None
    assert view_of("u", noise=0.6).near_tie(0) is True
    assert view_of("u", noise=0.4).near_tie(0) is False
    assert view_of("u").summary().near_ties is None


@pytest.mark.parametrize(
    ("piece", "label"),
    [
        (b" walk", "␣walk"),
        (b"\n\n", "⏎⏎"),
        (b"\tx", "⇥x"),
        (b"\xf0\x9f", "⟨F0 9F⟩"),
        (b" \xf0\x9f", "␣⟨F0 9F⟩"),
        (b"\x8d\xb5 a", "⟨8D B5⟩␣a"),
        ("é".encode(), "é"),
        (b"\x1b[31m", "␛[31m"),
        ("\u202e".encode(), "⟨U+202E⟩"),
        (b"[bold]", "[bold]"),
        (b"\r\n", "␍⏎"),
        (b"", ""),
    ],
)
def test_labels_show_what_cannot_be_seen(piece, label):
    assert piece_label(piece) == label


def test_a_token_without_known_bytes_is_named_by_its_id():
    view = TraceView(empty_trace("m1", pieces={5: b" a"}))
    assert view.label(5) == "␣a"
    assert view.label(6) == "#6"
    view.add([], {6: b"b"})
    assert view.label(6) == "b"


def test_texts_follow_the_bytes_across_tokens():
    emoji = "🥾".encode()
    assert readable_texts([b"a", emoji[:2], emoji[2:], b" b"]) == ["a", "", "🥾", " b"]
    view = TraceView(
        empty_trace(
            "m1",
            scores=[*scores_of("us"), score(2, "u", control=True)],
            pieces=pieces_of(["Hi", " you", "<end>"]),
        )
    )
    assert view.texts() == ["Hi", " you", ""]


def test_the_stored_trace_takes_the_place_of_what_was_streamed():
    view = TraceView(empty_trace("m1"), running=True)
    view.add(scores_of("ss"), {})
    view.fail("the engine ended")
    assert view.error == "the engine ended"
    view.set_trace(empty_trace("m1", scores=scores_of("u")))
    assert not view.running
    assert view.n == 1
    assert view.summary().counts["shifted"] == 0
    assert view.error == ""
