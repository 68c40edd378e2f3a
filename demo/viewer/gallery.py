"""The built-in photos as one page shows them: by the methods that it has."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData

from demo.engine.cache import Cache
from demo.engine.comparison import Comparison, compare
from demo.engine.examples import EXAMPLES, NAMES, load_example
from demo.engine.scores import Scores
from demo.viewer.show import Show, key_of
from demo.viewer.viewer import ComparerData
from srgan.images import SCALE, Image, write_png
from srgan.upscale import Upscaler

PRECOMPUTED = "Precomputed; the times are those of two CPU cores in fp32."
OWN = "Precomputed; the times are those of two CPU cores in fp32, and of {} those of this machine."


class Gallery:
    """Shows the stored pictures, and those that methods of no stored ones made at the start.

    Args:
        methods: Names of the methods that are shown, in the order of their panes; None for all that
            are stored.
    """

    def __init__(self, methods: Sequence[str] | None = None) -> None:
        self._methods = methods
        self._made: dict[str, Comparison] = {}  # by photo
        self._folder = EXAMPLES
        self.note = PRECOMPUTED  # on the times

    def make(self, upscalers: Sequence[Upscaler], folder: Path, cache: Cache | None = None) -> None:
        """Compute all photos by methods of which there are no stored pictures.

        Args:
            upscalers: Those methods.
            folder: For their pictures, which every visitor may see.
            cache: What was computed before.
        """
        for name in NAMES:
            stored = load_example(name)
            *_, made = compare(Comparison(stored.lr, stored.hr), upscalers, cache)
            for method, image in made.images.items():
                write_png(image, folder / _file(name, method))
            self._made[name] = made
        gr.set_static_paths([folder])
        self._folder = folder
        self.note = OWN.format(" and ".join(upscaler.name for upscaler in upscalers))

    def show(self, name: str) -> tuple[ComparerData, dict[str, Scores]]:
        """Return a photo as the comparer shows it, from files, and its scores by method.

        A new value each time: the comparer goes back to the whole picture.
        """
        stored, made = load_example(name), self._made.get(name)
        images, scores = dict(stored.images), dict(stored.scores)
        if made:
            images |= made.images
            scores |= made.scores
        methods = [m for m in (self._methods or images) if m in images]
        example = Comparison(
            stored.lr,
            stored.hr,
            {method: images[method] for method in methods},
            scores={method: scores[method] for method in methods},
        )
        own = {_file(name, method) for method in made.images} if made else set()

        def written(_: Image, file: str) -> FileData:
            folder = self._folder if file in own else EXAMPLES
            return FileData(path=str(folder / file), orig_name=file, mime_type="image/png")

        panes = Show(name, methods, written).panes(example)
        return panes.model_copy(update={"photo": name, "is_kept": False}), dict(example.scores)

    def picture(self, name: str, method: str) -> Image:
        """Return what a method that was added made of a photo, (H, W, 3)."""
        return self._made[name].images[method]


def _file(name: str, method: str) -> str:
    return f"{name}_{key_of(method)}_x{SCALE}.png"


STORED = Gallery()
