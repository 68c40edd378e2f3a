"""How fast this machine compares, learned from the comparisons that it has finished."""

import threading
import time
from collections.abc import Iterator, Mapping

from demo.engine.comparison import Comparison, compare
from srgan.images import SCALE, Image
from srgan.upscale import Upscaler

_TRIAL_SIDE = 64  # of the small image
_LEAST_PIXELS = 50_000  # a smaller comparison takes its time with other things than pixels
_MEMORY = 0.75  # weight of what was known, when another comparison of the same size is added


class Pace:
    """Seconds for each output pixel: all methods together, with the scores.

    The first comparison of a process is left out: it sets the libraries up. Safe to use from
    several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_first = True
        self._seconds, self._pixels = 0.0, 0.0

    def timed(self, work: Iterator[Comparison]) -> Iterator[Comparison]:
        """Pass on the states of a comparison; learn from it if all of it is computed now."""
        seconds, pixels, computed = 0.0, 0, 0.0
        while True:
            start = time.perf_counter()
            now = next(work, None)
            seconds += time.perf_counter() - start  # not what whoever asks does in between
            if now is None:
                break
            pixels = SCALE**2 * now.lr.shape[0] * now.lr.shape[1]
            yield now
            computed = sum(scores.seconds for scores in now.scores.values())
        if seconds >= computed:  # else some of it was computed before
            self.learn(pixels, seconds)

    def learn(self, pixels: int, seconds: float) -> None:
        """Take in a finished comparison; what is older counts less, the larger counts more."""
        with self._lock:
            if self._is_first:
                self._is_first = False
            elif pixels >= _LEAST_PIXELS:
                self._seconds = _MEMORY * self._seconds + seconds
                self._pixels = _MEMORY * self._pixels + pixels

    def seconds(self, pixels: int) -> float | None:
        """Estimate the time for so many output pixels; None as long as nothing was learned."""
        with self._lock:
            return self._seconds / self._pixels * pixels if self._pixels else None

    def try_out(
        self, image: Image, upscalers: Mapping[str, Upscaler], has_original: bool
    ) -> Iterator[None]:
        """Learn from the corner of an image, step by step, unless something is known already."""
        if any(hasattr(upscaler, "measured") for upscaler in upscalers.values()):
            return  # it works elsewhere, and would take of what a visitor may use there
        side = _TRIAL_SIDE * (SCALE if has_original else 1)
        for _ in range(2):  # the first may be the one that is left out
            if self.seconds(1) is None:
                for _ in self.timed(compare(image[:side, :side], upscalers, has_original)):
                    yield
