"""What is said about the votes: against scipy, textbook formulas and known truths."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from demo.blind.statistics import (
    MIN_RATERS,
    PAPER_MOS,
    differences,
    holm,
    opinions,
    reliability,
    results,
    screen,
    win_rates,
)
from demo.blind.store import Vote
from demo.blind.trials import METHODS, PAIRS

TRUTH = dict(zip(METHODS, (1.3, 2.0, 3.0, 3.6, 4.4), strict=True))


def rating(rater, photo, method, answer, role="test", seconds=2.0):
    names = f"rater{rater}", f"{role}-{photo}-{method}"
    return Vote(
        *names, "rating", role, f"photo{photo}", method, None, str(answer), seconds, "v1", 9
    )


def choice(rater, photo, left, right, answer, kind="real", role="test", seconds=2.0):
    names = f"rater{rater}", f"{kind}-{role}-{photo}-{left}-{right}"
    return Vote(*names, kind, role, f"photo{photo}", left, right, answer, seconds, "v1", 9)


def by(first, second, found):
    (one,) = [d for d in found if (d.first, d.second) == (first, second)]
    return one


def test_mean_and_histogram_of_every_method():
    answers = {"SRGAN": [1, 2, 2, 3, 5, 5], "Nearest": [1] * 6}
    votes = [rating(i, 0, m, a) for m, given in answers.items() for i, a in enumerate(given)]
    found = {opinion.method: opinion for opinion in opinions(votes)}
    assert list(found) == list(METHODS)
    srgan = found["SRGAN"]
    assert (srgan.raters, srgan.votes, srgan.histogram) == (6, 6, (1, 2, 1, 0, 2))
    assert srgan.mean == 3.0
    assert 1 < srgan.low < 3 < srgan.high < 5
    nearest = found["Nearest"]
    assert (nearest.mean, nearest.low, nearest.high) == (1.0, 1.0, 1.0)  # all agree


def test_with_one_photo_the_interval_is_students():
    """Nearly: the bootstrap's variance is smaller by (n - 1) / n, and itself random."""
    given = [1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 2, 3, 4, 3, 2, 4]
    (opinion,) = (
        o for o in opinions([rating(i, 0, "SRGAN", a) for i, a in enumerate(given)]) if o.raters
    )
    low, high = stats.t.interval(0.95, 15, np.mean(given), stats.sem(given))
    assert (opinion.low, opinion.high) == pytest.approx((low, high), abs=0.06)


def test_the_interval_does_not_depend_on_the_order_of_the_votes():
    rng = np.random.default_rng(0)
    votes = [v for votes in simulated(rng, raters=8) for v in votes]
    shuffled = [votes[i] for i in rng.permutation(len(votes))]
    assert results(votes)[1:] == results(shuffled)[1:]


@pytest.mark.parametrize("raters", [MIN_RATERS - 1, MIN_RATERS])
def test_below_the_stated_number_nothing_is_claimed(raters):
    votes = list(itertools.chain(*simulated(np.random.default_rng(0), raters)))
    votes += [rating(r, 0, "SRGAN", 3, "repeat") for r in range(raters)]
    votes += [choice(r, 0, *PAIRS[0], "left") for r in range(raters)]
    found = results(votes)
    is_silent = raters < MIN_RATERS
    for opinion in found.opinions:
        assert opinion.raters == raters
        assert (opinion.mean is None) == (opinion.low is None) == (opinion.high is None)
        assert (opinion.mean is None) == is_silent
    assert all((d.p is None) == (d.mean is None) == is_silent for d in found.differences)
    assert (found.win_rates[0].rate is None) == is_silent
    assert (found.reliability.equal is None) == is_silent


def test_without_votes_there_are_no_results_and_no_failure():
    found = results([])
    assert found.screened == ([], 0, 0)
    assert [o.votes for o in found.opinions] == [0] * 5
    assert all(d.p is None for d in found.differences)
    assert all(w.rate is None for w in found.win_rates)


