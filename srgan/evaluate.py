"""Scores of the methods over folders of images, in the tables of the model card.

`srgan evaluate --images DIR [DIR ...]`; the protocols are those of `srgan.metrics`.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from srgan import fleet
from srgan.evaluation.described import describe
from srgan.evaluation.fingerprint import find_copies
from srgan.evaluation.image_sets import ImageSet, find_set, image_name
from srgan.evaluation.options import METHODS, options
from srgan.evaluation.outputs import Outputs
from srgan.evaluation.report import (
    MEASURES,
    legend,
    overall,
    read_json,
    set_table,
    worse,
    write_csv,
    write_json,
)
from srgan.evaluation.yardsticks import Yardstick, load_yardsticks
from srgan.images import SCALE, Image, write_png
from srgan.metrics import agreement, colour_shift, detail, paper_score, score
from srgan.own_models import load_models
from srgan.spectrum import grid_peaks
from srgan.upscale import Plain, Precision, Upscaler, load_upscaler

LOST = "its process ended every time, perhaps for lack of memory"


def measure(sr: Image, hr: Image, lr: Image) -> dict[str, float]:
    """Measure a restored image, (4h, 4w, 3) as the original, made from (h, w, 3).

    Returns:
        A value for each key of `report.MEASURES`.
    """
    today, paper, grid = score(sr, hr), paper_score(sr, hr), grid_peaks(sr)
    values = (*today, *paper, detail(sr, hr), agreement(sr, lr), colour_shift(sr, lr), *grid)
    return dict(zip(MEASURES, values, strict=True))


class Tools(NamedTuple):
    """What images are made and measured with.

    Attributes:
        upscalers: Methods by name; a method "original" is given the original instead.
        outputs: Methods by name whose pictures are ready.
        yardsticks: Perceptual measures by name.
        save: Folder for the outputs, `<set>/<image>_<method>_x4.png`; replaced if there.
    """

    upscalers: Mapping[str, Upscaler]
    outputs: Mapping[str, Outputs] = MappingProxyType({})
    yardsticks: Mapping[str, Yardstick] = MappingProxyType({})
    save: Path | None = None


class Measured(NamedTuple):
    """What was measured on an image.

    Attributes:
        name: Of the image.
        values: By method, or what is wrong with the image.
        notes: What was changed when it was read.
    """

    name: str
    values: dict[str, dict[str, float]] | str
    notes: Sequence[str] = ()


Spread = Callable[[Sequence[ImageSet]], Iterable[tuple[int, Measured]]]


def measure_one(image_set: ImageSet, tools: Tools, told: str = "") -> Measured:
    """Measure the methods on the only image of a set; what is wrong with it is no error."""
    notes: list[str] = []
    try:
        name, hr, lr = image_set.load(0, notes)
        measured = {}
        for method in (*tools.upscalers, *tools.outputs):
            _progress(f"{told}  {name}  {method}")
            if method in tools.outputs:
                sr = tools.outputs[method].read(image_set.name, name, hr)
            else:
                sr = hr if method == "original" else tools.upscalers[method](lr)
            perceptual = {key: stick.measure(sr, hr) for key, stick in tools.yardsticks.items()}
            measured[method] = measure(sr, hr, lr) | perceptual
            if tools.save:
                (tools.save / image_set.name).mkdir(parents=True, exist_ok=True)
                write_png(sr, tools.save / image_set.name / f"{name}_{method}_x{SCALE}.png")
        return Measured(name, measured, notes)
    except ValueError as error:
        return Measured(image_name(image_set.pairs[0][0]), str(error))


def evaluate(image_set: ImageSet, tools: Tools, spread: Spread | None = None) -> dict[str, Any]:
    """Measure methods on a set; an entry of the results' "sets" (see `srgan.evaluation.report`).

    Args:
        image_set: What to measure on.
        tools: What with.
        spread: Measures sets of one image elsewhere, see `fleet.spread`.

    Returns:
        An image that cannot be read, made or scored is left out for all methods and named on
        stderr; "left_out" has the reasons by name. "notes" has the names of images by what was
        changed when they were read.

    Raises:
        ValueError: No image could be measured.
    """
    count = len(image_set.pairs)
    single = [image_set.only(i) for i in range(count)]
    found: dict[int, Measured] = {}
    here = (
        (i, measure_one(one, tools, f"{image_set.name}  {i + 1} of {count}"))
        for i, one in enumerate(single)
    )
    for number, measured in spread(single) if spread else here:
        found[number] = measured
        _progress(f"{image_set.name}  {len(found)} of {count}" if spread else "")
    _progress("")
    methods = (*tools.upscalers, *tools.outputs)
    values: dict[str, dict[str, dict[str, float]]] = {method: {} for method in methods}
    left_out: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    for number, one in enumerate(single):
        lost = Measured(image_name(one.pairs[0][0]), LOST)
        name, scores, said = found.get(number, lost)
        if isinstance(scores, str):
            left_out[name] = scores
            print(f"{image_set.name}: left out {name}: {scores}", file=sys.stderr, flush=True)
            continue
        for method in methods:
            values[method][name] = scores[method]
        for note in dict.fromkeys(said):  # a pair may have one twice
            notes.setdefault(note, []).append(name)
    if len(left_out) == count:
        raise ValueError(f"{image_set.name}: no image could be measured")
    entries = {method: {**overall(v), "images": v} for method, v in values.items()}
    result = {"images": count - len(left_out), "lr": image_set.lr, "methods": entries}
    return result | {k: v for k, v in (("left_out", left_out), ("notes", notes)) if v}


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


def main(argv: Sequence[str] | None = None, program: str = "python -m srgan.evaluate") -> int:
    """Run the command line; returns the exit code."""
    parser = options(program)
    args = parser.parse_args(argv)
    try:
        image_sets = [find_set(folder) for folder in args.images]
        names = [image_set.name for image_set in image_sets]
        if len(set(names)) < len(names):
            raise ValueError(f"two sets have the same name ({', '.join(names)}): rename a folder")
        if args.not_in:
            return _report_copies(image_sets, args.not_in)
        return _report_scores(image_sets, args)
    except (ValueError, OSError, fleet.FleetError) as error:
        _progress("")
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _progress("")
        print("stopped", file=sys.stderr)
        return 130


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


def _prepare(args: argparse.Namespace) -> tuple[Tools, dict[str, Any]]:
    """Load what was asked for; returns it and the results, of which the sets are still lacking."""
    asked = args.perceptual is not None
    methods = args.methods or (*METHODS, *["original"] * asked)
    models = load_models(args.model, args.precision)
    upscalers = load_methods(methods, args.weights, args.precision)
    upscalers |= {model.name: model.upscaler for model in models}
    outputs = _named_outputs(args.outputs, [*upscalers])
    results = describe(methods, args.weights, args.precision, models)
    yardsticks = {}
    if outputs:
        results["outputs"] = {name: str(folder) for name, folder in args.outputs}
    if asked:
        cards = {method: entry["card"] for method, entry in results["weights"].items()}
        yardsticks = load_yardsticks(args.perceptual, cards)
        results["perceptual"] = {key: stick.about for key, stick in yardsticks.items()}
    results["sets"] = {}
    return Tools(upscalers, outputs, yardsticks, args.save_images), results


def _work(args: argparse.Namespace) -> partial[Measured]:
    """Return what measures an image, on another machine."""
    return partial(measure_one, tools=_prepare(args)[0])


def _report_scores(image_sets: Sequence[ImageSet], args: argparse.Namespace) -> int:
    stored = read_json(args.check) if args.check else None  # a wrong file is told before the work
    tools, results = _prepare(args)
    spread = None
    if args.ray is not None:
        fleet.connect(args.ray)
        spread = partial(fleet.spread, partial(_work, args), cores=args.cores)
    failed = False
    for image_set in image_sets:
        start = time.perf_counter()
        try:
            entry = evaluate(image_set, tools, spread)
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
