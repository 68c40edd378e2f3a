"""What a run's weight file says of how it was made."""

from datetime import UTC, datetime

import torch

from srgan import __version__
from srgan.data import Photos
from srgan.training.config import TrainConfig
from srgan.weights import read_card


def describe(
    config: TrainConfig, step: int, photos: Photos, validation: Photos, psnr: float
) -> dict[str, str]:
    """Make the card: what was learned from and how, and the last validation score `psnr` [dB]."""
    card = {
        "model": {"srresnet": "SRResNet", "srgan": "SRGAN"}[config.stage],
        "steps": str(step),
        "features": config.features,
        "data": f"{config.images}: {_count(photos)}",
        "validation": f"{validation.folder}: {psnr:.3f} dB PSNR, today's protocol, "
        f"{validation.usable} photos",
        "config": config.to_json(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": f"srgan {__version__}, torch {torch.__version__}",
    }
    if config.init:
        card["init"] = f"{config.init}: {read_card(config.init).get('steps', 'unknown')} steps"
    return card


def _count(photos: Photos) -> str:
    lost = len(photos) - photos.usable
    loss = f" ({lost} more could not be read any more)" if lost else ""
    return f"{photos.usable} photos, {photos.megapixels:.0f} megapixels{loss}"
