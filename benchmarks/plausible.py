"""Seconds to find plausible patches, as tab 3 of the page does: `python -m benchmarks.plausible`.

Prints, for this machine, the median and the slowest of several spots of every example photo, warm:
the first call of a process also prepares the example photos, which is printed apart.
"""

import argparse
import statistics
import time

import numpy as np

from demo.examples import NAMES, original_path
from demo.lesson.plausible import MOST, SIDE, plausible
from srgan.images import Image, crop_to_scale, shrink
from srgan.reading import read_image


def seconds(lr: Image, spot: tuple[int, int], count: int, hr: Image | None) -> float:
    """Time one search."""
    start = time.perf_counter()
    plausible(lr, spot, count, hr)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spots", type=int, default=6, help="of each photo [6]")
    spots = parser.parse_args().spots
    photos = {name: crop_to_scale(read_image(original_path(name))) for name in NAMES}
    first, *_ = photos.values()
    print(f"first call  {seconds(shrink(first), (SIDE, SIDE), 16, first):.2f} s\n")
    print("photo        original   K  median  slowest")
    random = np.random.default_rng(0)
    everything: dict[tuple[bool, int], list[float]] = {}
    for name, hr in photos.items():
        lr = shrink(hr)
        chosen = random.integers(0, lr.shape[1::-1], (spots, 2)).tolist()
        for known in (True, False):
            for count in (16, MOST):
                times = [seconds(lr, tuple(s), count, hr if known else None) for s in chosen]
                everything.setdefault((known, count), []).extend(times)
                report(name, known, count, times)
    for (known, count), times in everything.items():
        report("all", known, count, times)


def report(name: str, known: bool, count: int, times: list[float]) -> None:
    """Print a row."""
    with_it = "yes" if known else "no"
    print(f"{name:12}{with_it:>9}{count:>4}{statistics.median(times):8.2f}{max(times):9.2f}")


if __name__ == "__main__":
    main()
