"""Results of an evaluation as tables beside the paper's, as JSON to hold a later run to, as CSV.

Results are plain dictionaries, as in the JSON file: beside "format", "precision" and what else
`described.describe` says there is "sets", which leads over the set's name, "methods" and a method's
name to "mean", "largest" and "images": the measures of `measures` over all images and for each. The
last are not in the JSON file but in the CSV file. Where perceptual measures were asked for,
"perceptual" leads over their names to what is known of them, see `srgan.evaluation.yardsticks`.
"""

import csv
import json
import math
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = "srgan.evaluate 1"  # stored in the file
# Ledig et al. (arXiv 1609.04802v5), Table 2: PSNR [dB], SSIM, both in the paper's protocol, and the
# mean opinion score of 26 raters, 1 (bad) to 5 (excellent).
PUBLISHED = {
    "Set5": {
        "nearest": (26.26, 0.7552, 1.28),
        "bicubic": (28.43, 0.8211, 1.97),
        "srresnet": (32.05, 0.9019, 3.37),
        "srgan": (29.40, 0.8472, 3.58),
        "original": (math.inf, 1.0, 4.32),
    },
    "Set14": {
        "nearest": (24.64, 0.7100, 1.20),
        "bicubic": (25.99, 0.7486, 1.80),
        "srresnet": (28.49, 0.8184, 2.98),
        "srgan": (26.02, 0.7397, 3.72),
        "original": (math.inf, 1.0, 4.32),
    },
    "BSD100": {
        "nearest": (25.02, 0.6606, 1.11),
        "bicubic": (25.94, 0.6935, 1.47),
        "srresnet": (27.58, 0.7620, 2.29),
        "srgan": (25.16, 0.6688, 3.56),
        "original": (math.inf, 1.0, 4.46),
    },
}


class Measure(NamedTuple):
    """How a measure is printed and checked."""

    group: str
    title: str
    form: str
    tolerance: float  # how much worse than the stored value it may be
    ideal: float  # worse is farther from it
    overall: str = "mean"  # or "largest": what stands for all images


MEASURES = {
    "psnr_today": Measure("today's protocol", "PSNR dB", ".2f", 0.01, math.inf),
    "ssim_today": Measure("today's protocol", "SSIM", ".4f", 0.0005, 1),
    "psnr_paper": Measure("paper's protocol", "PSNR dB", ".2f", 0.01, math.inf),
    "ssim_paper": Measure("paper's protocol", "SSIM", ".4f", 0.0005, 1),
    "detail": Measure("", "detail %", ".1f", 0.5, 100),
    "agreement": Measure("", "agreement dB", ".1f", 0.05, math.inf),
    "colour_shift": Measure("", "colour shift", ".2f", 0.05, 0, "largest"),
    "grid_4px": Measure("grid", "4 px dB", ".1f", 0.2, 0),
    "grid_2px": Measure("grid", "2 px dB", ".1f", 0.2, 0),
}
NIQE = Measure("", "NIQE", ".2f", 0.03, 0)
DISTANCE = Measure("distance", "", ".4f", 0.002, 0)  # entitled by its network
LEGEND = """\
All values are means of the images' own, but for the colour shift, which is the largest.
today's protocol: luma of BT.601, studio range, not rounded; 4 px shaved; SSIM 11x11, sigma 1.5.
paper's protocol: luma of BT.709, rounded; 4 px shaved; Daala's SSIM, sigma 1.5 * height / 256;
without Daala's 4:2:0 and dither, which move a mean by up to 0.014 dB and 0.0011.
published: Ledig et al. 2017, Table 2, in the paper's protocol; MOS: mean opinion score, 1 to 5.
detail: energy over 1/8 cycle a pixel, % of the original's. agreement: PSNR of the shrunk output
against the input. colour shift: difference of the mean colours in levels (0 to 255). grid: what
stands out of the spectrum with a period of 4 and 2 px; 0 is none."""

NIQE_LEGEND = """\
NIQE: how natural, judged without the original; lower is better; unsteady under 10 blocks of 96x96.
distance: of unit-normalised feature maps to the original's, in the network named; 0 is equal."""


def measures(results: dict[str, Any]) -> dict[str, Measure]:
    """Return the measures that results hold, by key, in the order of the tables."""
    asked = results.get("perceptual", {})
    more = {key: NIQE if key == "niqe" else DISTANCE._replace(title=key) for key in asked}
    return MEASURES | more


