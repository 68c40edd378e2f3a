"""What raters see: balanced, blind, different for everybody and the same after a break."""

import itertools
import re
from collections import Counter

import pytest

from demo.blind.store import Store
from demo.blind.trials import (
    CATCH,
    METHODS,
    PAIRS,
    REPEAT_DISTANCE,
    draw_plan,
    new_ticket,
    rater_of,
    remaining,
)

PHOTOS = ("cat", "astronaut", "pavilion", "grass")
ANCHORS = ("bricks", "page")
RATERS = [f"{number:032x}" for number in range(300)]


def plan_of(rater=RATERS[0], photos=PHOTOS, weights="v1"):
    return draw_plan(rater, photos, ANCHORS, weights)


@pytest.fixture(scope="module")
def plans():
    return [plan_of(rater) for rater in RATERS]


def image(trial):
    return trial.photo, trial.left


def test_every_method_is_rated_on_every_photo_with_repeats_and_catch_trials(plans):
    for plan in plans:
        by_role = {
            role: [image(t) for t in plan.ratings if t.role == role]
            for role in ("test", "repeat", "catch")
        }
        assert len(plan.ratings) == 25 == sum(map(len, by_role.values()))
        assert sorted(by_role["test"]) == sorted(itertools.product(PHOTOS, METHODS))
        assert len({*by_role["repeat"]}) == 3
        assert {*by_role["repeat"]} <= {*by_role["test"]}
        assert sorted(method for _, method in by_role["catch"]) == sorted(CATCH)
        assert {photo for photo, _ in by_role["catch"]} == {*ANCHORS}
        assert {(t.kind, t.right) for t in plan.ratings} == {("rating", None)}


def test_a_repeat_comes_some_trials_after_the_image(plans):
    for plan in plans:
        for place, trial in enumerate(plan.ratings):
            if trial.role == "repeat":
                first = [image(t) for t in plan.ratings].index(image(trial))
                assert plan.ratings[first].role == "test"
                assert place - first >= REPEAT_DISTANCE


def test_no_photo_comes_twice_in_a_row(plans):
    for plan in plans:
        for part in plan:
            assert all(a.photo != b.photo for a, b in itertools.pairwise(part))


def test_the_calibration_is_short_and_on_photos_outside_the_test(plans):
    for plan in plans:
        assert sorted(map(image, plan.calibration)) == sorted(itertools.product(ANCHORS, CATCH))


def test_both_questions_are_asked_of_every_pair_and_the_second_after_the_first(plans):
    every = Counter((photo, frozenset(pair)) for photo in PHOTOS for pair in PAIRS)
    for plan in plans:
        kinds = [trial.kind for trial in plan.pairs]
        assert kinds == 13 * ["real"] + 12 * ["closer"]
        for kind in ("real", "closer"):
            shown = [t for t in plan.pairs if (t.kind, t.role) == (kind, "test")]
            assert Counter((t.photo, frozenset((t.left, t.right))) for t in shown) == every
        (catch,) = [t for t in plan.pairs if t.role == "catch"]
        assert catch.kind == "real"
        assert {catch.left, catch.right} == {*CATCH}
        assert catch.photo in ANCHORS


def test_sides_are_balanced_for_every_rater(plans):
    for plan in plans:
        sides = Counter((t.kind, t.left, t.right) for t in plan.pairs if t.role == "test")
        assert {*sides.values()} == {2}
        assert len(sides) == 2 * 2 * len(PAIRS)


def test_every_place_is_as_likely_for_every_method(plans):
    """300 raters: a fifth each, within four standard deviations."""
    shown = [[t.left for t in plan.ratings if t.role == "test"] for plan in plans]
    for place in (0, 5, 19):
        counts = Counter(methods[place] for methods in shown)
        assert all(abs(counts[method] - 60) < 4 * 7 for method in METHODS)
    left = Counter((plan.pairs[0].left in CATCH, plan.pairs[0].left) for plan in plans)
    assert {method for is_catch, method in left if not is_catch} == {*METHODS[1:4]}


