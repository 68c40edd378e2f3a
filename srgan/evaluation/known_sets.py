"""The benchmark sets of which published results are known, told by what is on their photos."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from srgan.evaluation.fingerprint import LIKENESS, SIDE, closest, fingerprint
from srgan.images import Image

# Gray thumbnails of 17 x 17 pixels, a photo beside the other: all that a fingerprint looks at.
THUMBNAILS = Path(__file__).with_name("known_sets.png")
SIZES = {"Set5": 5, "Set14": 14, "BSD100": 100}  # in the order of the thumbnails
_IN_ROW = 17


def known_set(prints: Sequence[NDArray[np.float32] | None]) -> str | None:
    """Return the name of the set that photos are, all of them and no other; None if they are none.

    Args:
        prints: A fingerprint, (8, 512), for each photo; None for what is no original.
    """
    found = [each for each in prints if each is not None]
    if len(found) != len(prints):
        return None
    for name, known in _known().items():
        if len(known) == len(found):
            matches = closest(found, known)
            if len({m.b for m in matches}) == len(known) and all(
                m.likeness >= LIKENESS for m in matches
            ):
                return name
    return None


def store(photos: Sequence[Image], path: Path = THUMBNAILS) -> None:
    """Write the thumbnails of all photos of `SIZES`, in its order."""
    if len(photos) != sum(SIZES.values()):
        raise ValueError(f"expected {sum(SIZES.values())} photos, got {len(photos)}")
    side = SIDE + 1
    rows = -(-len(photos) // _IN_ROW)
    sheet = np.zeros((rows * side, _IN_ROW * side), np.uint8)
    for number, photo in enumerate(photos):
        row, column = divmod(number, _IN_ROW)
        gray = PIL.Image.fromarray(photo).convert("L")
        thumbnail = gray.resize((side, side), PIL.Image.Resampling.BOX)
        sheet[row * side :, column * side :][:side, :side] = np.asarray(thumbnail)
    PIL.Image.fromarray(sheet).save(path, optimize=True)


@functools.cache
def _known() -> dict[str, list[NDArray[np.float32]]]:
    side, sheet = SIDE + 1, np.asarray(PIL.Image.open(THUMBNAILS).convert("RGB"))
    prints = []
    for number in range(sum(SIZES.values())):
        row, column = divmod(number, _IN_ROW)
        prints.append(fingerprint(sheet[row * side :, column * side :][:side, :side]))
    known, start = {}, 0
    for name, size in SIZES.items():
        known[name] = prints[start : start + size]
        start += size
    return known
