"""Does time grow with the picture and memory not? Outputs of 0.25, 1, 4 and 16 megapixels.

Each output is made in fresh processes of its own. Memory is the most that the process ever held
(VmHWM), less what it held before the call (VmRSS: Python, PyTorch, the weights and the input) and
less the output: what the work itself takes above the image. Seconds are the median over the
processes; one that makes a small output makes it several times and counts the median. On a busy
machine --processor-time measures one thread, by the time it computed. Megapixels and megabytes are
millions.

No round begins after 100 seconds of them. Returns 1 if the seconds a megapixel of any two outputs
differ by more than 25 %, or if the memory exceeds 400 MB. Linux only.

    python -m benchmarks.scaling
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.machine import describe
from srgan.images import SCALE
from srgan.upscale import NETWORKS, WEIGHTS, NetworkUpscaler, Precision
from srgan.weights import load_weights

MEGAPIXELS = [0.25, 1, 4, 16]
ALTOGETHER = 4.0  # megapixels that a process makes, in at most 15 runs and at least one
PATIENCE = 100.0  # [s], after which no round begins
LARGEST_RATIO = 1.25  # of the seconds a megapixel
LARGEST_MB = 400.0


class Row(NamedTuple):
    """What an output took."""

    megapixels: float
    seconds: float
    memory: float  # [MB]

    @property
    def pace(self) -> float:
        """Seconds a megapixel."""
        return self.seconds / self.megapixels


def held(entry: str) -> int:
    """Memory of this process [bytes]: VmRSS is held now, VmHWM was the most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{entry}:"):
            return 1024 * int(line.split()[1])
    raise ValueError(f"/proc/self/status has no {entry}")


def enlarge(megapixels: float, precision: Precision, processor_time: bool) -> Row:
    """Make a square output of about that size in this process, which must be fresh."""
    clock = time.process_time if processor_time else time.perf_counter
    if processor_time:
        torch.set_num_threads(1)
    side = round((megapixels * 1e6) ** 0.5 / SCALE)
    lr = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    upscaler = NetworkUpscaler(load_weights(WEIGHTS / NETWORKS["SRResNet"]), precision=precision)
    before = held("VmRSS")
    sr = upscaler(lr)
    memory = held("VmHWM") - before - sr.nbytes
    times = []
    for _ in range(max(1, min(15, round(ALTOGETHER / megapixels)))):
        start = clock()
        upscaler(lr)
        times.append(clock() - start)
    return Row(sr.shape[0] * sr.shape[1] / 1e6, statistics.median(times), memory / 1e6)


def measure(
    megapixels: list[float], rounds: int, precision: Precision, processor_time: bool
) -> list[Row]:
    """Measure every size in turn, each in a fresh process: medians, and the most memory."""
    context = multiprocessing.get_context("spawn")
    rows: list[list[Row]] = [[] for _ in megapixels]
    end = time.monotonic() + PATIENCE
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        for number in range(rounds):
            if number and time.monotonic() > end:
                break
            for size, found in zip(megapixels, rows, strict=True):
                found.append(pool.submit(enlarge, size, precision, processor_time).result())
    return [
        Row(r[0].megapixels, statistics.median(x.seconds for x in r), max(x.memory for x in r))
        for r in rows
    ]


def faults(rows: list[Row]) -> list[str]:
    """Say what is not as it should be; empty when all is."""
    paces, memory = [row.pace for row in rows], max(row.memory for row in rows)
    ratio = max(paces) / min(paces)
    found = []
    if ratio > LARGEST_RATIO:
        found.append(f"time is not linear: a megapixel takes up to {ratio:.2f} times as long")
    if memory > LARGEST_MB:
        found.append(f"memory is not flat: {memory:.0f} MB, over {LARGEST_MB:.0f}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the verdict; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto")
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--rounds", type=int, default=3, help="processes a size [%(default)s]")
    parser.add_argument("--processor-time", action="store_true", help="see above")
    options = parser.parse_args(arguments)
    processor_time = options.processor_time
    rows = measure(options.megapixels, options.rounds, options.precision, processor_time)
    print(describe())
    of = ", processor time of 1 thread" if processor_time else ""
    print(f"precision {options.precision}{of}\n")
    print("megapixels  seconds  a megapixel  memory [MB]")
    for row in rows:
        print(f"{row.megapixels:10.2f} {row.seconds:8.3f} {row.pace:12.3f} {row.memory:12.0f}")
    found = faults(rows)
    print("\n" + ("\n".join(found) or "Time is linear, memory is flat."))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
