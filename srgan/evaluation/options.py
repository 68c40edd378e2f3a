"""The options of `srgan evaluate`."""

import argparse
from pathlib import Path

from srgan import fleet
from srgan.evaluation.report import DISTANCE, MEASURES, NIQE
from srgan.evaluation.yardsticks import DEFAULT
from srgan.model_option import add_model_option
from srgan.upscale import PLAIN
from srgan.weights import NETWORKS, WEIGHTS

METHODS = tuple(name.lower() for name in (*(plain.name for plain in PLAIN), *NETWORKS))
DESCRIPTION = """\
Score methods on sets of images and print a table a set, beside the paper's published rows.
A set is a folder of photos, which are cropped to multiples of 4 and shrunk as MATLAB does, or a
folder with HR/ and LR/, whose files go together by name.
With --not-in, score nothing: look for copies of the images among training photos."""
EXIT_CODES = """\
Exit code: 0 when all went well; 1 when --check finds something worse or --not-in a copy; 2 for a
wrong command, folder or file: a broken one is named and left out, and the rest goes on."""


def options(program: str) -> argparse.ArgumentParser:
    """Return what understands the options."""
    parser = argparse.ArgumentParser(
        program,
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--images", nargs="+", type=Path, required=True, metavar="DIR", help="sets, one a folder")
    add("--weights", type=Path, default=WEIGHTS, metavar="DIR", help=f"default: {WEIGHTS}")
    choices = (*METHODS, "original")
    methods = f"default: {' '.join(METHODS)}; original: the originals themselves"
    add("--methods", nargs="+", choices=choices, metavar="METHOD", help=methods)
    add_model_option(parser)
    outputs = "also measure pictures that another program made: DIR/<set>/<image>.png, or "
    outputs += "DIR/<image>.png for a single set"
    add("--outputs", nargs="+", type=_output, default=[], metavar="NAME=DIR", help=outputs)
    perceptual = "also measure NIQE and the distance of feature maps in these networks, whose "
    perceptual += f"names are in srgan/evaluation/distances.py; none named: {DEFAULT}; niqe: NIQE "
    perceptual += "alone. FILE: the network's weights. The originals are a method then, too"
    add("--perceptual", nargs="*", metavar="NETWORK[=FILE]", help=perceptual)
    precision = "default: fp32, as weight files are judged"
    add("--precision", choices=("auto", "bf16", "fp32"), default="fp32", help=precision)
    add("--markdown", action="store_true", help="print the tables in Markdown")
    add("--json", type=Path, metavar="FILE", help="write settings and means")
    add("--csv", type=Path, metavar="FILE", help="write every image's scores by every method")
    save = "write the outputs as DIR/<set>/<image>_<method>_x4.png, over those of another run"
    add("--save-images", type=Path, metavar="DIR", help=save)
    check = "hold the results to those of an earlier --json and name what is worse by more than "
    tolerances = {**MEASURES, "niqe": NIQE, "distance": DISTANCE}
    check += ", ".join(f"{measure.tolerance:g} ({key})" for key, measure in tolerances.items())
    add("--check", type=Path, metavar="FILE", help=check)
    not_in = "only look for the images among these photos, by fingerprint, and name each one found"
    add("--not-in", nargs="+", type=Path, metavar="DIR", help=not_in)
    fleet.add_options(parser)
    return parser


def _output(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"expected NAME=DIR, got {text!r}")
    return name, Path(folder)
