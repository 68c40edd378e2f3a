"""Scores of the methods over folders of images, in the tables of the model card.

`srgan evaluate --images DIR [DIR ...]`; the protocols are those of `srgan.metrics`.
"""

import argparse
import hashlib
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import PIL
import torch

from srgan.evaluation.fingerprint import find_copies
from srgan.evaluation.image_sets import ImageSet, find_set, image_name
from srgan.evaluation.outputs import Outputs
from srgan.evaluation.report import (
    DISTANCE,
    FORMAT,
    MEASURES,
    NIQE,
    legend,
    overall,
    read_json,
    set_table,
    worse,
    write_csv,
    write_json,
)
from srgan.evaluation.yardsticks import DEFAULT, Yardstick, load_yardsticks
from srgan.images import SCALE, Image, write_png
from srgan.metrics import agreement, colour_shift, detail, paper_score, score
from srgan.spectrum import grid_peaks
from srgan.upscale import Plain, Precision, Upscaler, load_upscaler
from srgan.weights import NETWORKS, WEIGHTS, read_card, weight_file

METHODS = ("nearest", "bicubic", "srresnet", "srgan")
DESCRIPTION = """\
Score methods on sets of images and print a table a set, beside the paper's published rows.
A set is a folder of photos, which are cropped to multiples of 4 and shrunk as MATLAB does, or a
folder with HR/ and LR/, whose files go together by name.
With --not-in, score nothing: look for copies of the images among training photos."""
EXIT_CODES = """\
Exit code: 0 when all went well; 1 when --check finds something worse or --not-in a copy; 2 for a
wrong command, folder or file: a broken one is named and left out, and the rest goes on."""


def measure(sr: Image, hr: Image, lr: Image) -> dict[str, float]:
    """Measure a restored image, (4h, 4w, 3) as the original, made from (h, w, 3).

    Returns:
        A value for each key of `report.MEASURES`.
    """
    today, paper, grid = score(sr, hr), paper_score(sr, hr), grid_peaks(sr)
    values = (*today, *paper, detail(sr, hr), agreement(sr, lr), colour_shift(sr, lr), *grid)
    return dict(zip(MEASURES, values, strict=True))


def evaluate(
    image_set: ImageSet,
    upscalers: Mapping[str, Upscaler],
    save: Path | None = None,
    outputs: Mapping[str, Outputs] = MappingProxyType({}),
    yardsticks: Mapping[str, Yardstick] = MappingProxyType({}),
) -> dict[str, Any]:
    """Measure methods on a set; an entry of the results' "sets" (see `srgan.evaluation.report`).

    Args:
        image_set: What to measure on.
        upscalers: Methods by name; a method "original" is given the original instead.
        save: Folder for the outputs, `<set>/<image>_<method>_x4.png`; replaced if there.
        outputs: Methods by name whose pictures are ready.
        yardsticks: Perceptual measures by name.

    Returns:
        An image that cannot be read, made or scored is left out for all methods and named on
        stderr; "left_out" has the reasons by name.

    Raises:
        ValueError: No image could be measured.
    """
    methods = [*upscalers, *outputs]
    values: dict[str, dict[str, dict[str, float]]] = {method: {} for method in methods}
    left_out: dict[str, str] = {}

    def enlarge(method: str, name: str, hr: Image, lr: Image) -> Image:
        if method in outputs:
            return outputs[method].read(image_set.name, name, hr)
        return hr if method == "original" else upscalers[method](lr)

    for i, (path, _) in enumerate(image_set.pairs):
        measured, name = {}, image_name(path)
        try:
            _, hr, lr = image_set.load(i)
            for method in methods:
                _progress(f"{image_set.name}  {i + 1} of {len(image_set.pairs)}  {name}  {method}")
                sr = enlarge(method, name, hr, lr)
                perceptual = {key: stick.measure(sr, hr) for key, stick in yardsticks.items()}
                measured[method] = measure(sr, hr, lr) | perceptual
                if save:
                    (save / image_set.name).mkdir(parents=True, exist_ok=True)
                    write_png(sr, save / image_set.name / f"{name}_{method}_x{SCALE}.png")
        except ValueError as error:
            left_out[name] = str(error)
            _progress("")
            print(f"{image_set.name}: left out {name}: {error}", file=sys.stderr, flush=True)
            continue
        for method in methods:
            values[method][name] = measured[method]
    _progress("")
    if len(left_out) == len(image_set.pairs):
        raise ValueError(f"{image_set.name}: no image could be measured")
    entries = {method: {**overall(v), "images": v} for method, v in values.items()}
    result = {"images": len(image_set.pairs) - len(left_out), "lr": image_set.lr}
    return result | {"methods": entries} | ({"left_out": left_out} if left_out else {})


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


