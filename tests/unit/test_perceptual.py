"""NIQE, held to BasicSR 1.4.2's port of the official release, whose values are stored here."""

import math

import numpy as np
import pytest
import skimage.data

from srgan import perceptual
from srgan.images import crop_to_scale, enlarge, repeat, shrink
from srgan.perceptual import niqe

CAT = crop_to_scale(skimage.data.chelsea())
NOISE = np.random.default_rng(0).integers(-20, 21, CAT.shape)


def picture(name):
    if name == "astronaut":
        return skimage.data.astronaut()
    if name == "coffee":
        return skimage.data.coffee()
    return getattr(skimage.data, name)()[..., None].repeat(3, axis=2)


def corner(level):
    image = CAT.copy()
    image[:192, :192] = level
    return image


# basicsr.metrics.calculate_niqe with crop_border=0
REFERENCE = {
    "astronaut": 3.0646,
    "coffee": 4.1152,
    "camera": 3.1554,
    "brick": 10.0032,
    "grass": 6.3467,
    "gravel": 4.2299,
    "moon": 8.5296,
    "coins": 3.6359,
}
MADE = {
    "sharp": (CAT, 2.6255),
    "bicubic": (enlarge(shrink(CAT)), 7.9449),
    "nearest": (repeat(shrink(CAT)), 12.9707),
    "noisy": (np.clip(CAT + NOISE, 0, 255).astype(np.uint8), 6.6871),
    "two blocks": (CAT[:100, :200], 5.3610),
    "flat corner, white": (corner(255), 13.5779),
    "flat corner, gray": (corner(77), 5.3544),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_pictures_have_the_references_niqe(name):
    assert niqe(picture(name)) == pytest.approx(REFERENCE[name], abs=0.01)


@pytest.mark.parametrize("name", MADE)
def test_what_was_done_to_a_picture_shows_as_in_the_reference(name):
    image, expected = MADE[name]
    assert niqe(image) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("band", [1, 2, 3])
def test_bands_leave_no_trace(monkeypatch, band):
    image = skimage.data.astronaut()
    whole = niqe(image)  # in bands of 4 and 1 rows of blocks
    monkeypatch.setattr(perceptual, "BAND", band)
    assert niqe(image) == pytest.approx(whole, abs=1e-9)


def test_what_is_no_whole_block_is_not_looked_at():
    assert niqe(CAT) == niqe(CAT[: 3 * 96, : 4 * 96])


@pytest.mark.parametrize("size", [(4, 4), (95, 400), (191, 191), (96, 191)])
def test_too_small_a_picture_has_none(size):
    assert math.isnan(niqe(picture("brick")[: size[0], : size[1]]))


def test_a_flat_picture_has_none():
    assert math.isnan(niqe(np.full((300, 300, 3), 99, np.uint8)))
