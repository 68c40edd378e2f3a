"""Model soup: one network of several, as their mean or beyond it.

    python -m srgan.soup --mse weights/srresnet/model.safetensors --distance 1.2 --photos photos \
        --gans runs/5/srgan.safetensors runs/8/srgan.safetensors --out runs/soup.safetensors

What networks that began as the same one do not share, such as the pattern each of them paints, goes
in their mean (model soups, Wortsman et al., ICML 2022). Some detail goes with it, which comes back
farther from SRResNet than the mean is; the mean colours, which that moves, are set right again.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from srgan.data import Photos
from srgan.images import ImageError
from srgan.interpolation import mix, set_tones
from srgan.models import Generator
from srgan.upscale import NetworkUpscaler
from srgan.weights import load_weights, read_card, save_weights

MAX_PHOTOS = 100  # for the colours


def beyond(mse: Generator, gans: Sequence[Generator], distance: float) -> Generator:
    """Return the network so many times as far from SRResNet as the mean of the others is.

    Args:
        mse: SRResNet.
        gans: Generators of the same size, trained on from `mse` against a discriminator.
        distance: 1 for the mean itself.

    Raises:
        ValueError: The sizes differ.
    """
    return mix([mse, *gans], [1 - distance, *[distance / len(gans)] * len(gans)])


def match_colours(generator: Generator, photos: Photos) -> list[float]:
    """Set the last bias so that mean colours come out as they went in, on the mean of photos.

    Args:
        generator: Changed in place.
        photos: Up to 100 of them, evenly spread, are restored.

    Returns:
        By how much red, green and blue were too bright [levels].
    """
    upscaler, shifts = NetworkUpscaler(generator), []
    for index in np.linspace(0, len(photos) - 1, min(len(photos), MAX_PHOTOS)).round():
        with suppress(ImageError):
            lr, _ = photos[int(index)]
            shifts.append(upscaler(lr).mean((0, 1)) - lr.mean((0, 1)))
    if not shifts:
        raise ImageError(f"no photo of {photos.folder} can be read any more")
    shift = np.mean(shifts, axis=0)
    set_tones(generator, np.ones(3), -shift)
    return shift.tolist()


def _entry(text: str) -> list[str]:
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"expected NAME=TEXT, got {text!r}")
    return text.split("=", 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 when done, 1 after an error."""
    typed = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="python -m srgan.soup", description=__doc__.split("\n", 1)[0]
    )
    file = {"type": Path, "required": True}
    parser.add_argument("--mse", **file, help="weights of SRResNet")
    parser.add_argument("--gans", **file, nargs="+", help="weights trained on from them")
    parser.add_argument(
        "--distance", type=float, default=1.0, help="from SRResNet; 1 for their mean [1]"
    )
    parser.add_argument("--photos", type=Path, help="folder of photos to match the colours on")
    parser.add_argument("--out", **file, help="weight file to write")
    entry = {"type": _entry, "metavar": "NAME=TEXT", "default": []}
    parser.add_argument("--card", nargs="*", **entry, help="more for its metadata")
    options = parser.parse_args(typed)
    try:
        mse, *gans = map(load_weights, (options.mse, *options.gans))
        mixed = beyond(mse, gans, options.distance)
        if options.photos:
            photos = Photos(options.photos, smallest=1, cache_gb=0)
            shift = match_colours(mixed, photos)
            for line in photos.news():
                print(f"skipped {line}", file=sys.stderr)
            print("colours were off by", ", ".join(f"{x:+.2f}" for x in shift), "levels")
        card = {
            "model": "SRGAN",
            "command": shlex.join(["python", "-m", "srgan.soup", *typed]),
            **{f"of {p}": read_card(p).get("steps", "?") + " steps" for p in options.gans},
            **dict(options.card),
        }
        save_weights(mixed, options.out, card)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
