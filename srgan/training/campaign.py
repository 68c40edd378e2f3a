"""The whole way in one command, `srgan train full`: SRResNet, then SRGAN from it, in slices.

Each stage is a run as any other, in a folder of its own; what is fixed here are its options. They
are what went furthest in seconds on the machine that the shipped weights come from, with the
budgets that a GPU affords.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.options import BUDGET, option

SHARED = ("images", "validation", "device", "precision", "compile", "cache_gb", "workers", "seed")
SHARED += ("blocks", "channels", "trackers")
COMMON = {"photos_on_device": True, "save_minutes": 2.0, "save_every": 1_000_000}
SRRESNET = {"optimizer": "muon", "beta2": 0.99, "patch": 192, "batch": 16, "evaluate_every": 2000}
SRGAN = {
    **{"features": "efficientnet-lite0", "discriminator": "heads", "gan": "hinge", "batch": 16},
    **{"patch": 128, "adversarial_ratio": 1.0, "discriminator_rate": 2e-4, "consistency": 0.3},
    **{"grid": 0.03, "evaluate_every": 1000},
}


@dataclass(frozen=True, kw_only=True)
class CampaignConfig:
    """What can be chosen about it; the shared options are `TrainConfig`'s."""

    srresnet_steps: int = option(BUDGET, "steps of SRResNet", 200_000)
    srgan_steps: int = option(BUDGET, "steps of SRGAN", 60_000)

    stage = "full"


def options() -> list[Any]:
    """Return the fields that are options of the command."""
    shared = [item for item in fields(TrainConfig) if item.name in (*SHARED, "out")]
    return [*shared, *fields(CampaignConfig)]


def stages(arguments: dict[str, Any]) -> list[TrainConfig]:
    """Return the runs, in their order, in the folders srresnet/ and srgan/ of `out`.

    Args:
        arguments: Value of each of `options`.

    Raises:
        ValueError: A value makes no sense.
    """
    out = Path(arguments["out"])
    common = {name: arguments[name] for name in SHARED} | COMMON
    first = TrainConfig(
        out=str(out / "srresnet"), steps=arguments["srresnet_steps"], **common, **SRRESNET
    )
    init = str(out / "srresnet" / "srresnet.safetensors")
    second = SRGANConfig(
        out=str(out / "srgan"), init=init, steps=arguments["srgan_steps"], **common, **SRGAN
    )
    return [first, second]
