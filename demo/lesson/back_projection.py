"""Putting patches into a photo without changing the small photo to which it shrinks.

A patch fades into the photo and is corrected by iterative back-projection (Irani and Peleg, CVGIP
53, 1991): the small picture's errors are spread over the large one, until every small pixel that
the patch touches is the same after rounding. Where that does not end, the patch fades out.
"""

import numpy as np
from numpy.typing import NDArray

from srgan.images import SCALE, Image, enlarge, shrink

RING = 2  # small pixels around a patch, over which it fades into the photo

_REACH = 2  # small pixels beyond a changed one that shrinking still computes from it
_ROUNDS = 250  # most patches need 3 to 10, those next to black or white many
_FADED = 0.2  # part of a patch that may fade into the photo
_PATIENCE = 60  # rounds before what is still wrong fades into the photo

_Array = NDArray[np.float32]


class Place:
    """A square of a photo into which patches can be put.

    Attributes:
        small: The piece of the small photo around the square, (m, n, 3).
        inside: Rows and columns of `small` that are the square.
        seen: Rows and columns of `small` that are computed from the square and its ring, and from
            nothing beyond the piece.
    """

    def __init__(self, lr: Image, left: int, top: int, side: int, hr: Image | None) -> None:
        """Look at the square of small pixels at (left, top).

        Args:
            lr: The small photo, (h, w, 3).
            left: Column where the square begins.
            top: Row where it begins.
            side: Of the square [small pixels].
            hr: The photo, (4h, 4w, 3), that shrinks to `lr`; without it, a bicubic enlargement
                around the square that is corrected in the same way.

        Raises:
            ValueError: `hr` does not shrink to `lr` around the square.
        """
        self._rows = _Axis(top, top + side, lr.shape[0])
        self._columns = _Axis(left, left + side, lr.shape[1])
        self.small = lr[self._rows.piece, self._columns.piece]
        self.inside = self._rows.inside, self._columns.inside
        self.seen = self._rows.seen, self._columns.seen
        if hr is None:
            photo = _planes(enlarge(self.small))
            whole = [_Axis(0, n, n) for n in self.small.shape[:2]]
            (self._photo,), (exact,) = _back_project(photo[None], photo, self.small, *whole)
            self._patience = _PATIENCE if exact else _ROUNDS
            return
        photo = hr[large(self._rows.piece), large(self._columns.piece)]
        if hr.shape[:2] != (SCALE * lr.shape[0], SCALE * lr.shape[1]) or not self.fits(photo):
            raise ValueError("the original does not shrink to the small photo")
        self._photo, self._patience = _planes(photo), _PATIENCE

    def put(self, patches: _Array) -> list[Image]:
        """Return the piece of the photo with each patch that fits, (4m, 4n, 3).

        Args:
            patches: (K, 3, 4s, 4s), where s is the side with a ring of 2 on each side, in levels.
        """
        starts = patches[..., self._rows.taken, self._columns.taken]
        axes = self._rows, self._columns
        pieces, exact = _back_project(starts, self._photo, self.small, *axes, self._patience)
        return [piece.transpose(1, 2, 0).astype(np.uint8) for piece in pieces[exact]]

    def fits(self, piece: Image) -> bool:
        """Whether such a piece, (4m, 4n, 3), shrinks to `small` in all that is `seen`."""
        return bool((shrink(piece)[self.seen] == self.small[self.seen]).all())


class _Axis:
    """The rows or the columns around a span of the small photo, and how they shrink.

    Attributes:
        piece: What is worked on, of the small photo.
        inside: The span, of the piece.
        seen: What shrinking computes from the span and its ring, of the piece.
        free: The span and its ring, of the large piece: what may change.
        taken: The same of a patch, which has its ring at the photo's border, too.
        sure: Whether each that is seen lies in the span or its ring.
        fade: Weight of a patch against the photo, (free,).
        down: Matrix that shrinks, (seen, large piece).
        up: Matrix that spreads errors, (free, seen).
        near: Matrix that tells how much each contributes to those that are wrong, (free, seen).
    """

    def __init__(self, start: int, stop: int, length: int) -> None:
        ring = max(start - RING, 0), min(stop + RING, length)
        seen = max(ring[0] - _REACH, 0), min(ring[1] + _REACH, length)
        begin, end = max(seen[0] - _REACH, 0), min(seen[1] + _REACH, length)
        self.piece = slice(begin, end)
        self.inside, self.seen = slice(start - begin, stop - begin), _moved(seen, begin)
        self.free, self.taken = large(_moved(ring, begin)), large(_moved(ring, start - RING))
        self.sure = (np.arange(*seen) >= ring[0]) & (np.arange(*seen) < ring[1])
        at = (np.arange(SCALE * ring[0], SCALE * ring[1]) + 0.5) / SCALE
        rise = np.ones_like(at)
        if ring[0] > 0:
            rise = np.minimum(rise, (at - ring[0]) / RING)
        if ring[1] < length:
            rise = np.minimum(rise, (ring[1] - at) / RING)
        self.fade = (rise**2 * (3 - 2 * rise)).astype(np.float32)
        self.down = shrinking(end - begin)[self.seen]
        # The least change that corrects the errors, less next to the photo than in the middle. The
        # outermost that is seen hardly depends on it: the diagonal keeps the inverse tame.
        part = self.down[:, self.free].astype(np.float64)
        spread = (self.fade[:, None] + 0.05) * part.T
        inverse = np.linalg.inv(part @ spread + 1e-5 * np.eye(len(part)))
        self.up = (spread @ inverse).astype(np.float32)
        self.near = abs(part.T).astype(np.float32)


