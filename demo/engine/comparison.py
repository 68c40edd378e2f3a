"""One photo through every upscaler: images, scores and seconds, as they become ready."""

import threading
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace

from demo.engine.cache import Result, Results
from demo.engine.scores import Scores, rate, scorable
from srgan.images import Image, crop_to_scale, shrink
from srgan.metrics import Original, agreement
from srgan.upscale import Upscaler, steps

# The queue lets one comparison run at a time, but a cancelled one may still finish its step, and
# two steps side by side would each take twice as long.
_one_step_at_a_time = threading.Lock()
_PAUSE = 0.4  # seconds
Measured = Generator[float, None, tuple[Image, float]]  # yields the fraction done


@dataclass(frozen=True)
class Comparison:
    """The state of a comparison; a new one for every step."""

    lr: Image  # (h, w, 3)
    hr: Image | None  # (4h, 4w, 3), None when only a small image was given
    images: Mapping[str, Image] = field(default_factory=dict)  # by method, those that are ready
    seconds: Mapping[str, float] = field(default_factory=dict)  # that they took
    scores: Mapping[str, Scores] = field(default_factory=dict)  # of those that are scored
    working: str | None = None  # method
    done: float = 0.0  # fraction of its work
    original: Original | None = None  # `hr`, with what scoring against it has computed


def compare(
    image: Image,
    upscalers: Mapping[str, Upscaler],
    has_original: bool,
    results: Results | None = None,
) -> Iterator[Comparison]:
    """Run the upscalers in their order, step by step; closing the iterator ends the work.

    Args:
        image: (H, W, 3). With `has_original` it is the original, cropped at the bottom and right
            to multiples of 4 and shrunk; otherwise it is the small image itself.
        upscalers: Methods by name.
        has_original: Whether there is something to score against.
        results: What was computed before.

    Yields:
        The comparison so far: when a method begins that has steps, after every step, with all
        images, and after every score. What takes a moment comes along with what follows it.
    """
    hr = crop_to_scale(image) if has_original else None
    now = Comparison(image if hr is None else shrink(hr), hr)
    yield from complete(now, upscalers, results)


def complete(
    now: Comparison, upscalers: Mapping[str, Upscaler], results: Results | None = None
) -> Iterator[Comparison]:
    """Run upscalers in a comparison, step by step, and then score what they made.

    All pictures come before the scores, which take a third of the networks' time. What `results`
    know is taken from there, and what they do not is put there.
    """
    for method, upscaler in upscalers.items():
        now = yield from _restore(now, method, upscaler, results)
    yield now
    for method, upscaler in upscalers.items():
        if method not in now.scores:
            now = _score(now, method)
            if results:
                result = Result(now.images[method], now.scores[method])
                results.put(now.lr, now.hr, upscaler, result)
            yield now


def _restore(
    now: Comparison, method: str, upscaler: Upscaler, results: Results | None
) -> Generator[Comparison, None, Comparison]:
    """Return the comparison with a method's image, and with its scores if `results` know it."""
    result = results and results.get(now.lr, now.hr, upscaler)
    if result:
        image, seconds = result.image, result.scores.seconds
        now = replace(now, scores={**now.scores, method: result.scores})
    else:
        now = replace(now, working=method)
        if hasattr(upscaler, "steps"):
            yield now
        work = measured(upscaler, now.lr)
        while True:
            try:
                fraction = next(work)
            except StopIteration as end:
                image, seconds = end.value
                break
            yield replace(now, done=fraction)
    images, times = {**now.images, method: image}, {**now.seconds, method: seconds}
    return replace(now, images=images, seconds=times, working=None)


def _score(now: Comparison, method: str) -> Comparison:
    sr, original = now.images[method], now.original or scorable(now.hr)
    scores = rate(sr, original, agreement(sr, now.lr), now.seconds[method])
    return replace(now, original=original, scores={**now.scores, method: scores})


def measured(upscaler: Upscaler, lr: Image) -> Measured:
    """Run an upscaler step by step; return its image, and the seconds that its steps took.

    One that works elsewhere, as in `demo.compare.zero_gpu`, has a method `measured` for that, and
    need not take turns with what works here.
    """
    if hasattr(upscaler, "measured"):
        return (yield from upscaler.measured(lr))
    work, seconds = steps(upscaler, lr), 0.0
    while True:
        with _one_step_at_a_time:
            start = time.perf_counter()
            try:
                fraction = next(work)
            except StopIteration as end:
                sr = end.value
                break
            finally:
                seconds += time.perf_counter() - start
        yield fraction
    return sr, seconds


def seldom(states: Iterator[Comparison], pause: float = _PAUSE) -> Iterator[Comparison | None]:
    """Pass on the states of a comparison that are worth showing, and None for each other.

    An update of the page costs some 10 ms. With one for every step, a photo of a megapixel would
    take a quarter longer than its networks.

    Args:
        states: All of them.
        pause: Least time between two states within a method's work [s].
    """
    last = 0.0
    for now in states:
        is_shown = not now.done or time.monotonic() >= last + pause
        if is_shown:
            last = time.monotonic()
        yield now if is_shown else None
