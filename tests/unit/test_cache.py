"""What was computed lately: it comes back, and never in the place of anything else."""

import os
import threading
import time

import numpy as np
import pytest
from support.mocks import Counting, methods, noise
from support.networks import random_generator

from demo.engine.cache import Cache, Result
from demo.engine.comparison import Comparison, compare
from demo.engine.pace import Pace, follow
from demo.engine.scores import rate, scorable
from srgan.images import repeat, shrink
from srgan.upscale import BICUBIC, NEAREST, NetworkUpscaler

HR = noise(64, 80)
LR = shrink(HR)
MEGAPIXEL = 1_000_000


class Named(Counting):
    """A mock that says what it is."""

    def __init__(self, version):
        super().__init__(3)
        self.version = version


@pytest.fixture
def results(tmp_path):
    return Cache(tmp_path / "results")


def result(image):
    return Result(image, rate(image, scorable(HR), 40.0, 1.5))


def files(results):
    return sorted(results._folder.glob("*"))


def last(image, upscalers, has_original, cache):
    *_, state = compare(Comparison.of(image, has_original), upscalers, cache)
    return state


def test_the_same_photo_comes_back_without_work(results):
    upscaler = Named("a")
    first = last(HR, methods(Mock=upscaler), True, results)
    again = last(HR, methods(Mock=upscaler), True, Cache(results._folder))  # after a restart
    assert upscaler.made == 3
    assert (again.images["Mock"] == first.images["Mock"]).all()
    assert again.scores == first.scores  # with the seconds that it took


def test_it_depends_on_every_pixel_the_mode_and_the_weights(results):
    upscaler = Named("a")
    other = HR.copy()
    other[0, 0, 0] ^= 1
    for image, has_original in ((HR, True), (other, True), (LR, False), (LR.swapaxes(0, 1), False)):
        last(image, methods(Mock=upscaler), has_original, results)
    last(HR, methods(Mock=Named("b")), True, results)
    assert upscaler.made == 12
    assert len(files(results)) == 5


def test_an_original_that_differs_where_the_small_image_does_not_has_its_own_scores(results):
    flat, lined = np.full((64, 80, 3), 128, np.uint8), np.full((64, 80, 3), 128, np.uint8)
    lined[:, ::2] += 1
    lined[:, 1::2] -= 1
    assert (shrink(flat) == shrink(lined)).all()
    states = [last(image, [BICUBIC], True, results) for image in (flat, lined)]
    assert states[0].scores["Bicubic"].today != states[1].scores["Bicubic"].today


def test_one_that_does_not_say_what_it_is_is_asked_every_time(results):
    upscaler = Counting(3)
    for _ in range(2):
        last(HR, methods(Mock=upscaler), True, results)
    assert upscaler.made == 6
    assert files(results) == []


@pytest.mark.parametrize("scored", [True, False])
def test_scores_come_back_as_they_were(results, scored):
    kept = Result(
        repeat(LR), rate(repeat(LR), scorable(HR if scored else None), float("inf"), 0.25)
    )
    results.put(LR, HR, NEAREST, kept)
    found = results.get(LR, HR, NEAREST)
    assert found.scores == kept.scores
    assert type(found.scores.today) is type(kept.scores.today)
    assert results.get(LR, HR, BICUBIC) is None


def test_networks_are_told_apart_by_weights_and_precision():
    networks = [random_generator(seed, blocks=1, channels=4) for seed in (0, 1)]
    versions = [
        NetworkUpscaler(network, precision=precision).version
        for network in networks
        for precision in ("fp32", "bf16")
    ]
    assert len(set(versions)) == 4
    same = random_generator(0, blocks=1, channels=4)
    assert NetworkUpscaler(same, precision="fp32").version == versions[0]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_file_is_computed_again(results, damage):
    upscaler = Named("a")
    first = last(HR, methods(Mock=upscaler), True, results)
    (path,) = files(results)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    texts = {"cut": data[:-100], "flipped": data, "empty": b"", "foreign": b"hello" * 99}
    path.write_bytes(texts[damage])
    again = last(HR, methods(Mock=upscaler), True, results)
    assert upscaler.made == 6
    assert (again.images["Mock"] == first.images["Mock"]).all()
    last(HR, methods(Mock=upscaler), True, results)
    assert upscaler.made == 6


def test_the_oldest_give_way(tmp_path):
    size = 10_000
    results = Cache(tmp_path, max_bytes=3 * size)
    for number in range(5):
        image = noise(48, 48, seed=number)  # 6,912 bytes of pixels
        results.put(LR, None, Named(str(number)), result(repeat(LR))._replace(image=image))
        newest = max(files(results), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (time.time() - 100 + number,) * 2)
    kept = [n for n in range(5) if results.get(LR, None, Named(str(n)))]
    assert 1 < len(kept) < 5
    assert kept == list(range(5))[-len(kept) :]
    assert sum(path.stat().st_size for path in files(results)) <= 3 * size


def test_nothing_stays_longer_than_the_page_says(tmp_path):
    results = Cache(tmp_path, max_age=60)
    results.put(LR, HR, NEAREST, result(repeat(LR)))
    (path,) = files(results)
    os.utime(path, (time.time() - 61,) * 2)
    assert results.get(LR, HR, NEAREST) is None
    results.sweep()
    assert files(results) == []


def test_an_upload_that_was_cut_off_is_swept_with_the_rest(tmp_path):
    results = Cache(tmp_path, max_age=60)
    part = tmp_path / "0123.part"
    part.write_bytes(b"half")
    results.sweep()
    assert part.exists()  # it may be on its way
    os.utime(part, (time.time() - 61,) * 2)
    results.sweep()
    assert not part.exists()


def test_where_nothing_can_be_written_everything_is_computed(tmp_path):
    (tmp_path / "results").write_text("a file, not a folder")
    upscaler = Named("a")
    for _ in range(2):
        last(HR, methods(Mock=upscaler), True, Cache(tmp_path / "results"))
    assert upscaler.made == 6


def test_many_at_once_get_what_is_theirs(results):
    wrong = []

    def visit(number):
        for round_ in range(10):
            image = noise(32, 32, seed=(number + round_) % 7)
            found = last(image, methods(Mock=Named("a")), False, results).images["Mock"]
            if not (found == repeat(image)).all():
                wrong.append(number)

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(files(results)) == 7


def test_the_pace_is_not_learned_from_what_was_computed_before(results):
    pace, upscaler = Pace(), Named("a")
    upscaler._wait = 0.05
    pace.learn(MEGAPIXEL, 99.0)  # the first does not count
    image = noise(256, 256)
    for _ in range(3):
        list(follow(compare(Comparison.of(image, True), methods(Mock=upscaler), results), pace))
    assert upscaler.made == 3
    assert pace.seconds(image.shape[0] * image.shape[1]) > 0.15


def test_what_is_forgotten_is_computed_again_by_every_method(results):
    one, two = Named("a"), Named("b")
    other = noise(64, 80, seed=5)
    for image in (HR, other):
        last(image, methods(One=one, Two=two), True, results)
    results.forget(LR, HR)
    assert len(files(results)) == 2
    last(HR, methods(One=one, Two=two), True, results)
    last(other, methods(One=one, Two=two), True, results)
    assert (one.made, two.made) == (9, 9)
