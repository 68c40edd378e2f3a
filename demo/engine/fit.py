"""How large a photo may be, and the two ways to bring a larger one under the limit."""

import math
from typing import Literal

import numpy as np
from PIL import Image as Pillow

from srgan.images import SCALE, Image

Oversize = Literal["centre", "shrink"]
Corner = tuple[int, int]  # left, top: where a piece begins, in pixels of the photo
MAX_OUTPUT_PIXELS = 2048 * 2048  # about ten seconds for both networks on two cores


class TooLargeError(ValueError):
    """The photo is over the limit, and what to do about it was not said or cannot be done."""

    def __init__(
        self, size: tuple[int, int], fitting: tuple[int, int], limit: int, problem: str = ""
    ) -> None:
        self.size, self.fitting = size, fitting  # (height, width) as given, and within the limit
        super().__init__(
            f"{problem}The image is {_size(size)}; at most {limit / 1e6:.2g} megapixels can be "
            f"compared here. Take a piece of {_size(fitting)}, such as its centre, or shrink it to "
            f"{_size(fitting)}."
        )


def fit(
    image: Image, limit: int, oversize: Oversize | None, corner: Corner | None = None
) -> tuple[Image, str]:
    """Bring an image under a limit in the way that the person chose.

    Args:
        image: (H, W, 3).
        limit: Pixels it may have.
        oversize: "centre" cuts out a piece at full sharpness, "shrink" makes the whole smaller.
        corner: Where the piece begins; without one it is the middle.

    Returns:
        The image, and a sentence that says what was done: empty if nothing was.

    Raises:
        TooLargeError: It is over the limit, and `oversize` is None or the piece that begins at
            `corner` does not lie within it.
    """
    height, width = size = image.shape[:2]
    if height * width <= limit:
        return image, ""
    new_height, new_width = fitting = _within(height, width, limit)
    if oversize is None:
        raise TooLargeError(size, fitting, limit)
    if oversize == "shrink":
        smaller = Pillow.fromarray(image).resize((new_width, new_height), Pillow.Resampling.LANCZOS)
        return np.asarray(smaller), f"Shrunk from {_size(size)} to {_size(fitting)} first."
    right, bottom = width - new_width, height - new_height  # the last places of the corner
    left, top = corner or (right // 2, bottom // 2)
    if not (0 <= left <= right and 0 <= top <= bottom):
        problem = f"A piece at {left}, {top} would reach beyond the image. "
        raise TooLargeError(size, fitting, limit, problem)
    piece = image[top : top + new_height, left : left + new_width].copy()  # lets go of the photo
    where = (
        f"The piece {_size(fitting)} at {left}, {top}" if corner else f"The centre {_size(fitting)}"
    )
    return piece, f"{where} of {_size(size)} is compared."


def _within(height: int, width: int, limit: int) -> tuple[int, int]:
    """Largest size of the same shape within the limit, in multiples of the scale where it can."""
    factor = math.sqrt(limit / (height * width))
    short = max(1, int(min(height, width) * factor))
    long = min(int(max(height, width) * factor), limit // short)
    sides = (short, long) if height < width else (long, short)
    return tuple(side - side % SCALE if side > SCALE else side for side in sides)


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}×{size[0]}"
