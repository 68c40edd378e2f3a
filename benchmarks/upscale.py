"""Seconds and memory of upscaling: `python -m benchmarks.upscale`.

Prints, for this machine: the plain generator against its fused form at equal input, in one run,
and the peak memory of a 4-megapixel output above the idle process.
"""

import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from srgan.images import to_lr
from srgan.upscale import NETWORKS, WEIGHTS, NetworkUpscaler, has_native_bf16
from srgan.weights import load_weights


def noise(height: int, width: int) -> np.ndarray:
    """A picture of noise, (height, width, 3): the time does not depend on the content."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def resident_mib() -> float:
    """Memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def medians(runs: dict[str, Callable[[], object]], repeats: int = 7) -> dict[str, float]:
    """Median seconds of each run, taken in turn so that a slow moment hits all alike."""
    times = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def main() -> None:
    """Print both tables."""
    native = "with" if has_native_bf16() else "without"
    print(platform.machine(), f"{native} bf16, {torch.get_num_threads()} threads,", end=" ")
    print("torch", torch.__version__)
    generator = load_weights(WEIGHTS / NETWORKS["SRResNet"])

    print("\n4-megapixel output (512×512 input): peak memory above the idle process")
    for precision in ("bf16", "fp32"):  # the smaller first: the peak never falls
        upscaler = NetworkUpscaler(generator, precision=precision)
        upscaler(noise(32, 32))
        idle, start = resident_mib(), time.perf_counter()
        upscaler(noise(512, 512))
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {precision}  {peak - idle:5.0f} MiB  {seconds:6.2f} s")

    lr = noise(128, 128)
    fused = {p: NetworkUpscaler(generator, precision=p) for p in ("fp32", "bf16")}

    @torch.inference_mode()
    def plain() -> object:
        return generator(to_lr(lr))

    seconds = medians(
        {"plain fp32": plain, **{f"fused {p}": lambda u=u: u(lr) for p, u in fused.items()}}
    )
    print("\n128×128 input, median seconds")
    for name, value in seconds.items():
        print(f"  {name:10}  {value:.3f} s  {seconds['plain fp32'] / value:.2f} times as fast")


if __name__ == "__main__":
    main()
