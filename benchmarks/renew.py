"""After a change of the weights: renew everything in the repository that was made with them.

    python -m benchmarks.renew --benchmarks ../shared/data/benchmarks

The folder holds Set5, Set14 and BSD100, each with HR/ and LR/. Renewed are the examples and their
scores (`demo/examples`), the scores and the contact sheet (`weights`), in the model card the
digests and the tables of scores and of the dial, the README's table, and each network's card for
the Hub. All of it in fp32; some minutes on two cores.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.running import ROOT
from demo.engine.examples import original_path, weights_digests
from srgan.evaluation.report import read_json
from srgan.upscale import WEIGHTS

CARD = WEIGHTS / "README.md"
# Photo, and where the crop begins: fur, face, building, bricks, text.
CROPS = ("cat:60:40", "astronaut:130:20", "pavilion", "bricks", "page:10:10")


def run(module: str, *arguments: object) -> str:
    """Run a command line of the repository; returns what it printed."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    print(*command, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def insert(card: str, name: str, text: str) -> str:
    """Put a text between a card's marks of a name.

    Raises:
        ValueError: The marks are not there.
    """
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"({marks[0]}\n).*?({marks[1]})", re.DOTALL)
    if not pattern.search(card):
        raise ValueError(f"There is no {marks[0]} … {marks[1]}")
    return pattern.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", card)


def digests() -> str:
    """Return the table of the weight files."""
    lines = ["| file | sha256 |", "|---|---|"]
    return "\n".join(lines + [f"| `{f}` | `{digest}` |" for f, digest in weights_digests().items()])


def summary(results: dict[str, Any]) -> str:
    """Return the README's table of `srgan.evaluate`'s results: PSNR, and NIQE if measured."""
    sets = results["sets"]
    columns = [(n, "psnr_today", "PSNR dB") for n in sets] + [(n, "niqe", "NIQE") for n in sets]
    means = {name: {m: v["mean"] for m, v in sets[name]["methods"].items()} for name in sets}
    columns = [c for c in columns if any(c[1] in mean for mean in means[c[0]].values())]
    lines = ["| | " + " | ".join(f"{name}, {unit}" for name, _, unit in columns) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    for method in next(iter(means.values())):
        if method == "nearest":  # what the demo does not show
            continue
        values = [means[name][method].get(key) for name, key, _ in columns]
        # An original has "inf" dB
        cells = [f"{value:.2f}" if isinstance(value, float) else "–" for value in values]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Renew everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--benchmarks", type=Path, required=True)
    networks = "also NIQE and feature distances, as srgan.evaluate --perceptual"
    parser.add_argument("--perceptual", nargs="*", metavar="NETWORK[=FILE]", help=networks)
    rows = "also rows of ready-made pictures, as srgan.evaluate --outputs"
    parser.add_argument("--outputs", nargs="+", metavar="NAME=DIR", help=rows)
    options = parser.parse_args()
    folder = options.benchmarks
    more = [] if options.perceptual is None else ["--perceptual", *options.perceptual]
    more += ["--outputs", *options.outputs] if options.outputs else []
    sets = [folder / name for name in ("Set5", "Set14", "BSD100")]
    run("demo.engine.examples")
    crops = (crop.partition(":") for crop in CROPS)
    photos = [f"{original_path(name)}{colon}{place}" for name, colon, place in crops]
    sheet = WEIGHTS / "contact_sheet.png"
    run("benchmarks.contact_sheet", *photos, folder / "Set5/HR/003.png", "--out", sheet)
    files = ("--json", WEIGHTS / "scores.json", "--csv", WEIGHTS / "scores.csv")
    tables = {
        "digests": digests(),
        "dial": run("benchmarks.dial", "--images", sets[0], "--markdown"),
        "scores": run("srgan.evaluate", "--images", *sets, *files, "--markdown", *more),
    }
    card = CARD.read_text("utf-8")
    for name, text in tables.items():
        card = insert(card, name, text)
    CARD.write_text(card, "utf-8")
    readme = ROOT / "README.md"
    table = summary(read_json(WEIGHTS / "scores.json"))
    readme.write_text(insert(readme.read_text("utf-8"), "scores", table), "utf-8")
    run("benchmarks.cards")


if __name__ == "__main__":
    main()
