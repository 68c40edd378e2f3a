"""Photos over the limit: nothing happens to one unless the person chose it."""

import numpy as np
import pytest

from demo.engine.fit import TooLargeError, fit


def ramp(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([y % 256, x % 256, (y + x) % 256], axis=2).astype(np.uint8)


def test_within_the_limit_nothing_changes():
    image = ramp(30, 41)
    same, note = fit(image, 30 * 41, None)
    assert same is image
    assert note == ""


@pytest.mark.parametrize("oversize", ["centre", "shrink"])
@pytest.mark.parametrize("size", [(30, 41), (41, 30), (300, 20), (1, 5000), (5000, 2), (977, 991)])
def test_the_result_is_within_the_limit_and_keeps_its_shape(size, oversize):
    limit = 1000
    fitted, note = fit(ramp(*size), limit, oversize)
    height, width = fitted.shape[:2]
    assert height * width <= limit
    assert f"{width}×{height}" in note
    assert f"{size[1]}×{size[0]}" in note
    assert (height - width) * (size[0] - size[1]) >= 0
    if min(size) > 50:
        assert height * width > 0.75 * limit
        assert height % 4 == width % 4 == 0


def test_the_centre_is_cut_out_at_full_sharpness():
    image = ramp(40, 80)
    piece, _ = fit(image, 800, "centre")
    assert (piece == image[10:30, 20:60]).all()


@pytest.mark.parametrize("corner", [(0, 0), (40, 20), (40, 0), (0, 20), (7, 13)])
def test_a_piece_is_cut_out_where_it_is_placed(corner):
    image = ramp(40, 80)
    left, top = corner
    piece, note = fit(image, 800, "centre", corner)
    assert (piece == image[top : top + 20, left : left + 40]).all()
    assert note == f"The piece 40×20 at {left}, {top} of 80×40 is compared."


@pytest.mark.parametrize("corner", [(-1, 0), (0, -1), (41, 0), (0, 21)])
def test_a_piece_beyond_the_photo_is_refused_and_the_ways_out_are_named(corner):
    with pytest.raises(TooLargeError, match=f"at {corner[0]}, {corner[1]} would reach beyond") as e:
        fit(ramp(40, 80), 800, "centre", corner)
    assert e.value.fitting == (20, 40)
    assert "shrink" in str(e.value)


def test_a_piece_does_not_keep_the_photo_in_memory():
    image = ramp(40, 80)
    piece, _ = fit(image, 800, "centre")
    assert not np.shares_memory(piece, image)


def test_shrinking_keeps_the_whole():
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, 40:] = 200
    small, _ = fit(image, 800, "shrink")
    assert small.shape == (20, 40, 3)
    assert small[:, :15].max() == 0
    assert small[:, 25:].min() == 200


def test_without_a_choice_it_is_refused_and_both_ways_are_named():
    with pytest.raises(TooLargeError) as caught:
        fit(ramp(60, 80), 1200, None)
    assert caught.value.size == (60, 80)
    assert caught.value.fitting == (28, 40)
    for text in ("80×60", "40×28", "centre", "shrink"):
        assert text in str(caught.value)
