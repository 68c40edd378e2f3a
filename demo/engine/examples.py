"""The built-in photos with their precomputed outputs, renewed by `python -m demo.engine.examples`.

Run it after every change of the weights or the scores: the page shows what is stored here.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from gradio.data_classes import FileData

from demo.engine.comparison import Comparison, compare
from demo.engine.scores import Scores
from demo.engine.show import Show
from demo.viewer.viewer import ComparerData
from srgan.images import SCALE, Image, write_png
from srgan.metrics import Score
from srgan.reading import read_image
from srgan.upscale import NETWORKS, WEIGHTS, load_upscalers

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = {
    "cat": "Fur",
    "astronaut": "Face",
    "pavilion": "Building",
    "bricks": "Bricks",
    "grass": "Grass",
    "page": "Text",
}
_SCORES = EXAMPLES / "scores.json"


def original_path(name: str) -> Path:
    """Return the file of an example's photo."""
    return EXAMPLES / f"{name}_original.png"


def small_path(name: str) -> Path:
    """Return the file of an example's small image."""
    return EXAMPLES / f"{name}_small.png"


def output_path(name: str, method: str) -> Path:
    """Return the file of what a method made of an example."""
    return EXAMPLES / f"{name}_{method.lower()}_x{SCALE}.png"


def stored_digests() -> dict[str, str]:
    """Return the sha256 of the weights that made the stored outputs, by file."""
    return json.loads(_SCORES.read_text())["weights"]


def load_example(name: str) -> tuple[ComparerData, dict[str, Scores]]:
    """Return an example as the comparer shows it, from stored files, and its scores by method."""
    stored = json.loads(_SCORES.read_text())["examples"][name]
    scores = {
        method: Scores(**{**s, "today": Score(*s["today"]), "paper": Score(*s["paper"])})
        for method, s in stored.items()
    }
    images = {method: read_image(output_path(name, method)) for method in scores}
    lr, hr = read_image(small_path(name)), read_image(original_path(name))
    show = Show(name, list(scores), write=lambda _, file: _stored(file))
    panes = show.panes(Comparison(lr, hr, images, scores=scores))
    return panes.model_copy(update={"photo": name}), scores


def weights_digests(weights: Path = WEIGHTS) -> dict[str, str]:
    """Return the sha256 of each weight file of a folder, by name."""
    return {f: hashlib.sha256((weights / f).read_bytes()).hexdigest() for f in NETWORKS.values()}


def renew(weights: Path) -> None:
    """Recompute the outputs and scores of every example with the weights of a folder, in fp32."""

    def write(image: Image, file: str) -> FileData:
        write_png(image, EXAMPLES / file)
        return _stored(file)

    upscalers = load_upscalers(weights, precision="fp32")
    examples = {}
    for name in NAMES:
        *_, last = compare(read_image(original_path(name)), upscalers, has_original=True)
        Show(name, list(upscalers), write).panes(last)
        examples[name] = {method: asdict(scores) for method, scores in last.scores.items()}
        print(name, {m: round(s.today.psnr, 2) for m, s in last.scores.items()})
    stored = {"weights": weights_digests(weights), "examples": examples}
    _SCORES.write_text(json.dumps(stored, indent=1) + "\n")


def _stored(file: str) -> FileData:
    return FileData(path=str(EXAMPLES / file), orig_name=file, mime_type="image/png")


if __name__ == "__main__":
    renew(WEIGHTS)
