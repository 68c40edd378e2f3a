"""Blind pairs: which of two methods do people prefer? Sheets for raters, and the tally.

    python -m benchmarks.pairs make OUT srresnet srgan --images Set5/ Set14/ BSD100/
    python -m benchmarks.pairs tally OUT answers-*.txt

`make` writes OUT/01.png …, a pair a sheet, LEFT and RIGHT at 300 %, and, apart from what raters
see, OUT.key.json. A side is [NAME=]WHAT, where WHAT is

* a method: nearest, bicubic, srresnet, srgan (of --weights), or original;
* a weight file;
* a folder of ready-made pictures, <set>/<image>.png;
* a mix of parameters, MSE+GAN@SHARE: srresnet+srgan@0.75, methods or weight files; the dial gives
  it back its contrast besides.

Raters write a line a sheet: "NN left", "NN right" or "NN tie"; "#" begins a comment. `tally` reads
such files, one a rater, and prints how often the first side was preferred, with Wilson's interval.
"""

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from srgan.evaluation.image_sets import find_set
from srgan.evaluation.outputs import Outputs
from srgan.evaluation.preference import win_rate
from srgan.images import SCALE, Image, enlarge, repeat
from srgan.interpolation import blend
from srgan.models import Generator
from srgan.upscale import BODY_HALO, TAIL_HALO, Box, NetworkUpscaler, Upscaler
from srgan.weights import NETWORKS, WEIGHTS, load_weights, weight_file

PAIRS, CROP, ZOOM = 24, 176, 3  # CROP: pixels of the large picture a side
STEP = 4  # small pixels between the places that a crop may begin at
BUSY = 0.25  # of these places, those with most structure are drawn from
GAP, HEAD = 20, 26  # pixels on the sheet
ANSWERS = ("left", "right", "tie")


class Photo(NamedTuple):
    """An original with the set and the name that it goes by."""

    image_set: str
    name: str
    hr: Image
    lr: Image


Side = Callable[[Photo, Box], Image]  # a crop, given in small pixels, of a method's output


def whole(upscaler: Upscaler) -> Side:
    """Cut out of what a method makes of the surroundings: equal to the whole picture's crop."""

    def cut(photo: Photo, box: Box) -> Image:
        around = box.grown(BODY_HALO + TAIL_HALO, Box(0, 0, *photo.lr.shape[:2]))
        sr = upscaler(np.ascontiguousarray(photo.lr[around.index()[1:]]))
        return sr[box.index(around, SCALE)[1:]]

    return cut


def ready(folder: Path) -> Side:
    """Cut out of ready-made pictures."""
    outputs = Outputs(folder)
    return lambda photo, box: outputs.read(*photo[:3])[box.index(scale=SCALE)[1:]]


def load_side(what: str, weights: Path) -> Side:
    """Make a side of its description, see the module.

    Raises:
        ValueError: It is none of these, or a weight file does not fit; says which.
    """
    if what.lower() == "original":
        return lambda photo, box: photo.hr[box.index(scale=SCALE)[1:]]
    if what.lower() in ("nearest", "bicubic"):
        return whole({"nearest": repeat, "bicubic": enlarge}[what.lower()])
    # A method's name is no folder's, even where one is called so; ./srgan is
    if what.lower() not in map(str.lower, NETWORKS) and Path(what).is_dir():
        return ready(Path(what))
    return whole(NetworkUpscaler(_network(what, weights), precision="fp32"))


def _network(what: str, weights: Path) -> Generator:
    if what.lower() in map(str.lower, NETWORKS):
        return load_weights(weight_file(weights, what))
    if what.endswith(".safetensors"):
        return load_weights(what)
    ends, at, share = what.rpartition("@")
    mse, plus, gan = ends.partition("+")
    if not (at and plus):
        raise ValueError(
            f"{what!r} is no method, weight file (.safetensors), folder, or mix (MSE+GAN@SHARE)"
        )
    try:
        part = float(share)
    except ValueError:
        raise ValueError(f"{what!r}: the share after @ must be a number from 0 to 1") from None
    return blend(_network(mse, weights), _network(gan, weights), part)


