"""One photo through every upscaler: images, scores and seconds, as they become ready."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

from demo.engine.cache import Cache, Result
from demo.engine.scores import Scores, rate, scorable
from srgan.images import Image, crop_to_scale, shrink
from srgan.metrics import Original, agreement
from srgan.upscale import Upscaler

# The queue lets one comparison run at a time, but a cancelled one may still finish its step, and
# two steps side by side would each take twice as long. What works elsewhere need not wait.
_TURNS = {"here": threading.Lock(), "elsewhere": nullcontext()}


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

    @classmethod
    def of(cls, image: Image, has_original: bool) -> "Comparison":
        """Begin one.

        Args:
            image: (H, W, 3). With `has_original` it is the original, cropped at the bottom and
                right to multiples of 4 and shrunk; otherwise it is the small image itself.
            has_original: Whether there is something to score against.
        """
        hr = crop_to_scale(image) if has_original else None
        return cls(image if hr is None else shrink(hr), hr)

    def state(self, method: str) -> Literal["waiting", "working", "ready"]:
        """Tell how far a method is."""
        if method in self.images:
            return "ready"
        return "working" if method == self.working else "waiting"

    @property
    def stage(self) -> tuple[str | None, int, int]:
        """Differs between two states of which a page must show both."""
        return self.working, len(self.images), len(self.scores)

    def ready(self, method: str, image: Image, seconds: float | None) -> "Comparison":
        """Return the state in which a method has made its image."""
        images, times = {**self.images, method: image}, {**self.seconds, method: seconds}
        return replace(self, images=images, seconds=times, working=None, done=0.0)

    def scored(self, method: str, scores: Scores) -> "Comparison":
        """Return the state in which a method has its scores."""
        return replace(self, scores={**self.scores, method: scores})


def compare(
    now: Comparison, upscalers: Sequence[Upscaler], cache: Cache | None = None
) -> Iterator[Comparison]:
    """Run upscalers in their order, step by step, then score; closing the iterator ends the work.

    All pictures come before the scores, which take a third of the networks' time. What the cache
    knows is taken from there, and what it does not is put there. Pictures that the comparison has
    already are not made again.

    Yields:
        The comparison so far: when a method begins, after each of its steps, with all images, and
        after every score. So each method is seen waiting, working, ready and scored.
    """
    for upscaler in upscalers:
        if upscaler.name in now.images:
            continue
        now = replace(now, working=upscaler.name)
        yield now
        kept = cache and cache.get(now.lr, now.hr, upscaler)
        if kept:
            now = now.ready(upscaler.name, kept.image, kept.scores.seconds)
            now = now.scored(upscaler.name, kept.scores)
            continue
        work, sr, seconds = upscaler.steps(now.lr), None, 0.0
        while sr is None:
            with _TURNS[upscaler.place]:
                start = upscaler.clock()
                try:
                    done = next(work)
                except StopIteration as end:
                    sr = end.value
                seconds += upscaler.clock() - start
            if sr is None:
                yield replace(now, done=done)
        now = now.ready(upscaler.name, sr, seconds)
    yield now
    for upscaler in upscalers:
        if upscaler.name not in now.scores:
            now = _score(now, upscaler.name)
            if cache:
                result = Result(now.images[upscaler.name], now.scores[upscaler.name])
                cache.put(now.lr, now.hr, upscaler, result)
            yield now


def _score(now: Comparison, method: str) -> Comparison:
    sr, original = now.images[method], now.original or scorable(now.hr)
    scores = rate(sr, original, agreement(sr, now.lr), now.seconds[method])
    return replace(now, original=original).scored(method, scores)
