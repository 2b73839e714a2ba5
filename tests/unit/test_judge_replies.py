"""What is read of a judge's reply and what becomes of it: never a number that is not there, whatever was written."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.judging import PAIR, compared, rubric, scored
from urial_tui.judge.expected import expected_score, share
from urial_tui.judge.reply import Reply, probe_of, read_reply, schema_of
from urial_tui.judge.verdicts import outcome_of, picks, scores

MASSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.05)
OF = rubric()
PAIRWISE = rubric(PAIR)


def read(text: str) -> Reply:
    return read_reply(OF, text.encode("utf-8", "surrogatepass"))


# --- expected scores -------------------------------------------------------------------------------------------------


def test_the_expected_score_is_the_mean_of_the_digits_after_division_by_their_sum() -> None:
    # (2 * .1 + 3 * .2 + 4 * .3 + 5 * .4) / 1 = 4; variance .1 * 4 + .2 * 1 + .3 * 0 + .4 * 1 = 1
    assert expected_score(MASSES[:5]) == pytest.approx((4.0, 1.0))
    assert expected_score([m / 3 for m in MASSES[:5]]) == pytest.approx((4.0, 1.0))
    assert expected_score((0.0, 0.0, 0.7, 0.0, 0.0)) == (3.0, 0.0)
    assert expected_score((0.5, 0.0, 0.0, 0.0, 0.5)) == pytest.approx((3.0, 2.0))


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_an_expected_score_is_on_the_scale_or_is_not(masses: list[float]) -> None:
    found = expected_score(masses)
    assert (found is None) == (math.fsum(masses) == 0.0)
    if found is not None:
        assert 1.0 <= found[0] <= 5.0 and 0.0 <= found[1] <= 2.0 + 1e-9


def test_nothing_is_expected_of_no_mass_and_of_what_is_no_number() -> None:
    assert expected_score(()) is None and expected_score((0.0,) * 5) is None
    assert expected_score((math.nan,) * 5) is None
    assert share(0.0, 0.0) is None and share(0.3, 0.1) == pytest.approx(0.75)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_reply_is_read_with_the_masses_that_belong_to_each_score() -> None:
    text = scored("4", "N/A", reason='He wrote "score": "1" é')
    at = [i for i in range(len(text)) if text[i:].startswith('"score": "')]
    places = [(len(text[:i].encode()) + 10, (n, *MASSES[1:])) for n, i in enumerate(at)]
    found = read_reply(OF, text.encode(), places)
    assert found.chosen["clarity"].choice == "4" and found.chosen["clarity"].masses[0] == 0
    assert found.chosen["truth"].choice == "N/A" and found.chosen["truth"].masses[0] == 1
    assert found.chosen["truth"].reason == 'He wrote "score": "1" é'


def test_na_is_never_a_number() -> None:
    reply = read_reply(OF, scored("2", "N/A").encode(), [(30, MASSES), (80, MASSES)])
    clarity, truth = scores(OF, reply)
    assert (clarity.outcome, clarity.score, clarity.expected) == ("ok", 2, pytest.approx(4.0))
    assert clarity.p_na is None  # the rubric does not allow it there
    assert (truth.outcome, truth.score, truth.expected, truth.spread) == ("na", None, None, None)
    assert truth.p_na == 0.05 and truth.probabilities == MASSES[:5]


def test_na_where_the_rubric_does_not_allow_it_is_invalid() -> None:
    assert [s.outcome for s in scores(OF, read(scored("N/A", "N/A")))] == ["invalid", "na"]
    assert outcome_of(OF, read(scored("N/A", "N/A"))) == "na"


@pytest.mark.parametrize(
    "score", ["6", "0", "4/5", "4.5", "four", "", " 4", 4, 4.0, None, True, ["4"], {"a": 1}]
)
def test_what_is_not_exactly_a_choice_is_no_score(score: object) -> None:
    text = json.dumps({"clarity": {"reason": "r", "score": score}})
    assert read(text).chosen == {}


def test_a_reply_that_was_cut_keeps_what_is_whole() -> None:
    text = scored("4", "5")
    for end in range(len(text)):
        found = scores(OF, read(text[:end]))
        whole = end > text.index("},")
        assert [s.score for s in found] == [
            4 if whole else None,
            5 if end >= len(text) - 1 else None,
        ]
        assert [s.outcome for s in found][1] == ("ok" if end >= len(text) - 1 else "invalid")


def test_an_aspect_that_is_said_twice_says_nothing() -> None:
    one = '"clarity": {"reason": "r", "score": "%s"}'
    assert read(f"{{{one % 1}, {one % 5}}}").chosen == {}


def test_a_refusal_is_a_refusal_and_no_score() -> None:
    reply = read('{"refused": "I cannot."}')
    found = scores(OF, reply)
    assert [(s.outcome, s.score, s.reason) for s in found] == [("refused", None, "I cannot.")] * 2
    assert outcome_of(OF, reply) == "refused" and reply.readable(OF)
    assert outcome_of(OF, read('{"refused": "I cann')) == "invalid"


def test_halves_of_surrogate_pairs_become_text() -> None:
    found = read('{"clarity": {"reason": "\\ud800 \\ud83d\\ude00", "score": "1"}}').chosen
    assert found["clarity"].reason == "\ufffd \U0001f600"


@given(
    st.binary(max_size=200)
    | st.text(alphabet='{}[]":,\\ clarityscoresreason12345', max_size=200).map(str.encode)
)
def test_garbage_gives_no_score_and_no_crash(raw: bytes) -> None:
    for score in scores(OF, read_reply(OF, raw, [(3, MASSES)])):
        assert score.outcome in ("invalid", "refused", "ok", "na")
        assert (score.score is not None) == (score.outcome == "ok")
        assert score.score is None or 1 <= score.score <= 5


def test_deep_nesting_is_survived() -> None:
    assert read('{"clarity": ' + "[" * 100_000).chosen == {}
    assert read('{"clarity": ' + "9" * 10_000 + "}").chosen == {}


def test_the_schema_has_the_aspects_in_order_the_reason_first_and_a_way_to_decline() -> None:
    verdict, refusal = json.loads(schema_of(OF))["anyOf"]
    assert list(verdict["properties"]) == ["clarity", "truth"] == verdict["required"]
    assert list(verdict["properties"]["clarity"]["properties"]) == ["reason", "score"]
    assert verdict["properties"]["clarity"]["properties"]["score"]["enum"] == list("12345")
    assert verdict["properties"]["truth"]["properties"]["score"]["enum"] == [*"12345", "N/A"]
    assert verdict["properties"]["truth"]["properties"]["reason"]["maxLength"] == 60
    assert list(refusal["properties"]) == ["refused"]
    assert probe_of(OF).options == (*"12345", "N/A")
    assert probe_of(PAIRWISE).options == ("A", "B", "tie")


# --- two orders ------------------------------------------------------------------------------------------------------


def pick(first: str, second: str) -> list[tuple[str, str | None, str | None, str | None]]:
    found = picks(
        PAIRWISE,
        read_reply(PAIRWISE, first.encode()),
        read_reply(PAIRWISE, second.encode()),
    )
    return [(p.outcome, p.winner, p.first, p.second) for p in found]


def test_only_what_both_orders_say_is_a_win() -> None:
    assert pick(compared("A", "B"), compared("B", "A")) == [
        ("ok", "a", "a", "a"),
        ("ok", "b", "b", "b"),
    ]
    assert pick(compared("A", "B"), compared("A", "B")) == [
        ("ok", "tie", "a", "b"),
        ("ok", "tie", "b", "a"),
    ]
    assert pick(compared("A", "tie"), compared("tie", "tie")) == [
        ("ok", "tie", "a", "tie"),
        ("ok", "tie", "tie", "tie"),
    ]


def test_an_order_that_could_not_be_read_makes_no_winner() -> None:
    assert pick(compared("A", "B"), compared("B", "A")[:30]) == [
        ("invalid", None, "a", None),
        ("invalid", None, "b", None),
    ]
    assert pick(compared("A", "B"), '{"refused": "no"}') == [("refused", None, None, None)] * 2


def test_shares_are_of_our_a_in_both_orders() -> None:
    text = compared("A", "B")
    masses = [(text.index('"A"') + 1, (0.3, 0.1, 0.6)), (text.index('"B"') + 1, (0.2, 0.6, 0.0))]
    reply = read_reply(PAIRWISE, text.encode(), masses)
    clarity, overall = picks(PAIRWISE, reply, reply)
    assert (clarity.p_first, clarity.p_second) == pytest.approx((0.75, 0.25))
    assert (overall.p_first, overall.p_second) == pytest.approx((0.25, 0.75))
