"""NIQE: how natural a picture looks, judged from it alone.

Mittal, Soundararajan, Bovik, *Making a "Completely Blind" Image Quality Analyzer* (IEEE SPL 20(3),
2013), with the parameters of the official release. Statistics of 96 x 96 blocks in two scales are
held to those of pristine photos. It needs no original, so it cannot tell right detail from wrong;
noise can please it.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.special import gamma

from srgan.images import Image
from srgan.metrics import BT601

BLOCK = 96  # pixels, the official size
MIN_BLOCKS = 2  # one block has no covariance
BAND = 4  # rows of blocks at a time, so that memory grows with the width alone
HALO = 12  # rows around a band: the windows of both scales and the halving see 9 far
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # to the neighbours, down and right
ROUNDING = 1e-9  # levels; less is what rounding leaves of a flat area
PRISTINE = Path(__file__).with_name("niqe_pristine.npz")
# MATLAB's bicubic (a = -0.5) with antialiasing, at one half.
HALVING = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
SHAPES = np.arange(0.2, 10.001, 0.001)  # exponents of the generalised Gaussians that are tried
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))  # grow with them


def niqe(image: Image) -> float:
    """Return the NIQE of a picture; lower is better, photos have 2 to 4, blurred ones 6 and more.

    Of the luma (BT.601, studio range, rounded), nothing shaved; what is left of whole blocks at the
    right and below is not looked at. Under some 10 blocks it is unsteady.

    Args:
        image: (H, W, 3).

    Returns:
        NaN where fewer than 2 whole blocks of 96 x 96 pixels fit or are not flat.
    """
    rows, columns = (n // BLOCK for n in image.shape[:2])
    if rows * columns < MIN_BLOCKS:
        return math.nan
    features = np.concatenate(list(_bands(image[: rows * BLOCK, : columns * BLOCK])))
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < MIN_BLOCKS:
        return math.nan
    mean, covariance = _pristine()
    distance = mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(distance @ inverse @ distance))


@lru_cache(maxsize=1)
def _pristine() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (36,) and covariance (36, 36) of the features of pristine photos."""
    with np.load(PRISTINE) as file:
        return file["mean"], file["covariance"]


def _bands(image: Image) -> Iterator[NDArray[np.float64]]:
    """Features of the blocks, (N, 36) a band of an image of whole blocks."""
    height = len(image)
    for top in range(0, height, BAND * BLOCK):
        bottom = min(top + BAND * BLOCK, height)
        first, last = max(top - HALO, 0), min(bottom + HALO, height)
        luma = np.round(image[first:last] @ BT601 + 16)
        inner = slice(top - first, bottom - first)
        scales = [_features(_normalise(luma)[inner], BLOCK)]
        inner = slice(inner.start // 2, inner.stop // 2)
        scales.append(_features(_normalise(_halve(luma))[inner], BLOCK // 2))
        yield np.concatenate(scales, axis=1)


def _normalise(luma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take off the local mean and divide by the local deviation, equation 1 of the paper."""
    taps = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
    mean, square = (_filter(x, taps / taps.sum(), "nearest") for x in (luma, luma * luma))
    luma = luma - mean
    luma[np.abs(luma) < ROUNDING] = 0
    return luma / (np.sqrt(np.abs(square - mean * mean)) + 1)


def _halve(luma: NDArray[np.float64]) -> NDArray[np.float64]:
    return _filter(luma, HALVING, "reflect", slice(1, None, 2))


def _filter(
    x: NDArray[np.float64], taps: NDArray[np.float64], border: str, kept: slice = slice(None)
) -> NDArray[np.float64]:
    x = correlate1d(x, taps, axis=0, mode=border)[kept]
    return correlate1d(x, taps, axis=1, mode=border)[:, kept]


def _features(x: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Features of every block of one scale, (h * side, w * side) to (h * w, 18)."""
    rows, columns = (n // side for n in x.shape)
    blocks = x.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    shape, left, right = _fit(blocks)
    features = [shape, (left + right) / 2]
    for shift in SHIFTS:  # of what a block is rolled by, which wraps round inside it
        shape, left, right = _fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
        features += [shape, mean, left, right]
    return np.stack(features, axis=1)


def _fit(blocks: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Fit an asymmetric generalised Gaussian to each of (N, side, side), by its moments.

    Returns:
        Exponent, and scale of the left and right half, (N,) each; NaN where a half is empty, but
        for the exponent, which is the smallest then, as in the official release.
    """
    x = blocks.reshape(len(blocks), -1)
    negative, count = np.minimum(x, 0), x.shape[1]
    left, total = (np.einsum("np,np->n", v, v) for v in (negative, x))
    size = (x.sum(axis=1) - 2 * negative.sum(axis=1)) / count
    with np.errstate(invalid="ignore", divide="ignore"):  # flat blocks
        right = np.sqrt((total - left) / np.count_nonzero(x > 0, axis=1))
        left = np.sqrt(left / np.count_nonzero(x < 0, axis=1))
        skew = left / right
        ratio = size**2 / (total / count) * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = SHAPES[_nearest(ratio)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def _nearest(ratios: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of the nearest of `RATIOS`; 0 for NaN."""
    above = np.clip(np.searchsorted(RATIOS, ratios), 1, len(RATIOS) - 1)
    below = above - 1
    nearest = np.where(ratios - RATIOS[below] <= RATIOS[above] - ratios, below, above)
    return np.where(np.isnan(ratios), 0, nearest)
