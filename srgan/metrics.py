"""Scores of a restored image: PSNR and SSIM in two protocols, detail, agreement, colour.

The two protocols are never mixed; every number says which it is:

* today's (`score`): luma of BT.601 in studio range, not rounded; 4 pixels shaved; PSNR with peak
  255; SSIM with the 11x11 Gaussian window of sigma 1.5 (Wang et al. 2004).
* the paper's (`paper_score`): what the Daala tools at commit 8d03668 compute, which Ledig et al.
  used (section 3.1): luma of BT.709, rounded; 4 pixels shaved; SSIM with a window that grows with
  the image, sigma = 1.5 * height / 256, cut at the border. The tools' 4:2:0 subsampling and dither
  are left out: on the paper's rows for nearest and bicubic that moves the mean of a set by at most
  0.014 dB and 0.0011.
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from srgan.images import SCALE, Image, shrink

SHAVE = 4  # pixels taken off each side before scoring, as in the paper
WINDOW = 11  # taps of today's SSIM window
BAND = 128  # rows of the image at a time, so that what SSIM needs stays in the cache
MIN_SIDE = 2 * SHAVE + WINDOW  # shorter images cannot be scored: the window must fit
BT601 = np.array([65.481, 128.553, 24.966]) / 255
BT709 = np.array([0.2126, 0.7152, 0.0722]) * 219 / 255


class Score(NamedTuple):
    """How close an image is to the original."""

    psnr: float  # [dB], inf when equal
    ssim: float  # [-1, 1], 1 when equal


class Original:
    """An original to score several images against; what they share is computed once.

    Args:
        hr: Original, (H, W, 3).
        shave: Pixels taken off each side before scoring.

    Raises:
        ValueError: A side is shorter than the SSIM window after shaving.
    """

    def __init__(self, hr: Image, shave: int = SHAVE) -> None:
        if min(hr.shape[:2]) < 2 * shave + WINDOW:
            raise ValueError(f"a side needs at least {2 * shave + WINDOW} pixels, got {hr.shape}")
        self._hr, self._shave = hr, shave

    def score(self, sr: Image) -> Score:
        """Score a restored image in today's protocol, see the module function."""
        a, b = self._luma(sr), self._today
        kernel = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / 1.5) ** 2)
        kernel /= kernel.sum()
        height, width = (n - WINDOW + 1 for n in a.shape)
        total = 0.0
        for top in range(0, height, BAND):
            rows = slice(top, top + BAND + WINDOW - 1)
            moments = (_filter(x, kernel) for x in _moments(a[rows], b[rows]))
            total += _ssim_map(*moments).sum().item()
        return Score(_psnr(a, b), total / (height * width))

    def paper_score(self, sr: Image) -> Score:
        """Score a restored image in the paper's protocol, see the module function."""
        a, (b, b_mean, kernel, mass) = self._luma(sr, BT709).round(), self._paper
        _, _, squares, product = _moments(a, b)
        means = (_filter_around(x, kernel) / mass for x in (a, squares, product))
        a_mean, squares_mean, product_mean = means
        index = _ssim_map(a_mean, b_mean, squares_mean, product_mean)
        return Score(_psnr(a, b), ((mass * index).sum() / mass.sum()).item())

    def detail(self, sr: Image) -> float:
        """Return an image's detail in percent of the original's, see the module function."""
        restored, original = _detail_energy(self._luma(sr)), self._detail
        return 100 * restored / original if original > 1e-6 else math.nan  # not rounding's rest

    @cached_property
    def _today(self) -> torch.Tensor:
        return self._luma(self._hr)

    @cached_property
    def _paper(self) -> tuple[torch.Tensor, ...]:
        """Luma, its local mean, the window's taps and what the border leaves of the window."""
        luma = self._luma(self._hr, BT709).round()
        kernel = torch.from_numpy(_daala_kernel(*luma.shape))
        mass = torch.outer(*(_mass(n, kernel) for n in luma.shape))
        return luma, _filter_around(luma, kernel) / mass, kernel, mass

    @cached_property
    def _detail(self) -> float:
        return _detail_energy(self._today)

    def _luma(self, image: Image, weights: NDArray[np.float64] = BT601) -> torch.Tensor:
        """(H, W, 3) to luma in 16..235, float64, without the borders."""
        if image.shape != self._hr.shape:
            raise ValueError(f"cannot compare sizes {image.shape} and {self._hr.shape}")
        inner = slice(self._shave, -self._shave or None)
        return torch.from_numpy(image[inner, inner] @ weights + 16)


def score(sr: Image, hr: Image, shave: int = SHAVE) -> Score:
    """Score a restored image against the original in today's protocol (see the module).

    Args:
        sr: Restored image, (H, W, 3).
        hr: Original, (H, W, 3).
        shave: Pixels taken off each side first.

    Raises:
        ValueError: The sizes differ, or a side is shorter than the SSIM window after shaving.
    """
    return Original(hr, shave).score(sr)


def paper_score(sr: Image, hr: Image, shave: int = SHAVE) -> Score:
    """Score a restored image against the original in the paper's protocol (see the module).

    Arguments and errors are those of `score`.
    """
    return Original(hr, shave).paper_score(sr)


def detail(sr: Image, hr: Image, shave: int = SHAVE) -> float:
    """Return how much fine detail an image has, in percent of the original's; it may exceed 100.

    Detail is the energy of the luma above the small image's Nyquist frequency, 1/8 cycle a pixel:
    all that shrinking removed and a method had to add, rightly or wrongly. A Hann window keeps the
    image's borders from counting as detail.

    Arguments and errors are those of `score`; NaN for an original without any.
    """
    return Original(hr, shave).detail(sr)


