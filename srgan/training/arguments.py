"""The command line of `srgan.train`, made of the fields of its configs."""

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from typing import NamedTuple

from srgan.training import campaign
from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.options import BUDGET, FILES, GROUPS

STAGES = {
    TrainConfig: "learn from the squared error, or from features: high PSNR, soft pictures",
    SRGANConfig: "go on with a content and an adversarial loss: sharp pictures, lower PSNR",
}
FULL = "the whole way: SRResNet, then SRGAN from it; goes on where it stopped"
SYSTEMS = """
The five systems of the paper's Table 1:
  SRResNet-MSE    srresnet …
  SRResNet-VGG22  srresnet … --features vgg19-22 --total-variation 2e-8
  SRGAN-MSE       srgan … --init runs/a/srresnet.safetensors --features mse
  SRGAN-VGG22     srgan … --init runs/a/srresnet.safetensors --features vgg19-22
  SRGAN-VGG54     srgan … --init runs/a/srresnet.safetensors

Several GPUs or machines:  accelerate launch -m srgan.train srresnet …
"""


class Typed(NamedTuple):
    """What a command line asks for."""

    stages: list[TrainConfig]  # runs, in their order
    resume: bool | None  # interrupted ones; None: where there is one
    minutes: float | None  # stop after so many of this call's


def parse(argv: Sequence[str] | None, program: str = "python -m srgan.train") -> Typed:
    """Read a command line; exits as argparse does."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train SRResNet, or SRGAN from it. `srresnet --help` and `srgan --help` "
        "explain every option.",
        epilog=SYSTEMS,
        formatter_class=layout,
    )
    stages = parser.add_subparsers(dest="stage", required=True)
    for config, purpose in STAGES.items():
        stage = stages.add_parser(config.stage, help=purpose, description=purpose, epilog=SYSTEMS)
        stage.formatter_class = layout
        groups = _add_options(stage, fields(config))
        groups[FILES].add_argument(
            "--resume",
            action="store_true",
            help="go on with the interrupted run in --out, given the same options: bit for bit as "
            "if nothing had happened (on a CPU in fp32, with a budget in steps)",
        )
    full = stages.add_parser("full", help=FULL, description=FULL + ". " + campaign.__doc__)
    _add_options(full, campaign.options())
    arguments = vars(parser.parse_args(argv))
    name, minutes = arguments.pop("stage"), arguments.pop("slice")
    chosen = {config.stage: config for config in STAGES}.get(name)
    try:
        if chosen is None:
            return Typed(campaign.stages(arguments), None, minutes)
        resume = arguments.pop("resume")
        return Typed([chosen(**arguments)], resume, minutes)
    except ValueError as error:
        parser.error(str(error))


def _add_options(
    parser: argparse.ArgumentParser, options: Sequence[Field]
) -> dict[str, argparse._ArgumentGroup]:
    used = {item.metadata["group"] for item in options}
    groups = {name: parser.add_argument_group(name) for name in GROUPS if name in used}
    for item in options:
        argument = dict(item.metadata)
        group = groups[argument.pop("group")]
        if item.default is not MISSING:
            argument["default"] = item.default
        group.add_argument(f"--{item.name.replace('_', '-')}", **argument)
    groups[BUDGET].add_argument(
        "--slice",
        type=float,
        metavar="MINUTES",
        help="save and stop after so many minutes of this call, with status 130",
    )
    return groups
