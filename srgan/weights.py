"""Weight files: one generator as safetensors, strict by name and shape, with a card inside."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from srgan.models import Generator

FORMAT = "srgan.Generator 1"  # stored in the file; another value means another network


def save_weights(generator: Generator, path: str | Path, card: Mapping[str, str]) -> None:
    """Write a generator and its card (what it is, how it was trained) into one safetensors file.

    Args:
        generator: Stored in fp32, as plain parameters and BN statistics.
        path: The file; replaced in one step, so a reader never sees half of it.
        card: Strings for the file's metadata, read back by `read_card`.
    """
    path = Path(path)
    shape = {"format": FORMAT, "blocks": str(generator.blocks), "channels": str(generator.channels)}
    tensors = {k: v.detach().cpu().contiguous() for k, v in generator.state_dict().items()}
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(save(tensors, metadata={**card, **shape}))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_card(path: str | Path) -> dict[str, str]:
    """Return the strings stored beside the weights; reads no tensor.

    Raises:
        ValueError: The file is not a weight file of this package; names it and the reason.
    """
    return _open(Path(path))[0]


def load_weights(path: str | Path) -> Generator:
    """Rebuild the generator of a weight file, in evaluation mode on the CPU.

    Nothing is loaded loosely: every entry of the network must be there with its shape, and nothing
    else. Pickles (`.pth`, `.pt`) are never opened, since reading one can run code.

    Raises:
        ValueError: Missing, unexpected or misshapen entries, a foreign model, a broken file or a
            pickle; names the file and the reason.
    """
    path = Path(path)
    card, tensors = _open(path)
    generator = Generator(int(card["blocks"]), int(card["channels"]))
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
    return generator.eval()


def _open(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not path.is_file():
        raise ValueError(f"{path} does not exist: expected a weight file (.safetensors)")
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"PK" or start[:1] == b"\x80":
        raise ValueError(f"{path} is a pickle, which can run code: only .safetensors is read")
    try:
        with safe_open(path, framework="pt") as file:
            card = dict(file.metadata() or {})
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is not a complete safetensors file ({error})") from None
    if card.get("format") != FORMAT:
        raise ValueError(
            f"{path} holds another model: its format is {card.get('format', 'not stated')!r}, "
            f"expected {FORMAT!r}"
        )
    return card, tensors


def _some(names: object) -> str:
    names = sorted(names)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
