"""Crops of the methods side by side: `python -m benchmarks.contact_sheet IMAGE[:X:Y] … --out FILE`.

Each row is a photo: bicubic, SRResNet, SRGAN and the original, enlarged without smoothing, with
PSNR of the whole picture in today's protocol.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from srgan.images import Image, crop_to_scale, shrink
from srgan.metrics import score
from srgan.reading import read_image
from srgan.upscale import WEIGHTS, load_upscalers

CROP, ZOOM = 96, 3


def tile(image: Image, x: int, y: int, text: str) -> np.ndarray:
    """One crop, enlarged, with a text in its corner."""
    crop = image[y : y + CROP, x : x + CROP].repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    picture = Pillow.fromarray(crop)
    ImageDraw.Draw(picture).text(
        (4, 4), text, fill="yellow", stroke_width=1, stroke_fill="black", font_size=14
    )
    return np.asarray(picture)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", help="photo, and where its crop begins if not centred")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    upscalers = load_upscalers(args.weights, precision="fp32")
    rows = []
    for name in args.images:
        path, *place = name.split(":")
        hr = crop_to_scale(read_image(path))
        x, y = map(int, place) if place else ((hr.shape[1] - CROP) // 2, (hr.shape[0] - CROP) // 2)
        outputs = {upscaler.name: upscaler(shrink(hr)) for upscaler in upscalers}
        tiles = [
            tile(sr, x, y, f"{method} {score(sr, hr).psnr:.2f} dB")
            for method, sr in outputs.items()
        ]
        rows.append(np.concatenate([*tiles, tile(hr, x, y, "Original")], axis=1))
    Pillow.fromarray(np.concatenate(rows)).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
