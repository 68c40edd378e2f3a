"""Do both stages learn? 300 steps each on real photos; slow, so not among the tests.

* SRResNet from scratch must beat bicubic on Set5.
* SRGAN from the shipped SRResNet must raise detail on Set5 while its agreement with the input stays
  above 32 dB.

    python -m benchmarks.learning --images ../shared/data/train \
        --set5 ../shared/data/benchmarks/Set5/HR
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from srgan.data import Photos
from srgan.images import enlarge
from srgan.metrics import MIN_SIDE, agreement, detail, score
from srgan.train import main as train
from srgan.upscale import NetworkUpscaler, Upscaler
from srgan.weights import load_weights

LOW_DB = 32.0


def scores(upscale: Upscaler, photos: Photos) -> tuple[float, float, float]:
    """Return PSNR [dB], detail [%] and agreement [dB], means over photos."""
    rows = []
    for index in range(len(photos)):
        lr, hr = photos[index]
        sr = upscale(lr)
        rows.append((score(sr, hr).psnr, detail(sr, hr), agreement(sr, lr)))
    return tuple(float(x) for x in np.mean(rows, axis=0))


def show(name: str, row: tuple[float, float, float]) -> tuple[float, float, float]:
    """Print a row and return it."""
    print(f"{name:26} {row[0]:6.2f} dB, detail {row[1]:5.1f} %, agreement {row[2]:5.2f} dB")
    return row


def main() -> int:
    """Train, print the scores, and return 1 if a stage did not learn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True, help="folder of photos to learn from")
    parser.add_argument("--set5", required=True, help="folder with Set5's five originals")
    parser.add_argument(
        "--weights", default="weights/srresnet/model.safetensors", help="[%(default)s]"
    )
    parser.add_argument("--steps", type=int, default=300, help="of each stage [%(default)s]")
    parser.add_argument("--stages", nargs="+", default=["srresnet", "srgan"], help="[both]")
    arguments = parser.parse_args()
    photos = Photos(arguments.set5, MIN_SIDE)
    bicubic = show("bicubic", scores(enlarge, photos))
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        # Far shorter than a training: a high rate, a short memory, annealed over half of it.
        common = ["--images", arguments.images, "--validation", arguments.set5]
        common += ["--steps", str(arguments.steps), "--warmup", "20", "--anneal", "0.5"]
        common += ["--decay", "0.98", "--evaluate-every", "100"]
        if "srresnet" in arguments.stages:
            out = Path(folder, "srresnet")
            train(["srresnet", *common, "--out", str(out), "--rate", "1e-3"])
            upscale = NetworkUpscaler(load_weights(out / "srresnet.safetensors"))
            row = show(f"SRResNet, {arguments.steps} steps", scores(upscale, photos))
            failures += ["SRResNet does not beat bicubic"] * (row[0] <= bicubic[0])
        if "srgan" in arguments.stages:
            out = Path(folder, "srgan")
            options = ["--features", "efficientnet-lite0", "--adversarial-ratio", "0.5"]
            options += ["--consistency", "0.3", "--discriminator-warmup", "50", "--batch", "8"]
            options += ["--init", arguments.weights, "--out", str(out)]
            train(["srgan", *common, *options])
            before = show(
                "SRResNet, shipped",
                scores(NetworkUpscaler(load_weights(arguments.weights)), photos),
            )
            upscale = NetworkUpscaler(load_weights(out / "srgan.safetensors"))
            row = show(f"SRGAN, {arguments.steps} steps from it", scores(upscale, photos))
            failures += ["SRGAN does not raise detail"] * (row[1] <= before[1])
            failures += [f"SRGAN's agreement is under {LOW_DB} dB"] * (row[2] <= LOW_DB)
    for failure in failures:
        print(failure)
    return len(failures) > 0


if __name__ == "__main__":
    sys.exit(main())
