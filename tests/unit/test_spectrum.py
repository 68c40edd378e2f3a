"""Known signals in the radial spectrum, and grids of known period and strength."""

import math

import numpy as np
import pytest
from support.photos import ASTRONAUT, CAT, COFFEE, blurred, noisy

from srgan.images import enlarge, repeat, shrink
from srgan.metrics import detail
from srgan.spectrum import FLOOR_DB, MIN_SPECTRUM_SIDE, grid_peaks, radial_power

GRAY = 219 / 255  # what a level of gray is in studio luma


def gray_noise(height, width, sigma=20):
    return noisy(np.full((height, width, 1), 128), sigma).repeat(3, axis=2)


def wave(height, width, y, x, amplitude=40):
    """A gray sine of y and x cycles a pixel down and across."""
    phase = 2 * np.pi * (y * np.arange(height)[:, None] + x * np.arange(width))
    return np.rint(128 + amplitude * np.sin(phase))[..., None].repeat(3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [(512, 512), (301, 448), (200, 703)])
def test_white_noise_is_flat_at_its_variance_in_an_image_of_any_size(size):
    _, power = radial_power(gray_noise(*size))
    assert power[4:] == pytest.approx(20 * math.log10(20 * GRAY), abs=0.7)
    assert power == pytest.approx(20 * math.log10(20 * GRAY), abs=2.5)  # few samples in the first


def test_the_rings_go_up_to_half_a_cycle_and_one_lies_at_the_small_images_nyquist():
    for size in ((64, 64), (301, 448)):
        frequencies, power = radial_power(gray_noise(*size))
        assert frequencies.shape == power.shape == (32,)
        assert frequencies == pytest.approx(np.arange(1, 33) / 64)
    assert 0.125 in frequencies


@pytest.mark.parametrize("size", [(256, 256), (150, 331), (331, 150)])
@pytest.mark.parametrize("frequency", [2 / 64, 0.125, 0.2, 0.34, 30 / 64])
@pytest.mark.parametrize("angle", [0, 30, 90, 135])
def test_a_sine_stands_in_its_ring_whatever_its_direction(size, frequency, angle):
    y, x = frequency * np.sin(np.radians(angle)), frequency * np.cos(np.radians(angle))
    frequencies, power = radial_power(wave(*size, y, x))
    assert power.argmax() == np.abs(frequencies - frequency).argmin()
    far = np.abs(frequencies - frequency) > 3 / 64
    assert power[far].max() < power.max() - 25  # what rounding to levels leaves


def test_the_same_picture_turned_has_the_same_spectrum():
    for image in (CAT[:64, :64], CAT[:131, :200], COFFEE):
        _, power = radial_power(image)
        for other in (image.transpose(1, 0, 2), image[::-1], image[:, ::-1]):
            assert radial_power(other)[1] == pytest.approx(power, abs=1e-6)


def test_the_rings_add_up_to_detail():
    """Above 1/8 cycle a pixel, where `detail` counts the same energy."""
    for size in ((512, 512), (301, 448)):
        low, high = gray_noise(*size, sigma=5), gray_noise(*size, sigma=20)
        gain = radial_power(high)[1][9:] - radial_power(low)[1][9:]
        expected = 10 * math.log10(detail(high, low) / 100)
        assert gain.mean() == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("image", [ASTRONAUT, COFFEE, CAT])
def test_bicubic_has_what_the_small_image_holds_and_little_above(image):
    frequencies, original = radial_power(image)
    _, bicubic = radial_power(enlarge(shrink(image)))
    _, nearest = radial_power(repeat(shrink(image)))
    assert np.abs(bicubic - original)[frequencies < 0.05].max() < 1
    assert (bicubic < original - 3)[frequencies >= 0.125].all()
    assert (bicubic < nearest)[frequencies > 0.15].all()


def test_a_brighter_picture_has_the_same_spectrum_and_twice_the_contrast_6_db_more():
    image = CAT // 4
    _, power = radial_power(image)
    assert radial_power(image + np.uint8(100))[1] == pytest.approx(power, abs=1e-6)
    assert radial_power(image * 2)[1] == pytest.approx(power + 20 * math.log10(2), abs=1e-6)


def test_the_border_does_not_count():
    framed = CAT.copy()
    framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 255, 255, 0
    assert np.array_equal(radial_power(framed), radial_power(CAT))


