"""Pictures whose opposite edges meet, such as textures that tile."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from srgan.images import SCALE
from srgan.reading import Picture
from srgan.upscale import BODY_HALO, TAIL_HALO

HALO = BODY_HALO + TAIL_HALO  # small pixels; no method looks farther


def wrapped(picture: Picture) -> Picture:
    """Return (h + 80, w + 80) pixels: the picture in an endless floor of its own kind.

    What lies in the middle of its enlargement is exactly what it would be on that floor, since the
    networks look 40 pixels around. See `unwrapped`.
    """
    alpha = None if picture.alpha is None else _around(picture.alpha)
    return replace(picture, colours=_around(picture.colours), alpha=alpha)


def unwrapped(large: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut the middle out of an enlarged wrapped picture, (H + 320, W + 320, ...) to (H, W, ...)."""
    edge = SCALE * HALO
    return np.ascontiguousarray(large[edge:-edge, edge:-edge])


def _around(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (np.arange(-HALO, side + HALO) % side for side in pixels.shape[:2])
    return pixels[rows][:, columns]
