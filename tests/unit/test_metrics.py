"""Scores against scikit-image, against Daala's formulas, against the paper, and at their limits."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import correlate1d
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from support.photos import ASTRONAUT, CAT, COFFEE, blurred, noisy

from srgan.images import enlarge, repeat, shrink
from srgan.metrics import (
    MIN_SIDE,
    Original,
    agreement,
    colour_shift,
    detail,
    paper_score,
    score,
)
from srgan.reading import read_image

BENCHMARKS = Path(__file__).parents[3] / "shared/data/benchmarks"
needs_benchmarks = pytest.mark.skipif(
    not BENCHMARKS.is_dir(), reason="no ../shared/data/benchmarks on this machine"
)
RNG = np.random.default_rng(0)


def pairs():
    random = [RNG.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((32, 32), (19, 60), (45, 23))]
    yield from ((image, noisy(image, 40)) for image in random)
    yield random[0], RNG.integers(0, 256, (32, 32, 3), np.uint8)
    for image in (ASTRONAUT, COFFEE, CAT):
        yield enlarge(shrink(image)), image
    yield repeat(shrink(CAT)), CAT
    yield noisy(COFFEE), COFFEE


def bt601(image, shave=4):
    """Luma in studio range by the numbers of MATLAB's rgb2ycbcr, not rounded."""
    red, green, blue = image[shave : len(image) - shave, shave : image.shape[1] - shave].T / 255.0
    return (16 + 65.481 * red + 128.553 * green + 24.966 * blue).T


@pytest.mark.parametrize(("sr", "hr"), list(pairs()))
def test_todays_protocol_is_scikit_images(sr, hr):
    a, b = bt601(sr), bt601(hr)
    ssim = structural_similarity(
        a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    psnr = peak_signal_noise_ratio(b, a, data_range=255)
    assert score(sr, hr) == pytest.approx((psnr, ssim), abs=1e-9)
    assert score(hr, sr) == pytest.approx(score(sr, hr), abs=1e-9)


def test_the_shave_can_be_chosen():
    a, b = bt601(noisy(CAT), 10), bt601(CAT, 10)
    psnr = peak_signal_noise_ratio(b, a, data_range=255)
    assert score(noisy(CAT), CAT, shave=10).psnr == pytest.approx(psnr, abs=1e-9)


def daala(sr, hr, shave=4):
    """PSNR and SSIM by the formulas of Daala's tools, written out with scipy."""

    def luma(image):
        inner = image[shave : len(image) - shave, shave : image.shape[1] - shave]
        return np.round(16 + 219 * (inner @ [0.2126, 0.7152, 0.0722]) / 255)

    a, b = luma(sr), luma(hr)
    h, w = a.shape
    s = h * 1.5 / 256
    t = np.sqrt(0.5 * np.pi) * s / 256
    n = 0 if t >= 1 else min(int(s * np.sqrt(-2 * np.log(t))), min(h, w) - 1)
    d = np.arange(-n, n + 1)
    k = np.floor(256 / (np.sqrt(2 * np.pi) * s) * np.exp(-0.5 * (d / s) ** 2) + 0.5)
    k[n] = 0
    k[n] = 256 - k.sum()

    def filtered(x):
        rows = correlate1d(x, k, axis=1, mode="constant")
        return correlate1d(rows, k, axis=0, mode="constant")

    o, x, y = filtered(np.ones_like(a)), filtered(a), filtered(b)
    c1, c2 = (2.55 * o) ** 2, (7.65 * o) ** 2
    xx, yy, xy = (
        filtered(a * a) * o - x * x,
        filtered(b * b) * o - y * y,
        filtered(a * b) * o - x * y,
    )
    index = o * (2 * x * y + c1) * (2 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2))
    mse = np.square(a - b).mean()
    return 10 * np.log10(255**2 / mse), index.sum() / o.sum()


@pytest.mark.parametrize(("sr", "hr"), list(pairs()))
def test_the_papers_protocol_is_daalas(sr, hr):
    assert paper_score(sr, hr) == pytest.approx(daala(sr, hr), abs=1e-9)


