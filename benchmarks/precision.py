"""Does bfloat16 cost quality? PSNR in both precisions, in today's protocol, means over a set.

Returns 1 if any mean differs by more than 0.01 dB. A processor without bfloat16 has nothing to say.

    python -m benchmarks.precision --images ../shared/data/benchmarks/{Set5,Set14,BSD100}
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.machine import describe, precisions
from srgan.evaluation.image_sets import ImageSet, find_set
from srgan.metrics import Original
from srgan.upscale import NETWORKS, WEIGHTS, Upscaler, load_upscaler

LARGEST_DB = 0.01


class Row(NamedTuple):
    """What a network reaches on a set in both precisions."""

    fp32: float  # [dB]
    bf16: float  # [dB]
    levels: int  # largest difference of a pixel


def compare(image_set: ImageSet, upscalers: Mapping[str, Upscaler]) -> Row:
    """Score the outputs of a network in "fp32" and "bf16"."""
    scores, levels = [], 0
    for _, hr, lr in image_set.read():
        original = Original(hr)
        outputs = [upscalers[precision](lr) for precision in ("fp32", "bf16")]
        scores.append([original.score(sr).psnr for sr in outputs])
        levels = max(levels, int(np.abs(np.subtract(*outputs, dtype=np.int16)).max()))
    return Row(*map(float, np.mean(scores, axis=0)), levels)


def main(arguments: list[str] | None = None) -> int:
    """Print a line for every set and network, and the verdict; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folders = "folders of photos, or with HR/ and LR/"
    parser.add_argument("--images", type=Path, nargs="+", required=True, help=folders)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder [the shipped]")
    options = parser.parse_args(arguments)
    print(describe())
    if "bf16" not in precisions():
        print("This processor does not compute in bf16, and the demo uses fp32 on it.")
        return 0
    print(f"{'PSNR [dB]':20}{'fp32':>9}{'bf16':>9}{'change':>9}  largest difference [levels]")
    changes = []
    for name in NETWORKS:
        upscalers = {p: load_upscaler(name, options.weights, p) for p in ("fp32", "bf16")}
        for image_set in map(find_set, options.images):
            fp32, bf16, levels = compare(image_set, upscalers)
            changes.append(bf16 - fp32)
            line = (
                f"{name:10}{image_set.name:10}{fp32:9.4f}{bf16:9.4f}{bf16 - fp32:+9.4f}{levels:8}"
            )
            print(line, flush=True)
    small = max(map(abs, changes)) <= LARGEST_DB
    print(f"\n{'All' if small else 'Not all'} within {LARGEST_DB} dB.")
    return 0 if small else 1


if __name__ == "__main__":
    sys.exit(main())
