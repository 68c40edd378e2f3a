"""Sets of photos: who may see them, what is worked on next, what is kept and what is deleted."""

import os
import time

import numpy as np
import pytest
from support.mocks import Counting, methods, noise, save

from demo.engine import sets as sets_module
from demo.engine.names import Given
from demo.engine.pace import Pace
from demo.engine.photo_set import Photo, PhotoSet, make_photo
from demo.engine.sets import Sets
from srgan.images import enlarge, shrink
from srgan.reading import read_image

MANY = 10**8
TOKENS = [f"{number:032x}" for number in range(3)]


@pytest.fixture
def photo_set(tmp_path):
    return PhotoSet(tmp_path / "set")


@pytest.fixture
def read(tmp_path, photo_set):
    """Reads photos into the set."""

    def read_photo(image, name="a.png", small=None, has_original=True, limit=MANY, left=MANY):
        photo = Photo(name, save(tmp_path, image, name), small, has_original)
        photo_set.read(photo, limit, left)
        return photo

    return read_photo


def work(photo_set, photo, upscalers):
    for _ in photo_set.work_on(photo, upscalers, Pace()):
        pass


def test_a_photo_is_restored_on_disk(photo_set, read):
    hr = noise(50, 67)
    photo = read(hr)
    assert photo.state == "waiting"
    assert photo.size == (48, 64)
    assert max(read_image(photo.files["thumbnail"]).shape) <= 128
    assert photo_set.take(photo_set.claim()) is photo
    work(photo_set, photo, methods(Bicubic=enlarge))
    assert photo.state == "done"
    assert (read_image(photo.files["original"]) == hr[:48, :64]).all()
    assert (read_image(photo.files["input"]) == shrink(hr[:48, :64])).all()
    assert (read_image(photo.files["Bicubic"]) == enlarge(shrink(hr[:48, :64]))).all()
    assert photo.scores["Bicubic"].today
    assert "67×50 to 64×48" in " ".join(photo.notes)
    assert photo_set.pixels_left() == 0


def test_the_small_version_that_was_given_is_used(tmp_path, photo_set, read):
    lr = noise(8, 8, 7)
    photo = read(noise(32, 35), small=save(tmp_path, lr, "small.png"))
    photo_set.take(photo_set.claim())
    work(photo_set, photo, methods(Bicubic=enlarge))
    assert (read_image(photo.files["Bicubic"]) == enlarge(lr)).all()
    assert "given" in " ".join(photo.notes)


def test_a_small_version_that_does_not_fit_is_refused_with_both_sizes(tmp_path, read):
    photo = read(noise(32, 40), small=save(tmp_path, noise(9, 8), "small.png"))
    assert photo.state == "refused"
    assert "8×9" in photo.reason
    assert "40×32" in photo.reason
    assert "10×8" in photo.reason


def test_a_small_image_alone_is_enlarged(photo_set, read):
    photo = read(noise(9, 7), has_original=False)
    photo_set.take(photo_set.claim())
    work(photo_set, photo, methods(Bicubic=enlarge))
    assert photo.size == (36, 28)
    assert "original" not in photo.files
    assert photo.scores["Bicubic"].today is None


def test_what_is_over_a_limit_is_refused_before_any_work(read):
    assert "at most" in read(noise(64, 64), limit=60 * 60).reason
    assert "at most" in read(noise(16, 16), has_original=False, limit=60 * 60).reason
    assert "in all" in read(noise(64, 64), left=60 * 60).reason
    assert "HEIC" not in read(noise(60, 60), limit=60 * 60, left=60 * 60).reason


def test_the_photo_that_is_looked_at_comes_first(photo_set, read):
    first, second, third = (read(noise(seed=i), f"{i}.png") for i in range(3))
    photo_set.chosen = third.id
    runner = photo_set.claim()
    taken = []
    for _ in range(3):
        taken.append(photo_set.take(runner))
        taken[-1].state = "done"
    assert taken == [third, first, second]
    assert photo_set.take(runner) is None


def test_a_run_that_was_stopped_is_taken_up_and_no_picture_is_made_twice(photo_set, read):
    photo, one, two = read(noise()), Counting(4), Counting(4)
    upscalers = methods(One=one, Two=two)
    runner = photo_set.claim()
    photo_set.take(runner)
    for _ in photo_set.work_on(photo, upscalers, Pace()):
        if two.made == 2:
            break
    photo_set.release(photo, runner)
    assert photo.state == "waiting"
    assert photo_set.take(runner) is photo
    work(photo_set, photo, upscalers)
    assert one.made == 4
    assert two.made == 2 + 4  # what was half made is made again
    assert photo.scores["One"].seconds > 0
    assert photo.state == "done"


