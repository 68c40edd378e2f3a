"""Scores of a restored image: PSNR and SSIM in two protocols, detail, agreement, grid, colour.

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
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from numpy.typing import NDArray

from srgan.images import SCALE, Image, shrink

SHAVE = 4  # pixels taken off each side before scoring, as in the paper
WINDOW = 11  # taps of today's SSIM window
MIN_SIDE = 2 * SHAVE + WINDOW  # shorter images cannot be scored: the window must fit
BT601 = np.array([65.481, 128.553, 24.966]) / 255
BT709 = np.array([0.2126, 0.7152, 0.0722]) * 219 / 255


GRID_BLOCK = 64  # side of the blocks whose spectra `grid_peaks` averages


class Score(NamedTuple):
    """How close an image is to the original."""

    psnr: float  # [dB], inf when equal
    ssim: float  # [-1, 1], 1 when equal


def score(sr: Image, hr: Image, shave: int = SHAVE) -> Score:
    """Score a restored image against the original in today's protocol (see the module).

    Args:
        sr: Restored image, (H, W, 3).
        hr: Original, (H, W, 3).
        shave: Pixels taken off each side first.

    Raises:
        ValueError: The sizes differ, or a side is shorter than the SSIM window after shaving.
    """
    a, b = _shaved_luma(sr, hr, shave, BT601)
    kernel = np.exp(-0.5 * ((np.arange(WINDOW) - WINDOW // 2) / 1.5) ** 2)
    index = _ssim_map(*(_filter(x, kernel / kernel.sum()) for x in _moments(a, b)))
    return Score(_psnr(a, b), index.mean().item())


def paper_score(sr: Image, hr: Image, shave: int = SHAVE) -> Score:
    """Score a restored image against the original in the paper's protocol (see the module).

    Arguments and errors are those of `score`.
    """
    a, b = (x.round() for x in _shaved_luma(sr, hr, shave, BT709))
    kernel = _daala_kernel(*a.shape)
    border = len(kernel) // 2
    ones, *moments = (F.pad(x, (border,) * 4) for x in (torch.ones_like(a), *_moments(a, b)))
    mass = _filter(ones, kernel)  # what the border leaves of the window
    index = _ssim_map(*(_filter(x, kernel) / mass for x in moments))
    return Score(_psnr(a, b), ((mass * index).sum() / mass.sum()).item())


def detail(sr: Image, hr: Image, shave: int = SHAVE) -> float:
    """Return how much fine detail an image has, in percent of the original's; it may exceed 100.

    Detail is the energy of the luma above the small image's Nyquist frequency, 1/8 cycle a pixel:
    all that shrinking removed and a method had to add, rightly or wrongly. A Hann window keeps the
    image's borders from counting as detail.

    Arguments and errors are those of `score`; NaN for an original without any.
    """
    restored, original = (_high_energy(x) for x in _shaved_luma(sr, hr, shave, BT601))
    return 100 * restored / original if original > 1e-6 else math.nan  # not what rounding left


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
    return _psnr(*(torch.from_numpy(x.astype(np.float64)) for x in (shrink(sr), lr)))


def colour_shift(sr: Image, lr: Image) -> float:
    """Return the difference of the mean colours, largest of the three channels [levels].

    Args:
        sr: Restored image, (H, W, 3).
        lr: What it was made from, (h, w, 3).
    """
    return float(np.abs(sr.mean(axis=(0, 1)) - lr.mean(axis=(0, 1))).max())


class GridPeaks(NamedTuple):
    """How far a pattern of fixed period stands out of an image's spectrum; 0 when it does not."""

    quarter: float  # period 4 [dB]
    half: float  # period 2 [dB]