def load_methods(
    methods: Sequence[str], weights: Path, precision: Precision
) -> dict[str, Upscaler]:
    """Make the upscalers of `METHODS` or "original" by name; loads only the weights they need.

    Raises:
        ValueError: A weight file is missing or does not fit; names it.
    """
    return {
        method: Plain("Original", lambda lr: lr)
        if method == "original"
        else load_upscaler(method, weights, precision)
        for method in methods
    }


def describe(methods: Sequence[str], weights: Path, precision: str) -> dict[str, Any]:
    """Say what results were made with: weight files, precision, versions, machine."""
    networks = [name.lower() for name in NETWORKS if name.lower() in methods]
    files = {name: weight_file(weights, name) for name in networks}
    return {
        "format": FORMAT,
        "precision": precision,
        "weights": {
            method: {
                "file": path.relative_to(weights).as_posix(),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "card": read_card(path),
            }
            for method, path in files.items()
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
        "machine": {
            "system": platform.platform(),
            "processor": torch.cpu.get_capabilities().get("cpu_name") or platform.processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
    }


def main(argv: Sequence[str] | None = None, program: str = "python -m srgan.evaluate") -> int:
    """Run the command line; returns the exit code."""
    parser = _parser(program)
    args = parser.parse_args(argv)
    try:
        image_sets = [find_set(folder) for folder in args.images]
        names = [image_set.name for image_set in image_sets]
        if len(set(names)) < len(names):
            raise ValueError(f"two sets have the same name ({', '.join(names)}): rename a folder")
        if args.not_in:
            return _report_copies(image_sets, args.not_in)
        return _report_scores(image_sets, args)
    except (ValueError, OSError) as error:
        _progress("")
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _progress("")
        print("stopped", file=sys.stderr)
        return 130


def _parser(program: str) -> argparse.ArgumentParser:
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
    return parser


def _output(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"expected NAME=DIR, got {text!r}")
    return name, Path(folder)


def _named_outputs(
    folders: Sequence[tuple[str, Path]], methods: Sequence[str]
) -> dict[str, Outputs]:
    """Open the folders by name.

    Raises:
        ValueError: A name is taken, or a folder is none.
    """
    names = [name for name, _ in folders]
    for name in names:
        if names.count(name) > 1 or name in methods or "/" in name:
            raise ValueError(f"--outputs cannot be called {name!r}: choose another name")
    return {name: Outputs(folder) for name, folder in folders}


def _report_copies(image_sets: Sequence[ImageSet], folders: Sequence[Path]) -> int:
    images = [path for image_set in image_sets for path, _ in image_set.pairs]
    copies, summary, unread = find_copies(images, folders, _progress)
    print("\n".join([*copies, summary]))
    return 2 if unread else 1 if copies else 0


def _report_scores(image_sets: Sequence[ImageSet], args: argparse.Namespace) -> int:
    stored = read_json(args.check) if args.check else None  # a wrong file is told before the work
    asked = args.perceptual is not None
    methods = args.methods or (*METHODS, *["original"] * asked)
    outputs = _named_outputs(args.outputs, methods)
    upscalers = load_methods(methods, args.weights, args.precision)
    results = describe(methods, args.weights, args.precision)
    yardsticks = {}
    if outputs:
        results["outputs"] = {name: str(folder) for name, folder in args.outputs}
    if asked:
        cards = {method: entry["card"] for method, entry in results["weights"].items()}
        yardsticks = load_yardsticks(args.perceptual, cards)
        results["perceptual"] = {key: stick.about for key, stick in yardsticks.items()}
    results["sets"] = {}
    failed = False
    for image_set in image_sets:
        start = time.perf_counter()
        try:
            entry = evaluate(image_set, upscalers, args.save_images, outputs, yardsticks)
        except ValueError as error:
            print(error, file=sys.stderr, flush=True)
            failed = True
            continue
        failed |= "left_out" in entry
        results["sets"][image_set.name] = entry
        seconds = time.perf_counter() - start
        print(f"{image_set.name} measured in {seconds:.0f} s", file=sys.stderr, flush=True)
        print(set_table(image_set.name, results, args.markdown), end="\n\n", flush=True)
        if args.json:  # after every set: what ends the rest leaves what is done
            write_json(results, args.json)
        if args.csv:
            write_csv(results, args.csv)
    if not results["sets"]:
        return 2
    print(legend(results, args.markdown))
    code = _check(results, stored) if stored else 0
    return 2 if failed else code


def _check(results: dict[str, Any], stored: dict[str, Any]) -> int:
    problems, compared = worse(results, stored)
    if not compared:
        raise ValueError("--check: the stored results have none of these sets and methods")
    if results["precision"] != stored["precision"]:
        print(f"note: {results['precision']} now, {stored['precision']} stored", file=sys.stderr)
    print(f"\n{compared} means compared, {len(problems)} worse or not alike", *problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
