"""Does the dial lead from SRResNet to SRGAN? PSNR must fall along it.

Prints the means over a set at the eleven positions of the page's dial, for the shipped weights in
fp32, and returns 1 if PSNR turns back anywhere.

    python -m benchmarks.dial --images ../shared/data/benchmarks/Set5
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from demo.engine.examples import small_images
from srgan.evaluation.image_sets import find_set
from srgan.interpolation import load_dial
from srgan.metrics import agreement, detail, score
from srgan.upscale import WEIGHTS

SHARES = [position / 10 for position in range(11)]


def main() -> int:
    """Print the table and the verdict; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, help="folder of photos, or HR/, LR/")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder [the shipped]")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    arguments = parser.parse_args()
    dial = load_dial(arguments.weights, "fp32", small_images)  # as the page does
    images = list(find_set(arguments.images).read())
    line = "| {:>6} | {:>8} | {:>8} | {:>12} |" if arguments.markdown else "{:>6}{:>9}{:>9}{:>13}"
    print(line.format("share", "PSNR dB", "detail %", "agreement dB"))
    if arguments.markdown:
        print("| ---: | ---: | ---: | ---: |")
    psnrs = []
    for share in SHARES:
        upscale = dial(share)
        outputs = [(upscale(lr), hr, lr) for _, hr, lr in images]
        rows = [(score(sr, hr).psnr, detail(sr, hr), agreement(sr, lr)) for sr, hr, lr in outputs]
        psnr, details, agrees = np.mean(rows, axis=0)
        psnrs.append(psnr)
        row = (f"{share:.1f}", f"{psnr:.2f}", f"{details:.1f}", f"{agrees:.1f}")
        print(line.format(*row), flush=True)
    falls = all(before > after for before, after in pairwise(psnrs))
    print(f"\nFrom each position to the next PSNR {'falls' if falls else 'does not always fall'}.")
    return 0 if falls else 1


if __name__ == "__main__":
    sys.exit(main())
