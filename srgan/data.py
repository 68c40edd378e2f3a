"""Training batches from a folder of photos: random crops, a function of the step alone.

The small crop is cut from the shrunk *whole* photo, which is what a network gets when it is used
and scored; a crop shrunk by itself differs along its border. Photos are decoded and shrunk once, at
the start, and kept in memory as bytes.
"""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import torch

from srgan.folders import walk
from srgan.images import SCALE, Image, ImageError, crop_to_scale, shrink, to_hr, to_lr
from srgan.reading import read_picture, read_size

T = TypeVar("T")
Pair = tuple[Image, Image]  # one picture small, (h, w, 3), and large, (4h, 4w, 3)


class Photos:
    """The usable photos of a folder and all folders in it, in the order of their paths.

    Of a folder with HR/ and LR/ in it, as sets for evaluation have, only HR/ counts.

    Args:
        folder: Hidden files and folders in it are left out, linked ones followed, each once.
        smallest: Photos with a shorter side, in pixels, are skipped.
        cache_gb: Memory for decoded photos, in 10^9 bytes. What does not fit is decoded whenever it
            is drawn: about 10 ms for half a megapixel, in the background, as long as `prefetch`
            has a processor core for it.

    Attributes:
        folder: Where the photos lie.
        paths: Of the photos that were usable at the start.
        skipped: File to reason, for every file that is not used, at the start or any more.
        notes: What was changed in photos that are kept in memory, and in how many.

    Raises:
        ValueError: The folder is not there or has no usable photo; says why.
    """

    CHUNK = 64  # files; the cache may grow too large by as many
    TRIES = 50

    def __init__(self, folder: str | Path, smallest: int, cache_gb: float = 8.0) -> None:
        folder = Path(folder)
        if not folder.is_dir():
            raise ValueError(f"{folder} is not a folder")
        pairs = (folder / "HR").is_dir() and (folder / "LR").is_dir()
        self.folder = folder / "HR" if pairs else folder
        self.smallest = smallest
        self.skipped: dict[Path, str] = {}
        self.notes = Counter[str]()
        self.paths: list[Path] = []
        self._areas: list[int] = []
        self._pairs: list[Pair | None] = []
        self._lock = Lock()
        self._news: list[str] = []
        self._marks: list[bytes] = []
        self._read_all(sorted(walk(self.folder)), cache_gb * 1e9)
        if not self.paths:
            reasons = "".join(f"\n  {path}: {why}" for path, why in [*self.skipped.items()][:5])
            raise ValueError(f"{self.folder} has no usable photo{reasons or ': it has no file'}")
        self._begin()

    def _begin(self) -> None:
        self._left = np.array(self._areas)
        self._ends = np.cumsum(self._areas)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pair:
        """Return a photo, cropped to multiples of 4, and its shrunk form.

        Raises:
            ImageError: It was not kept in memory and turns out to be broken, gone or another one;
                it is skipped from now on.
        """
        if pair := self._pairs[index]:
            return pair
        path = self.paths[index]
        if not self._left[index]:
            raise ImageError(self.skipped[path])
        try:
            pair = self._decode(path)
            if pair[0][..., 0].size != self._areas[index]:
                height, width = pair[1].shape[:2]
                raise ImageError(f"another picture than at the start, of {width} × {height} pixels")
        except ImageError as error:
            self._lose(index, str(error))
            raise
        return pair

    def hold_out(self, most: int) -> "Photos":
        """Take the last photos away, a tenth and at most so many, but one at least; return them.

        Raises:
            ValueError: There is only one photo.
        """
        count = min(most, max(1, len(self) // 10))
        if len(self) < 2:
            raise ValueError(
                f"{self.folder} has one photo, which cannot be learned from and held "
                "out, too: add photos, or name others with --validation"
            )
        held = copy(self)
        held._lock, held._news, held.skipped, held.notes = Lock(), [], {}, Counter()
        for name in ("paths", "_areas", "_pairs", "_marks"):
            whole = getattr(self, name)
            setattr(self, name, whole[:-count])
            setattr(held, name, whole[-count:])
        self._begin()
        held._begin()
        return held

    @property
    def fingerprint(self) -> str:
        """Equal for the same photos under the same names in another place.

        Compared are names, sizes in bytes and the first 4096 bytes.
        """
        digest = hashlib.sha256()
        for path, mark in zip(self.paths, self._marks, strict=True):
            digest.update(
                path.relative_to(self.folder).as_posix().encode("utf-8", "surrogateescape")
            )
            digest.update(mark)
        return digest.hexdigest()

    @property
    def usable(self) -> int:
        """How many photos can be drawn: those in memory and those that were never found broken."""
        return int(np.count_nonzero(self._left))

    @property
    def megapixels(self) -> float:
        """Of all usable photos together, in large pixels."""
        return float(self._left.sum()) * SCALE**2 / 1e6

    def news(self) -> list[str]:
        """Return what was lost since the last call: file and reason, each once."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def draw(self, rng: np.random.Generator) -> Pair:
        """Draw a photo in proportion to its area: every place is as likely to be seen.

        One that was not kept in memory and cannot be read any more is lost and another is drawn.

        Raises:
            ImageError: All of them are lost.
        """
        return self.pick(rng, self.__getitem__)

    def pick(self, rng: np.random.Generator, take: Callable[[int], T]) -> T:
        """Draw an index in proportion to area, and another where `take` of it is an `ImageError`.

        Raises:
            ImageError: All photos are lost.
        """
        ends, tries = self._ends, 0
        while ends[-1]:
            index = int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))
            with suppress(ImageError):
                return take(index)
            tries += 1
            if tries >= self.TRIES:  # few are left: what is drawn depends on them, too, from now on
                ends = np.cumsum(self._left)
        raise ImageError(f"no photo of {self.folder} can be read any more")

    def _lose(self, index: int, reason: str) -> None:
        path = self.paths[index]
        with self._lock:
            if self._left[index]:
                self._left[index] = 0
                self.skipped[path] = reason
                self._news.append(f"{path}: {reason}")

    def _read_all(self, files: list[Path], room: float) -> None:
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(files), self.CHUNK):
                chunk = files[start : start + self.CHUNK]
                for path, found in zip(
                    chunk, pool.map(self._try, chunk, [room > 0] * len(chunk)), strict=True
                ):
                    if isinstance(found, str):
                        self.skipped[path] = found
                        continue
                    pair, area, mark, notes = found
                    self.notes.update(notes)
                    self._marks.append(mark)
                    self.paths.append(path)
                    self._areas.append(area)
                    self._pairs.append(pair)
                    room -= sum(image.nbytes for image in pair) if pair else 0

    def _try(self, path: Path, decode: bool) -> tuple[Pair | None, int, bytes, list[str]] | str:
        """Return photo, if it is to be decoded, small area, mark, notes; or why it is skipped."""
        notes: list[str] = []
        try:
            if decode:
                pair = self._decode(path, notes)
                height, width = pair[1].shape[:2]
            else:
                pair, (width, height) = None, read_size(path)
                self._check_size(width, height)
            return pair, (width // SCALE) * (height // SCALE), _mark(path), notes
        except (ImageError, OSError) as error:
            return str(error)

    def _decode(self, path: Path, notes: list[str] | None = None) -> Pair:
        picture = read_picture(path)
        if notes is not None:
            notes += picture.notes
        image = picture.image
        self._check_size(*image.shape[1::-1])
        hr = crop_to_scale(image).copy()  # a view would keep the whole
        return shrink(hr), hr

    def _check_size(self, width: int, height: int) -> None:
        if min(width, height) < self.smallest:
            raise ImageError(f"{width} × {height} pixels; a side needs at least {self.smallest}")


class Patches:
    """Batches of random crops, turned by quarters and mirrored at random.

    `patches[step]` depends on nothing but the photos, the seed and the step, so that a run resumes
    without any random state, and processes that share a batch need not talk to each other.

    Args:
        photos: Where crops are cut from, in proportion to area.
        size: Side of the small crops, in small pixels.
        batch: Crops in a batch, over all processes together.
        seed: Another seed gives other crops.
        rank: Which process this is; it gets crops rank * batch / processes and following.
        processes: How many processes share a batch.
    """

    def __init__(
        self,
        photos: Photos,
        size: int,
        batch: int,
        seed: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if batch % processes:
            raise ValueError(f"a batch of {batch} cannot be shared evenly by {processes} processes")
        self.photos, self.size, self.seed = photos, size, seed
        share = batch // processes
        self._items = range(rank * share, (rank + 1) * share)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return lr, (N, 3, size, size) in [0, 1], and hr, (N, 3, 4 size, 4 size) in [-1, 1]."""
        lr, hr = zip(*(self._crop(step, item) for item in self._items), strict=True)
        batch = torch.cat([to_lr(x) for x in lr]), torch.cat([to_hr(x) for x in hr])
        small, large = (x.contiguous(memory_format=torch.channels_last) for x in batch)
        return small, large

    def _crop(self, step: int, item: int) -> Pair:
        rng = np.random.default_rng((self.seed, step, item))
        lr, hr = self.photos.draw(rng)
        y, x, turns, mirrored = self._place(rng, *lr.shape[:2])
        lr, hr = _square(lr, y, x, self.size), _square(hr, SCALE * y, SCALE * x, SCALE * self.size)
        lr, hr = np.rot90(lr, turns), np.rot90(hr, turns)
        return (lr[:, ::-1], hr[:, ::-1]) if mirrored else (lr, hr)

    def _place(
        self, rng: np.random.Generator, height: int, width: int
    ) -> tuple[int, int, int, bool]:
        """Draw top, left, quarter turns and mirroring of a crop of a small photo."""
        y, x = (int(rng.integers(side - self.size + 1)) for side in (height, width))
        return y, x, int(rng.integers(4)), bool(rng.integers(2))


def prefetch(
    patches: Patches, start: int, workers: int = 2
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield `patches[start]`, `patches[start + 1]` and so on, made ahead in the background.

    Args:
        patches: Where batches come from.
        start: The first step.
        workers: Threads; as many batches are ready or in work, and two more.
    """
    with ThreadPoolExecutor(workers) as pool:
        ahead = deque(pool.submit(patches.__getitem__, start + i) for i in range(workers + 2))
        for step in count(start + len(ahead)):
            batch = ahead.popleft().result()
            ahead.append(pool.submit(patches.__getitem__, step))
            yield batch


def _mark(path: Path) -> bytes:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return hashlib.sha256(size.to_bytes(8, "big") + file.read(4096)).digest()


def _square(image: Image, y: int, x: int, side: int) -> Image:
    return image[y : y + side, x : x + side]
