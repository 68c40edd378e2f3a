"""Where in the example photos a sharp patch for a small one could come from: a search.

All positions, mirrored and turned, are compared in two steps. First the small versions: up to mean
and contrast a candidate's must resemble the wanted one, and its surroundings must be of a similar
colour, contrast and roughness. Of the best, the detail that shrinking loses: it must be as strong
as in a sharp photo, nowhere much stronger, and run in the directions that the small patch has.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from demo.engine.examples import NAMES, original_path
from demo.lesson.back_projection import shrinking
from srgan.images import SCALE, Image, crop_to_scale, shrink
from srgan.metrics import BT601
from srgan.reading import read_image

_RADIUS = 10  # small pixels to each side that count as surroundings

_CELL = 6  # pixels: at most one candidate starts in such a square of a photo
_SCREENED = 1000  # candidates whose detail is looked at
_BATCH = 200  # of them at a time: less memory
_GAIN = (0.6, 1.5)  # contrast may be changed by this
_NOISE = 20.0  # [levels^2] that the contrast of a small patch must exceed to be told from noise
_BLOCKS = 4  # the detail is compared in 4 x 4 blocks

# Shrinking a sharp photo loses about this part of the small version's mean squared Laplacian. On
# BSD100 the median is 0.15 and the upper quartile 0.26.
_LOSS = 0.2

_Array = NDArray[np.float32]
_LUMA = np.float32(BT601 / BT601.sum())  # 0 to 255


class Candidates(NamedTuple):
    """Places in the example photos, one in each row of the arrays, the best first."""

    cost: NDArray[np.floating]
    photo: NDArray[np.intp]  # number of the photo
    y: NDArray[np.intp]  # where the square begins [pixels]
    x: NDArray[np.intp]
    turn: NDArray[np.intp]  # 0 to 7, see `_turned`
    gain: NDArray[np.floating]  # to be applied to the contrast

    def take(self, index: NDArray[np.intp] | slice) -> "Candidates":
        """Return some of the rows."""
        return Candidates(*(column[index] for column in self))


class _Photo(NamedTuple):
    """An example photo, prepared. A place (y, x) is where a square of the wanted size begins."""

    luma: _Array  # (H, W)
    windows: _Array  # (Y, X, n, n): luma of its small version without the outermost small pixels
    energy: _Array  # (Y, X): squared deviation of that from its mean, summed
    around: _Array  # (h, w, 5): `surroundings` of the whole photo


def search(wanted: _Array, around: _Array, limit: int) -> Candidates:
    """Find places of the example photos that could be what a small patch shows.

    If the patch is itself from an example photo, that place and all that overlap it are left out.

    Args:
        wanted: The small patch, (n, n, 3) in levels.
        around: The `surroundings` of its middle, (5,).
        limit: Most candidates wanted.
    """
    luma = wanted @ _LUMA
    photos = _photos(len(wanted))
    found = [_screened(i, photo, luma, around) for i, photo in enumerate(photos)]
    found = Candidates(*(np.concatenate(column) for column in zip(*found, strict=True)))
    found = found.take(np.argsort(found.cost)[:_SCREENED])
    parts = [slice(i, i + _BATCH) for i in range(0, len(found.cost), _BATCH)]
    odd = [_oddness(_crops(found.take(part), len(luma)), found.gain[part], luma) for part in parts]
    found = found._replace(cost=found.cost + np.concatenate(odd))
    kept: list[int] = []
    for i in np.argsort(found.cost):
        same = found.photo[kept] == found.photo[i]
        near = np.maximum(abs(found.y[kept] - found.y[i]), abs(found.x[kept] - found.x[i])) < _CELL
        if not (same & near).any():
            kept.append(i)
    return found.take(np.array(kept[:limit]))


def coloured(found: Candidates, wanted: _Array) -> _Array:
    """Return candidates in the colours of the small patch, (n, n, 3): (K, 3, 4n, 4n), in levels.

    In each channel mean and contrast are fitted to it; where it has little contrast, the gain of
    the luma counts, so that no colour comes out of noise.
    """
    luma, down = _crops(found, len(wanted)), shrinking(len(wanted))
    small = down @ luma @ down.T
    mean, colour = small.mean(axis=(1, 2), keepdims=True), wanted.mean(axis=(0, 1))
    overlap = np.einsum("kij,ijc->kc", small - mean, wanted - colour)
    energy, noise = np.square(small - mean).sum(axis=(1, 2))[:, None], _NOISE * small[0].size
    gain = np.clip((overlap + noise * found.gain[:, None]) / (energy + noise), 0.3, 2)
    return (luma - mean)[:, None] * gain[..., None, None] + colour[:, None, None]


def surroundings(lr: Image) -> _Array:
    """Describe the surroundings of every pixel of a small image: (h, w, 3) to (h, w, 5).

    They are the mean luma and colour, the contrast and the roughness within 10 pixels to each side,
    scaled so that a distance of 1 is noticeable. Colour counts most: else letters of a gray page
    would be the most likely detail of a face.
    """
    luma = lr @ _LUMA
    count = _box(np.ones_like(luma))
    red, blue, mean, power = (_box(x) / count for x in (lr[..., 0], lr[..., 2], luma, luma**2))
    contrast = np.sqrt(np.maximum(power - mean**2, 0))
    roughness = np.sqrt(_box(_laplacian(luma) ** 2) / count)
    logs = (1.5 * np.log(contrast + 3), 1.5 * np.log(roughness + 2))
    planes = [mean / 35, (red - mean) / 15, (blue - mean) / 15, *logs]
    return np.stack(planes, axis=-1).astype(np.float32)


@cache
def _photos(side: int) -> tuple[_Photo, ...]:
    return tuple(_prepared(read_image(original_path(name)), side) for name in sorted(NAMES))


def _prepared(hr: Image, side: int) -> _Photo:
    height, width = hr.shape[:2]
    small = np.empty((height - SCALE + 1, width - SCALE + 1), np.float32)
    for y in range(SCALE):
        for x in range(SCALE):
            small[y::SCALE, x::SCALE] = shrink(crop_to_scale(hr[y:, x:])) @ _LUMA
    inner = small[SCALE:-SCALE, SCALE:-SCALE]
    reach = SCALE * (side - 3) + 1
    windows = sliding_window_view(inner, (reach, reach))[..., ::SCALE, ::SCALE]
    energy = np.stack([row.var(axis=(1, 2)) for row in windows]) * (side - 2) ** 2
    return _Photo(hr @ _LUMA, windows, energy, surroundings(shrink(crop_to_scale(hr))))


def _screened(number: int, photo: _Photo, luma: _Array, around: _Array) -> Candidates:
    """The best candidate of each cell of a photo, by its small version and its surroundings."""
    q = luma[1:-1, 1:-1] - luma[1:-1, 1:-1].mean()
    power = np.square(q).sum()
    turns = np.stack([_turned(q, turn).ravel() for turn in range(8)], axis=1)
    height, width = (n // _CELL * _CELL for n in photo.energy.shape)
    middle = [np.arange(n) // SCALE + len(luma) // 2 for n in (height, width)]
    alien = 0.25 * np.square(photo.around - around).sum(-1)[np.ix_(*middle)]
    rows, own = [], np.zeros((height, width), np.float32)
    for top in range(0, height, _CELL):  # a row of cells at a time: bounded memory
        part = (slice(top, top + _CELL), slice(width))
        overlap = photo.windows[part].reshape(-1, q.size) @ turns
        energy = photo.energy[part].reshape(-1, 1)
        if power > q.size:  # flat places are all the same
            same = power + energy - 2 * overlap < 0.25 * q.size  # but for rounding
            own[part] = same.any(axis=1).reshape(_CELL, width)
        gain = np.clip(overlap / (energy + _NOISE), *_GAIN)
        missed = np.maximum(power + gain**2 * energy - 2 * gain * overlap, 0) / q.size
        cost = missed / (10 * np.sqrt(power / q.size) + 20) + alien[part].reshape(-1, 1)
        cells = cost.reshape(_CELL, -1, _CELL, 8).swapaxes(0, 1).reshape(width // _CELL, -1)
        y, x, turn = np.unravel_index(cells.argmin(axis=1), (_CELL, _CELL, 8))
        x = x + _CELL * np.arange(len(x))
        index = y * width + x
        rows.append(
            (cost[index, turn], np.full_like(x, number), top + y, x, turn, gain[index, turn])
        )
    found = Candidates(*(np.concatenate(column) for column in zip(*rows, strict=True)))
    near = _box(own, SCALE * (len(luma) - 2) - 1) > 0.5  # a sum, not quite whole
    return found.take(~near[found.y, found.x])


def _crops(found: Candidates, side: int) -> _Array:
    """The candidates' luma, turned as they match: (K, 4 side, 4 side)."""
    places = zip(found.photo, found.y, found.x, found.turn, strict=True)
    photos, side = _photos(side), SCALE * side
    cut = ((photos[p].luma[y : y + side, x : x + side], turn) for p, y, x, turn in places)
    return np.stack([_turned_back(patch, turn) for patch, turn in cut])


