"""A comparison: the order of the work, what is scored, and how it ends."""

import math
import threading

import pytest
from support.mocks import Counting, methods, noise

from demo.engine.cache import Cache
from demo.engine.comparison import Comparison, compare
from demo.engine.pace import follow
from srgan.images import enlarge, shrink
from srgan.metrics import agreement, detail, paper_score, score
from srgan.upscale import BICUBIC, NEAREST


def test_the_methods_run_in_their_order_and_keep_what_is_ready():
    states = list(
        compare(Comparison.of(noise(), True), methods(Bicubic=enlarge, Nearest=Counting(2)))
    )
    seen = [(list(s.images), s.working, s.done) for s in states]
    assert seen[0] == ([], "Bicubic", 0.0)
    assert (["Bicubic"], "Nearest", 0.0) in seen
    assert (["Bicubic"], "Nearest", 0.5) in seen
    assert seen[-1] == (["Bicubic", "Nearest"], None, 0.0)


def test_the_original_is_cropped_shrunk_and_compared_with_what_is_shown():
    image = noise(67, 50)
    *_, last = compare(Comparison.of(image, True), methods(Bicubic=enlarge))
    hr = image[:64, :48]
    assert (last.hr == hr).all()
    assert (last.lr == shrink(hr)).all()
    sr = enlarge(shrink(hr))
    assert (last.images["Bicubic"] == sr).all()
    scores = last.scores["Bicubic"]
    assert scores.today == score(sr, hr)
    assert scores.paper == paper_score(sr, hr)
    assert scores.detail == detail(sr, hr)
    assert scores.agreement == agreement(sr, last.lr)
    assert scores.seconds > 0


def test_a_small_image_is_enlarged_as_it_is_without_scores():
    image = noise(13, 7)
    *_, last = compare(Comparison.of(image, False), methods(Bicubic=enlarge))
    assert (last.lr == image).all()
    assert last.hr is None
    assert last.images["Bicubic"].shape == (52, 28, 3)
    scores = last.scores["Bicubic"]
    assert (scores.today, scores.paper, scores.detail) == (None, None, None)
    assert scores.agreement == agreement(last.images["Bicubic"], image)


def test_an_original_too_small_for_the_window_works_without_scores():
    *_, last = compare(Comparison.of(noise(16, 64), True), methods(Bicubic=enlarge))
    assert last.scores["Bicubic"].today is None


def test_all_pictures_come_before_the_scores():
    both = methods(One=Counting(2), Two=Counting(2))
    states = list(compare(Comparison.of(noise(), True), both))
    ready = [(len(state.images), len(state.scores)) for state in states]
    assert ready == sorted(ready)
    assert (2, 0) in ready
    assert {len(state.images) for state in states if state.scores} == {2}


def test_closing_ends_the_work():
    upscaler = Counting(100)
    work = compare(Comparison.of(noise(), True), methods(Slow=upscaler))
    while upscaler.made < 3:
        next(work)
    work.close()
    assert upscaler.made == 3


def test_steps_of_two_comparisons_never_run_side_by_side():
    upscaler = Counting(10, wait=0.002)
    threads = [
        threading.Thread(
            target=lambda s=s: list(
                compare(Comparison.of(noise(seed=s), True), methods(Slow=upscaler))
            )
        )
        for s in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert upscaler.made == 40
    assert upscaler.most == 1


def test_an_error_of_a_method_is_not_swallowed():
    def broken(lr):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(compare(Comparison.of(noise(), True), methods(Broken=broken)))


def test_every_method_is_shown_in_every_state_however_fast_it_is():
    """The clock brings no state, for none of these is told by it."""
    both = methods(One=Counting(5), Two=Counting(5))
    every = list(compare(Comparison.of(noise(), True), both))
    told = list(follow(iter(every), pause=math.inf))
    assert len(told) == len(every)
    shown = [now for now in told if now]
    assert [(*map(now.state, ("One", "Two")), len(now.scores)) for now in shown] == [
        ("working", "waiting", 0),
        ("ready", "working", 0),
        ("ready", "ready", 0),
        ("ready", "ready", 1),
        ("ready", "ready", 2),
    ]
    assert list(follow(iter(every), pause=0)) == every


def test_what_was_computed_before_passes_through_the_same_states(tmp_path):
    cache, start = Cache(tmp_path), Comparison.of(noise(), True)
    first, again = (
        [now for now in follow(compare(start, [NEAREST, BICUBIC], cache), pause=math.inf) if now]
        for _ in range(2)
    )
    for states in (first, again):
        for method in ("Nearest", "Bicubic"):
            passed = list(dict.fromkeys(now.state(method) for now in states))
            assert passed[-2:] == ["working", "ready"]
    assert again[-1].scores == first[-1].scores
