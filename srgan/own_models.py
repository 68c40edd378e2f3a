"""Networks that whoever starts a command adds to the methods: `--model NAME=FILE`."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from srgan.foreign_files import load_foreign
from srgan.upscale import BICUBIC, NEAREST, NetworkUpscaler, Precision, Upscaler
from srgan.weight_files import is_own
from srgan.weights import NETWORKS, load_weights

LONGEST = 32
NAME = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{{0,{LONGEST - 2}}}[A-Za-z0-9])?")
# By key: methods there are, and what else stands beside them on the page.
TAKEN = (NEAREST.name, BICUBIC.name, *NETWORKS, "Original", "Input", "Small", "Dial")


class OwnModel(NamedTuple):
    """A network that was added."""

    name: str  # what people read
    file: Path
    digest: str  # sha256 of the file
    about: str  # what kind of network it is
    upscaler: Upscaler


def key_of(method: str) -> str:
    """Return what names a method in the page and in names of files, such as "srgan"."""
    return re.sub(r"[^\w.]+", "_", method.lower())


def check_names(names: Iterable[str]) -> None:
    """Refuse what cannot be a name of a method beside those that there are.

    Raises:
        ValueError: A name is badly formed, or taken; names it and the reason.
    """
    taken = {key_of(name): name for name in TAKEN}
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError(
                f"--model cannot be called {name!r}: a name has 1 to {LONGEST} letters, digits, "
                "spaces and . _ - and begins and ends with a letter or digit (of ASCII)"
            )
        key = key_of(name)
        if key in taken or key.startswith("dial_"):
            other = taken.get(key, "Dial")
            raise ValueError(f"--model cannot be called {name!r}: {other!r} is there already")
        taken[key] = name


def load_models(given: Sequence[tuple[str, Path]], precision: Precision = "auto") -> list[OwnModel]:
    """Load networks by name and file; names are looked at before any file.

    Args:
        given: Names and files.
        precision: Of networks of our own architecture; others run in fp32.

    Raises:
        ValueError: A name or a file cannot be used; names it and the reason.
    """
    check_names(name for name, _ in given)
    return [_load(name, file, precision) for name, file in given]


def _load(name: str, file: Path, precision: Precision) -> OwnModel:
    if is_own(file):
        generator = load_weights(file)
        about = f"our network with {generator.blocks} blocks of {generator.channels} channels"
        upscaler: Upscaler = NetworkUpscaler(generator, precision=precision, name=name)
    else:
        foreign = load_foreign(file, name)
        about, upscaler = foreign.about, foreign
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return OwnModel(name, file, digest, about, upscaler)