def test_the_protocols_on_a_photo_do_not_drift():
    """Values of this code when it reproduced all six rows of the paper's Table 2."""
    bicubic, nearest = enlarge(shrink(ASTRONAUT)), repeat(shrink(ASTRONAUT))
    assert score(bicubic, ASTRONAUT) == pytest.approx((26.83861, 0.84269), abs=1e-4)
    assert paper_score(bicubic, ASTRONAUT) == pytest.approx((26.73493, 0.88861), abs=1e-4)
    assert paper_score(nearest, ASTRONAUT) == pytest.approx((24.68291, 0.84019), abs=1e-4)


@needs_benchmarks
def test_set5_is_what_everyone_reports():
    files = sorted((BENCHMARKS / "Set5/HR").iterdir())
    hr = [read_image(path) for path in files]
    lr = [read_image(BENCHMARKS / "Set5/LR" / path.name) for path in files]

    def mean(protocol, method):
        return np.mean([protocol(method(a), b) for a, b in zip(lr, hr, strict=True)], axis=0)

    psnr, ssim = mean(score, enlarge)
    assert psnr == pytest.approx(28.43, abs=0.01)
    assert ssim == pytest.approx(0.811, abs=0.001)
    psnr, ssim = mean(paper_score, enlarge)
    assert psnr == pytest.approx(28.43, abs=0.02)
    assert ssim == pytest.approx(0.821, abs=0.0015)
    psnr, ssim = mean(paper_score, repeat)
    assert psnr == pytest.approx(26.26, abs=0.02)
    assert ssim == pytest.approx(0.755, abs=0.0015)


@pytest.mark.parametrize("protocol", [score, paper_score])
class TestBothProtocols:
    def test_an_image_equals_itself(self, protocol):
        assert protocol(CAT, CAT.copy()) == (math.inf, 1)

    def test_a_known_error(self, protocol):
        """20 levels brighter is 20 * 219 / 255 in studio luma, whatever its weights."""
        hr = np.full((40, 50, 3), 100, np.uint8)
        error = 20 * 219 / 255
        expected = 20 * math.log10(255 / error)
        tolerance = 1e-9 if protocol is score else 20 * math.log10(1 + 1 / error)
        assert protocol(hr + np.uint8(20), hr).psnr == pytest.approx(expected, abs=tolerance)

    def test_green_counts_more_than_blue(self, protocol):
        green, blue = CAT.copy(), CAT.copy()
        green[..., 1] ^= 16
        blue[..., 2] ^= 16
        assert protocol(green, CAT).psnr < protocol(blue, CAT).psnr - 10

    def test_the_border_does_not_count(self, protocol):
        framed = CAT.copy()
        framed[:4], framed[-4:], framed[:, :4], framed[:, -4:] = 0, 255, 255, 0
        assert protocol(framed, CAT) == (math.inf, 1)
        framed[4, 100] ^= 255
        assert protocol(framed, CAT).psnr < math.inf
        assert protocol(framed, CAT, shave=0).psnr < 25

    def test_a_shifted_original_scores_less_than_blur(self, protocol):
        """Why the scores do not tell what looks right."""
        shifted = np.roll(ASTRONAUT, 2, axis=1)
        bicubic = enlarge(shrink(ASTRONAUT))
        assert protocol(shifted, ASTRONAUT).psnr < protocol(bicubic, ASTRONAUT).psnr
        assert detail(shifted, ASTRONAUT) > 10 * detail(bicubic, ASTRONAUT)

    def test_sizes_must_agree(self, protocol):
        with pytest.raises(ValueError, match=r"\(300, 448, 3\) and \(300, 444, 3\)"):
            protocol(CAT, CAT[:, :-4])

    def test_the_smallest_size(self, protocol):
        assert MIN_SIDE == 19
        protocol(noisy(CAT[:19, :19]), CAT[:19, :19])
        for small in (CAT[:18, :30], CAT[:30, :18], CAT[:1, :1]):
            with pytest.raises(ValueError, match="at least 19 pixels"):
                protocol(small, small)


def test_an_original_scores_every_image_as_the_functions_do():
    original = Original(CAT, shave=6)
    for sr in (noisy(CAT), blurred(CAT), CAT):
        assert original.score(sr) == score(sr, CAT, 6)
        assert original.paper_score(sr) == paper_score(sr, CAT, 6)
        assert original.detail(sr) == detail(sr, CAT, 6)


def test_an_original_that_cannot_be_scored_is_refused_at_once():
    with pytest.raises(ValueError, match="at least 19 pixels"):
        Original(CAT[:18])


