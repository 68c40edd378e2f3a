"""Images four times larger: bicubic, and networks in exact tiles of bounded memory."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch

from srgan.fuse import fuse
from srgan.images import SCALE, Image, enlarge, is_gray, repeat, to_image, to_lr
from srgan.models import Generator as Network
from srgan.weights import NETWORKS, WEIGHTS, load_weights, weight_file, weights_digest

Steps = Generator[float, None, Image]  # yields the fraction done, returns the image
Precision = Literal["auto", "bf16", "fp16", "fp32"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}

# How far around a pixel the paper's network looks, in small pixels: head 4, 16 blocks 32, join 1;
# and in the tail 1 + 0.5 + 1, rounded up. A tile with that much around it comes out as in the whole
# image.
BLOCKS, BODY_HALO, TAIL_HALO = 16, 37, 3
# The body holds 0.5 KiB for a small pixel in fp32, the tail 2.25 and a strip: it is cut finer.
CHANNELS, BODY_TILE, TAIL_TILE = 64, 512, 128
BODY_SHARE = 0.54  # of the multiplications


class Upscaler(Protocol):
    """A method: what makes an image, (h, w, 3), four times larger, (4h, 4w, 3).

    One that derives from this class needs a name and `steps` alone.
    """

    name: str  # what people read
    version: str = ""  # equal ones give equal images; without one nothing may be kept
    place: Literal["here", "elsewhere"] = "here"  # whose processors it works on
    halo: int = BODY_HALO + TAIL_HALO  # small pixels around one that its enlargement depends on

    def steps(self, lr: Image) -> Steps:
        """Enlarge an image, (h, w, 3) to (4h, 4w, 3), step by step; closing it ends the work.

        Nothing thread-local may be held across a yield: every step may run on another thread.
        """
        ...

    def clock(self) -> float:
        """Return the time by the clock of the place [s]: it goes on while a step works there."""
        return time.perf_counter()

    def __call__(self, lr: Image) -> Image:
        """Enlarge an image, (h, w, 3) to (4h, 4w, 3)."""
        return finish(self.steps(lr))


class Plain(Upscaler):
    """Any function of an image, (h, w, 3) to (4h, 4w, 3), as an `Upscaler` of a single step."""

    def __init__(self, name: str, function: Callable[[Image], Image], version: str = "") -> None:
        self.name, self.version, self._function = name, version, function

    def steps(self, lr: Image) -> Steps:
        """Enlarge an image."""
        sr = self._function(lr)
        yield 1.0
        return sr


NEAREST, BICUBIC = Plain("Nearest", repeat, "nearest"), Plain("Bicubic", enlarge, "bicubic")
PLAIN = (NEAREST, BICUBIC)  # the page and `srgan enlarge` leave the first out


class NetworkUpscaler(Upscaler):
    """A generator as an `Upscaler`: uint8 in and out, tiled without seams.

    Args:
        generator: Plain network; a fused copy is kept.
        tile: Longest side of a tile, in small pixels; unless told, as memory for the channels of
            the paper's network allows.
        precision: "bf16" halves the time where the processor computes in it and moves a pixel by
            two or three levels at most; "fp16", for GPUs, by one; "fp32" is exact, on a GPU but
            for torch's TF32. "auto" is fp16 on a GPU, bf16 on such a processor, fp32 elsewhere.
        device: Where the network computes: "cuda" if there is one, else "cpu", unless told.
        name: What people read.

    Raises:
        ValueError: There is no such precision.
    """

    def __init__(
        self,
        generator: Network,
        tile: int | None = None,
        precision: Precision = "auto",
        device: str | None = None,
        name: str = "Network",
    ) -> None:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if precision == "auto":
            on_cpu: Precision = "bf16" if has_native_bf16() else "fp32"
            precision = "fp16" if device.startswith("cuda") else on_cpu
        if precision not in DTYPES:
            raise ValueError(f"precision must be auto, bf16, fp16 or fp32, got {precision!r}")
        self.name, self.precision = name, precision
        self._device = device
        self._body_halo = BODY_HALO + 2 * (generator.blocks - BLOCKS)
        self.halo = self._body_halo + TAIL_HALO
        narrower = min(1.0, math.sqrt(CHANNELS / generator.channels))
        self._tile = tile or max(1, int(BODY_TILE * narrower))
        self._tail_tile = min(self._tile, max(1, int(TAIL_TILE * narrower)))
        self.version = f"{weights_digest(generator)} {precision} {device}"
        self._network = fuse(generator).to(device, DTYPES[precision])
        self._network.head_conv.float()  # bf16 would round bright pixels by half a level

    def steps(self, lr: Image) -> Steps:
        """Enlarge an image, (h, w, 3) to (4h, 4w, 3), in steps of a layer pair or a tile.

        An image that is gray everywhere (R = G = B) comes back
        gray: networks trained on colour photos would tint it.
        """
        network = self._network
        gray = is_gray(lr)
        image_box = Box(0, 0, *lr.shape[:2])
        sr = np.empty((SCALE * lr.shape[0], SCALE * lr.shape[1], 3), np.uint8)
        x = to_lr(lr).to(self._device, memory_format=torch.channels_last)
        done = 0.0
        for body in image_box.tiles(self._tile):
            around = body.grown(self._body_halo + TAIL_HALO, image_box)
            shallow = _run(network.head, x[around.index()])
            deep = shallow.clone()
            for block in network.body:
                deep = _run(block, deep)
                done += BODY_SHARE / len(network.body) * body.area / image_box.area
                yield done
            features = _run(network.join, shallow, deep)
            del shallow, deep
            for tile in body.tiles(self._tail_tile):
                part = tile.grown(TAIL_HALO, image_box)
                large = _run(network.tail, features[part.index(around)], x[part.index()])
                image = to_image(large[tile.index(part, SCALE)])
                if gray:
                    image[:] = np.rint(image.mean(axis=2, keepdims=True))
                sr[tile.index(scale=SCALE)[1:]] = image
                done += (1 - BODY_SHARE) * tile.area / image_box.area
                yield min(done, 1.0)
            del features, large  # before the next tile makes its own
        return sr


class Box(NamedTuple):
    """Rectangle of small pixels; bottom and right are the first row and column outside."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def tiles(self, side: int) -> Iterator["Box"]:
        """Cut into boxes of at most `side` pixels a side, rows first."""
        for y in range(self.top, self.bottom, side):
            for x in range(self.left, self.right, side):
                yield Box(y, x, min(y + side, self.bottom), min(x + side, self.right))

    def grown(self, halo: int, within: "Box") -> "Box":
        """Return the box with `halo` more on each side, as far as `within` reaches."""
        return Box(
            max(self.top - halo, within.top),
            max(self.left - halo, within.left),
            min(self.bottom + halo, within.bottom),
            min(self.right + halo, within.right),
        )

    def index(  # type: ignore[override] # a tuple's, which nobody needs
        self, origin: "Box | None" = None, scale: int = 1
    ) -> tuple:
        """Index of the box in (..., H, W) pixels that begin at `origin` and are enlarged."""
        top, left = (origin.top, origin.left) if origin else (0, 0)
        rows = slice(scale * (self.top - top), scale * (self.bottom - top))
        return ..., rows, slice(scale * (self.left - left), scale * (self.right - left))


