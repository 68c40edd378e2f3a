"""Pictures of this process as arrays, so that none is decoded that was encoded here."""

import threading
from collections import OrderedDict
from pathlib import Path

from srgan.images import Image, ImageError
from srgan.reading import read_image

MAX_BYTES = 256 * 2**20  # 20 pictures of the largest size, or 80 of a megapixel


class Held:
    """What was written lately, by file; bounded in bytes, what was not used for long goes first.

    Nothing is held for longer than its file lies there: whatever deletes old files deletes this,
    at the latest when the next picture comes. Safe to use from several threads.

    Args:
        max_bytes: Of all visitors together; one comparison of the largest size takes 51 MiB, each
            position of the dial 12 more. What is beyond is read from its file again.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._lock, self._max_bytes = threading.Lock(), max_bytes
        self._images: OrderedDict[str, Image] = OrderedDict()

    def put(self, path: str | Path, image: Image) -> None:
        """Hold the picture, (H, W, 3), that a file has."""
        with self._lock:
            for old in [old for old in self._images if not Path(old).exists()]:
                del self._images[old]
            self._images[str(path)] = image
            self._images.move_to_end(str(path))
            total = sum(each.nbytes for each in self._images.values())
            while total > self._max_bytes:
                total -= self._images.popitem(last=False)[1].nbytes

    def get(self, path: str | Path) -> Image:
        """Return the picture of a file.

        Raises:
            ImageError: The file is gone, or is no picture.
        """
        with self._lock:
            image = self._images.get(str(path))
            if image is not None:
                self._images.move_to_end(str(path))
        if image is None:
            image = read_image(path)
            self.put(path, image)
        elif not Path(path).exists():
            raise ImageError("There is no such file.")
        return image
