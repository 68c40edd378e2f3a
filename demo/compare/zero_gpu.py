"""Hugging Face's ZeroGPU: a GPU lent for the seconds of a call, to a process forked for it.

A visitor pays for every call with a share of the day, so there is one for each photo: the first
network that is asked brings the pictures of all. What goes there and comes back is pickled: arrays
and numbers. The steps of a comparison, and who may stop them, stay in the page's own process.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial

import gradio as gr

from srgan.images import Image
from srgan.interpolation import Dial
from srgan.upscale import NetworkUpscaler, Steps, Upscaler, compute_alone

try:
    import spaces  # a Space with ZeroGPU has it; it must come before CUDA is first used
except ImportError:
    spaces = None

SECONDS = 10  # that are asked for: start of the process, all networks on the largest photo
_FAILED = "ZeroGPU worker error"  # title of what the package raises for an error of ours
Output = tuple[Image, float]  # picture and seconds


def borrow(upscalers: Sequence[Upscaler], dial: Dial) -> tuple[Sequence[Upscaler], Dial]:
    """Let the networks run on a lent GPU; where there is no ZeroGPU, return what is given.

    Call it once, before the page is launched: the package must know the functions by then.

    Args:
        upscalers: Methods. What is no network stays as it is.
        dial: The upscaler at a share of SRGAN from 0 to 1.

    Returns:
        Methods in the same order, and the dial.
    """
    if spaces is None or os.environ.get("SPACES_ZERO_GPU", "").lower() not in ("1", "t", "true"):
        return upscalers, dial
    networks = {u.name: u for u in upscalers if isinstance(u, NetworkUpscaler)}

    @spaces.GPU(duration=SECONDS)
    def all_networks(lr: Image) -> dict[str, Output]:
        return {name: _run(network, lr) for name, network in networks.items()}

    @spaces.GPU(duration=SECONDS)
    def at_share(share: float, lr: Image) -> Output:
        return _run(dial(share), lr)

    together = _Together(all_networks)
    versions = " ".join(network.version for network in networks.values())
    lent = {n: Lent(n, partial(together.take, n), u.version) for n, u in networks.items()}

    def lent_dial(at: float) -> Lent:
        return Lent(f"Dial {at:g}", partial(at_share, at), f"{at} of {versions}")

    return [lent.get(u.name, u) for u in upscalers], lent_dial


class Lent(Upscaler):
    """An upscaler that runs elsewhere.

    Args:
        name: What people read.
        call: Brings its picture and the seconds that this took there.
        version: Equal ones give equal images.
    """

    place = "elsewhere"

    def __init__(self, name: str, call: Callable[[Image], Output], version: str) -> None:
        self.name, self._call, self.version = name, call, version
        self._worked = threading.local()  # a step stays on a thread, and several may call at once

    def clock(self) -> float:
        """Return the seconds that were worked there, without the wait."""
        return getattr(self._worked, "seconds", 0.0)

    def steps(self, lr: Image) -> Steps:
        """Enlarge an image in a single step, (h, w, 3) to (4h, 4w, 3).

        Raises:
            gr.Error: No GPU could be had; says why in words for the visitor.
            RuntimeError: The work failed there.
        """
        try:
            sr, seconds = self._call(lr)
        except gr.Error as error:
            if error.title == _FAILED:
                raise RuntimeError(f"On the GPU: {error.message}") from error
            raise
        self._worked.seconds = self.clock() + seconds
        yield 1.0
        return sr


class _Together:
    """Shares a call among the methods of a photo, and keeps nothing longer than the photo."""

    def __init__(self, call: Callable[[Image], dict[str, Output]]) -> None:
        self._call = call
        self._outputs: dict[int, dict[str, Output]] = {}  # by the id of a small image

    def take(self, name: str, lr: Image) -> Output:
        """Return what a method made of an image."""
        if id(lr) not in self._outputs:
            self._outputs[id(lr)] = self._call(lr)
            weakref.finalize(lr, self._outputs.pop, id(lr))
        return self._outputs[id(lr)][name]


def _run(upscaler: Upscaler, lr: Image) -> Output:
    compute_alone()  # this process was forked
    upscaler(lr[:8, :8])  # the first picture of a process takes longer, which is not the network's
    start = time.perf_counter()
    return upscaler(lr), time.perf_counter() - start
