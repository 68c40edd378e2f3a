"""A comparison: the order of the work, what is scored, and how it ends."""

import threading

import pytest
from support.mocks import Counting, noise

from demo.engine.comparison import compare, seldom
from srgan.images import enlarge, shrink
from srgan.metrics import agreement, detail, paper_score, score


def test_the_methods_run_in_their_order_and_keep_what_is_ready():
    states = list(compare(noise(), {"Bicubic": enlarge, "Nearest": Counting(2)}, True))
    seen = [(list(s.images), s.working, s.done) for s in states]
    assert seen[0] == (["Bicubic"], "Nearest", 0.0)  # what has no steps is not waited for
    assert (["Bicubic"], "Nearest", 0.5) in seen
    assert seen[-1] == (["Bicubic", "Nearest"], None, 0.0)


def test_the_original_is_cropped_shrunk_and_compared_with_what_is_shown():
    image = noise(67, 50)
    *_, last = compare(image, {"Bicubic": enlarge}, has_original=True)
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
    *_, last = compare(image, {"Bicubic": enlarge}, has_original=False)
    assert (last.lr == image).all()
    assert last.hr is None
    assert last.images["Bicubic"].shape == (52, 28, 3)
    scores = last.scores["Bicubic"]
    assert (scores.today, scores.paper, scores.detail) == (None, None, None)
    assert scores.agreement == agreement(last.images["Bicubic"], image)


def test_an_original_too_small_for_the_window_works_without_scores():
    *_, last = compare(noise(16, 64), {"Bicubic": enlarge}, has_original=True)
    assert last.scores["Bicubic"].today is None


def test_all_pictures_come_before_the_scores():
    methods = {"One": Counting(2), "Two": Counting(2)}
    states = list(compare(noise(), methods, True))
    ready = [(len(state.images), len(state.scores)) for state in states]
    assert ready == sorted(ready)
    assert (2, 0) in ready
    assert {len(state.images) for state in states if state.scores} == {2}


def test_closing_ends_the_work():
    upscaler = Counting(100)
    work = compare(noise(), {"Slow": upscaler}, True)
    while upscaler.made < 3:
        next(work)
    work.close()
    assert upscaler.made == 3


def test_steps_of_two_comparisons_never_run_side_by_side():
    upscaler = Counting(10, wait=0.002)
    threads = [
        threading.Thread(target=lambda s=s: list(compare(noise(seed=s), {"Slow": upscaler}, True)))
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
        list(compare(noise(), {"Broken": broken}, True))


def test_seldom_leaves_out_steps_but_neither_begin_nor_end_of_a_method():
    methods = {"One": Counting(5), "Two": Counting(5)}
    every = list(compare(noise(), methods, True))
    told = list(seldom(iter(every), pause=60))
    assert len(told) == len(every)
    shown = [now for now in told if now]
    assert [(now.working, len(now.images), len(now.scores)) for now in shown] == [
        *(("One", 0, 0), ("Two", 1, 0), (None, 2, 0), (None, 2, 1), (None, 2, 2)),
    ]
    assert list(seldom(iter(every), pause=0)) == every
