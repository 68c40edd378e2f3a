"""The seconds that a comparison will take, from those that were finished."""

import pytest
from support.mocks import Counting, methods, noise

from demo.engine.comparison import Comparison, compare
from demo.engine.pace import Pace, follow
from srgan.images import repeat

LARGE = 1_000_000  # output pixels


@pytest.fixture
def pace():
    """One that has seen its first comparison, which does not count."""
    pace = Pace()
    pace.learn(LARGE, 1000.0)
    return pace


def test_nothing_is_told_before_a_run_that_counts(pace):
    assert Pace().seconds(LARGE) is None
    assert pace.seconds(LARGE) is None


def test_the_estimate_grows_with_the_pixels(pace):
    pace.learn(LARGE, 3.0)
    assert pace.seconds(LARGE) == pytest.approx(3.0)
    assert pace.seconds(4 * LARGE) == pytest.approx(12.0)


def test_it_follows_a_machine_that_becomes_slower_without_a_jump(pace):
    for _ in range(20):
        pace.learn(LARGE, 2.0)
    told = []
    for _ in range(20):
        pace.learn(LARGE, 4.0)
        told.append(pace.seconds(LARGE))
    assert 2.0 < told[0] < 3.0
    assert told == sorted(told)
    assert told[-1] == pytest.approx(4.0, rel=0.01)


def test_small_runs_hardly_count_beside_large_ones(pace):
    pace.learn(10, 60.0)
    assert pace.seconds(LARGE) is None
    pace.learn(4 * LARGE, 8.0)
    pace.learn(LARGE // 16, 1.0)  # 16 s a megapixel
    assert pace.seconds(LARGE) < 3.0


def test_only_runs_that_reach_their_end_are_learned_from(pace):
    def run():
        work = compare(Comparison.of(noise(256, 256), True), methods(Slow=Counting(3)))
        return follow(work, pace)

    stopped = run()
    next(stopped)
    stopped.close()
    assert pace.seconds(LARGE) is None
    *_, last = run()
    assert list(last.images) == ["Slow"]
    assert pace.seconds(LARGE) > 0


@pytest.mark.parametrize(("has_original", "side"), [(True, 256), (False, 64)])
def test_a_trial_is_made_once_on_a_small_part_of_a_photo(has_original, side):
    pace, sizes = Pace(), []

    def upscale(lr):
        sizes.append(lr.shape)
        return repeat(lr)

    photo = noise(side + 40, side + 60)
    assert list(pace.try_out(photo, methods(Mock=upscale), has_original))
    assert set(sizes) == {(64, 64, 3)}
    assert pace.seconds(LARGE) > 0
    assert list(pace.try_out(photo, methods(Mock=upscale), has_original)) == []