def _oddness(patches: _Array, gain: _Array, luma: _Array) -> _Array:
    """How unlike a sharp photo's the candidates' detail is: (K, 4n, 4n) to (K,)."""
    down = shrinking(len(luma))
    up = down.T @ np.linalg.inv(down @ down.T)
    lost = patches - up @ (down @ patches @ down.T) @ up.T
    strength = _block_means(np.square(lost)) * gain[:, None, None] ** 2
    usual = _block_means(_LOSS * np.square(_laplacian(luma)).repeat(SCALE, 0).repeat(SCALE, 1))
    floor = 0.3 + 0.1 * usual.mean()
    ratio = np.log((strength + floor) / (usual + floor))
    # Where the small patch is smooth, strong detail is less likely than none.
    uneven = (np.where(ratio > 0, 4, 1) * ratio**2).mean(axis=(1, 2))
    crossed = np.square(abs(_directions(lost) - _directions(luma[None]))).sum(axis=0)
    return 0.3 * uneven + 0.3 * crossed


def _block_means(x: _Array) -> _Array:
    """(..., 4n, 4n), without the outermost small pixel, to (..., 4, 4)."""
    side = (x.shape[-1] - 2 * SCALE) // _BLOCKS
    inner = x[..., SCALE : SCALE + _BLOCKS * side, SCALE : SCALE + _BLOCKS * side]
    return inner.reshape(*x.shape[:-2], _BLOCKS, side, _BLOCKS, side).mean(axis=(-3, -1))


