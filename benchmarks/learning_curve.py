"""The learning curve of the shipped weights as a picture: `python -m benchmarks.learning_curve`.

Draws weights/learning_curve.csv, which holds what the training runs printed: PSNR on Set5 [dB] of
the averaged weights, by step. It needs matplotlib (`pip install matplotlib`).
"""

import csv

import matplotlib.pyplot as plt

from srgan.upscale import WEIGHTS

COLOURS = {"SRResNet": "#2091d3", "SRGAN": "#ef1e0b"}


def main() -> None:
    """Write weights/learning_curve.svg."""
    with open(WEIGHTS / "learning_curve.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for stage, colour in COLOURS.items():
        points = [(int(r["step"]), float(r["psnr_set5"])) for r in rows if r["stage"] == stage]
        axes.plot(*zip(*points, strict=True), color=colour, label=stage)
    axes.set(xlabel="step of both stages", ylabel="PSNR on Set5 [dB]", ylim=(26, 32))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    # Without a date equal curves give an equal file.
    plt.rcParams["svg.hashsalt"] = "learning curve"
    figure.savefig(WEIGHTS / "learning_curve.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
