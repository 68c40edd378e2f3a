"""Is a photo among others? Fingerprints that survive resizing, JPEG, mirroring and turning."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.Image import Resampling

from srgan.evaluation.image_sets import is_image, read_named
from srgan.folders import walk
from srgan.images import Image

SIDE = 16
# Of 119 benchmark images and 527 training photos, the likest pair of different pictures has 0.47. A
# quarter of the size, saved as JPEG of quality 30, or 3 pixels cut off, leaves 0.92 at least. Where
# a tenth is cut off one side, half of the pictures stay above this limit no more.
LIKENESS = 0.7


class Match(NamedTuple):
    """Two pictures and how alike they are."""

    a: int  # index
    b: int  # index
    likeness: float  # [-1, 1], 1 when equal


def fingerprint(image: Image) -> NDArray[np.float32]:
    """Describe an image by the brightness steps of its thumbnail.

    A dHash that keeps the size of each step, as its root, instead of the sign alone: in smooth
    skies signs are noise (dHash finds a copy at 0.65 to 0.98 and a stranger at up to 0.57).

    Args:
        image: (H, W, 3), upright.

    Returns:
        (8, 512): a unit vector for each turn and mirror image, the picture as it is first; zeros
        for a picture of one colour.
    """
    gray = PIL.Image.fromarray(image).convert("L")
    thumbnail = np.asarray(gray.resize((SIDE + 1, SIDE + 1), Resampling.BOX), np.float32)
    turned = [np.rot90(thumbnail, quarters) for quarters in range(4)]
    views = np.stack([view for turn in turned for view in (turn, turn[:, ::-1])])
    right = np.diff(views[:, :SIDE], axis=2).reshape(8, -1)
    down = np.diff(views[:, :, :SIDE], axis=1).reshape(8, -1)
    steps = np.concatenate([right, down], axis=1)
    roots = np.sign(steps) * np.sqrt(np.abs(steps))
    return roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)


def closest(
    images: Iterable[NDArray[np.float32]], others: Iterable[NDArray[np.float32]]
) -> list[Match]:
    """Find for each image the other that is most like it, however turned.

    Args:
        images: Fingerprints, (8, 512) each.
        others: Fingerprints to compare with.
    """
    upright = np.stack([other[0] for other in others])
    best = []
    for index, views in enumerate(images):
        likeness = (views @ upright.T).max(axis=0)
        best.append(Match(index, int(likeness.argmax()), float(likeness.max())))
    return best


def find_copies(
    images: Sequence[Path], folders: Sequence[Path], progress: Callable[[str], None]
) -> tuple[list[str], str, int]:
    """Look for images among photos.

    Args:
        images: Files to look for.
        folders: Photos, with all folders in them; files that cannot be read are named on stderr
            and left out, as in training.
        progress: Called with a line now and then.

    Returns:
        The copies as sentences, a sentence that says what was compared, and how many images could
        not be read and were left out.

    Raises:
        ValueError: No image can be read, or the folders have no photos.
    """
    photo_files = (p for folder in folders for p in sorted(walk(folder)))
    prints = _fingerprints(filter(is_image, photo_files), progress)
    if not prints:
        raise ValueError(f"no photos in {', '.join(map(str, folders))}")
    photos = list(prints)
    wanted = _fingerprints(images, progress)
    if not wanted:
        raise ValueError("none of the images can be read")
    unread, images = len(images) - len(wanted), list(wanted)
    matches = closest(wanted.values(), prints.values())
    copies = [m for m in matches if m.likeness >= LIKENESS]
    others = [m for m in matches if m.likeness < LIKENESS]
    summary = f"{len(copies)} of {len(images)} images are among {len(photos)} photos"
    if others:
        best = max(others, key=lambda m: m.likeness)
        summary += (
            f"; of the others, {images[best.a]} and {photos[best.b]} are most alike "
            f"({best.likeness:.2f}; a copy has at least {LIKENESS})"
        )
    return [f"{images[m.a]} is {photos[m.b]} ({m.likeness:.2f})" for m in copies], summary, unread


def _fingerprints(
    paths: Iterable[Path], progress: Callable[[str], None]
) -> dict[Path, NDArray[np.float32]]:
    """Read pictures; what cannot be read is named on stderr and left out."""
    prints: dict[Path, NDArray[np.float32]] = {}
    for path in paths:
        progress(f"{len(prints)} pictures read")
        try:
            prints[path] = fingerprint(read_named(path))
        except ValueError as error:
            progress("")
            sys.stderr.write(f"left out {error}\n")
    progress("")
    return prints
