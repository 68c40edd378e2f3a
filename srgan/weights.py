"""Weights by name: where the shipped ones lie, and a generator from any weight file."""

from pathlib import Path

from srgan.models import Generator
from srgan.weight_files import FORMAT, fill, read_card, read_shape, save_weights, weights_digest

__all__ = ["FORMAT", "weights_digest", "load_weights", "read_card", "save_weights"]
NETWORKS = {"SRResNet": "srresnet/model.safetensors", "SRGAN": "srgan/model.safetensors"}


def shipped() -> Path:
    """Return the folder of the shipped weights, in a checkout and in an installation alike."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped"  # where the wheel puts it
    return installed if installed.is_dir() else package.parent / "weights"


WEIGHTS = shipped()


def weight_file(folder: str | Path, name: str) -> Path:
    """Return where a folder keeps the weights of "srresnet" or "srgan", in any case.

    It is `NAME/model.safetensors`, as shipped, or `NAME.safetensors`, as training writes it.
    """
    name = name.lower()
    nested = Path(folder) / name / "model.safetensors"
    return nested if nested.parent.is_dir() else Path(folder) / f"{name}.safetensors"


def load_weights(path: str | Path) -> Generator:
    """Rebuild the generator of a weight file, in evaluation mode on the CPU.

    Nothing is loaded loosely: every entry of the network must be there with its shape, and nothing
    else. Pickles (`.pth`, `.pt`) are never opened, since reading one can run code.

    Raises:
        ValueError: Missing, unexpected or misshapen entries, a foreign model, a broken file or a
            pickle; names the file and the reason.
    """
    generator = Generator(**read_shape(path))
    fill(generator, path)
    return generator.eval()
