"""Stand-ins for photos and networks."""

import threading
import time

import numpy as np
import PIL.Image

from srgan.images import repeat
from srgan.upscale import Plain, Upscaler


def noise(height=64, width=48, seed=0):
    """A picture of noise, (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(folder, image, name="photo.png"):
    """Write an array as a file; returns its path."""
    path = folder / name
    PIL.Image.fromarray(image).save(path)
    return path


class Called(Upscaler):
    """An upscaler under another name."""

    def __init__(self, name, upscaler):
        self.name, self.version, self.steps = name, upscaler.version, upscaler.steps


def methods(**by_name):
    """Upscalers of functions and of other upscalers, under these names."""
    return [
        Called(name, each) if hasattr(each, "steps") else Plain(name, each)
        for name, each in by_name.items()
    ]


class Counting(Upscaler):
    """A nearest-neighbour upscaler that counts the steps it is let to make."""

    name = "Mock"

    def __init__(self, steps=10, wait=0.0):
        self.made, self.running, self.most, self._steps, self._wait = 0, 0, 0, steps, wait
        self.under_way = 0  # runs that have neither come to their end nor been ended

    def steps(self, lr):
        self.under_way += 1
        try:
            for i in range(self._steps):
                self.running += 1
                self.most = max(self.most, self.running)
                self.made += 1
                time.sleep(self._wait)
                self.running -= 1
                yield (i + 1) / self._steps
        finally:
            self.under_way -= 1
        return repeat(lr)


class Held(Counting):
    """One that stays at the end of some of its pictures until it is let go.

    Args:
        pictures: Their numbers, from 1.
        steps: Of every picture.
    """

    def __init__(self, *pictures, steps=2):
        super().__init__(steps)
        self.go, self.begun = threading.Event(), 0
        self._pictures = pictures

    def steps(self, lr):
        self.begun += 1
        is_held = self.begun in self._pictures
        image = yield from super().steps(lr)
        while is_held and not self.go.wait(0.02):
            yield 0.99
        return image