def agreement(sr: Image, lr: Image) -> float:
    """Return how well an image agrees with its input: PSNR of `shrink(sr)` against it [dB].

    All pixels and channels count, so a change of colour shows. Detail that contradicts the input
    lowers it; any detail that shrinks away does not. The original itself has inf.

    Args:
        sr: Restored image, (4h, 4w, 3).
        lr: What it was made from, (h, w, 3).
    """
    if sr.shape != (SCALE * lr.shape[0], SCALE * lr.shape[1], 3):
        raise ValueError(f"expected the image {SCALE} times {lr.shape}, got {sr.shape}")
    return psnr(shrink(sr), lr)


def psnr(a: Image, b: Image) -> float:
    """Return the PSNR over all pixels and channels of two images of one size [dB]; inf if equal."""
    return _psnr(*(torch.from_numpy(x.astype(np.float64)) for x in (a, b)))


def colour_shift(sr: Image, lr: Image) -> float:
    """Return the difference of the mean colours, largest of the three channels [levels].

    Args:
        sr: Restored image, (H, W, 3).
        lr: What it was made from, (h, w, 3).
    """
    return float(np.abs(sr.mean(axis=(0, 1)) - lr.mean(axis=(0, 1))).max())


class PowerSpectrum(NamedTuple):
    """Power of a luma at each frequency, without the half that mirrors the other."""

    frequency: torch.Tensor  # (H, W // 2 + 1), distance from 0 [cycles a pixel]
    power: torch.Tensor  # (H, W // 2 + 1); 1 everywhere for white noise of variance 1
    # (W // 2 + 1,): 2 where the other half has the same again, else 1
    count: torch.Tensor  # type: ignore[assignment] # a tuple's method, which nobody needs


def power_spectrum(luma: torch.Tensor) -> PowerSpectrum:
    """Compute the power spectrum of an (H, W) luma under a Hann window, without its mean."""
    height, width = luma.shape
    window = [torch.hann_window(n, periodic=False, dtype=luma.dtype) for n in (height, width)]
    power = torch.fft.rfft2((luma - luma.mean()) * torch.outer(*window)).abs().square()
    power /= math.prod(w.square().sum().item() for w in window)
    count = torch.ones(width // 2 + 1, dtype=luma.dtype)
    count[1 : (width + 1) // 2] = 2
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    return PowerSpectrum(torch.hypot(fy, fx), power, count)


def _detail_energy(luma: torch.Tensor) -> float:
    frequency, power, count = power_spectrum(luma)
    return ((power * (frequency > 0.5 / SCALE)).sum(0) @ count).item()


def _psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    mse = (a - b).square().mean().item()
    return 10 * math.log10(255**2 / mse) if mse else math.inf


def _moments(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return a, b, a * a + b * b, a * b  # SSIM needs the two variances only as a sum


def _filter(x: torch.Tensor, kernel: NDArray[np.float64]) -> torch.Tensor:
    """Separable filter where the window fits, (H, W) to (H - n + 1, W - n + 1).

    As shifted sums, since torch has no fast convolution in float64: ten times as fast as
    scikit-image's on 4 megapixels.
    """
    for axis in (0, 1):
        length = x.shape[axis] - len(kernel) + 1
        total = x.narrow(axis, 0, length) * kernel[0]
        for i in range(1, len(kernel)):
            total.add_(x.narrow(axis, i, length), alpha=kernel[i])
        x = total
    return x


def _filter_around(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Separable filter, symmetric, with zeros around the image: (H, W) to the same size.

    By Fourier transform: the window grows with the image, to 57 taps on 4 megapixels.
    """
    radius = len(kernel) // 2
    size = [next_fast_len(n + radius, real=True) for n in x.shape]
    taps = (F.pad(kernel, (0, n - len(kernel))).roll(-radius) for n in size)
    rows, columns = (torch.fft.fft(t).real for t in taps)  # of a symmetric kernel it is real
    spectrum = torch.fft.rfft2(x, s=size) * torch.outer(rows, columns[: size[1] // 2 + 1])
    return torch.fft.irfft2(spectrum, s=size)[: x.shape[0], : x.shape[1]]


def _mass(length: int, kernel: torch.Tensor) -> torch.Tensor:
    """Sum of the taps that lie inside, for a kernel centred at each of so many pixels."""
    inside = F.pad(torch.ones(length, dtype=kernel.dtype), (len(kernel) // 2,) * 2)
    return inside.unfold(0, len(kernel), 1) @ kernel


def _ssim_map(
    a: torch.Tensor, b: torch.Tensor, squares: torch.Tensor, product: torch.Tensor
) -> torch.Tensor:
    """Local SSIM from the filtered moments; K1 = 0.01, K2 = 0.03, L = 255."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    means, mean_squares = a * b, a * a + b * b
    numerator = (2 * means + c1) * (2 * (product - means) + c2)
    return numerator / ((mean_squares + c1) * (squares - mean_squares + c2))


def _daala_kernel(height: int, width: int) -> NDArray[np.float64]:
    """Integer taps that sum to 256, as in Daala's dump_ssim.c."""
    sigma = 1.5 * height / 256
    smallest = math.sqrt(0.5 * math.pi) * sigma / 256  # a tap below half a unit is dropped
    radius = int(sigma * math.sqrt(-2 * math.log(smallest))) if smallest < 1 else 0
    radius = min(radius, height - 1, width - 1)
    offset = np.arange(-radius, radius + 1)
    taps = np.exp(-0.5 * (offset / sigma) ** 2) * 256 / (math.sqrt(2 * math.pi) * sigma)
    taps = np.floor(taps + 0.5)
    taps[len(taps) // 2] += 256 - taps.sum()
    return taps / 256
