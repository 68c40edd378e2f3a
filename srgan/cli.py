"""The command `srgan`: each subcommand is a module's `main(argv, program)`, imported when used."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from srgan import __version__

# Module and purpose. By name, since the package may not know the page.
COMMANDS = {
    "demo": ("demo.start.command", "open the page that puts the methods side by side"),
    "enlarge": ("srgan.enlarge_files", "enlarge pictures and folders of pictures four times"),
    "train": ("srgan.train", "train SRResNet, and SRGAN from it"),
    "evaluate": ("srgan.evaluate", "score the methods on sets of images"),
}
LACKING = "srgan {command} needs {package}, which is not installed: pip install 'srgan[{extra}]'"


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command line; returns the exit code, None for 0."""
    typed = list(sys.argv[1:] if argv is None else argv)
    purposes = "\n".join(f"  {name:10}{purpose}" for name, (_, purpose) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        "srgan",
        description="Photos four times larger, by bicubic, SRResNet and SRGAN.",
        epilog=f"commands:\n{purposes}\n\n`srgan COMMAND --help` explains its options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"srgan {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    command = parser.parse_args(typed[:1]).command
    try:
        module = import_module(COMMANDS[command][0])
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if command != "train" or package in ("srgan", "demo", ""):
            raise
        print(LACKING.format(command=command, package=package, extra="train"), file=sys.stderr)
        return 2
    return module.main(typed[1:], f"srgan {command}")


if __name__ == "__main__":
    sys.exit(main())
