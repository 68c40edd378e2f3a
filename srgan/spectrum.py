"""What an image's spectrum shows: how much there is at each frequency, and a grid that stands out.

Frequencies are in cycles a pixel; the small image's Nyquist frequency is 1/8 in the large one.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from srgan.images import Image
from srgan.metrics import BT601, SHAVE, power_spectrum

RINGS = 32  # of `radial_power`; the n-th is centred at n / 64, so that one lies at 1/8
FLOOR_DB = -20.0  # below the noise of rounding to 8 bits, which lies at -16 dB
RINGS_SIDE = 48  # pixels; below 43 the first ring holds no frequency
MIN_SPECTRUM_SIDE = 2 * SHAVE + RINGS_SIDE  # shorter images have no `radial_power`
GRID_BLOCK = 64  # side of the blocks whose spectra `grid_peaks` averages
# Frequencies (y, x) of a grid in quarters of a cycle a pixel: of period 4, and of period 2. Each
# stands for its mirror image as well: (1, 3) for (3, 1), (1, 2) for (3, 2).
QUARTER = ((0, 1), (1, 0), (1, 1), (1, 3), (1, 2), (2, 1))
HALF = ((0, 2), (2, 0), (2, 2))


def radial_power(image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure how much an image has at each frequency, whatever its direction.

    The power spectrum of the luma under a Hann window, averaged over rings of equal distance from
    frequency 0. The rings are the same for every image, and white noise of variance 1 has 0 dB in
    each, so curves of one scene can be laid over one another.

    Args:
        image: (H, W, 3); 4 pixels are taken off each side first.

    Returns:
        Centres of the rings, 1/64 to 1/2 [cycles a pixel], and the mean power in them [dB], not
        below -20; (32,) each.

    Raises:
        ValueError: A side is shorter than 56 pixels.
    """
    if min(image.shape[:2]) < MIN_SPECTRUM_SIDE:
        raise ValueError(f"a side needs at least {MIN_SPECTRUM_SIDE} pixels, got {image.shape}")
    spectrum = power_spectrum(_luma(image))
    ring = (spectrum.frequency * 2 * RINGS + 0.5).long()
    total, count = (
        torch.bincount(ring.flatten(), x.expand(ring.shape).flatten())[1 : RINGS + 1]
        for x in (spectrum.power * spectrum.count, spectrum.count)
    )
    frequencies = np.arange(1, RINGS + 1) / (2 * RINGS)
    return frequencies, (10 * (total / count).log10()).clamp(min=FLOOR_DB).numpy()


class GridPeaks(NamedTuple):
    """How far a pattern of fixed period stands out of an image's spectrum; 0 when it does not."""

    quarter: float  # period 4 [dB]
    half: float  # period 2 [dB]


def grid_peaks(sr: Image) -> GridPeaks:
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
        sr: Image, (H, W, 3); 4 pixels are taken off each side first.

    Returns:
        NaN for both if the image is smaller than a block.
    """
    luma = _luma(sr)
    if min(luma.shape) < GRID_BLOCK:
        return GridPeaks(math.nan, math.nan)
    window = torch.hann_window(GRID_BLOCK, dtype=luma.dtype)
    power = _mean_block_spectrum(luma, torch.outer(window, window))
    power += window.square().sum().square()  # white noise of variance 1
    return GridPeaks(_peak(power, QUARTER), _peak(power, HALF))


def _luma(image: Image) -> torch.Tensor:
    return torch.from_numpy(image[SHAVE:-SHAVE, SHAVE:-SHAVE] @ BT601)


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


def _peak(power: torch.Tensor, frequencies: Sequence[tuple[int, int]]) -> float:
    """Mean ratio to the surroundings [dB] at frequencies (y, x) in quarters of a cycle a pixel."""
    side = len(power)
    y, x = np.mgrid[-6:7, -6:7]
    ring = (np.hypot(y, x) >= 3) & (np.hypot(y, x) <= 6)
    y, x = y[ring], x[ring]
    levels = 10 * power.log10().numpy()
    bins = [(side * fy // 4, side * fx // 4) for fy, fx in frequencies]
    ratios = [levels[v, u] - np.median(levels[(v + y) % side, (u + x) % side]) for v, u in bins]
    return float(np.mean(ratios))
