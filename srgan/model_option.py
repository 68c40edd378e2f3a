"""The option `--model NAME=FILE` of the commands; imports nothing that takes its time."""

import argparse
from pathlib import Path

HELP = (
    "add a network that enlarges four times: a weight file of srgan train, or .safetensors or .pth "
    "of another architecture, which needs the extra models; repeatable"
)


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """Let a command take networks by name; they come as a list of (name, file)."""
    parser.add_argument(
        "--model", action="append", type=_parse, default=[], metavar="NAME=FILE", help=HELP
    )


def _parse(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError(f"expected NAME=FILE, got {text!r}")
    return name, Path(file).absolute()  # a worker has a folder of its own
