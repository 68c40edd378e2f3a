"""A rectangle of the outputs: its scores, and the figure that shows it for every method."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from demo.engine.scores import Scores, rate, scorable
from demo.engine.table import Protocol, caption, columns, markdown
from srgan.images import SCALE, Image, shrink
from srgan.metrics import MIN_SIDE, psnr

MARGIN = 2 * SCALE  # `shrink` looks 6 pixels beyond a block of 4
NUMBERS = "A region needs four whole numbers: x, y, width and height, in pixels of the outputs."

TILE = 512  # a figure's tiles are enlarged as long as they do not exceed it [pixels]
ROW = 3600  # a figure that would be wider gets two rows [pixels]
GAP = 8  # white around a tile with its caption [pixels]
DOT = " · "  # where a caption may be broken
PROTOCOLS = {
    "today": "today's protocol (BT.601 luma, 4 pixels off each side, 11 x 11 Gaussian window)",
    "paper": "the paper's protocol (BT.709 luma, 4 pixels off each side, SSIM of the Daala tools)",
}
SPELLED = str.maketrans({"∞": "inf", "×": "x", "–": "-"})


class Region(NamedTuple):
    """A rectangle of the outputs [pixels]; multiples of 4, so that it is whole input pixels."""

    left: int
    top: int
    width: int
    height: int

    def crop(self, image: Image, margin: int = 0) -> Image:
        """Return the view (height, width, 3) of an output, larger by a margin where there is one.

        Raises:
            ValueError: The region reaches beyond the image.
        """
        bottom, right = self.top + self.height, self.left + self.width
        if bottom > image.shape[0] or right > image.shape[1]:
            raise ValueError(f"{self} is not inside an image of {image.shape}")
        rows = slice(max(self.top - margin, 0), bottom + margin)
        return image[rows, max(self.left - margin, 0) : right + margin]


def parse_region(data: object, width: int, height: int) -> Region:
    """Check what a client sent: {"x": 8, "y": 0, "width": 64, "height": 32}.

    Args:
        data: Anything that JSON can say.
        width: Of the outputs [pixels].
        height: Of the outputs [pixels].

    Raises:
        ValueError: Not four whole numbers, not inside the outputs, or not multiples of 4.
    """
    if not isinstance(data, dict):
        raise ValueError(NUMBERS)
    region = Region(*(data.get(key) for key in ("x", "y", "width", "height")))
    if any(type(number) is not int for number in region):  # isinstance takes True for 1
        raise ValueError(NUMBERS)
    if region.width < SCALE or region.height < SCALE:
        raise ValueError(f"A region needs at least {SCALE} × {SCALE} pixels.")
    inside = region.left + region.width <= width and region.top + region.height <= height
    if not (min(region) >= 0 and inside):
        raise ValueError(f"The region must lie inside the picture of {width} × {height} pixels.")
    if any(number % SCALE for number in region):
        raise ValueError(
            f"x, y, width and height must be multiples of {SCALE}: a region is whole pixels of "
            f"the small image, got {', '.join(map(str, region))}."
        )
    return region


def region_scores(
    images: Mapping[str, Image], lr: Image, hr: Image | None, region: Region
) -> dict[str, Scores]:
    """Score a region of every method, as if the region were the whole picture.

    Only agreement knows what lies around: the small image's pixels at the border of the region were
    made from pixels beyond it, and without those the original itself would not agree.

    Args:
        images: By method, (4h, 4w, 3).
        lr: What they were made from, (h, w, 3).
        hr: Original, (4h, 4w, 3), if there is one.
        region: In pixels of the outputs.

    Returns:
        By method; agreement alone without an original or where the region is too small to be
        scored, and no seconds.
    """
    original = scorable(None if hr is None else region.crop(hr))
    return {
        method: rate(region.crop(sr), original, _agreement(sr, lr, region))
        for method, sr in images.items()
    }


def _agreement(sr: Image, lr: Image, region: Region) -> float:
    """PSNR of the small image's piece against the same piece of the shrunk `sr` [dB]."""
    small = Region(*(number // SCALE for number in region))
    above, before = min(region.top, MARGIN) // SCALE, min(region.left, MARGIN) // SCALE
    shrunk = shrink(np.ascontiguousarray(region.crop(sr, MARGIN)))
    shrunk = Region(before, above, small.width, small.height).crop(shrunk)
    return psnr(shrunk, small.crop(lr))


def region_table(
    inside: Mapping[str, Scores], whole: Mapping[str, Scores], region: Region, protocol: Protocol
) -> str:
    """Return a region's scores beside those of the whole image, in Markdown.

    Args:
        inside: Of the region, by method.
        whole: Of the whole image, for these methods at least.
        region: What was scored. Where it is too small for that, a sentence says so.
        protocol: Which PSNR and SSIM to show.
    """
    if not inside:
        return ""
    here = columns(inside, protocol)
    there = columns({method: whole[method] for method in inside}, protocol, mark=False)
    names = ["PSNR [dB]", "SSIM", "Detail [%]"] if "SSIM" in here else ["Agreement [dB]"]
    cells = {}
    for name in names:
        quantity, _, unit = name.partition(" ")
        cells[f"{quantity} region {unit}".strip()] = here[name]
        cells[f"{quantity} whole {unit}".strip()] = there[name]
    table = markdown(list(inside), cells)
    has_original = any(scores.today for scores in whole.values())
    if not has_original or min(region.width, region.height) >= MIN_SIDE:
        return table
    return (
        f"The region of {region.width} × {region.height} pixels is too small to be scored: both "
        f"sides need at least {MIN_SIDE} pixels.\n\n{table}"
    )


def region_caption(scores: Scores, protocol: Protocol) -> str:
    """Return the line under a tile, such as "29.34 dB · SSIM 0.812 · detail 84 %"."""
    text = caption(scores, protocol)
    if scores.detail is None or math.isnan(scores.detail):
        return text
    return f"{text} · detail {scores.detail:.0f} %"


def region_figure(
    panes: Sequence[tuple[str, Image, str]],
    region: Region,
    photo: str,
    protocol: Protocol | None,
) -> Image:
    """Draw a region of every pane side by side, to be saved as PNG: black text on white.

    Every pixel becomes a square of whole pixels, the same in all tiles; nothing else is resampled.

    Args:
        panes: Name, image (4h, 4w, 3) and caption, such as "29.34 dB · SSIM 0.812", which is broken
            at the dots where it is too long. At least one; the small input enters repeated.
        region: In pixels of the images.
        photo: Name of the photo, for the line at the bottom.
        protocol: Which PSNR and SSIM the captions give; None where they give none.

    Raises:
        ValueError: The images differ in size, or the region is not inside them.
    """
    if len({image.shape for _, image, _ in panes}) != 1:
        raise ValueError(f"expected images of one size, got {[i.shape for _, i, _ in panes]}")
    zoom = max(1, TILE // max(region.width, region.height))
    tiles = [region.crop(image).repeat(zoom, 0).repeat(zoom, 1) for _, image, _ in panes]
    height, width = tiles[0].shape[:2]
    size = max(20, max(height, width) // 18)
    large, small = ImageFont.load_default(size), ImageFont.load_default(0.8 * size)
    names = [_printable(name) for name, _, _ in panes]
    notes = [_printable(note) for _, _, note in panes]
    pieces = [small.getlength(piece) for note in notes for piece in note.split(DOT)]
    width = math.ceil(max(width, *pieces, *map(large.getlength, names)))
    cells = []
    for tile, name, note in zip(tiles, names, notes, strict=True):
        label = [_text([name], large, width), _text(_wrap(note, small, width), small, width)]
        cells.append(_margin(_joined([_margin(tile, 1, 150), *label], axis=0)))
    total = sum(cell.shape[1] for cell in cells)
    in_row = len(cells) if total <= ROW else math.ceil(len(cells) / 2)
    rows = [_joined(cells[i : i + in_row], axis=1) for i in range(0, len(cells), in_row)]
    footer = _footer(panes[0][1], region, zoom, photo, protocol)
    lines = _wrap(footer, small, rows[0].shape[1] - 2 * GAP)
    wide = math.ceil(max(map(small.getlength, lines)))
    return _margin(_joined([*rows, _margin(_text(lines, small, wide))], axis=0))


def _footer(image: Image, region: Region, zoom: int, photo: str, protocol: Protocol | None) -> str:
    height, width = image.shape[:2]
    parts = [
        photo if len(photo) <= 60 else photo[:57] + "...",
        f"{region.width} x {region.height} pixels at x {region.left}, y {region.top} "
        f"of {width} x {height}",
        f"enlarged {zoom} times, every pixel a square" if zoom > 1 else "pixel by pixel",
    ]
    if protocol is not None:
        parts.append(f"PSNR and SSIM of this region in {PROTOCOLS[protocol]}")
    return DOT.join(map(_printable, parts))


def _printable(text: str) -> str:
    """Spell a text with what Pillow's own font has: ASCII and the dot in the middle."""
    plain = unicodedata.normalize("NFKD", " ".join(text.translate(SPELLED).split()))
    letters = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if c == "·" or (c.isascii() and c.isprintable()) else "?" for c in letters)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a text at its dots into lines of at most a width [pixels]."""
    first, *others = text.split(DOT)
    lines = [first]
    for piece in others:
        joined = f"{lines[-1]}{DOT}{piece}"
        if font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(piece)
    return lines


def _text(lines: Sequence[str], font: ImageFont.FreeTypeFont, width: int) -> Image:
    """Write lines one under another, black on white."""
    pitch = round(1.3 * font.size)
    page = Pillow.new("RGB", (width, pitch * len(lines)), "white")
    draw = ImageDraw.Draw(page)
    for i, line in enumerate(lines):
        draw.text((0, i * pitch), line, "black", font)
    return np.array(page)


def _margin(image: Image, size: int = GAP, level: int = 255) -> Image:
    return np.pad(image, ((size, size), (size, size), (0, 0)), constant_values=level)


def _joined(images: Sequence[Image], axis: int) -> Image:
    """Put images one under another (0) or side by side (1); white fills up the smaller ones."""
    across = 1 - axis
    largest = max(image.shape[across] for image in images)
    filled = []
    for image in images:
        gaps = [(0, 0)] * 3
        gaps[across] = (0, largest - image.shape[across])
        filled.append(np.pad(image, gaps, constant_values=255))
    return np.concatenate(filled, axis)
