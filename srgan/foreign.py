"""Networks of other architectures, four times, RGB: spandrel rebuilds them from their weights.

They run in fp32 and in tiles, as `srgan.upscale.NetworkUpscaler` does. How far such a network looks
and how much memory it takes is not known but measured once, when it is loaded:

* Memory: of all tensors that are alive at a time, for a pixel. It bounds the tile.
* Sight: a few input pixels are made NaN, and how far that spreads in the output is how far any
  pixel is seen. A network that sees less than `SIGHT` around gets tiles that overlap by as much and
  is exact; one that sees farther, as those with attention over windows or means over the picture,
  gets an overlap that keeps the seam of a trial within a level, if there is one.

Tiles begin at multiples of `GRID`, so that windows lie in them as in the whole picture.
"""

import math
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srgan.images import SCALE, Image, to_lr
from srgan.standstill import Pause, steps_of
from srgan.upscale import Box, Steps, Upscaler

# Bytes that the tensors of a tile may take. With what the libraries lay beside them that is about
# what the paper's network takes in fp32, 300 MB.
MEMORY = 225e6
GRID = 16  # small pixels; sides of windows divide it
SIGHT = 32  # small pixels; who sees farther counts as one who sees everything
TRIAL = 96  # side of the picture on which a seam is measured [small pixels]
PAUSE = 0.2  # seconds of work between two pauses


class Measured(NamedTuple):
    """What running a network has told of it."""

    memory: float  # bytes for a small pixel
    overlap: int  # small pixels around a tile
    seam: int | None  # levels that tiles differed by in a trial; None: it sees no farther
    calls: int  # of its parts, in one run


class ForeignUpscaler(Upscaler):
    """A network that spandrel has rebuilt, as an `Upscaler`: uint8 in and out, in tiles.

    Args:
        model: spandrel's ImageModelDescriptor; four times, three channels.
        version: Of its weights.
        name: What people read.
        memory: Bytes that a tile may take beside the picture.

    Raises:
        ValueError: It does not run, or makes no pictures; says why.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - the package is an extra
        version: str = "",
        name: str = "Network",
        memory: float = MEMORY,
    ) -> None:
        self.name = name
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(torch.device(self._device))
        self._here = threading.local()  # several runs may use the network at a time
        for part in model.model.modules():
            part.requires_grad_(False)
            if next(part.children(), None) is None:
                part.register_forward_pre_hook(self._beat)
        self.grid = math.lcm(GRID, model.size_requirements.multiple_of)
        self.measured = self._measure()
        self.halo = self.measured.overlap
        side = math.sqrt(memory / self.measured.memory) - 2 * self.halo
        self.tile = max(1, int(side / self.grid)) * self.grid
        place = f"{model.architecture.id} {self._device} {self.tile} {self.halo}"
        self.version = f"{version} {place}" if version else ""

    @property
    def about(self) -> str:
        """Say what it is, and what its tiles are."""
        tags = " ".join(["", *self._model.tags])
        text = f"{self._model.architecture.name}{tags}, in tiles of {self.tile} small pixels with "
        text += f"{self.halo} around"
        seam = self.measured.seam
        if seam is None:
            return f"{text}, exact"
        levels = {0: "no difference", 1: "a difference of 1 level"}.get(
            seam, f"differences of up to {seam} levels"
        )
        return f"{text}: it sees farther, which made {levels} at a seam in a trial"

    def steps(self, lr: Image) -> Steps:
        """Enlarge an image, (h, w, 3) to (4h, 4w, 3), in steps of some parts of the network.

        Colours are the network's own, also where the image is gray.
        """
        return steps_of(lambda pause: self._restore(lr, pause))

    def _restore(self, lr: Image, pause: Pause) -> Image:
        image_box = Box(0, 0, *lr.shape[:2])
        x = to_lr(lr)
        sr = np.empty((SCALE * lr.shape[0], SCALE * lr.shape[1], 3), np.uint8)
        finished = 0.0
        for tile in image_box.tiles(self.tile):
            around, share = tile.grown(self.halo, image_box), tile.area / image_box.area
            self._here.beat = _Beat(pause, finished, share / self.measured.calls, finished + share)
            large = self._run(x[around.index()])
            sr[tile.index(scale=SCALE)[1:]] = _levels(large[tile.index(around, SCALE)])
            finished += share
            pause(min(finished, 1.0))
        return sr

    def _run(self, x: torch.Tensor) -> torch.Tensor:
        """(1, 3, h, w) to (1, 3, 4h, 4w), both in [0, 1]."""
        return self._model(x.to(self._device).contiguous())

    def _beat(self, *_: object) -> None:
        if beat := getattr(self._here, "beat", None):
            beat()

    def _measure(self) -> Measured:
        calls = _Count()
        self._here.beat = calls
        try:
            texture = to_lr(_texture(TRIAL))
            with warnings.catch_warnings(), _Alive() as alive:
                warnings.simplefilter("ignore")
                whole = self._run(texture)
            if whole.shape != (1, 3, SCALE * TRIAL, SCALE * TRIAL) or not whole.isfinite().all():
                raise ValueError(f"it makes {tuple(whole.shape)} of {tuple(texture.shape)}")
            memory, count = alive.most / TRIAL**2, max(1, calls.count)
            sight = self._sight()
            if sight is not None:
                return Measured(memory, sight, None, count)
            for overlap in (self.grid, 2 * self.grid):
                seam = self._seam(texture, whole, overlap)
                if seam <= 1:
                    break
            return Measured(memory, overlap, seam, count)
        except (RuntimeError, TypeError, AssertionError, IndexError) as error:
            raise ValueError(f"it does not run ({first_line(error)})") from error
        finally:
            self._here.beat = None

    def _sight(self) -> int | None:
        """How far it sees in whole grids [small pixels]; None for farther than `SIGHT`."""
        most = math.ceil(SIGHT / self.grid) * self.grid
        x = torch.full((1, 3, 2 * most + self.grid, 2 * most + self.grid), 0.5)
        middle = slice(most, most + self.grid)
        x[..., middle, middle] = math.nan
        spread = self._run(x)[0].isnan().any(0)
        reach: int = 0
        for axis in (0, 1):
            (places,) = spread.any(axis).nonzero(as_tuple=True)
            if not len(places):  # it lets no NaN through, and tells nothing
                return None
            first, last = int(places.min()) // SCALE, int(places.max()) // SCALE
            if first == 0 or last == x.shape[-1] - 1:
                return None
            reach = max(reach, most - first, last - most - self.grid + 1)
        return math.ceil(reach / self.grid) * self.grid

    def _seam(self, texture: torch.Tensor, whole: torch.Tensor, overlap: int) -> int:
        """Return how far a tile of the left half lies from the whole, at most [levels]."""
        edge = TRIAL // 2 // self.grid * self.grid or self.grid
        part = self._run(texture[..., : edge + overlap])[..., : SCALE * edge]
        difference = _levels(part).astype(int) - _levels(whole[..., : SCALE * edge])
        return int(np.abs(difference).max())


class _Count:
    """Counts the calls of a network's parts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


