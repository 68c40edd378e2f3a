"""The two networks in three lines: load one, give it a picture, have it four times larger."""

from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from srgan.alpha import enlarge_alpha
from srgan.enlarging import enlarge_picture
from srgan.images import ImageError
from srgan.models import Generator
from srgan.reading import take_picture
from srgan.upscale import NetworkUpscaler, Precision, finish
from srgan.weights import NETWORKS, WEIGHTS, load_weights

Given = TypeVar("Given", PIL.Image.Image, NDArray[np.uint8])
_GRAY = ("L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")


class Pretrained:
    """A generator and what enlarges whole pictures with it.

    Args:
        generator: The network; its weights of this moment count.
        precision: "fp32" is exact, see `srgan.upscale.NetworkUpscaler`.
        device: Where it computes, "cuda" or "cpu"; None takes a GPU if there is one.
    """

    name: ClassVar[str]

    def __init__(
        self, generator: Generator, precision: Precision = "auto", device: str | None = None
    ) -> None:
        self.generator = generator
        self._upscaler = NetworkUpscaler(generator, precision=precision, device=device)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        precision: Precision = "auto",
        device: str | None = None,
        **options: Any,  # noqa: ANN401 - huggingface_hub's own
    ) -> Self:
        """Load weights: the shipped ones, for which no network is needed, unless told otherwise.

        Args:
            source: A weight file, a folder with `model.safetensors`, or the name of a repository
                of the Hugging Face Hub, "USER/NAME".
            precision: See the class.
            device: See the class.
            options: For a repository: revision, token, cache_dir, local_files_only, …

        Raises:
            ValueError: There is nothing of that name, or it does not fit; names it and the reason.
        """
        path = WEIGHTS / NETWORKS[cls.name] if source is None else Path(source)
        if path.is_file() or path.suffix == ".safetensors":
            return cls(load_weights(path), precision, device)
        return cls(Generator.from_pretrained(str(source), **options), precision, device)

    def enlarge(self, image: Given) -> Given:
        """Enlarge a picture four times in each direction.

        Args:
            image: A picture of Pillow's, of any mode and colour profile, or (h, w, 3), (h, w, 4)
                or (h, w) uint8 in sRGB.

        Returns:
            The same kind: (4h, 4w, …) uint8 for an array, L, LA, RGB or RGBA in sRGB for a picture,
            turned upright as its EXIF data says. Transparency is kept.

        Raises:
            ImageError: It cannot be enlarged; says why.
        """
        if isinstance(image, PIL.Image.Image):
            return self._enlarge(image)
        array = np.asarray(image)
        if array.dtype != np.uint8 or not _is_picture(array.shape):
            got = f"{array.dtype} of shape {array.shape}"
            raise ImageError(f"A picture is uint8 of (h, w, 3), (h, w, 4) or (h, w), got {got}.")
        return np.array(self._enlarge(PIL.Image.fromarray(array)))

    def _enlarge(self, image: PIL.Image.Image) -> PIL.Image.Image:
        picture = take_picture(image)
        sr = PIL.Image.fromarray(finish(enlarge_picture(picture, self._upscaler)))
        if image.mode in _GRAY:
            sr = sr.getchannel("G")
        if picture.alpha is not None:
            sr.putalpha(PIL.Image.fromarray(enlarge_alpha(picture.alpha)))
        elif image.mode in ("LA", "La", "RGBA", "RGBa"):
            sr.putalpha(255)
        return sr

    def save_pretrained(self, folder: str | Path, **options: Any) -> None:  # noqa: ANN401
        """Write weights, their size and a card into a folder that `from_pretrained` takes."""
        self.generator.save_pretrained(folder, **options)

    def push_to_hub(self, repository: str, **options: Any) -> str:  # noqa: ANN401
        """Upload what `save_pretrained` writes to "USER/NAME"; returns the commit's address."""
        return self.generator.push_to_hub(repository, **options)


class SRResNet(Pretrained):
    """Trained on the squared error: close to the original, and soft."""

    name = "SRResNet"


class SRGAN(Pretrained):
    """Trained further against a discriminator: sharp, and farther from the original."""

    name = "SRGAN"


def _is_picture(shape: tuple[int, ...]) -> bool:
    return min(shape, default=0) > 0 and (len(shape) == 2 or len(shape) == 3 and shape[2] in (3, 4))