def test_one_page_works_on_a_set_at_a_time(photo_set, read):
    photo = read(noise())
    old = photo_set.claim()
    assert photo_set.take(old) is photo
    new = photo_set.claim()
    assert photo_set.take(old) is None
    assert photo_set.take(new) is photo  # the old page has gone, or ends at its next step
    photo_set.release(photo, old)
    assert photo.state == "working"
    photo_set.release(photo, new)
    assert photo.state == "waiting"


def test_who_has_not_the_token_finds_nothing(tmp_path):
    sets = Sets(tmp_path)
    mine = sets.of(TOKENS[0])
    assert sets.find(TOKENS[0]) is mine
    assert sets.find(TOKENS[1]) is None
    assert TOKENS[0] not in str(mine.folder)
    for wrong in ("", "../x", TOKENS[0].upper().replace("0", "G"), None, 5, TOKENS[0] + "\n"):
        assert sets.find(wrong) is None
        with pytest.raises(ValueError, match="token"):
            sets.of(wrong)


@pytest.fixture
def kept(tmp_path):
    """Two visitors, whose first photo is one file."""
    sets = Sets(tmp_path / "sets")
    shared, own = save(tmp_path, noise(), "shared.png"), save(tmp_path, noise(seed=1), "own.png")
    for token, files in zip(TOKENS, ([shared, own], [shared]), strict=False):
        for file in files:
            sets.of(token).read(Photo(file.name, file), MANY, MANY)
    return sets, shared, own


def test_what_is_forgotten_is_gone_but_for_what_others_have(kept):
    sets, shared, own = kept
    mine = sets.find(TOKENS[0])
    assert list(mine.folder.rglob("*.png"))
    sets.forget(TOKENS[0])
    assert not mine.folder.exists()
    assert not own.exists()
    assert shared.exists()
    assert mine.is_gone
    assert sets.find(TOKENS[0]) is None
    mine.write(mine.photos[0], "late", noise())  # of a run that has not ended yet
    assert not mine.folder.exists()
    sets.forget(TOKENS[1])
    assert not shared.exists()


def test_what_is_old_or_too_much_is_deleted(kept, tmp_path, monkeypatch):
    sets, *_ = kept
    old, new = (sets.find(token) for token in TOKENS[:2])
    left = tmp_path / "sets" / "left by another process"
    left.mkdir()
    os.utime(left, (0, 0))
    sets.sweep()
    assert not left.exists()
    assert old.folder.exists()
    old.used = time.time() - 3700
    sets.sweep()
    assert not old.folder.exists()
    assert new.folder.exists()
    monkeypatch.setattr(sets_module, "MAX_BYTES", 1)
    sets.sweep()
    assert not new.folder.exists()
    assert not new.is_forgotten  # the page says what has happened


def test_only_so_many_sets_are_worked_on(kept, monkeypatch):
    sets, *_ = kept
    mine, other = (sets.find(token) for token in TOKENS[:2])
    monkeypatch.setattr(sets_module, "MAX_AT_WORK", 1)
    assert sets.is_busy(mine)
    other.is_stopped = True
    assert not sets.is_busy(mine)
    other.is_stopped = False
    other.photos[0].state = "done"
    assert not sets.is_busy(mine)


@pytest.mark.parametrize(
    ("given", "mode", "has_original"),
    [
        (Given(0), "original", True),
        (Given(0), "small", False),
        (Given(0, is_small=True), "original", False),
        (Given(0, 1), "small", True),
    ],
)
def test_what_a_file_is_its_name_says_or_the_visitor(tmp_path, given, mode, has_original):
    photo = make_photo(given, ["a.png", "b.png"], [tmp_path / "a", tmp_path / "b"], mode)
    assert photo.has_original == has_original
    assert (photo.small is None) == (given.small is None)


def test_results_are_arrays_on_disk_alone(photo_set, read):
    """However many photos: nothing of a photo that is done stays in memory but its numbers."""
    photo = read(noise(400, 400))
    photo_set.take(photo_set.claim())
    work(photo_set, photo, methods(Bicubic=enlarge))
    held = [v for v in vars(photo).values() if isinstance(v, np.ndarray)]
    assert sum(each.nbytes for each in held) < 20_000
