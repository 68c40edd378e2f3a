"""How often a comparison is shown, and how long one takes, learned from those that have ended."""

import threading
import time
from collections.abc import Iterator, Sequence

from demo.engine.comparison import Comparison, compare
from srgan.images import SCALE, Image
from srgan.upscale import Upscaler

PAUSE = 0.4  # seconds
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
        self, image: Image, upscalers: Sequence[Upscaler], has_original: bool
    ) -> Iterator[None]:
        """Learn from the corner of an image, step by step, unless something is known already."""
        if any(upscaler.place == "elsewhere" for upscaler in upscalers):
            return  # it would take of what a visitor may use there
        side = _TRIAL_SIDE * (SCALE if has_original else 1)
        for _ in range(2):  # the first may be the one that is left out
            if self.seconds(1) is None:
                corner = Comparison.of(image[:side, :side], has_original)
                for _ in follow(compare(corner, upscalers), self):
                    yield


def follow(
    states: Iterator[Comparison], pace: Pace | None = None, pause: float = PAUSE
) -> Iterator[Comparison | None]:
    """Pass on the states of a comparison that are worth showing, and None for each other.

    An update of the page costs some 10 ms. With one for every step, a photo of a megapixel would
    take a quarter longer than its networks. A new stage is always shown, however soon it comes.

    Args:
        states: All of them.
        pace: Learns from the comparison if all of it is computed now.
        pause: Least time between two states of one stage [s].
    """
    now, stage, shown, seconds = None, None, 0.0, 0.0
    while True:
        start = time.perf_counter()
        state = next(states, None)
        seconds += time.perf_counter() - start  # not what whoever asks does in between
        if state is None:
            break
        now = state
        is_shown = now.stage != stage or time.monotonic() >= shown + pause
        if is_shown:
            stage, shown = now.stage, time.monotonic()
        yield now if is_shown else None
    if pace and now and seconds >= sum(scores.seconds for scores in now.scores.values()):
        pace.learn(SCALE**2 * now.lr.shape[0] * now.lr.shape[1], seconds)
