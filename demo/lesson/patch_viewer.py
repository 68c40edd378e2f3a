"""The part of the lesson that one plays with: a spot of a photo, and sharp patches for it.

patch_viewer.html, .css and .js lie beside this file, see `demo.parts.templates`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gradio.data_classes import FileData, GradioModel

from demo.engine.table import number
from demo.lesson.plausible import Plausible
from demo.parts.templates import Display
from demo.viewer.viewer import write_pane_file
from srgan.images import Image, repeat


class Average(GradioModel):
    """What the average of the first patches is like; PSNR in words, "" without an original."""

    psnr: str  # of the average
    patches: str  # of the patches, from their mean squared error
    fits: bool  # whether the average, rounded, shrinks to the small patch, too


class Picture(GradioModel):
    """Another picture of the same place."""

    name: str  # "SRGAN", "Original"
    psnr: str


class PatchData(GradioModel):
    """A small photo, a square of it, and what could be there.

    The sheet is a strip of squares of 40 pixels, one below the other: the small patch, the average
    of the first patch, of the first two …, the patches, the pictures.
    """

    number: int = 0  # of the question that this answers
    id: str = ""  # of the comparison that it is about
    photo: FileData | None = None  # the small one
    width: int = 0  # of it
    height: int = 0
    left: int = 0  # where the square begins
    top: int = 0
    message: str = ""  # why nothing is shown
    notes: list[str] = []  # what is missing, and why
    is_whole: bool = True  # False: more pictures may be ready later
    sheet: FileData | None = None
    patches: list[str] = []  # PSNR of each
    averages: list[Average] = []
    pictures: list[Picture] = []


class Question(GradioModel):
    """What the viewer asks for."""

    number: int
    id: str  # of the data that it shows
    is_whole: bool  # likewise
    is_chosen: bool  # a person chose the spot: it must be answered
    x: int  # the spot, a small pixel: the middle of the square
    y: int


class PatchViewer(Display):
    """Shows PatchData; the number of patches that are averaged is chosen in the browser.

    Its event `ask` comes when the viewer is seen, first or again, and when a spot is chosen; its
    gr.EventData is a `Question`, but a client can send anything.
    """

    data_model = PatchData
    files = Path(__file__).with_suffix("")


def patch_fields(found: Plausible, pictures: Mapping[str, Image]) -> dict[str, Any]:
    """Return the fields of PatchData that tell of patches.

    Args:
        found: The patches.
        pictures: Large images of the whole photo, (4h, 4w, 3), by name.
    """
    counts = [found.first(count) for count in range(1, len(found.placed) + 1)]
    others = {name: found.crop(image) for name, image in pictures.items()}
    if found.truth is not None:
        others["Original"] = found.truth
    tiles = [repeat(found.small), *(some.average for some in counts), *found.patches]
    tiles += others.values()
    return {
        "left": found.left,
        "top": found.top,
        "sheet": write_pane_file(np.concatenate(tiles), "patches.png"),
        "patches": [_decibels(psnr) for psnr in found.psnr or [None] * len(counts)],
        "averages": [
            Average(
                psnr=_decibels(some.average_psnr),
                patches=_decibels(some.mean_psnr),
                fits=some.average_fits,
            )
            for some in counts
        ],
        "pictures": [
            Picture(name=name, psnr=_decibels(found.score(patch))) for name, patch in others.items()
        ],
    }


def _decibels(psnr: float | None) -> str:
    return "" if psnr is None else f"{number(psnr, 2)} dB"
