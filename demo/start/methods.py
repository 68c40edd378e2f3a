"""Which methods a page has: the shipped ones, those that were added, without those left out."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from demo.blind.pictures import NO_RIVALS, Rivals
from demo.compare import zero_gpu
from demo.engine.cache import Cache
from demo.engine.examples import small_images, weights_digests
from demo.start import StartError
from demo.viewer.gallery import STORED, Gallery
from srgan.interpolation import load_dial
from srgan.own_models import OwnModel, key_of, load_models
from srgan.upscale import NETWORKS, WEIGHTS, Precision, Upscaler, load_upscalers


class Methods(NamedTuple):
    """What `demo.page.build_page` needs of them, by its names."""

    upscalers: Sequence[Upscaler]
    dial: Callable[[float], Upscaler] | None
    gallery: Gallery = STORED
    weights: dict[str, str] | None = None
    rivals: Rivals = NO_RIVALS


def find_methods(
    given: Sequence[tuple[str, Path]],
    only: Sequence[str],
    precision: Precision,
    folder: Path,
    cache: Cache,
) -> Methods:
    """Load the methods, and compute the built-in photos by those that were added.

    Args:
        given: Names and files of networks to add.
        only: Names of the methods to be shown; empty for all.
        precision: Of networks of our own architecture.
        folder: For pictures of the built-in photos, as long as the process lives.
        cache: What was computed before.

    Raises:
        StartError: A name or a file cannot be used, or there is no such method.
    """
    try:
        models = load_models(given, precision)
        shipped = load_upscalers(WEIGHTS, precision)
        dial = load_dial(WEIGHTS, precision, small_images)
    except ValueError as error:
        raise StartError(str(error)) from error
    for model in models:
        _say(f"Model {model.name}: {model.about}")
    chosen = _chosen([*shipped, *(model.upscaler for model in models)], only)
    names = [upscaler.name for upscaler in chosen]
    models = [model for model in models if model.name in names]
    gallery = Gallery(names) if models or only else STORED
    if models:
        _say("The built-in photos are computed by what was added …")
        gallery.make([model.upscaler for model in models], folder, cache)
    upscalers, lent_dial = zero_gpu.borrow(chosen, dial)
    return Methods(
        upscalers,
        lent_dial if {*NETWORKS} <= {*names} else None,
        gallery,
        _weights(models, names),
        Rivals.of({model.name: model.digest for model in models}, gallery.picture),
    )


def _chosen(upscalers: Sequence[Upscaler], only: Sequence[str]) -> list[Upscaler]:
    known = {key_of(upscaler.name): upscaler.name for upscaler in upscalers}
    for name in only:
        if key_of(name) not in known:
            raise StartError(f"--only {name!r}: there are {', '.join(known.values())}.")
    keys = {key_of(name) for name in only or known}
    return [upscaler for upscaler in upscalers if key_of(upscaler.name) in keys]


def _weights(models: Sequence[OwnModel], names: Sequence[str]) -> dict[str, str]:
    shipped = {NETWORKS[name] for name in names if name in NETWORKS}
    digests = {file: digest for file, digest in weights_digests().items() if file in shipped}
    return digests | {f"{model.name} ({model.file.name})": model.digest for model in models}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - for who starts it
