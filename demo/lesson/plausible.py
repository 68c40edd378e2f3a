"""Why the squared error blurs: sharp patches that all shrink to the same small one, and their mean.

`plausible` takes a spot of a small photo and puts patches of the example photos in its place, so
that the photo still shrinks to exactly the same small photo. Nobody who has only that can tell
which of them is right. Their average has a smaller squared error than they have on average, and is
soft: it is what a network learns from the squared error.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from demo.lesson.back_projection import RING, Place, large
from demo.lesson.candidates import coloured, search, surroundings
from srgan.images import SCALE, Image, ImageError, shrink
from srgan.metrics import BT601

SIDE = 10  # small pixels on a side of a patch
MOST = 64  # patches

_TRIED = 2 * MOST  # candidates
_BATCH = 16  # of them at a time


@dataclass(frozen=True, eq=False)
class Plausible:
    """Sharp patches for one spot that all shrink to the same small patch, the best first.

    PSNR is that of the patch alone, of BT.601 luma as in today's protocol [dB]; None where there
    is no original.

    Attributes:
        left: Column of the small photo where the small patch begins.
        top: Its row.
        place: The piece of the small photo around it; tells what shrinks to it (`place.fits`).
        placed: The same piece of the large photo with each of the patches, (K, 4m, 4n, 3). All of
            them fit, and beyond the piece the photo is as it was.
        truth: The original's patch, (40, 40, 3).
    """

    left: int
    top: int
    place: Place
    placed: NDArray[np.uint8]
    truth: Image | None

    @property
    def small(self) -> Image:
        """The small patch, (10, 10, 3)."""
        return self.place.small[self.place.inside]

    @property
    def patches(self) -> NDArray[np.uint8]:
        """(K, 40, 40, 3)."""
        rows, columns = map(large, self.place.inside)
        return self.placed[:, rows, columns]

    @cached_property
    def average(self) -> Image:
        """The patches' average, rounded, (40, 40, 3)."""
        rows, columns = map(large, self.place.inside)
        return self._placed_average[rows, columns]

    @cached_property
    def average_fits(self) -> bool:
        """Whether the rounded average shrinks to the same small patch, too.

        Rounding may take some pixels of it a level off.
        """
        return bool((shrink(self._placed_average)[self.place.inside] == self.small).all())

    @cached_property
    def psnr(self) -> list[float] | None:
        """PSNR of each patch."""
        return None if self.truth is None else [_decibels(error) for error in self._errors]

    @cached_property
    def mean_psnr(self) -> float | None:
        """PSNR of the patches on average: that of the mean of their squared errors.

        The mean of the decibels is higher, and has no fixed order with `average_psnr`: a patch that
        equals the original makes it infinite.
        """
        return None if self.truth is None else _decibels(self._errors.mean())

    @cached_property
    def average_psnr(self) -> float | None:
        """PSNR of the average before rounding; never less than `mean_psnr`.

        For the mean of the squared errors is the squared error of the mean plus the variance.
        """
        if self.truth is None:
            return None
        return _decibels(max(self._errors.mean() - self._variance, 0))

    def first(self, count: int) -> "Plausible":
        """Return what `plausible` returns for a smaller count, without a search."""
        return replace(self, placed=self.placed[:count])

    def crop(self, sr: Image) -> Image:
        """Return the patch of a large image, (4h, 4w, 3) to (40, 40, 3)."""
        top, left = SCALE * self.top, SCALE * self.left
        return sr[top : top + SCALE * SIDE, left : left + SCALE * SIDE]

    def score(self, patch: Image) -> float | None:
        """Return the PSNR of any patch, (40, 40, 3)."""
        return None if self.truth is None else _decibels(_squared_errors(patch, self.truth))

    @cached_property
    def _placed_average(self) -> Image:
        # Half to even: half up would brighten the average of two.
        return np.rint(self.placed.mean(axis=0)).astype(np.uint8)

    @cached_property
    def _errors(self) -> NDArray[np.float64]:
        return _squared_errors(self.patches, self.truth)

    @cached_property
    def _variance(self) -> float:
        return float((self.patches @ BT601).var(axis=0).mean())


def plausible(lr: Image, spot: tuple[int, int], count: int, hr: Image | None = None) -> Plausible:
    """Find sharp patches of the example photos that could be what lies at a spot.

    The same patches come first whatever the count. The first call prepares the example photos.

    Args:
        lr: The small photo, (h, w, 3). If it is an example photo, its own place is left out.
        spot: A small pixel (x, y): the middle of the patch, as far as the border allows.
        count: How many patches, 1 to 64.
        hr: The original, (4h, 4w, 3), that shrinks to `lr`. Without one the patches are put into a
            bicubic enlargement that is corrected to shrink to `lr`.

    Raises:
        ImageError: The photo is too small, the spot lies outside it, or nothing fits there.
        ValueError: Another count, or an original that does not shrink to `lr` around the spot.
    """
    height, width = lr.shape[:2]
    size = f"{width} × {height} pixels"
    if min(height, width) < SIDE:
        raise ImageError(f"This small image has {size}; a patch needs at least {SIDE} × {SIDE}.")
    if not (0 <= spot[0] < width and 0 <= spot[1] < height):
        raise ImageError(
            f"The spot {spot} is outside this small image of {size}. Choose one in it."
        )
    if not 1 <= count <= MOST:
        raise ValueError(f"expected 1 to {MOST} patches, got {count}")
    left = min(max(spot[0] - SIDE // 2, 0), width - SIDE)
    top = min(max(spot[1] - SIDE // 2, 0), height - SIDE)
    place = Place(lr, left, top, SIDE, hr)
    padded = np.pad(lr, ((RING, RING), (RING, RING), (0, 0)), mode="edge")
    wanted = padded[top : top + SIDE + 2 * RING, left : left + SIDE + 2 * RING].astype(np.float32)
    found = search(wanted, surroundings(lr)[top + SIDE // 2, left + SIDE // 2], _TRIED)
    placed: list[Image] = []
    for first in range(0, len(found.cost), _BATCH):
        placed += place.put(coloured(found.take(slice(first, first + _BATCH)), wanted))
        if len(placed) >= count:
            break
    if not placed:
        raise ImageError("No patch fits here to the last level of gray. Choose another spot.")
    result = Plausible(left, top, place, np.stack(placed[:count]), None)
    return result if hr is None else replace(result, truth=result.crop(hr))


def _squared_errors(patches: NDArray[np.uint8], truth: Image) -> NDArray[np.float64]:
    """Mean squared error of the luma: (..., 40, 40, 3) to (...)."""
    difference = (patches.astype(np.float64) - truth) @ BT601
    return np.square(difference).mean(axis=(-2, -1))


def _decibels(error: float) -> float:
    return 10 * math.log10(255**2 / error) if error > 0 else math.inf
