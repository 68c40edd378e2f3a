"""Sizes, shrinking, enlarging, tensors and writing."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from srgan.images import (
    ImageError,
    crop_to_scale,
    enlarge,
    repeat,
    shrink,
    to_hr,
    to_image,
    to_lr,
    write_png,
)
from srgan.reading import read_image

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT.parent / "shared/data/benchmarks"
FIXTURES = Path(__file__).parent / "fixtures/shrink"
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 36, 3), np.uint8)


# ---- sizes ----


def test_crop_to_scale():
    image = RNG.integers(0, 256, (250, 361, 3), np.uint8)
    cropped = crop_to_scale(image)
    np.testing.assert_array_equal(cropped, image[:248, :360])
    assert crop_to_scale(cropped).shape == cropped.shape
    assert crop_to_scale(image[:4, :7]).shape == (4, 4, 3)


@pytest.mark.parametrize("size", [(1, 1), (3, 99), (99, 3)])
def test_crop_to_scale_says_the_smallest_size(size):
    with pytest.raises(ImageError, match=f"{size[1]} × {size[0]} pixels; the smallest .* 4 × 4"):
        crop_to_scale(np.zeros((*size, 3), np.uint8))


# ---- shrink, enlarge, repeat ----


def keys(x):
    x = np.abs(x)
    outer = np.where(x <= 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0)
    return np.where(x <= 1, 1.5 * x**3 - 2.5 * x**2 + 1, outer)


def shrink_by_formula(hr):
    """MATLAB's imresize(hr, 1/4) in doubles, from its source: the oracle of `shrink`."""
    image = hr.astype(np.float64)
    for axis in (0, 1):
        size = image.shape[axis]
        centres = 4 * np.arange(1, size // 4 + 1) + 0.5 * (1 - 4)
        taps = np.floor(centres - 8)[:, None] + np.arange(18)
        weights = keys((centres[:, None] - taps) / 4) / 4
        weights /= weights.sum(1, keepdims=True)
        values = image.take(np.clip(taps.astype(int) - 1, 0, size - 1), axis)
        shape = (*weights.shape, 1) if axis == 1 else (*weights.shape, 1, 1)
        total = (values * weights.reshape(shape)).sum(axis + 1)
        image = np.clip(np.floor(total + 0.5), 0, 255)
    return image.astype(np.uint8)


def test_shrink_makes_the_committed_small_images():
    names = sorted(FIXTURES.glob("*_hr.png"))
    assert len(names) == 3
    for name in names:
        lr = np.asarray(PIL.Image.open(str(name).replace("_hr", "_lr")))
        np.testing.assert_array_equal(shrink(np.asarray(PIL.Image.open(name))), lr)


@pytest.mark.skipif(
    not BENCHMARKS.is_dir(), reason="Set5, Set14 and BSD100 are not on this machine"
)
def test_shrink_makes_the_benchmarks_small_images():
    pairs = [(p, p.parents[1] / "LR" / p.name) for p in sorted(BENCHMARKS.glob("*/HR/*.png"))]
    assert len(pairs) == 119
    different = [
        hr
        for hr, lr in pairs
        if not np.array_equal(shrink(crop_to_scale(read_image(hr))), read_image(lr))
    ]
    assert different == []


@pytest.mark.parametrize("size", [(4, 4), (4, 100), (100, 4), (8, 12), (64, 44)])
@pytest.mark.parametrize("content", ["noise", "black and white", "ramp"])
def test_shrink_is_the_formula_bit_for_bit(size, content):
    for _ in range(5):
        image = RNG.integers(0, 256, (*size, 3), np.uint8)
        if content == "black and white":
            image = (image > 127).astype(np.uint8) * 255
        elif content == "ramp":
            image = np.sort(image, axis=1)
        np.testing.assert_array_equal(shrink(image), shrink_by_formula(image))


def test_shrink_takes_views_and_leaves_them_alone():
    image = RNG.integers(0, 256, (80, 64, 3), np.uint8)
    view = image[::-1, ::2]
    before = view.copy()
    np.testing.assert_array_equal(shrink(view), shrink_by_formula(before))
    np.testing.assert_array_equal(view, before)


def test_enlarge_is_bicubic_and_repeat_is_not():
    lr = RNG.integers(0, 256, (5, 7, 3), np.uint8)
    inner = np.arange(1, 41) / 4 + 0.5 * (1 - 1 / 4)  # one row, away from its ends, by the formula
    row = RNG.integers(100, 156, (1, 10, 3), np.uint8)
    taps = np.floor(inner - 2)[:, None] + np.arange(6)
    weights = keys(inner[:, None] - taps)
    values = row[0].take(np.clip(taps.astype(int) - 1, 0, 9), 0)
    expected = (values * weights[..., None]).sum(1)[8:-8]
    assert np.abs(enlarge(row)[0, 8:-8] - expected).max() <= 0.51
    np.testing.assert_array_equal(enlarge(np.full((1, 1, 3), 9, np.uint8)), np.full((4, 4, 3), 9))
    big = repeat(lr)
    assert all((big[y::4, x::4] == lr).all() for y in range(4) for x in range(4))


@pytest.mark.parametrize("function", [shrink, enlarge, repeat, crop_to_scale, to_lr, to_hr])
@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
    ],
    ids=str,
)
def test_what_is_no_image_is_named(function, wrong):
    with pytest.raises(ValueError, match=r"expected .*3\), got") as caught:
        function(wrong)
    assert str(wrong.shape) in str(caught.value)
    assert str(wrong.dtype) in str(caught.value)


