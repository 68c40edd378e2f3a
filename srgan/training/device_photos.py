"""Batches cut on the device: all photos lie in its memory as bytes, small and large."""

import numpy as np
import torch

from srgan.data import Patches, Photos
from srgan.images import SCALE, Image, ImageError

Where = tuple[int, int, int, int]  # a photo's first small pixel, its first large one, height, width


class DevicePatches(Patches):
    """The batches of `Patches`, to the bit, without a decoded photo on the way.

    A crop is where it begins and how far its next row and its next column are, in pixels of all
    photos in a row; a quarter turn or a mirror is another beginning and other distances. So a batch
    is one gather, whatever was drawn. The large photos take 3 bytes a pixel, the small ones a
    sixteenth of that.

    Args:
        photos: Each is read once, now; those that turn out broken are lost, as when they are drawn.
        args: The others of `Patches`.
        device: Where the photos go and the batches are made.

    Raises:
        ImageError: No photo can be read.
    """

    def __init__(self, photos: Photos, *args: int, device: torch.device | str = "cpu") -> None:
        super().__init__(photos, *args)
        self.device = torch.device(device)
        self._places: dict[int, Where] = {}
        small, large, start = [], [], 0
        for index in range(len(photos)):
            try:
                lr, hr = photos[index]
            except ImageError:
                continue  # it is among the photos' news
            height, width = lr.shape[:2]
            self._places[index] = start, SCALE**2 * start, height, width
            start += height * width
            small.append(self._flat(lr))
            large.append(self._flat(hr))
        if not small:
            raise ImageError(f"no photo of {photos.folder} can be read any more")
        self._small, self._large = torch.cat(small), torch.cat(large)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return lr, (N, 3, size, size) in [0, 1], and hr, (N, 3, 4 size, 4 size) in [-1, 1]."""
        drawn = [self._lines(step, item) for item in self._items]
        small, large = (
            torch.tensor(lines, device=self.device) for lines in zip(*drawn, strict=True)
        )
        lr = self._cut(self._small, small, self.size)
        hr = self._cut(self._large, large, SCALE * self.size)
        return lr, hr.mul_(2).sub_(1)

    def _flat(self, image: Image) -> torch.Tensor:
        return torch.from_numpy(image.reshape(-1, 3)).to(self.device)

    def _where(self, index: int) -> Where:
        try:
            return self._places[index]
        except KeyError:
            raise ImageError(self.photos.skipped[self.photos.paths[index]]) from None

    def _lines(self, step: int, item: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """First pixel, distance of rows and distance of columns of an item, small and large."""
        rng = np.random.default_rng((self.seed, step, item))
        small, large, height, width = self.photos.pick(rng, self._where)
        y, x, turns, mirrored = self._place(rng, height, width)
        return (
            _line(small + y * width + x, width, self.size, turns, mirrored),
            _line(
                large + SCALE * (y * SCALE * width + x),
                SCALE * width,
                SCALE * self.size,
                turns,
                mirrored,
            ),
        )

    def _cut(self, flat: torch.Tensor, lines: torch.Tensor, side: int) -> torch.Tensor:
        """(N, 3, side, side) in [0, 1], in channels-last memory."""
        first, row, column = lines.unbind(1)
        along = torch.arange(side, device=self.device)
        index = first[:, None, None] + row[:, None, None] * along[:, None]
        crops = flat[index + column[:, None, None] * along]
        return crops.permute(0, 3, 1, 2).float().div_(255)


def _line(first: int, width: int, side: int, turns: int, mirrored: bool) -> tuple[int, int, int]:
    """First pixel and both distances of a square that is turned as `np.rot90` does, then mirrored.

    Args:
        first: Pixel at its top left in the photo.
        width: Of the photo.
        side: Of the square.
        turns: Quarters.
        mirrored: Left for right, after turning.
    """
    row, column = width, 1
    for _ in range(turns):  # its rows are the columns of before, from the last on
        first, row, column = first + (side - 1) * column, -column, row
    if mirrored:
        first, column = first + (side - 1) * column, -column
    return first, row, column