def simulated(rng, raters=26, photos=4, missing=0.1):
    """Ratings of people with a taste of their own, photos that suit a method, and moods.

    Returns for each method its votes; the truth is TRUTH, moved a little by rounding.
    """
    shape = (len(METHODS), raters, photos)
    means = np.array([TRUTH[m] for m in METHODS])[:, None, None]
    latent = means + rng.normal(0, 0.4, (1, raters, 1)) + rng.normal(0, 0.25, (5, raters, 1))
    latent = latent + rng.normal(0, 0.2, (5, 1, photos)) + rng.normal(0, 0.7, shape)
    answers = np.clip(np.rint(latent), 1, 5).astype(int)
    seen = rng.random(shape) > missing
    return [
        [rating(r, p, method, answers[m, r, p]) for r, p in zip(*np.nonzero(seen[m]), strict=True)]
        for m, method in enumerate(METHODS)
    ]


def true_means():
    """The mean rating of all people and photos, after rounding to the scale."""
    spread = math.sqrt(0.4**2 + 0.25**2 + 0.2**2 + 0.7**2)
    steps = np.arange(1.5, 5)
    return {m: 5 - stats.norm.cdf((steps - mean) / spread).sum() for m, mean in TRUTH.items()}


@pytest.mark.long
def test_simulated_opinions_are_within_the_interval_in_95_of_100_cases():
    rng, truth = np.random.default_rng(1), true_means()
    hits = dict.fromkeys(METHODS, 0)
    for _ in range(200):
        for opinion in opinions(itertools.chain(*simulated(rng))):
            hits[opinion.method] += opinion.low <= truth[opinion.method] <= opinion.high
    assert np.mean([*hits.values()]) >= 190
    assert min(hits.values()) >= 184  # a method alone: 200 draws at 95 % scatter by 3
    assert max(hits.values()) < 200  # an interval that is never wrong says nothing


@pytest.mark.long
def test_simulated_preferences_are_within_the_interval_in_95_of_100_cases():
    """All three pairs: 600 intervals, whose share scatters by 0.9 %."""
    rng = np.random.default_rng(2)
    truth, hits = dict(zip(PAIRS, (0.4, 0.2, 0.3), strict=True)), 0
    for _ in range(200):
        votes = []
        for pair, rater, photo in itertools.product(PAIRS, range(20), range(4)):
            sides = pair[:: 1 if (rater + photo) % 2 else -1]
            wanted = pair[int(rng.random() > truth[pair])]
            votes.append(choice(rater, photo, *sides, ("left", "right")[sides.index(wanted)]))
        for found in win_rates(votes)[:3]:
            hits += found.low <= truth[found.first, found.second] <= found.high
    assert 0.94 <= hits / 600 <= 0.98


def test_win_rates_are_wilsons_and_ties_are_counted_beside():
    votes = [choice(i, 0, "SRGAN", "Bicubic", "left") for i in range(9)]
    votes += [choice(i, 1, "Bicubic", "SRGAN", "right") for i in range(9)]
    votes += [choice(i, 2, "Bicubic", "SRGAN", "left") for i in range(6)]
    votes += [choice(i, 3, "Bicubic", "SRGAN", "same") for i in range(5)]
    votes += [choice(i, 3, "Bicubic", "SRGAN", "left", kind="closer") for i in range(7)]
    real, closer = (
        by("Bicubic", "SRGAN", [w for w in win_rates(votes) if w.kind == kind])
        for kind in ("real", "closer")
    )
    assert (real.wins, real.losses, real.same, real.raters) == (6, 18, 5, 9)
    assert (closer.wins, closer.losses, closer.same, closer.raters) == (7, 0, 0, 7)
    n, rate, z = 24, 0.25, 1.959964
    middle = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    assert (real.rate, real.low, real.high) == pytest.approx((rate, middle - half, middle + half))
    assert closer.high == 1.0


def test_only_ties_give_no_rate():
    votes = [choice(i, 0, "SRGAN", "Bicubic", "same") for i in range(9)]
    found = by("Bicubic", "SRGAN", win_rates(votes)[:3])
    assert (found.same, found.rate, found.low) == (9, None, None)


def test_differences_are_the_signed_rank_test_over_raters_corrected_by_holm():
    rng = np.random.default_rng(3)
    votes = list(itertools.chain(*simulated(rng, raters=12, missing=0.2)))
    table = {(v.left, v.rater, v.photo): int(v.answer) for v in votes}
    found = differences(votes)
    raw = []
    for difference in found:
        gaps = {}
        for (method, rater, photo), answer in table.items():
            other = table.get((difference.second, rater, photo))
            if method == difference.first and other is not None:
                gaps.setdefault(rater, []).append(answer - other)
        means = [np.mean(g) for g in gaps.values()]
        assert (difference.raters, difference.mean) == (len(means), pytest.approx(np.mean(means)))
        raw.append(stats.wilcoxon(means, method="asymptotic", correction=True).pvalue)
    order = np.argsort(raw)
    expected = np.maximum.accumulate(np.minimum(1, np.sort(raw) * np.arange(len(raw), 0, -1)))
    assert [found[i].p for i in order] == pytest.approx(expected)