class _Beat:
    """Pauses at the calls of a network's parts, but not at each.

    Args:
        pause: What to call.
        done: Fraction of the work that is done when the network begins.
        each: What a call adds to it.
        most: What the calls may add up to.
    """

    def __init__(self, pause: Pause, done: float, each: float, most: float) -> None:
        self._pause, self._done, self._each, self._most = pause, done, each, most
        self._last = time.monotonic()

    def __call__(self) -> None:
        self._done = min(self._done + self._each, self._most)
        if time.monotonic() >= self._last + PAUSE:
            self._pause(min(self._done, 1.0))
            self._last = time.monotonic()


class _Alive(TorchDispatchMode):
    """Tells how many bytes of tensors were alive at a time of those that were made within."""

    def __init__(self) -> None:
        super().__init__()
        self._now, self.most = 0, 1
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(  # noqa: D105
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> Any:  # noqa: ANN401
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._known:
            return
        self._known.add(storage)
        self._now += storage.nbytes()
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, count: int) -> None:
        self._now -= count


def _levels(sr: torch.Tensor) -> Image:
    """Make an image, (H, W, 3), of a network's output, (1, 3, H, W) in [0, 1]."""
    levels = sr[0].detach().float().mul(255).round_().clamp_(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


def _texture(side: int) -> Image:
    """Return noise as rough as photos are, (side, side, 3): a spectrum of 1/f."""
    noise = np.fft.fft2(np.random.default_rng(0).normal(size=(side, side, 3)), axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    noise *= 1 / np.maximum(frequency, 1 / side)[..., None]
    texture = np.fft.ifft2(noise, axes=(0, 1)).real
    return np.rint(128 + 50 * texture / texture.std()).clip(0, 255).astype(np.uint8)


def first_line(error: Exception) -> str:
    """Return what an error says, in short."""
    text = f"{type(error).__name__}: {error}".strip().splitlines()
    return " ".join(text[:2])[:160]
