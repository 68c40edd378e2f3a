"""Weight files: one generator as safetensors, strict by name and shape, with a card inside."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

FAMILY = "srgan."  # all formats of this package begin with it
FORMAT = f"{FAMILY}Generator 1"  # stored in the file; another value means another network


def save_weights(generator: nn.Module, path: str | Path, card: Mapping[str, str]) -> None:
    """Write a generator and its card (what it is, how it was trained) into one safetensors file.

    Args:
        generator: Stored in fp32, as plain parameters and BN statistics.
        path: The file; replaced in one step, so a reader never sees half of it.
        card: Strings for the file's metadata, read back by `read_card`.
    """
    path = Path(path)
    shape = {"format": FORMAT, "blocks": str(generator.blocks), "channels": str(generator.channels)}
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(save(_tensors(generator), metadata={**card, **shape}))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def weights_digest(generator: nn.Module) -> str:
    """Return the sha256 of a generator's weights in fp32, wherever they came from."""
    return hashlib.sha256(save(_tensors(generator))).hexdigest()


def read_card(path: str | Path) -> dict[str, str]:
    """Return the strings stored beside the weights; reads no tensor.

    Raises:
        ValueError: The file is not a weight file of this package; names it and the reason.
    """
    with _open(Path(path)) as (card, _):
        return card


def is_own(path: str | Path) -> bool:
    """Tell whether a file says that it is of this package, whatever else may be wrong with it.

    Raises:
        ValueError: There is no such file; names it.
    """
    path = Path(path)
    _must_be_file(path)
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format", "").startswith(FAMILY)
    except (SafetensorError, OSError):
        return False


def read_shape(path: str | Path) -> dict[str, int]:
    """Return how large a file's generator is: "blocks" and "channels"; reads no tensor.

    Raises:
        ValueError: The file is not a weight file of this package; names it and the reason.
    """
    card = read_card(path)
    try:
        return {key: int(card[key]) for key in ("blocks", "channels")}
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} does not say how large its generator is ({error})") from None


def fill(generator: nn.Module, path: str | Path) -> None:
    """Give a generator the weights of a file.

    Raises:
        ValueError: Missing, unexpected or misshapen entries, or not a weight file of this package;
            names the file and the reason.
    """
    with _open(Path(path)) as (_, file):
        tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - not a dict
    expected = generator.state_dict()
    missing, unexpected = expected.keys() - tensors.keys(), tensors.keys() - expected.keys()
    misshapen = [
        f"{k} is {tuple(tensors[k].shape)} and must be {tuple(v.shape)}"
        for k, v in expected.items()
        if k in tensors and tensors[k].shape != v.shape
    ]
    problems = [f"missing {_some(missing)}"] if missing else []
    problems += [f"unexpected {_some(unexpected)}"] if unexpected else []
    problems += [_some(misshapen)] if misshapen else []
    if problems:
        raise ValueError(f"{path} does not fit the generator: {'; '.join(problems)}")
    generator.load_state_dict(tensors)


def _tensors(generator: nn.Module) -> dict[str, torch.Tensor]:
    tensors = {k: v.detach().cpu().contiguous() for k, v in generator.state_dict().items()}
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


@contextmanager
def _open(path: Path) -> Iterator[tuple[dict[str, str], safe_open]]:
    _must_be_file(path)
    try:
        file = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        # Only now: a sound file may begin with the same bytes, which count its header's length.
        if _is_pickle(path):
            reason = "is a pickle, which can run code: only .safetensors is read"
        else:
            reason = f"is not a complete safetensors file ({error})"
        raise ValueError(f"{path} {reason}") from None
    with file:
        card = dict(file.metadata() or {})
        if card.get("format") != FORMAT:
            raise ValueError(
                f"{path} holds another model: its format is "
                f"{card.get('format', 'not stated')!r}, expected {FORMAT!r}"
            )
        yield card, file


def _must_be_file(path: Path) -> None:
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {problem}: expected a weight file (.safetensors)")


def _is_pickle(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        start = file.read(2)
        return start == b"PK" or start[:1] == b"\x80"
    return False


def _some(found: Iterable[str]) -> str:
    names = sorted(found)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
