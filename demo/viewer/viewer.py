"""The linked viewer: one shared view over several pictures of the same scene.

Its HTML, CSS and JavaScript lie beside it; names and captions reach the page only as data.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from gradio.data_classes import FileData, GradioModel
from gradio.utils import get_upload_folder

from demo.parts.templates import Display
from srgan.images import Image, write_png

INPUT, ORIGINAL = "input", "original"  # keys of the panes that no method made


class Pane(GradioModel):
    """One picture of the scene, or the place where it will appear."""

    key: str  # "input", "bicubic", …: names the pane between updates
    name: str  # what people read: "Small input", "SRGAN"
    width: int  # of this picture, in its own pixels
    height: int
    caption: str = ""  # plain text, "29.34 dB · SSIM 0.812"
    state: str = "waiting"  # "waiting", "working", "ready" or "stopped"
    done: float = 0.0  # while working, 0..1
    file: FileData | None = None  # PNG; orig_name is the name of the download


class ComparerData(GradioModel):
    """Everything the viewer shows. The view is reset when id changes, and only then."""

    id: str = ""
    photo: str = ""  # name of the built-in photo, for links that restore it
    panes: list[Pane] = []
    is_kept: bool = False  # whether the browser remembers how it was looked at, for the next time

    @property
    def ready(self) -> list[Pane]:
        """The panes whose picture is there, the small input first."""
        return [pane for pane in self.panes if pane.file]

    @property
    def title(self) -> str:
        """The name that the files of a comparison share."""
        return self.ready[0].file.orig_name.removesuffix("_small.png")


class Comparer(Display):
    """Shows ComparerData in linked panes, a slider, by flicker or as a difference.

    Zoom, position and view stay in the browser. Its event `region` carries the marked rectangle:
    `id` of the data and `region`, x, y, width and height in pixels of the outputs or None.
    """

    data_model = ComparerData
    files = Path(__file__).with_suffix("")
    scripts = ("state", "draw", "views", "region", "link", "memory", "panes", "hands")

    def api_info(self) -> dict[str, Any]:
        """Describe the value to API clients, which then download the files."""
        return ComparerData.model_json_schema()

    def example_payload(self) -> None:
        """Nothing: the viewer is not an input."""

    def example_value(self) -> None:
        """Nothing: the viewer is not an input."""


def write_pane_file(image: Image, name: str) -> FileData:
    """Write an (H, W, 3) image as PNG for a pane; name is what a download is called.

    The file lies in Gradio's cache, which Gradio serves without a copy, in a folder named after
    the content: equal pictures share a file, and the address of one tells nothing of another.
    """
    digest = hashlib.sha256(str(image.shape).encode() + image.tobytes()).hexdigest()
    plain = re.sub(r"[^\w.-]", "_", name).lstrip(".") or "picture.png"
    path = Path(get_upload_folder()) / digest / plain
    if path.exists():
        os.utime(path)  # delete_cache goes by age
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(image, path)
    return FileData(path=str(path), orig_name=name, mime_type="image/png")