def test_a_flat_picture_lies_on_the_floor():
    for level in range(0, 256, 15):
        _, power = radial_power(np.full((80, 90, 3), level, np.uint8))
        assert (power == FLOOR_DB).all()


def test_the_smallest_picture_has_something_in_every_ring():
    assert MIN_SPECTRUM_SIDE == 56
    for image in (gray_noise(56, 56), gray_noise(56, 57), gray_noise(57, 56), gray_noise(56, 500)):
        assert (radial_power(image)[1] > 5).all()
    for image in (CAT[:55, :200], CAT[:200, :55], CAT[:1, :1]):
        with pytest.raises(ValueError, match="at least 56 pixels"):
            radial_power(image)


def patterned(image, tile, amplitude=1.0):
    """Add a tile over and over, (k, k) in levels."""
    rows, columns = (-(-n // len(tile)) for n in image.shape[:2])
    pattern = np.tile(tile, (rows, columns))[: image.shape[0], : image.shape[1]]
    return np.clip(np.rint(image + amplitude * pattern[..., None]), 0, 255).astype(np.uint8)


DOTS = np.zeros((4, 4)) - 1
DOTS[0, 0] = 15


@pytest.mark.parametrize("image", [ASTRONAUT, COFFEE, CAT])
def test_a_picture_has_no_grid(image):
    for picture in (image, enlarge(shrink(image)), noisy(image), blurred(image, 2)):
        peaks = grid_peaks(picture)
        assert max(np.abs(peaks)) < 3.6, peaks  # the astronaut's fine lines reach 3
    assert max(np.abs(grid_peaks(noisy(np.full_like(image, 128))))) < 0.7


@pytest.mark.parametrize("image", [ASTRONAUT, COFFEE, CAT])
def test_dots_in_every_fourth_pixel_stand_out(image):
    grids = [grid_peaks(patterned(image, DOTS, amplitude)) for amplitude in (0.1, 0.2, 0.5)]
    assert min(grids[-1]) > 8
    assert all(a.quarter < b.quarter for a, b in zip(grids, grids[1:], strict=False))
    assert all(a.half < b.half for a, b in zip(grids, grids[1:], strict=False))


def test_the_period_is_told_apart():
    checks = np.array([[1, -1], [-1, 1]])
    stripes = np.array([[1, 0, -1, 0]]).repeat(4, axis=0)
    flat = noisy(np.full((300, 400, 3), 128, np.uint8), 3)
    two, four = grid_peaks(patterned(flat, checks, 4)), grid_peaks(patterned(flat, stripes, 4))
    assert two.half > 8
    assert abs(two.quarter) < 0.7
    assert four.quarter > 4
    assert abs(four.half) < 0.7
    assert max(np.abs(grid_peaks(patterned(flat, np.eye(5), 9)))) < 1.5  # another period
    assert max(np.abs(grid_peaks(patterned(flat, np.eye(3), 9)))) < 1.5


@pytest.mark.parametrize("shift", [(0, 1), (1, 2), (3, 3)])
def test_the_grid_may_start_anywhere(shift):
    grid = grid_peaks(patterned(CAT, DOTS, 0.5))
    moved = grid_peaks(patterned(CAT, np.roll(DOTS, shift, (0, 1)), 0.5))
    assert moved == pytest.approx(grid, abs=1)


def test_the_grid_is_measured_alike_at_any_size():
    small = grid_peaks(patterned(ASTRONAUT[:200, 100:330], DOTS, 0.5))
    large = grid_peaks(patterned(np.tile(ASTRONAUT, (2, 2, 1)), DOTS, 0.5))
    assert small == pytest.approx(large, abs=3)


def test_what_is_not_seen_is_no_grid():
    """A flat picture, where a hundredth of the pixels is off by one level in a regular pattern."""
    flat = np.full((256, 256, 3), 128, np.uint8)
    assert grid_peaks(flat) == pytest.approx((0, 0))
    tile = np.zeros((20, 20))
    tile[0, 0] = 1
    assert max(grid_peaks(patterned(flat, tile))) < 1


def test_no_grid_can_be_measured_in_a_small_image():
    assert all(map(math.isnan, grid_peaks(CAT[:71, :200])))
    assert all(map(math.isnan, grid_peaks(CAT[:1, :1])))
    assert not any(map(math.isnan, grid_peaks(CAT[:72, :72])))
