"""Folders of pictures that some other program restored, to be measured as a method."""

from functools import cache
from pathlib import Path

from srgan.evaluation.image_sets import find_images, read_named
from srgan.images import Image


class Outputs:
    """A folder of ready-made pictures: `<set>/<image>.png`, or `<image>.png` for a single set.

    What follows the image's name after a "_" is not looked at, as in `<image>_<method>_x4.png`.

    Raises:
        ValueError: It is no folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder: expected one of restored pictures")
        self._folder, self._images = folder, cache(find_images)

    def read(self, image_set: str, name: str, hr: Image) -> Image:
        """Read the picture of an image of a set, (4h, 4w, 3) as its original.

        Raises:
            ValueError: It is missing, cannot be read, has another size, or there are several.
        """
        folder = self._folder / image_set
        folder = folder if folder.is_dir() else self._folder
        images = self._images(folder)
        found = [name] if name in images else [n for n in images if n.startswith(f"{name}_")]
        if len(found) != 1:
            several = f"has several for {name}: {', '.join(found)}" if found else f"lacks {name}"
            raise ValueError(f"{folder} {several}")
        sr = read_named(images[found[0]])
        if sr.shape != hr.shape:
            raise ValueError(
                f"{images[found[0]]} has {sr.shape[1]} x {sr.shape[0]} pixels, expected "
                f"{hr.shape[1]} x {hr.shape[0]} as the original cropped to multiples of 4"
            )
        return sr
