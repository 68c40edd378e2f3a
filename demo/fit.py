"""How large a photo may be, and the two ways to bring a larger one under the limit."""

import math
from typing import Literal

import numpy as np
from PIL import Image as Pillow

from srgan.images import SCALE, Image

Oversize = Literal["centre", "shrink"]
MAX_OUTPUT_PIXELS = 2048 * 2048  # about ten seconds for both networks on two cores


class TooLargeError(ValueError):
    """The photo is over the limit, and the person has not said yet what to do about it."""

    def __init__(self, size: tuple[int, int], fitting: tuple[int, int], limit: int) -> None:
        self.size, self.fitting = size, fitting  # (height, width) as given, and within the limit
        super().__init__(
            f"The image is {_size(size)}; at most {limit / 1e6:.2g} megapixels can be compared "
            f"here. Take its centre piece ({_size(fitting)}) or shrink it to {_size(fitting)}."
        )


def fit(image: Image, limit: int, oversize: Oversize | None) -> tuple[Image, str]:
    """Bring an image under a limit in the way that the person chose.

    Args:
        image: (H, W, 3).
        limit: Pixels it may have.
        oversize: "centre" cuts out the middle at full sharpness, "shrink" makes the whole smaller.

    Returns:
        The image, and a sentence that says what was done: empty if nothing was.

    Raises:
        TooLargeError: It is over the limit and `oversize` is None.
    """
    height, width = image.shape[:2]
    if height * width <= limit:
        return image, ""
    new_height, new_width = fitting = _within(height, width, limit)
    if oversize is None:
        raise TooLargeError((height, width), fitting, limit)
    if oversize == "centre":
        top, left = (height - new_height) // 2, (width - new_width) // 2
        piece = image[top : top + new_height, left : left + new_width]
        return piece, f"The centre {_size(fitting)} of {_size((height, width))} is compared."
    smaller = Pillow.fromarray(image).resize((new_width, new_height), Pillow.Resampling.LANCZOS)
    return np.asarray(smaller), f"Shrunk from {_size((height, width))} to {_size(fitting)} first."


def _within(height: int, width: int, limit: int) -> tuple[int, int]:
    """Largest size of the same shape within the limit, in multiples of the scale where it can."""
    factor = math.sqrt(limit / (height * width))
    short = max(1, int(min(height, width) * factor))
    long = min(int(max(height, width) * factor), limit // short)
    sides = (short, long) if height < width else (long, short)
    return tuple(side - side % SCALE if side > SCALE else side for side in sides)


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
