"""A comparison as the comparer shows it: PNG files, captions and states of the panes."""

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from gradio.data_classes import FileData

from demo.engine.comparison import Comparison
from demo.engine.held import Held
from demo.engine.table import caption
from demo.viewer.viewer import INPUT, ORIGINAL, ComparerData, Pane, write_pane_file
from srgan.images import SCALE, Image
from srgan.own_models import key_of

HELD = Held()


class Show:
    """Turns the states of one comparison into the comparer's values; writes every PNG once.

    Args:
        photo: Name for the downloads, such as "cat" in "cat_srgan_x4.png".
        methods: Names of all methods, also of those that have not run yet.
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
        self._write_all(images.items())
        panes = [self._ready(INPUT, "Small input", now.lr, "small")]
        panes += [self.pane(now, method, key_of(method)) for method in self._methods]
        if now.hr is not None:
            panes.append(self._ready(ORIGINAL, "Original", now.hr, "original"))
        return ComparerData(id=self._id, panes=panes, is_kept=True)

    def pane(self, now: Comparison, method: str, key: str) -> Pane:
        """Return the pane of a method in this state."""
        state = now.state(method)
        if state == "ready":
            scores = now.scores.get(method)
            text = caption(scores, "today") if scores else ""
            return self._ready(key, method, now.images[method], _suffix(method), text)
        height, width = now.lr.shape[:2]
        return Pane(
            key=key,
            name=method,
            width=SCALE * width,
            height=SCALE * height,
            state=state,
            done=now.done if state == "working" else 0.0,
        )

    def files(self, now: Comparison) -> list[FileData]:
        """Return the file of every method of a comparison that is complete."""
        self._write_all((_suffix(m), now.images[m]) for m in self._methods)
        return [self._files[_suffix(method)] for method in self._methods]

    def _ready(self, key: str, name: str, image: Image, suffix: str, text: str = "") -> Pane:
        self._write_all([(suffix, image)])
        height, width = image.shape[:2]
        return Pane(
            key=key,
            name=name,
            width=width,
            height=height,
            caption=text,
            state="ready",
            file=self._files[suffix],
        )

    def _write_all(self, images: Iterable[tuple[str, Image]]) -> None:
        new = {suffix: image for suffix, image in images if suffix not in self._files}
        with ThreadPoolExecutor() as pool:  # Pillow compresses without the interpreter's lock
            self._files |= zip(new, pool.map(self._file, new, new.values()), strict=True)

    def _file(self, suffix: str, image: Image) -> FileData:
        file = self._write(image, f"{self._photo}_{suffix}.png")
        HELD.put(file.path, image)
        return file


def pixels(pane: Pane) -> Image:
    """Return the picture of a pane that is ready.

    Raises:
        ImageError: It is no longer kept.
    """
    return HELD.get(pane.file.path)


def _suffix(method: str) -> str:
    """Of a file's name: "srgan_x4"."""
    return f"{key_of(method)}_x{SCALE}"