def shrinking(size: int) -> _Array:
    """Return the matrix (size, 4 size) by which `srgan.images.shrink` shrinks a column."""
    offset = np.arange(-2 * SCALE + 0.5, 2 * SCALE)
    d = abs(offset) / SCALE
    near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    matrix = np.zeros((size, SCALE * size), np.float32)
    for i, row in enumerate(matrix):
        at = np.clip(SCALE * i + (SCALE - 1) / 2 + offset, 0, SCALE * size - 1)
        np.add.at(row, at.astype(int), np.where(d < 1, near, far) / SCALE)
    return matrix


def large(part: slice) -> slice:
    """Return the large pixels of some small ones."""
    return slice(SCALE * part.start, SCALE * part.stop)


def _back_project(
    starts: _Array,
    photo: _Array,
    small: Image,
    rows: _Axis,
    columns: _Axis,
    patience: int = _ROUNDS,
) -> tuple[_Array, NDArray[np.bool_]]:
    """Put in each of `starts` and correct it until the photo shrinks to `small`, as `shrink` does.

    Args:
        starts: (K, 3, free rows, free columns).
        photo: The large piece, (3, 4m, 4n).
        small: The small piece, (m, n, 3).
        rows: Which rows.
        columns: Which columns.
        patience: Rounds before what is still wrong fades into `photo`, which must then be exact.

    Returns:
        The large piece with each, in whole levels, (K, 3, 4m, 4n); and which are exact and
        not for the most part the photo, (K,).
    """
    target = _planes(small[rows.seen, columns.seen])
    # A small pixel next to what may change is hardly moved by it: it must stay where the photo has
    # it between two levels. Within, the middle of the level leaves most room for rounding.
    kept = np.clip(_shrunk(photo, rows, columns), target - 0.49, target + 0.49)
    goal = np.where(rows.sure[:, None] & columns.sure, target, kept)
    free = (..., rows.free, columns.free)
    fade = rows.fade[:, None] * columns.fade
    now = photo[free] + fade * (starts - photo[free])
    pieces = np.repeat(photo[None], len(starts), axis=0)
    faded = np.zeros_like(now)
    wrong = np.arange(len(starts))  # those that are not exact yet
    for turn in range(_ROUNDS):
        work = pieces[wrong]
        work[free] = _rounded(now)
        pieces[wrong] = work
        shrunk = _shrunk(work, rows, columns)
        differs = _rounded(shrunk) != target
        again = differs.any(axis=(1, 2, 3))
        wrong = wrong[again]
        if not len(wrong):
            break
        error = goal - np.clip(shrunk[again], 0, 255)
        if turn > 1:  # what is right may stay off the middle of its level
            error *= differs[again]
        now = now[again]
        change = rows.up @ error @ columns.up.T
        if turn > patience:  # next to black or white there may be no room for what is missing
            near = np.minimum((turn - patience) * (rows.near @ differs[again] @ columns.near.T), 1)
            change += near * (photo[free] - now - change)
            faded[wrong] = np.maximum(faded[wrong], near)
        now = np.clip(now + change, 0, 255)
    is_exact = ~np.isin(np.arange(len(starts)), wrong)
    return pieces, is_exact & (faded.mean(axis=(1, 2, 3)) < _FADED)


def _shrunk(pictures: _Array, rows: _Axis, columns: _Axis) -> _Array:
    """Shrink as `srgan.images.shrink` does, but for the last rounding."""
    return _rounded(rows.down @ pictures) @ columns.down.T


def _rounded(levels: _Array) -> _Array:
    """Round to whole levels, 0 to 255, half up as `shrink` does."""
    return np.clip(np.floor(levels + 0.5), 0, 255)


def _moved(span: tuple[int, int], by: int) -> slice:
    return slice(span[0] - by, span[1] - by)


def _planes(image: Image) -> _Array:
    return image.transpose(2, 0, 1).astype(np.float32)