def choose_crop(photo: Photo, seed: int) -> Box:
    """Choose a square with structure, by the photo and the seed alone, in small pixels.

    Drawn from the quarter of all places whose luma changes most from pixel to pixel: faults of a
    method show there, and the very busiest place is always leaves or gravel.
    """
    height, width = photo.lr.shape[:2]
    side = min(CROP // SCALE, height, width)
    luma = photo.hr.mean(axis=2)
    change = np.abs(np.diff(luma, axis=0))[:, 1:] + np.abs(np.diff(luma, axis=1))[1:]
    total = np.pad(change, ((2, 0), (2, 0))).cumsum(0).cumsum(1)  # total[y, x]: above, left of y, x
    places = [
        (y, x) for y in range(0, height - side + 1, STEP) for x in range(0, width - side + 1, STEP)
    ]

    def busy(place: tuple[int, int]) -> float:
        (y, x), n = (SCALE * v for v in place), SCALE * side
        return total[y + n, x + n] - total[y, x + n] - total[y + n, x] + total[y, x]

    places.sort(key=busy, reverse=True)
    rng = random.Random(f"{seed} {photo.image_set} {photo.name}")
    y, x = rng.choice(places[: max(1, int(BUSY * len(places)))])
    return Box(y, x, y + side, x + side)


def draw_sheet(images: Sequence[Image], titles: Sequence[str]) -> Pillow.Image:
    """Lay crops side by side, enlarged without smoothing, under their titles."""
    side = ZOOM * images[0].shape[0]
    sheet = Pillow.new("RGB", (len(images) * (side + GAP) - GAP, side + HEAD), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (image, title) in enumerate(zip(images, titles, strict=True)):
        crop = Pillow.fromarray(np.ascontiguousarray(image))
        sheet.paste(crop.resize((side, side), Pillow.Resampling.NEAREST), (i * (side + GAP), HEAD))
        draw.text((i * (side + GAP) + 4, 5), title, fill="black", font_size=14)
    return sheet


def key_path(out: Path) -> Path:
    """Return where the key of a folder of sheets lies: beside it."""
    return out.with_name(f"{out.name}.key.json")


def make(
    out: Path,
    sides: dict[str, Side],
    images: Sequence[Path],
    pairs: int = PAIRS,
    seed: int = 1,
    original: bool = False,
) -> None:
    """Write the sheets of two sides, and their key; each side is as often left as right.

    Raises:
        ValueError: Too few photos, equal names, sheets that are there, or what a side raises.
    """
    if len(sides) != 2:
        raise ValueError("the two sides have the same name: call one NAME=WHAT")
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty: answers belong to one key, so choose another folder")
    image_sets = [find_set(folder) for folder in images]
    known = [(s, i) for s in image_sets for i in range(len(s.pairs))]
    if not 1 <= pairs <= len(known):
        raise ValueError(f"{pairs} pairs asked for, and there are {len(known)} photos: one a pair")
    rng = random.Random(seed)
    drawn = rng.sample(known, pairs)
    flips = [i % 2 for i in range(pairs)]
    rng.shuffle(flips)
    out.mkdir(parents=True, exist_ok=True)
    sheets: dict[str, dict[str, Any]] = {}
    for number, ((image_set, index), flip) in enumerate(zip(drawn, flips, strict=True), 1):
        photo = Photo(image_set.name, *next(image_set.only(index).read()))
        box = choose_crop(photo, seed)
        names = list(sides)[:: -1 if flip else 1]
        crops = [sides[name](photo, box) for name in names]
        titles = ["LEFT", "RIGHT"]
        if original:
            crops.append(photo.hr[box.index(scale=SCALE)[1:]])
            titles.append("ORIGINAL")
        serial = f"{number:02d}"
        draw_sheet(crops, titles).save(out / f"{serial}.png")
        place = {"set": photo.image_set, "image": photo.name, "x": SCALE * box.left}
        place |= {"y": SCALE * box.top, "side": SCALE * (box.right - box.left)}
        sheets[serial] = {"left": names[0], "right": names[1], **place}
        print(f"{out / serial}.png", flush=True)
    key = {"sides": list(sides), "seed": seed, "sheets": sheets}
    key_path(out).write_text(json.dumps(key, indent=1) + "\n", "utf-8")


def read_answers(path: Path, sheets: Iterable[str]) -> dict[str, str]:
    """Read a rater's answers by sheet.

    Raises:
        ValueError: A line that cannot be read, an unknown sheet or one answered twice; names it.
    """
    answers: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{path}, line {number}"
        if len(words) != 2 or words[1].lower() not in ANSWERS or not words[0].isdigit():
            raise ValueError(f"{where}: {line!r}, expected NN left, NN right or NN tie")
        sheet = f"{int(words[0]):02d}"
        if sheet not in sheets:
            raise ValueError(f"{where}: there is no sheet {sheet}")
        if sheet in answers:
            raise ValueError(f"{where}: sheet {sheet} is answered twice")
        answers[sheet] = words[1].lower()
    return answers


def tally(out: Path, files: Sequence[Path]) -> str:
    """Say how often the first side was preferred, of each rater and of all.

    Raises:
        ValueError: No key, or answers that do not fit it.
    """
    try:
        key = json.loads(key_path(out).read_text("utf-8"))
        (first, second), sheets = key["sides"], key["sheets"]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{key_path(out)} is not the key of {out}: {error}") from None
    lines, total, lefts = [], Counter(), Counter()
    for path in files:
        answers = read_answers(path, sheets)
        chosen = Counter(sheets[sheet].get(answer) for sheet, answer in answers.items())
        missing = len(sheets) - len(answers)
        lines.append(_line(path.stem, first, second, chosen) + f", not answered {missing}")
        total += chosen
        lefts += Counter(answers.values())
    if len(files) > 1:
        lines.append(_line("all", first, second, total))
    left, right = lefts["left"], lefts["right"]
    return "\n".join([*lines, f"chosen at the left {left}, at the right {right} times"])


def _line(rater: str, first: str, second: str, chosen: Counter) -> str:
    wins, losses = chosen[first], chosen[second]
    text = f"{rater}: {first} preferred to {second} in {wins} of {wins + losses}"
    if found := win_rate(wins, losses):
        rate, low, high = (100 * value for value in found)
        text += f" ({rate:.0f} %, 95 % interval {low:.0f} to {high:.0f})"
    return f"{text}, ties {chosen[None]}"


def _side(text: str) -> tuple[str, str]:
    name, equals, what = text.partition("=")
    return (name, what) if equals else (text, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("make", help="write sheets and key").add_argument
    add("out", type=Path, help="folder of the sheets")
    add("sides", nargs=2, type=_side, metavar="[NAME=]WHAT")
    folders = "folders of photos, or with HR/ and LR/"
    add("--images", type=Path, nargs="+", required=True, metavar="DIR", help=folders)
    add("--weights", type=Path, default=WEIGHTS, help="folder [the shipped]")
    add("--pairs", type=int, default=PAIRS, help=f"[{PAIRS}]")
    add("--seed", type=int, default=1, help="of photos, crops and order [1]")
    add("--original", action="store_true", help="show the original as well")
    add = commands.add_parser("tally", help="count answers").add_argument
    add("out", type=Path, help="folder of the sheets")
    add("answers", type=Path, nargs="+", help="files of answers, one a rater")
    args = parser.parse_args(arguments)
    try:
        if args.command == "tally":
            print(tally(args.out, args.answers))
        else:
            sides = {name: load_side(what, args.weights) for name, what in args.sides}
            make(args.out, sides, args.images, args.pairs, args.seed, args.original)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