def test_six_raters_of_one_mind_are_significant_and_equal_ratings_are_not():
    votes = [rating(r, 0, m, a) for r in range(6) for m, a in (("SRGAN", 5), ("Original", 5))]
    assert by("SRGAN", "Original", differences(votes)).p == 1.0
    votes = [rating(r, 0, m, a) for r in range(6) for m, a in (("SRGAN", 2), ("Original", 5))]
    found = by("SRGAN", "Original", differences(votes))
    assert found.mean == -3.0
    assert found.p < 0.05


def test_a_difference_needs_raters_who_rated_both():
    votes = [rating(r, 0, "SRGAN", 2) for r in range(9)]
    votes += [rating(r, 0, "Original", 5) for r in range(4, 13)]
    found = by("SRGAN", "Original", differences(votes))
    assert (found.raters, found.p) == (5, None)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_reliability_compares_the_second_rating_with_the_first():
    votes = [rating(r, 0, "SRGAN", 3) for r in range(8)]
    votes += [rating(r, 0, "SRGAN", 3 + d, "repeat") for r, d in enumerate((0, 0, 0, 0, 1, -1, 2))]
    votes.append(rating(9, 0, "SRGAN", 5, "repeat"))  # the first was quick
    found = reliability(votes)
    assert found.repeats == 7
    assert (found.equal, found.within_one) == pytest.approx((4 / 7, 6 / 7))
    assert found.deviation == pytest.approx(np.std([0, 0, 0, 0, 1, -1, 2], ddof=1))


def test_repeats_and_catch_trials_move_no_score():
    votes = [rating(r, 0, "SRGAN", 3) for r in range(8)]
    extra = [rating(r, 0, "SRGAN", 5, role) for r in range(8) for role in ("repeat", "catch")]
    extra += [choice(r, 0, "Nearest", "Original", "right", role="catch") for r in range(8)]
    assert opinions(votes + extra) == opinions(votes)
    assert win_rates(votes + extra) == win_rates(votes)


def test_quick_votes_do_not_count():
    votes = [rating(0, 0, "SRGAN", 3), rating(0, 1, "SRGAN", 3, seconds=0.69)]
    found = screen(votes)
    assert found.votes == votes[:1]
    assert (found.quick, found.excluded) == (1, 0)


@pytest.mark.parametrize(
    ("catches", "is_excluded"),
    [
        ([rating(0, 8, "Nearest", 1, "catch"), rating(0, 9, "Original", 5, "catch")], False),
        ([rating(0, 8, "Nearest", 2, "catch"), rating(0, 9, "Original", 3, "catch")], False),
        ([rating(0, 8, "Nearest", 3, "catch"), rating(0, 9, "Original", 3, "catch")], True),
        ([rating(0, 8, "Nearest", 5, "catch")], False),  # stopped before the other
        ([choice(0, 8, "Nearest", "Original", "right", role="catch")], False),
        ([choice(0, 8, "Nearest", "Original", "left", role="catch")], True),
        ([choice(0, 8, "Original", "Nearest", "same", role="catch")], True),
        ([choice(0, 8, "Original", "Nearest", "same", role="catch", seconds=0.1)], False),
    ],
)
def test_who_fails_a_catch_trial_does_not_count(catches, is_excluded):
    mine = [rating(0, 0, "SRGAN", 3), choice(0, 0, "SRGAN", "Bicubic", "left")]
    others = [rating(1, 0, "SRGAN", 4)]
    found = screen([*mine, *catches, *others])
    assert found.excluded == is_excluded
    assert (mine[0] in found.votes) == (mine[1] in found.votes) == (not is_excluded)
    assert others[0] in found.votes


def test_the_papers_scores_are_those_of_table_2():
    assert PAPER_MOS["Set5"]["SRResNet"] == 3.37
    assert PAPER_MOS["Set14"]["Original"] == 4.32
    assert PAPER_MOS["BSD100"] == {
        "Nearest": 1.11,
        "Bicubic": 1.47,
        "SRResNet": 2.29,
        "SRGAN": 3.56,
        "Original": 4.46,
    }