@pytest.mark.parametrize("size", [(6, 8), (8, 6), (2, 2)])
def test_shrink_names_sides_that_are_no_multiples(size):
    with pytest.raises(ValueError, match=r"expected \(4h, 4w, 3\), got"):
        shrink(np.zeros((*size, 3), np.uint8))


# ---- tensors ----


def test_ranges_and_layout_of_tensors():
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 1] = (0, 51, 255)
    lr, hr = to_lr(image), to_hr(image)
    assert lr.shape == hr.shape == (1, 3, 2, 3)
    assert lr.dtype == hr.dtype == torch.float32
    assert lr.is_contiguous()
    torch.testing.assert_close(lr[0, :, 0, 1], torch.tensor([0, 0.2, 1]))
    torch.testing.assert_close(hr[0, :, 0, 1], torch.tensor([-1, -0.6, 1]))
    assert (image[0, 1] == (0, 51, 255)).all()


def test_every_level_survives_the_round_trip():
    image = np.arange(256 * 3, dtype=np.int64).reshape(16, 16, 3).astype(np.uint8)
    image.flags.writeable = False
    np.testing.assert_array_equal(to_image(to_hr(image[::-1])), image[::-1])
    np.testing.assert_array_equal(to_image(to_hr(image)[0]), image)


def test_to_image_clamps_and_rounds():
    step = 1 / 127.5
    sr = torch.tensor([-7, -1, -1 + 0.4 * step, -1 + 0.6 * step, 1 - 0.4 * step, 1, 7])
    sr = sr.expand(3, 2, 7).clone().requires_grad_()
    image = to_image(sr)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(
        image, np.broadcast_to(np.array([0, 0, 0, 1, 255, 255, 255])[:, None], (2, 7, 3))
    )
    np.testing.assert_array_equal(to_image(sr.detach().half()[None]), image)
    assert sr.min() == -7


@pytest.mark.parametrize(
    "shape", [(3, 4), (2, 3, 8, 8), (1, 1, 8, 8), (4, 8, 8), (8, 8, 3), (1, 1, 3, 8, 8)]
)
def test_to_image_names_expected_and_got(shape):
    with pytest.raises(ValueError, match=r"expected \(1, 3, H, W\) or \(3, H, W\), got") as caught:
        to_image(torch.zeros(shape))
    assert str(shape) in str(caught.value)


# ---- writing ----


def test_write_png_is_lossless(tmp_path):
    path = tmp_path / "out.png"
    write_png(RGB, path)
    np.testing.assert_array_equal(read_image(path), RGB)
    assert b"IDAT\x78\x01" in path.read_bytes()  # compressed at the fastest level
    write_png(RGB[::-1], str(path))
    np.testing.assert_array_equal(read_image(path), RGB[::-1])
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o044  # a web server of another user may read it


def test_the_equal_channels_of_a_gray_picture_cost_little(tmp_path):
    colour = RNG.integers(0, 256, (96, 96, 3), np.uint8)
    gray = colour[..., :1].repeat(3, axis=2)
    sizes = []
    for image in (gray, colour):
        write_png(image, tmp_path / "a.png")
        sizes.append((tmp_path / "a.png").stat().st_size)
    assert sizes[0] < 0.7 * sizes[1]


def test_write_png_leaves_the_old_file_and_nothing_else_on_failure(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    write_png(RGB, path)

    def fail(self, file, *args, **kwargs):
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("PIL.Image.Image.save", fail)
        with pytest.raises(OSError, match="disk full"):
            write_png(RGB[::-1], path)
    np.testing.assert_array_equal(read_image(path), RGB)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_png(RGB, tmp_path / "folder")
    with pytest.raises(OSError, match="missing"):
        write_png(RGB, tmp_path / "missing" / "out.png")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "folder", path]


def test_write_png_names_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"expected uint8 \(H, W, 3\), got uint8 \(24, 36\)"):
        write_png(RGB[..., 0], tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []
