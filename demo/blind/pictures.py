"""The pictures of the blind test, and what a browser gets of them: text that tells no method.

Of every photo the same piece is shown in every version; all pieces are of one size. A PNG of an
original is ten times as long as one of its nearest-neighbour enlargement, and a file has a name, an
address, a date and a place in caches. So a picture is no file: it travels within the answer that
brings its trial, as text of one length. The PNG is filled up with zeros, and all of it is masked
by pseudo-random bytes, other ones each time: its length stays the same also behind a proxy that
compresses, where plain PNGs differ by up to 1 %, and the same picture is not the same text again.
The mask is no secret, since the pixels cannot be one.
"""

import base64
import functools
import hashlib
import io
import secrets
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from demo.blind.trials import METHODS
from demo.engine.examples import original_path, output_path, small_path, stored_digests
from srgan.images import Image, repeat
from srgan.reading import read_image

# Left and top of the piece in each photo [pixels]: fur, a face, a building and grass; for
# calibration and catch trials bricks and text.
PHOTOS: Mapping[str, tuple[int, int]] = {
    "cat": (64, 48),
    "astronaut": (44, 12),
    "pavilion": (0, 12),
    "grass": (0, 64),
}
ANCHORS: Mapping[str, tuple[int, int]] = {"bricks": (0, 64), "page": (0, 0)}
WIDTH, HEIGHT = 320, 188  # of a piece [pixels]; no photo is lower, and phones are this wide

# A linear congruential generator (Numerical Recipes): the browser has the same in one line.
_MULTIPLIER, _INCREMENT = 1664525, 1013904223


class Rivals(NamedTuple):
    """Networks that are compared with the shipped ones in the paired test."""

    names: tuple[str, ...] = ()
    version: str = ""  # of all of them
    made: Callable[[str, str], Image] | None = None  # what one made of a photo

    @classmethod
    def of(cls, digests: Mapping[str, str], made: Callable[[str, str], Image]) -> "Rivals":
        """Put together networks by name, each with the sha256 of its weights."""
        if not digests:
            return NO_RIVALS
        version = hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()[:8]
        return cls(tuple(digests), version, made)


NO_RIVALS = Rivals()


@functools.cache
def weights_version(rivals: Rivals = NO_RIVALS) -> str:
    """Return which weights made the pictures: the start of the sha256 of both shipped files.

    Votes on other networks are not counted together: what was added is part of the version. Read
    once, as the pictures are: a process goes on with both if they are renewed beside it.
    """
    digests = [digest[:8] for digest in stored_digests().values()]
    return "-".join([*digests, rivals.version] if rivals.names else digests)


def picture(photo: str, method: str, rivals: Rivals = NO_RIVALS) -> Image:
    """Return the piece (188, 320, 3) of a photo, as a method restored it."""
    if method == METHODS[0]:
        image = repeat(read_image(small_path(photo)))
    elif method == METHODS[-1]:
        image = read_image(original_path(photo))
    elif method in rivals.names:
        image = rivals.made(photo, method)
    else:
        image = read_image(output_path(photo, method))
    left, top = {**PHOTOS, **ANCHORS}[photo]
    return image[top : top + HEIGHT, left : left + WIDTH]


def encode(photo: str, method: str, rivals: Rivals = NO_RIVALS) -> str:
    """Return a picture for the browser: base64 of four bytes of seed and the masked PNG."""
    png = _pngs(rivals)[photo, method]
    seed = secrets.token_bytes(4)
    powers, sums = _generator(len(png))
    states = powers * np.frombuffer(seed, "<u4") + np.uint32(_INCREMENT) * sums
    masked = png ^ (states >> np.uint32(24)).astype(np.uint8)
    return base64.b64encode(seed + masked.tobytes()).decode()


@functools.cache
def _pngs(rivals: Rivals) -> Mapping[tuple[str, str], NDArray[np.uint8]]:
    """All pictures at once: if each were made when it is first shown, that would take its time."""
    methods = (*METHODS, *rivals.names)
    pngs = {(p, m): _png(picture(p, m, rivals)) for p in (*PHOTOS, *ANCHORS) for m in methods}
    longest = max(map(len, pngs.values()))
    return {key: np.frombuffer(png.ljust(longest, b"\0"), np.uint8) for key, png in pngs.items()}


def _png(image: Image) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()


@functools.cache
def _generator(length: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return a^n and a^0 + … + a^(n-1) for n = 1 … length, of the generator's multiplier a."""
    powers = np.cumprod(np.full(length, _MULTIPLIER, np.uint32), dtype=np.uint32)
    sums = np.cumsum(np.concatenate([np.ones(1, np.uint32), powers[:-1]]), dtype=np.uint32)
    return powers, sums
