"""The photos of one visitor: what each was made into, on disk, and which is next."""

import itertools
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from demo.engine.comparison import Comparison, compare
from demo.engine.fit import TooLargeError, fit
from demo.engine.names import Given
from demo.engine.pace import Pace, follow
from demo.engine.scores import Scores
from srgan.evaluation.fingerprint import fingerprint
from srgan.images import SCALE, Image, ImageError, crop_to_scale, shrink, write_png
from srgan.reading import read_image, read_picture
from srgan.upscale import Upscaler

INPUT, ORIGINAL = "input", "original"  # keys of `Photo.files` that no method made
THUMBNAIL_SIDE = 128  # pixels, the longer one
State = Literal["waiting", "working", "done", "refused"]
_RUNNERS = itertools.count(1)  # of all sets: a page's number must fit no other set


@dataclass(eq=False)
class Photo:
    """A photo of a set; arrays are on disk, so that a set of any size takes no memory."""

    name: str  # as the visitor has it, with folders
    source: Path  # the file that was uploaded
    small: Path | None = None  # the small version that was given
    has_original: bool = True
    state: State = "waiting"
    reason: str = ""  # why it was refused
    notes: list[str] = field(default_factory=list)  # what was changed
    size: tuple[int, int] = (SCALE, SCALE)  # of the outputs, height and width
    print: NDArray[np.float32] | None = None  # (8, 512), of the original
    files: dict[str, Path] = field(default_factory=dict)  # by method, INPUT and ORIGINAL
    seconds: dict[str, float] = field(default_factory=dict)
    scores: dict[str, Scores] = field(default_factory=dict)
    working: str | None = None  # method
    share: float = 0.0  # of its work
    region: tuple[int, int, int, int] | None = None  # that the visitor has marked
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def stem(self) -> str:
        """Its name without folders and ending."""
        return Path(self.name.replace("\\", "/")).stem or "photo"

    @property
    def pixels(self) -> int:
        """Of an output."""
        return self.size[0] * self.size[1]

    @property
    def stage(self) -> str:
        """Differs between two states of which a page must show both."""
        parts = self.state, self.working, round(self.share, 3), len(self.files), len(self.scores)
        return " ".join(map(str, parts))

    def load(self) -> tuple[Image, Image | None, list[str]]:
        """Return the small image (h, w, 3), the original (4h, 4w, 3) if any, and what was changed.

        Raises:
            ImageError: A file cannot be used, or the two do not fit; says why.
        """
        picture = read_picture(self.source)
        notes, image = list(picture.notes), picture.image
        if not self.has_original:
            return image, None, notes
        hr = crop_to_scale(image)
        if hr.shape != image.shape:
            notes.append(f"Cropped from {_size(image)} to {_size(hr)}, multiples of {SCALE}.")
        if self.small is None:
            return shrink(hr), hr, notes
        lr = read_image(self.small)
        if hr.shape != (SCALE * lr.shape[0], SCALE * lr.shape[1], 3):
            raise ImageError(
                f"The small version has {_size(lr)} pixels and the photo {_size(hr)}: "
                f"expected a quarter, {hr.shape[1] // SCALE}×{hr.shape[0] // SCALE}."
            )
        notes.append("From the small version that was given.")
        return lr, hr, notes


