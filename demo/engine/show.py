"""A comparison as the comparer shows it: PNG files, captions and states of the panes."""

import re
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from gradio.data_classes import FileData

from demo.engine.comparison import Comparison
from demo.engine.table import caption
from demo.viewer.viewer import ComparerData, Pane, write_pane_file
from srgan.images import SCALE, Image


class Show:
    """Turns the states of one comparison into the comparer's values; writes every PNG once.

    Args:
        photo: Name for the downloads, such as "cat" in "cat_srgan_x4.png".
        methods: All methods, also those that have not run yet.
        write: Stores an image under a file name and says where it is served.
    """

    def __init__(
        self,
        photo: str,
        methods: Sequence[str],
        write: Callable[[Image, str], FileData] = write_pane_file,
    ) -> None:
        self._id = uuid.uuid4().hex
        self._photo = re.sub(r"[^\w.-]+", "_", photo)[:60] or "photo"
        self._methods = methods
        self._write = write
        self._files: dict[str, FileData] = {}

    def panes(self, now: Comparison) -> ComparerData:
        """Return the value that shows this state."""
        images = {"small": now.lr, **{_suffix(m): image for m, image in now.images.items()}}
        if now.hr is not None:
            images["original"] = now.hr
        new = {suffix: image for suffix, image in images.items() if suffix not in self._files}
        with ThreadPoolExecutor() as pool:  # Pillow compresses without the interpreter's lock
            list(pool.map(self._file, new, new.values()))
        panes = [self._ready("input", "Small input", now.lr, "small")]
        panes += [self.pane(now, method, method.lower()) for method in self._methods]
        if now.hr is not None:
            panes.append(self._ready("original", "Original", now.hr, "original"))
        return ComparerData(id=self._id, panes=panes)

    def pane(self, now: Comparison, method: str, key: str) -> Pane:
        """Return the pane of a method in this state."""
        if method in now.images:
            scores = now.scores.get(method)
            text = caption(scores, "today") if scores else ""
            return self._ready(key, method, now.images[method], _suffix(method), text)
        height, width = now.lr.shape[:2]
        working = method == now.working
        return Pane(
            key=key,
            name=method,
            width=SCALE * width,
            height=SCALE * height,
            state="working" if working else "waiting",
            done=now.done if working else 0.0,
        )

    def _ready(self, key: str, name: str, image: Image, suffix: str, text: str = "") -> Pane:
        height, width = image.shape[:2]
        return Pane(
            key=key,
            name=name,
            width=width,
            height=height,
            caption=text,
            state="ready",
            file=self._file(suffix, image),
        )

    def _file(self, suffix: str, image: Image) -> FileData:
        if suffix not in self._files:
            self._files[suffix] = self._write(image, f"{self._photo}_{suffix}.png")
        return self._files[suffix]


def _suffix(method: str) -> str:
    """Of a file's name: "srgan_x4"."""
    return f"{method.lower().replace(' ', '_')}_x{SCALE}"