@torch.inference_mode()
def _run(module: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> torch.Tensor:
    return module(*(x.contiguous(memory_format=torch.channels_last) for x in inputs))


def finish(work: Steps, report: Callable[[float], None] = lambda done: None) -> Image:
    """Run the steps to their end and return the image; report the fraction done after each."""
    while True:
        try:
            report(next(work))
        except StopIteration as end:
            return end.value


def has_native_bf16() -> bool:
    """Tell whether this processor multiplies in bfloat16 itself (AVX512-BF16, AMX, SVE-BF16)."""
    features = torch.cpu.get_capabilities()
    return any(features.get(name) for name in ("avx512_bf16", "amx_bf16", "sve_bf16"))


def compute_alone() -> None:
    """Use one processor thread from now on, in this thread.

    A process forked from one that has computed needs it: OpenMP would wait for threads which did
    not come along.
    """
    torch.set_num_threads(1)


def load_upscalers(folder: str | Path = WEIGHTS, precision: Precision = "auto") -> list[Upscaler]:
    """Load "Bicubic", what else is `PLAIN`, "SRResNet" and "SRGAN" from a folder of weight files.

    Raises:
        ValueError: A weight file is missing or does not fit; names it and the reason.
    """
    return [*PLAIN[1:], *(load_upscaler(name, folder, precision) for name in NETWORKS)]


def load_upscaler(
    name: str, folder: str | Path = WEIGHTS, precision: Precision = "auto"
) -> Upscaler:
    """Load a `PLAIN` method, "srresnet" or "srgan" by name in any case; see `load_upscalers`."""
    for plain in PLAIN:
        if plain.name.lower() == name.lower():
            return plain
    known = {network.lower(): network for network in NETWORKS}[name.lower()]
    generator = load_weights(weight_file(folder, known))
    return NetworkUpscaler(generator, precision=precision, name=known)


if __name__ == "__main__":  # the older name of `srgan enlarge`, which rests on this module
    raise SystemExit(import_module("srgan.enlarge_files").main())