def overall(images: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Mean and largest value of each measure over the images that have it.

    What is infinite, as the PSNR of a flat picture that is restored exactly, is left out of a mean
    of others that are not; "exact" has the names of such images.
    """
    mean, largest, exact = {}, {}, []
    for key in next(iter(images.values())):
        values = {n: image[key] for n, image in images.items() if not math.isnan(image[key])}
        finite = [value for value in values.values() if math.isfinite(value)]
        if finite and len(finite) < len(values):
            exact += [n for n, value in values.items() if math.isinf(value) and n not in exact]
        counted = finite or list(values.values())
        mean[key] = math.fsum(counted) / len(counted) if counted else math.nan
        largest[key] = max(values.values(), default=math.nan)
    return {"mean": mean, "largest": largest} | ({"exact": exact} if exact else {})


def set_table(name: str, results: dict[str, Any], markdown: bool = False) -> str:
    """Lay out the table of one set, with its head and what is left out of it.

    It is for a terminal, or in Markdown for the model card.
    """
    result = results["sets"][name]
    head = f"{name}: {result['images']} images, {result['lr']}"
    rows = _rows(name, result["methods"], results)
    block = f"{head}\n\n{_pipes(rows)}" if markdown else f"{head}\n{_columns(rows)}"
    notes = [f"left out: {image}: {why}" for image, why in result.get("left_out", {}).items()]
    for note, images in result.get("notes", {}).items():
        notes.append(f"{note.rstrip('.')}: {', '.join(images)}")
    for method, entry in result["methods"].items():
        if exact := entry.get("exact"):
            notes.append(
                f"{method} restores {', '.join(exact)} exactly: left out of the means of what is "
                "infinite there"
            )
    return "\n".join([block, *([""] if markdown and notes else []), *notes])


def legend(results: dict[str, Any], markdown: bool = False) -> str:
    """Explain the tables' columns."""
    lines = [*LEGEND.splitlines(), *_perceptual_legend(results.get("perceptual", {}))]
    return ("  \n" if markdown else "\n").join(lines)


def _perceptual_legend(perceptual: dict[str, Any]) -> list[str]:
    lines = NIQE_LEGEND.splitlines() if perceptual else []
    for key, about in perceptual.items():
        if named := about.get("named_by"):
            whose = " and ".join(named)
            lines.append(f"* the card of {whose} names {key}: trained on it, it judges itself.")
    return lines


def _rows(name: str, methods: dict[str, Any], results: dict[str, Any]) -> list[list[str]]:
    """Cells of one table; the first two rows are its head, groups and titles."""
    shown, perceptual = measures(results), results.get("perceptual", {})
    published = {key.casefold(): rows for key, rows in PUBLISHED.items()}.get(name.casefold(), {})
    rows = [["", *(m.group for m in shown.values())]]
    rows.append(["method", *(m.title for m in shown.values())])
    for method, result in methods.items():
        overall = [_number(result[m.overall][key], m.form) for key, m in shown.items()]
        marked = (method in perceptual.get(key, {}).get("named_by", ()) for key in shown)
        rows.append([method, *(f"{c}*" if m else c for c, m in zip(overall, marked, strict=True))])
    if not published:
        return rows
    beside = [["published"] * 3, ["PSNR dB", "SSIM", "MOS"]]
    for method in methods:
        values = published.get(method, (math.nan,) * 3)
        beside.append([_number(v, f) for v, f in zip(values, (".2f", ".4f", ".2f"), strict=True)])
    return [[*row[:5], *more, *row[5:]] for row, more in zip(rows, beside, strict=True)]


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _columns(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows[1:], strict=True)]
    groups = []
    for name, span in groupby(range(len(widths)), lambda i: rows[0][i]):
        columns = list(span)
        width = sum(widths[i] for i in columns) + 2 * (len(columns) - 1)
        widths[columns[0]] += max(len(name) - width, 0)
        groups.append(name.rjust(width))
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows[1:])
    ]
    return "\n".join(["  ".join(groups).rstrip(), *lines])


def _pipes(rows: list[list[str]]) -> str:
    head = [" ".join(filter(None, cell)) for cell in zip(*rows[:2], strict=True)]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows[2:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_json(results: dict[str, Any], path: Path) -> None:
    """Write all but the images' own; JSON has no NaN and no infinity: null and "inf" instead."""

    def plain(value: Any) -> Any:  # noqa: ANN401 - any part of a JSON tree
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if (k, type(v)) != ("images", dict)}
        if isinstance(value, float) and not math.isfinite(value):
            return None if math.isnan(value) else str(value)
        return value

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain(results), indent=1, allow_nan=False) + "\n", "utf-8")


def write_csv(results: dict[str, Any], path: Path) -> None:
    """Write the measures of every image by every method, a row each; infinity is "inf"."""
    shown = measures(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "image", "method", *shown])
        for name, result in results["sets"].items():
            for method, measured in result["methods"].items():
                for image, values in measured["images"].items():
                    writer.writerow([name, image, method, *(values[key] for key in shown)])


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        ValueError: Not such a file; names it and the reason.
    """
    try:
        results = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(results, dict) or results.get("format") != FORMAT:
        raise ValueError(f"{path} does not hold the results of an evaluation ({FORMAT!r})")
    return results


def worse(results: dict[str, Any], stored: dict[str, Any]) -> tuple[list[str], int]:
    """Hold results to stored ones, where both have the set and the method.

    Returns:
        What is worse by more than its tolerance or was not measured alike, as sentences; and how
        many means were compared.
    """
    problems, compared = _unlike(results, stored), 0
    common = {key: m for key, m in measures(stored).items() if key in measures(results)}
    for name in stored["sets"].keys() & results["sets"].keys():
        now, before = results["sets"][name], stored["sets"][name]
        for key in ("images", "lr"):
            if now[key] != before[key]:
                problems.append(f"{name}, {key}: {now[key]}, was {before[key]}")
        for method in before["methods"].keys() & now["methods"].keys():
            for key, measure in common.items():
                value, old = (
                    _read(x["methods"][method][measure.overall][key]) for x in (now, before)
                )
                compared += 1
                lost = math.isnan(value) and not math.isnan(old)
                if lost or _loss(value, measure) - _loss(old, measure) > measure.tolerance:
                    problems.append(
                        f"{name}, {method}, {' '.join(filter(None, measure[:2]))}: {value:.4f}, "
                        f"was {old:.4f} (tolerance {measure.tolerance})"
                    )
    return sorted(problems), compared


def _unlike(results: dict[str, Any], stored: dict[str, Any]) -> list[str]:
    now, before = (r.get("perceptual", {}) for r in (results, stored))
    return [
        f"{key}: other weights, sha256 {now[key]['sha256'][:12]}, was {before[key]['sha256'][:12]}"
        for key in before.keys() & now.keys()
        if now[key].get("sha256") != before[key].get("sha256")
    ]


def _loss(value: float, measure: Measure) -> float:
    """How far from ideal, up to a constant."""
    return -value if math.isinf(measure.ideal) else abs(value - measure.ideal)


def _read(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
