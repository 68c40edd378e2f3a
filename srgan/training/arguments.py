"""The command line of `srgan.train`, made of the fields of its configs."""

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, fields

from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.options import FILES, GROUPS

STAGES = {
    TrainConfig: "learn from the squared error, or from features: high PSNR, soft pictures",
    SRGANConfig: "go on with a content and an adversarial loss: sharp pictures, lower PSNR",
}
SYSTEMS = """
The five systems of the paper's Table 1:
  SRResNet-MSE    srresnet …
  SRResNet-VGG22  srresnet … --features vgg19-22 --total-variation 2e-8
  SRGAN-MSE       srgan … --init runs/a/srresnet.safetensors --features mse
  SRGAN-VGG22     srgan … --init runs/a/srresnet.safetensors --features vgg19-22
  SRGAN-VGG54     srgan … --init runs/a/srresnet.safetensors

Several GPUs or machines:  accelerate launch -m srgan.train srresnet …
"""


def parse(
    argv: Sequence[str] | None, program: str = "python -m srgan.train"
) -> tuple[TrainConfig, bool]:
    """Read a command line into a config and whether to resume; exits as argparse does."""
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
        _add_options(stage, config)
    arguments = vars(parser.parse_args(argv))
    chosen = {config.stage: config for config in STAGES}[arguments.pop("stage")]
    resume = arguments.pop("resume")
    try:
        return chosen(**arguments), resume
    except ValueError as error:
        parser.error(str(error))


def _add_options(parser: argparse.ArgumentParser, config: type[TrainConfig]) -> None:
    used = {item.metadata["group"] for item in fields(config)}
    groups = {name: parser.add_argument_group(name) for name in GROUPS if name in used}
    for item in fields(config):
        argument = dict(item.metadata)
        group = groups[argument.pop("group")]
        if item.default is not MISSING:
            argument["default"] = item.default
        group.add_argument(f"--{item.name.replace('_', '-')}", **argument)
    groups[FILES].add_argument(
        "--resume",
        action="store_true",
        help="go on with the interrupted run in --out, given the same options: bit for bit as if "
        "nothing had happened (on a CPU in fp32, with a budget in steps)",
    )
