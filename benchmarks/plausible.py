"""Seconds to find plausible patches, as tab 3 of the page does: `python -m benchmarks.plausible`.

Prints, for this machine, the median and the slowest of several spots of every example photo, warm;
beside the median of the wall's clock that of the processor's, which other work hardly changes. The
first call of a process also prepares the example photos: it is printed apart.
"""

import argparse
import statistics
import time

import numpy as np

from benchmarks.machine import describe
from demo.engine.examples import NAMES, original_path
from demo.lesson.plausible import MOST, SIDE, plausible
from srgan.images import Image, ImageError, crop_to_scale, shrink
from srgan.reading import read_image

Seconds = tuple[float, float]  # by the wall's clock, by the processor's


def timed(lr: Image, spot: tuple[int, int], count: int, hr: Image | None) -> Seconds:
    """Time one search."""
    start = time.perf_counter(), time.process_time()
    try:
        plausible(lr, spot, count, hr)
    except ImageError as error:
        print(f"{spot}: {error}")
    return time.perf_counter() - start[0], time.process_time() - start[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spots", type=int, default=6, help="of each photo [6]")
    spots = parser.parse_args().spots
    print(describe())
    photos = {name: crop_to_scale(read_image(original_path(name))) for name in NAMES}
    first, *_ = photos.values()
    print(f"first call  {timed(shrink(first), (SIDE, SIDE), 16, first)[0]:.2f} s\n")
    print("photo        original   K  median  slowest  processor")
    random = np.random.default_rng(0)
    everything: dict[tuple[bool, int], list[Seconds]] = {}
    for name, hr in photos.items():
        lr = shrink(hr)
        chosen = [tuple(s) for s in random.integers(0, lr.shape[1::-1], (spots, 2)).tolist()]
        for known in (True, False):
            for count in (16, MOST):
                times = [timed(lr, spot, count, hr if known else None) for spot in chosen]
                everything.setdefault((known, count), []).extend(times)
                report(name, known, count, times)
    for (known, count), times in everything.items():
        report("all", known, count, times)


def report(name: str, known: bool, count: int, times: list[Seconds]) -> None:
    """Print a row."""
    wall, processor = zip(*times, strict=True)
    numbers = statistics.median(wall), max(wall), statistics.median(processor)
    with_it = "yes" if known else "no"
    print("{:12}{:>9}{:>4}{:8.2f}{:9.2f}{:11.2f}".format(name, with_it, count, *numbers))


if __name__ == "__main__":
    main()
