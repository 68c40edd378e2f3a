"""Files of networks of other architectures: read safely, and taken if they enlarge four times."""

import hashlib
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from srgan.foreign import ForeignUpscaler, first_line
from srgan.images import SCALE

LACKING = (
    "{path} is no weight file of this package, and networks of others are read by spandrel, which "
    "is not installed: pip install '.[models]' in a checkout, else pip install 'srgan[models]'"
)


def load_foreign(path: str | Path, name: str = "Network") -> ForeignUpscaler:
    """Load a network of another architecture from .safetensors, or .pth without code in it.

    Raises:
        ValueError: It cannot be read safely, is of no architecture that spandrel knows, does not
            fit it, or is none that makes RGB pictures four times larger; names file and reason.
    """
    path = Path(path)
    try:
        import spandrel
    except ImportError:
        raise ValueError(LACKING.format(path=path)) from None
    weights = _read(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = spandrel.ModelLoader("cpu").load_from_state_dict(weights)
    except spandrel.UnsupportedModelError:
        raise ValueError(
            f"{path} holds a network of no architecture that is known here: neither ours nor one "
            "of spandrel's"
        ) from None
    except Exception as error:
        raise ValueError(
            f"{path} does not fit the architecture that it looks like ({first_line(error)})"
        ) from error
    what = model.architecture.name
    if not isinstance(model, spandrel.ImageModelDescriptor):
        raise ValueError(f"{path} ({what}) needs a mask beside the picture, and there is none here")
    if model.scale != SCALE:
        raise ValueError(
            f"{path} ({what}) enlarges {model.scale} times: only networks that enlarge {SCALE} "
            "times can be compared here"
        )
    if (model.input_channels, model.output_channels) != (3, 3):
        raise ValueError(
            f"{path} ({what}) makes {_channels(model.output_channels)} of "
            f"{_channels(model.input_channels)}: it must make 3 of 3, red, green and blue"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        return ForeignUpscaler(model, digest, name)
    except ValueError as error:
        raise ValueError(f"{path} ({what}) cannot be used: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    """Read weights by name; nothing that a file says is run."""
    try:
        return load_file(path)
    except (SafetensorError, OSError):
        pass  # a pickle, or broken
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(_unpickled(path, str(error))) from None
    except Exception as error:
        if "TorchScript" in str(error):
            raise ValueError(_unpickled(path, "GLOBAL TorchScript")) from None
        raise ValueError(f"{path} is broken, or no weight file ({first_line(error)})") from None
    if not isinstance(weights, dict):
        raise ValueError(f"{path} holds no weights, but an object of {type(weights).__name__}")
    return weights


def _unpickled(path: Path, problem: str) -> str:
    """Say why a pickle is refused: code in it, or damage."""
    with path.open("rb") as file:
        is_bare = file.read(1) == b"\x80"
    named = re.search(r"GLOBAL\W+([\w.]+)", problem)
    if named or is_bare and "Unsupported" in problem:
        what = f" ({named[1]})" if named else ""
        return (
            f"{path} is a pickle with more in it than weights{what}, which reading could run as "
            "code: it is not opened. Save the weights alone, best as .safetensors"
        )
    return f"{path} is broken, or no weight file ({problem.splitlines()[0][:120]})"


def _channels(count: int) -> str:
    return f"{count} channel" if count == 1 else f"{count} channels"