def _directions(images: _Array) -> NDArray[np.complexfloating]:
    """Describe in which directions edges run: (K, H, W) to (2, K), 0 for all alike.

    The first is the second circular moment of the gradient's direction, the structure tensor's;
    the second is the fourth, which tells a grid along the axes from one across.
    """
    dy = images[:, 2:, 1:-1] - images[:, :-2, 1:-1]
    dx = images[:, 1:-1, 2:] - images[:, 1:-1, :-2]
    square = (dx + 1j * dy) ** 2
    power = abs(square)
    total = power.sum(axis=(1, 2)) + 4 * dx[0].size  # noise of two levels has no direction
    fourth = square**2 / (power + 1e-6)
    return np.stack([square.sum(axis=(1, 2)), fourth.sum(axis=(1, 2))]) / total


def _turned(image: _Array, turn: int) -> _Array:
    """Turn by a quarter `turn // 2` times, then mirror if it is odd."""
    turned = np.rot90(image, turn // 2)
    return turned[:, ::-1] if turn % 2 else turned


def _turned_back(image: _Array, turn: int) -> _Array:
    return np.rot90(image[:, ::-1] if turn % 2 else image, -(turn // 2))


def _laplacian(image: _Array) -> _Array:
    x = np.pad(image, 1, mode="edge")
    return 4 * image - x[:-2, 1:-1] - x[2:, 1:-1] - x[1:-1, :-2] - x[1:-1, 2:]


def _box(image: _Array, radius: int = _RADIUS) -> NDArray[np.float64]:
    """Sum over the square of a radius to each side, cut at the border: (h, w) to (h, w)."""
    side = 2 * radius + 1
    total = np.pad(image.astype(np.float64), ((radius + 1, radius),) * 2).cumsum(0).cumsum(1)
    return total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
