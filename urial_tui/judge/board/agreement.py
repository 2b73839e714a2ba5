"""Which judges judged the same answers, and how far each two of them agree."""

from collections.abc import Iterable, Sequence

from urial_tui.judge.agreement import Agreement, AspectAgreement, of_picks, of_scores
from urial_tui.judge.board.duels import pick_of
from urial_tui.judge.board.material import Material
from urial_tui.judge.board.panels import score_of
from urial_tui.judge.board.types import BoardJudge
from urial_tui.judge.flipping import flipped
from urial_tui.store.judging.types import Comparison, Judgement


def agreements(material: Material, judges: Sequence[BoardJudge]) -> Iterable[Agreement]:
    """Each two judges that judged at least one answer, or pair of answers, in common with one rubric."""
    scores: dict[tuple[str, str], dict[str, Judgement]] = {}
    for judgement in material.judgements:
        key = (judgement.rubric.hash, judgement.judge.key)
        scores.setdefault(key, {})[judgement.message_id] = judgement
    picks: dict[tuple[str, str], dict[tuple[str, str], Comparison]] = {}
    for comparison in material.comparisons:
        if comparison.message_a > comparison.message_b:
            comparison = flipped(comparison)  # noqa: PLW2901 - one direction for all
        key = (comparison.rubric.hash, comparison.judge.key)
        pair = (comparison.message_a, comparison.message_b)
        picks.setdefault(key, {})[pair] = comparison
    for rubric in material.rubrics:
        for number, one in enumerate(judges):
            for other in judges[number + 1 :]:
                mine, theirs = (scores.get((rubric.hash, j.key), {}) for j in (one, other))
                judged = [(mine[id_], theirs[id_]) for id_ in mine if id_ in theirs]
                if judged:
                    found = _of_judgements(judged)
                    yield Agreement(one.label, other.label, rubric, "score", found)
                my_picks, their_picks = (picks.get((rubric.hash, j.key), {}) for j in (one, other))
                compared = [(my_picks[p], their_picks[p]) for p in my_picks if p in their_picks]
                if compared:
                    found = _of_comparisons(compared)
                    yield Agreement(one.label, other.label, rubric, "pairwise", found)


def _of_judgements(judged: Sequence[tuple[Judgement, Judgement]]) -> tuple[AspectAgreement, ...]:
    aspects = dict.fromkeys(s.aspect for pair in judged for j in pair for s in j.scores)
    pairs = {
        aspect: [
            (first.score, second.score)
            for one, other in judged
            if (first := score_of(one, aspect)) is not None
            and (second := score_of(other, aspect)) is not None
            and first.score is not None
            and second.score is not None
        ]
        for aspect in aspects
    }
    pooled = [pair for found in pairs.values() for pair in found]
    return (*(of_scores(a, found) for a, found in pairs.items()), of_scores("", pooled))


def _of_comparisons(
    compared: Sequence[tuple[Comparison, Comparison]],
) -> tuple[AspectAgreement, ...]:
    aspects = dict.fromkeys(p.aspect for pair in compared for c in pair for p in c.picks)
    pairs = {
        aspect: [
            (first.winner, second.winner)
            for one, other in compared
            if (first := pick_of(one, aspect)) is not None
            and (second := pick_of(other, aspect)) is not None
            and first.winner is not None
            and second.winner is not None
        ]
        for aspect in aspects
    }
    pooled = [pair for found in pairs.values() for pair in found]
    return (*(of_picks(a, found) for a, found in pairs.items()), of_picks("", pooled))
