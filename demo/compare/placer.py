"""A thumbnail of a photo over the limit, on which the person places the piece to compare.

placer.html, placer.css and placer.js lie beside this file, see `demo.parts.templates`.
"""

from pathlib import Path

import numpy as np
from gradio.data_classes import FileData, GradioModel
from PIL import Image as Pillow

from demo.parts.templates import Display
from demo.viewer.viewer import write_pane_file
from srgan.images import Image

THUMBNAIL_SIDE = 512  # pixels, the longer one


class PlacerData(GradioModel):
    """A photo and the size of the piece that can be taken from it, in pixels of the photo."""

    width: int
    height: int
    piece_width: int
    piece_height: int
    file: FileData  # thumbnail
    seconds: float | None = None  # that the comparison will take, None if nobody knows


class Placer(Display):
    """Shows PlacerData; the piece is in the middle of a new photo, and then where it is moved.

    Events: `place`, whose gr.EventData has the corner of the piece as x and y, in whole pixels of
    the photo, and `shrink`. What a client sends can be anything.
    """

    data_model = PlacerData
    files = Path(__file__).with_suffix("")


def placer_data(image: Image, fitting: tuple[int, int]) -> PlacerData:
    """Return what the placer shows of an (H, W, 3) image and a piece of (height, width)."""
    thumbnail = Pillow.fromarray(image)
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    height, width = image.shape[:2]
    return PlacerData(
        width=width,
        height=height,
        piece_width=fitting[1],
        piece_height=fitting[0],
        file=write_pane_file(np.asarray(thumbnail), "thumbnail.png"),
    )
