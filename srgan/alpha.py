"""Transparency beside the colours of an enlarged picture, without fringes."""

import numpy as np
from numpy.typing import NDArray

from srgan.images import Image, enlarge


def fill_transparent(colours: Image, alpha: NDArray[np.uint8]) -> Image:
    """Colour what is fully transparent like its surroundings.

    What a file holds there is arbitrary, often black, and would bleed into the visible edge.

    Args:
        colours: (H, W, 3), not multiplied by alpha.
        alpha: (H, W).
    """
    if alpha.all() or not alpha.any():
        return colours
    # Halve until nothing is unknown, then fill each level from the coarser one.
    weight: NDArray[np.floating] = alpha[..., None].astype(np.float32) / 255
    levels: list[tuple[NDArray[np.floating], ...]] = [(colours * weight, weight)]
    while not levels[-1][1].all():
        levels.append(tuple(_halve(x) for x in levels[-1]))
    total, weight = levels.pop()
    filled: NDArray[np.floating] = total / weight
    while levels:
        total, weight = levels.pop()
        coarse = filled.repeat(2, axis=0).repeat(2, axis=1)[: len(total), : total.shape[1]]
        filled = np.where(weight > 0, total / np.maximum(weight, 1e-9), coarse)
    return np.where(alpha[..., None] > 0, colours, np.rint(filled).astype(np.uint8))


def _halve(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Sum 2 x 2 pixels, with zeros after an odd side: (H, W, C) to about (H / 2, W / 2, C)."""
    x = np.pad(x, ((0, len(x) % 2), (0, x.shape[1] % 2), (0, 0)))
    return x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]


def enlarge_alpha(alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge transparency four times, (h, w) to (4h, 4w), always bicubic.

    The networks know photos, not masks: around hard edges they leave up to 23 levels of ringing and
    dots, which show as dirt on what is transparent. Bicubic keeps flat parts at 0 and 255.
    """
    return enlarge(np.repeat(alpha[..., None], 3, axis=2))[..., 0]
