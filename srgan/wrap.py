"""Pictures whose opposite edges meet, such as textures that tile."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from srgan.images import SCALE
from srgan.reading import Picture
from srgan.upscale import BODY_HALO, TAIL_HALO

HALO = BODY_HALO + TAIL_HALO  # small pixels; no method that is shipped looks farther


def wrapped(picture: Picture, halo: int = HALO) -> Picture:
    """Return (h + 2 halo, w + 2 halo) pixels: the picture in an endless floor of its own kind.

    What lies in the middle of its enlargement is exactly what it would be on that floor, for a
    method that looks no farther than the halo. See `unwrapped`.
    """
    alpha = None if picture.alpha is None else _around(picture.alpha, halo)
    return replace(picture, colours=_around(picture.colours, halo), alpha=alpha)


def unwrapped(large: NDArray[np.uint8], halo: int = HALO) -> NDArray[np.uint8]:
    """Cut the middle out of an enlarged wrapped picture, to (H, W, ...)."""
    edge = SCALE * halo
    return np.ascontiguousarray(large[edge:-edge, edge:-edge])


def _around(pixels: NDArray[np.uint8], halo: int) -> NDArray[np.uint8]:
    rows, columns = (np.arange(-halo, side + halo) % side for side in pixels.shape[:2])
    return pixels[rows][:, columns]