class PhotoSet:
    """Photos of a visitor, in order. Safe to use from several threads.

    Args:
        folder: For results, this visitor's alone; made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.photos, self.used = folder, list[Photo](), time.time()
        self.refused: list[tuple[str, str]] = []  # files that are no photos of the set, and why
        self.chosen = ""  # id of the photo that was last looked at
        self.single: Any = None  # what the page keeps of a photo that is in no set
        self.extra: set[Path] = set()  # other files made of the visitor's photos
        self.reading = 0  # threads that look at new photos
        self.is_begun = False  # whether a photo of it was looked at yet
        self.is_stopped = self.is_gone = False
        self.is_forgotten = False  # gone because the visitor wanted it
        self.runner = 0  # the page that works on it
        self.turn = 0  # how often a page has asked for a photo
        self.lock = threading.RLock()
        self.id, self.version = uuid.uuid4().hex, 0

    def change(self) -> None:
        """Note that something is different now."""
        with self.lock:
            self.version, self.used = self.version + 1, time.time()

    def claim(self) -> int:
        """Let a page work on the set; what another does here ends at its next step."""
        with self.lock:
            self.runner = next(_RUNNERS)
            return self.runner

    def find(self, id: str) -> Photo | None:
        """Return the photo of an id."""
        return next((photo for photo in self.photos if photo.id == id), None)

    def count(self, *states: State) -> int:
        """Return how many photos are in one of these states."""
        return sum(photo.state in states for photo in self.photos)

    @property
    def pixels(self) -> int:
        """Of all outputs together."""
        return sum(photo.pixels for photo in self.photos if photo.state != "refused")

    def pixels_left(self) -> int:
        """Return the pixels of outputs that are still to be made."""
        return sum(p.pixels for p in self.photos if p.state in ("waiting", "working"))

    def take(self, runner: int) -> Photo | None:
        """Begin the photo that is looked at, or the first that waits; None if there is none."""
        with self.lock:
            self.turn += 1
            self.change()
            if self.runner != runner or self.is_stopped or self.is_gone:
                return None
            for photo in self.photos:
                if photo.state == "working":  # by a page that has gone
                    photo.state, photo.working = "waiting", None
            chosen = self.find(self.chosen)
            waiting = [p for p in (chosen, *self.photos) if p and p.state == "waiting"]
            if waiting:
                waiting[0].state = "working"
                self.change()
            return next(iter(waiting), None)

    def release(self, photo: Photo, runner: int) -> None:
        """End the work on a photo, done or not."""
        with self.lock:
            if photo.state == "working" and self.runner == runner:
                photo.state = "waiting"
            if photo.state == "waiting":
                photo.working = None
            photo.share = 0.0
            self.change()

    def read(self, photo: Photo, limit: int, left: int) -> None:
        """Look at a photo before it waits: its size, its thumbnail, whether it can be used.

        Args:
            photo: Newly made; afterwards it is one of the set, refused where it cannot be used.
            limit: Pixels that an output may have.
            left: Pixels that all outputs together may still have.
        """
        try:
            lr, hr, photo.notes = photo.load()
            fit(lr if hr is None else hr, limit // (SCALE**2 if hr is None else 1), None)
            photo.size = SCALE * lr.shape[0], SCALE * lr.shape[1]
            if photo.pixels > left:
                raise ImageError("It would take the set over its limit of megapixels in all.")
            if hr is not None:
                photo.print = fingerprint(hr)
            thumbnail = Pillow.fromarray(lr if hr is None else hr)
            thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0)
            self.write(photo, "thumbnail", np.asarray(thumbnail))
        except TooLargeError as error:
            photo.reason = f"{error} Drop it alone: then you place the piece, or have it shrunk."
        except ImageError as error:
            photo.reason = str(error)
        photo.state = "refused" if photo.reason else "waiting"
        with self.lock:
            self.photos.append(photo)
            self.change()

    def refuse(self, photo: Photo, why: str) -> None:
        """Name a photo that is not looked at."""
        with self.lock:
            self.refused.append((photo.name, why))
            self.extra |= {path for path in (photo.source, photo.small) if path}
            self.change()

    def write(self, photo: Photo, key: str, image: Image) -> None:
        """Write a picture of a photo into the set's folder, unless that was forgotten."""
        if not self.is_gone:
            path = self.folder / photo.id / f"{_plain(key)}.png"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_png(image, path)
            photo.files[key] = path

    def work_on(self, photo: Photo, upscalers: Sequence[Upscaler], pace: Pace) -> Iterator[bool]:
        """Run all methods on a photo, step by step; closing the iterator ends the work.

        A picture that a stopped run has finished is taken up again.

        Yields:
            Whether a page should show what has changed.
        """
        lr, hr, photo.notes = photo.load()
        made = {u.name: read_image(photo.files[u.name])
                for u in upscalers if u.name in photo.files}  # fmt: skip
        known = {name: photo.seconds[name] for name in made}
        begun = Comparison(lr, hr, made, known)
        yield self._record(photo, begun)
        for now in follow(compare(begun, upscalers), pace):
            yield now is not None and self._record(photo, now)
        photo.state = "done"
        photo.working, photo.share = None, 0.0
        self.change()
        yield True

    def _record(self, photo: Photo, now: Comparison) -> bool:
        pictures: Mapping[str, Image | None] = {INPUT: now.lr, ORIGINAL: now.hr, **now.images}
        new = {k: p for k, p in pictures.items() if p is not None and k not in photo.files}
        with ThreadPoolExecutor(2) as pool:  # Pillow compresses without the interpreter's lock
            list(pool.map(lambda item: self.write(photo, *item), new.items()))
        photo.seconds, photo.scores = dict(now.seconds), dict(now.scores)
        photo.working, photo.share = now.working, now.done if now.working else 0.0
        self.change()
        return True

    def paths(self) -> set[Path]:
        """Return the files outside the folder that this visitor's photos are in."""
        sources = {p for photo in self.photos for p in (photo.source, photo.small) if p}
        return sources | self.extra


def make_photo(given: Given, names: Sequence[str], files: Sequence[Path], mode: str) -> Photo:
    """Return the photo that files belong to.

    Args:
        given: Which files.
        names: Of all files.
        files: Where they lie.
        mode: What an image is whose name says nothing: "original" or "small".
    """
    small = None if given.small is None else files[given.small]
    is_small = given.is_small or (mode == "small" and small is None)
    photo = Photo(names[given.photo], files[given.photo], small, not is_small)
    photo.reason = given.problem
    return photo


def _plain(key: str) -> str:
    return "".join(c if c.isalnum() or c in "._" else "_" for c in key.lower())


def _size(image: Image) -> str:
    return f"{image.shape[1]}×{image.shape[0]}"