def grid_peaks(sr: Image, shave: int = SHAVE) -> GridPeaks:
    """Measure the grid that two PixelShuffles leave: their 16 phases differ, with period 4 and 2.

    The luma's power spectrum is averaged over Hann-windowed blocks of 64 x 64, half overlapping, so
    that the value does not depend on the image's size. At each frequency that such a pattern has,
    horizontal, vertical and mixed, the power is divided by the median over the ring of 3 to 6 bins
    around it; the result is the mean of these ratios in dB. Noise of one gray level is added to
    both, since what is under it is not seen.

    Lines and edges of the picture itself count too, so an original lies around 0 and may be
    negative. Measured means of Set5, Set14, BSD100: originals -0.4 to 0.6 (one image: up to 4.6),
    bicubic 0 to 0.4, a young GAN with dotted edges 6.5 to 9.6.

    Args:
        sr: Image, (H, W, 3).
        shave: Pixels taken off each side first.

    Returns:
        NaN for both if the image is smaller than a block.
    """
    inner = slice(shave, -shave or None)
    luma = torch.from_numpy(sr[inner, inner] @ BT601)
    if min(luma.shape) < GRID_BLOCK:
        return GridPeaks(math.nan, math.nan)
    window = torch.hann_window(GRID_BLOCK, dtype=luma.dtype)
    power = _mean_block_spectrum(luma, torch.outer(window, window))
    power += window.square().sum().square()  # white noise of variance 1
    # Each stands for its mirror image as well: (1, 3) for (3, 1), (1, 2) for (3, 2).
    quarter = [(0, 1), (1, 0), (1, 1), (1, 3), (1, 2), (2, 1)]
    return GridPeaks(_peak(power, quarter), _peak(power, [(0, 2), (2, 0), (2, 2)]))


def _shaved_luma(
    sr: Image, hr: Image, shave: int, weights: NDArray[np.float64]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two (H, W, 3) images to their luma in 16..235, float64, without their borders."""
    if sr.shape != hr.shape:
        raise ValueError(f"cannot compare sizes {sr.shape} and {hr.shape}")
    if min(sr.shape[:2]) < 2 * shave + WINDOW:
        raise ValueError(f"a side needs at least {2 * shave + WINDOW} pixels, got {sr.shape}")
    inner = slice(shave, -shave or None)
    a, b = (torch.from_numpy(x[inner, inner] @ weights + 16) for x in (sr, hr))
    return a, b


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


def _high_energy(luma: torch.Tensor) -> float:
    height, width = luma.shape
    window = [torch.hann_window(n, periodic=False, dtype=luma.dtype) for n in (height, width)]
    spectrum = torch.fft.rfft2((luma - luma.mean()) * torch.outer(*window)).abs().square()
    spectrum[:, 1 : (width + 1) // 2] *= 2  # rfft2 leaves out the mirrored half
    fy, fx = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    return spectrum[torch.hypot(fy, fx) > 0.5 / SCALE].sum().item()


def _mean_block_spectrum(luma: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
    """Power spectrum of an (H, W) luma, averaged over blocks that overlap by half."""
    side = len(window)
    total, count = torch.zeros_like(window), 0
    for top in range(0, luma.shape[0] - side + 1, side // 2):  # a row at a time: bounded memory
        blocks = luma[top : top + side].unfold(1, side, side // 2).transpose(0, 1)
        blocks = (blocks - blocks.mean(dim=(1, 2), keepdim=True)) * window
        total += torch.fft.fft2(blocks.float()).abs().square().sum(0)
        count += len(blocks)
    return total / count


def _peak(power: torch.Tensor, frequencies: list[tuple[int, int]]) -> float:
    """Mean ratio to the surroundings [dB] at frequencies (y, x) in quarters of a cycle a pixel."""
    side = len(power)
    y, x = np.mgrid[-6:7, -6:7]
    ring = (np.hypot(y, x) >= 3) & (np.hypot(y, x) <= 6)
    y, x = y[ring], x[ring]
    levels = 10 * power.log10().numpy()
    bins = [(side * fy // 4, side * fx // 4) for fy, fx in frequencies]
    ratios = [levels[v, u] - np.median(levels[(v + y) % side, (u + x) % side]) for v, u in bins]
    return float(np.mean(ratios))
