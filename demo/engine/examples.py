"""The built-in photos with their precomputed outputs, renewed by `python -m demo.engine.examples`.

Run it after every change of the weights or the scores: the page shows what is stored here.
"""

import functools
import hashlib
import json
from pathlib import Path

from demo.engine.comparison import Comparison, compare
from demo.engine.scores import Scores
from srgan.images import SCALE, Image, write_png
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


def small_images() -> list[Image]:
    """Read the small images of all examples."""
    return [read_image(small_path(name)) for name in NAMES]


def output_path(name: str, method: str) -> Path:
    """Return the file of what a method made of an example."""
    return EXAMPLES / f"{name}_{method.lower()}_x{SCALE}.png"


def stored_digests() -> dict[str, str]:
    """Return the sha256 of the weights that made the stored outputs, by file."""
    return json.loads(_SCORES.read_text())["weights"]


@functools.cache
def load_example(name: str) -> Comparison:
    """Return an example from stored files; of all six the pictures take 7 MiB, once."""
    stored = json.loads(_SCORES.read_text())["examples"][name]
    scores = {method: Scores.model_validate(values) for method, values in stored.items()}
    images = {method: read_image(output_path(name, method)) for method in scores}
    lr, hr = read_image(small_path(name)), read_image(original_path(name))
    return Comparison(lr, hr, images, scores=scores)


def weights_digests(weights: Path = WEIGHTS) -> dict[str, str]:
    """Return the sha256 of each weight file of a folder, by name."""
    return {f: hashlib.sha256((weights / f).read_bytes()).hexdigest() for f in NETWORKS.values()}


def renew(weights: Path) -> None:
    """Recompute the outputs and scores of every example with the weights of a folder, in fp32."""
    upscalers = load_upscalers(weights, precision="fp32")
    examples = {}
    for name in NAMES:
        start = Comparison.of(read_image(original_path(name)), has_original=True)
        *_, last = compare(start, upscalers)
        write_png(last.lr, small_path(name))
        write_png(last.hr, original_path(name))
        for method, image in last.images.items():
            write_png(image, output_path(name, method))
        examples[name] = {method: scores.plain() for method, scores in last.scores.items()}
        print(name, {m: round(s.psnr_today, 2) for m, s in last.scores.items()})
    stored = {"weights": weights_digests(weights), "examples": examples}
    _SCORES.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    renew(WEIGHTS)