def test_everybody_gets_another_order_and_always_the_same(plans):
    assert len({tuple(map(image, plan.ratings)) for plan in plans}) == len(plans)
    again = [draw_plan.__wrapped__(rater, PHOTOS, ANCHORS, "v1") for rater in RATERS[:20]]
    assert again == plans[:20]


def test_ids_are_unique_and_tell_nothing(plans):
    ids = [trial.id for plan in plans for part in plan for trial in part]
    assert len({*ids}) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{32}", trial) for trial in ids)


def test_other_weights_or_photos_make_other_trials():
    ids = [
        {t.id for part in plan for t in part}
        for plan in (plan_of(), plan_of(weights="v2"), plan_of(photos=(*PHOTOS, "dog")))
    ]
    assert len(set.union(*ids)) == sum(map(len, ids))


def test_of_many_photos_each_rater_sees_four_and_all_are_seen():
    photos = tuple(f"photo{number}" for number in range(12))
    seen = [{t.photo for t in plan_of(r, photos).ratings if t.role == "test"} for r in RATERS[:50]]
    assert {len(s) for s in seen} == {4}
    assert set.union(*seen) == {*photos}


def test_three_photos_are_enough():
    plan = plan_of(photos=PHOTOS[:3])
    assert len(plan.ratings) == 3 * 5 + 3 + 2
    assert all(a.photo != b.photo for part in plan for a, b in itertools.pairwise(part))


@pytest.mark.parametrize(
    ("photos", "anchors"),
    [(PHOTOS[:2], ANCHORS), (PHOTOS, ANCHORS[:1]), (PHOTOS, ("cat", "page"))],
)
def test_too_few_photos_are_refused(photos, anchors):
    with pytest.raises(ValueError, match="3 photos"):
        draw_plan(RATERS[0], photos, anchors, "v1")


def test_a_session_goes_on_where_the_votes_end(tmp_path):
    ticket = new_ticket()
    rater = rater_of(ticket)
    store = Store(tmp_path / "ratings.db")
    plan = plan_of(rater)
    for trial in plan.ratings[:10]:
        assert store.add(trial.vote(rater, "3", 1.5, "v1"))
    for trial in plan.pairs[:2]:
        assert store.add(trial.vote(rater, "same", 1.5, "v1"))
    later = plan_of(rater_of(ticket))  # in another process, perhaps
    votes = Store(store.path).votes(rater)
    assert remaining(later.ratings, votes) == list(plan.ratings[10:])
    assert remaining(later.pairs, votes) == list(plan.pairs[2:])
    assert remaining(later.ratings, []) == list(plan.ratings)


def test_every_trial_can_be_voted_on_but_the_calibration(tmp_path):
    store = Store(tmp_path / "ratings.db")
    plan = plan_of()
    votes = [t.vote(RATERS[0], "5", 2, "v1") for t in plan.ratings]
    votes += [t.vote(RATERS[0], "left", 2, "v1") for t in plan.pairs]
    assert all(map(store.add, votes[::9]))
    store.merge(votes)
    assert len(store.votes()) == 50
    with pytest.raises(ValueError, match="Not a vote"):
        store.add(plan.calibration[0].vote(RATERS[0], "5", 2, "v1"))


def test_a_ticket_is_random_and_does_not_follow_from_the_rater():
    tickets = [new_ticket() for _ in range(100)]
    raters = [rater_of(ticket) for ticket in tickets]
    assert len({*tickets, *raters}) == 200
    assert raters == [rater_of(ticket) for ticket in tickets]


@pytest.mark.parametrize("ticket", ["", "0" * 31, "G" * 32, "0" * 32 + "\n", None, 5, ["0" * 32]])
def test_what_is_no_ticket_is_refused(ticket):
    with pytest.raises(ValueError, match="ticket"):
        rater_of(ticket)