def test_detail_of_the_original_blur_and_noise():
    assert detail(CAT, CAT) == 100
    assert detail(blurred(CAT), CAT) < 0.1
    assert 0.1 < detail(enlarge(shrink(CAT)), CAT) < 15
    assert detail(noisy(CAT, 30), CAT) > 300
    assert detail(np.roll(CAT, 1, axis=1), CAT) == pytest.approx(100, abs=1)


def test_detail_is_what_lies_beyond_the_small_image():
    """A wave of 7 pixels counts, one of 9 does not; borders of the picture are no detail."""
    x = np.arange(320)
    base = np.rint(128 + 20 * np.sin(2 * np.pi * x / 4))

    def image(period):
        wave = base + 40 * np.sin(2 * np.pi * x / period)
        return np.rint(np.broadcast_to(wave[None, :, None], (96, 320, 3))).astype(np.uint8)

    plain = np.broadcast_to(base[None, :, None], (96, 320, 3)).astype(np.uint8)
    assert detail(image(7), plain) == pytest.approx(100 * (1 + 4), rel=0.05)
    assert detail(image(9.5), plain) == pytest.approx(100, rel=0.05)
    ramp = np.broadcast_to(np.linspace(0, 255, 320)[None, :, None], (96, 320, 3)).astype(np.uint8)
    assert detail(ramp, CAT[:96, :320]) < 0.5


def test_detail_by_the_whole_spectrum():
    """The same from numpy's full transform, for odd and even sides."""

    def energy(image):
        luma = bt601(image)
        window = np.outer(*(np.hanning(n) for n in luma.shape))
        power = np.abs(np.fft.fft2((luma - luma.mean()) * window)) ** 2
        y, x = np.meshgrid(*(np.fft.fftfreq(n) for n in luma.shape), indexing="ij")
        return power[np.hypot(y, x) > 1 / 8].sum()

    stripes = np.kron(RNG.integers(0, 256, (100, 1, 3)), np.ones((1, 90, 1))).astype(np.uint8)
    for image in (stripes, stripes[:99], stripes[:, :81], CAT[:100, :90]):
        other = noisy(image, 20)
        expected = 100 * energy(other) / energy(image)
        assert detail(other, image) == pytest.approx(expected, rel=1e-9)


def test_detail_of_nothing():
    for level in range(0, 256, 5):
        flat = np.full((40, 40, 3), level, np.uint8)
        assert math.isnan(detail(CAT[:40, :40], flat))
        assert detail(flat, CAT[:40, :40]) == pytest.approx(0, abs=1e-9)


def test_agreement():
    lr = shrink(CAT)
    assert agreement(CAT, lr) == math.inf
    assert 30 < agreement(enlarge(lr), lr) < 50
    assert agreement(np.roll(CAT, 1, axis=1), lr) < 40
    redder = CAT.astype(int) + [10, 0, 0]
    shifted = np.clip(redder, 0, 255).astype(np.uint8)
    expected = 20 * math.log10(255 / 10) + 10 * math.log10(3)  # one channel of three is off by 10
    assert agreement(shifted, lr) == pytest.approx(expected, abs=0.2)


def test_detail_that_shrinks_away_agrees():
    """Pixels up and down in turn: half a cycle a pixel, which shrinking removes."""
    checks = np.indices(CAT.shape[:2]).sum(axis=0)[..., None] % 2 * 16 - 8
    textured = np.clip(CAT.astype(int) + checks, 0, 255).astype(np.uint8)
    assert agreement(textured, shrink(CAT)) > 45
    assert detail(textured, CAT) > 150


def test_every_pixel_must_agree():
    lr = shrink(CAT)
    for y, x in ((0, 0), (-1, -1), (37, 50)):
        other = lr.copy()
        other[y, x, 2] ^= 128
        expected = 10 * math.log10(255**2 / (128**2 / lr.size))
        assert agreement(CAT, other) == pytest.approx(expected, abs=1e-9)


def test_agreement_needs_four_times_the_size():
    with pytest.raises(ValueError, match="4 times"):
        agreement(CAT, shrink(CAT)[:-1])


def test_colour_shift_is_the_worst_channels():
    lr = np.full((5, 5, 3), 100, np.uint8)
    assert colour_shift(repeat(lr), lr) == 0
    assert colour_shift(repeat(lr) + np.array([1, 0, 7], np.uint8), lr) == 7
    assert colour_shift(repeat(lr) - np.array([0, 3, 0], np.uint8), lr) == 3
