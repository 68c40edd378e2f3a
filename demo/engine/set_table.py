"""The scores of a set: every photo's, their means as `srgan.evaluate` has them, what was published.

One schema for the page's table, CSV, JSON and Markdown.
"""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from demo.engine.photo_set import Photo
from demo.engine.scores import Scores
from srgan.evaluation.known_sets import known_set
from srgan.evaluation.report import MEASURES, PUBLISHED, overall

# In digits as `srgan.evaluate` prints them, but for the seconds, which it has not.
FORMS = {name: MEASURES[name].form if name in MEASURES else ".2f" for name in Scores.model_fields}
GROUPS = {
    "psnr_today": "today",
    "ssim_today": "today",
    "psnr_paper": "paper",
    "ssim_paper": "paper",
}
PROTOCOLS = {"today": "today's protocol", "paper": "the paper's protocol"}
Values = Mapping[str, Mapping[str, float]]  # by method and measure; what is not known is NaN


class SetTable(NamedTuple):
    """The scores of the photos of a set that are done."""

    rows: Mapping[str, Values]  # by the photo's name
    mean: Values
    published: Values  # of a known set, in the paper's protocol; else empty
    known: str  # name of the set
    exact: Mapping[str, Sequence[str]]  # by method, photos left out of a mean for their infinity

    @property
    def methods(self) -> list[str]:
        """Names in their order."""
        return list(self.mean)

    @property
    def measures(self) -> list[str]:
        """Those of which at least one photo has a value."""
        return [
            name
            for name in FORMS
            if any(not math.isnan(values[name]) for values in self.mean.values())
        ]


def set_table(photos: Sequence[Photo]) -> SetTable | None:
    """Return the table of the photos that are done; None if there are none."""
    done = [photo for photo in photos if photo.state == "done" and photo.scores]
    if not done:
        return None
    rows = dict(zip(_names(done), map(_values, done), strict=True))
    methods = list(done[0].scores)
    means, exact = {}, {}
    for method in methods:
        result = overall({name: dict(row[method]) for name, row in rows.items()})
        means[method], exact[method] = result["mean"], result.get("exact", [])
    is_whole = len(done) == len([photo for photo in photos if photo.state != "refused"])
    known = (is_whole and known_set([photo.print for photo in done])) or ""
    published = {
        method: {"psnr_paper": values[0], "ssim_paper": values[1]}
        for method in methods
        if (values := PUBLISHED.get(known, {}).get(method.lower()))
    }
    return SetTable(rows, means, published, known, {m: e for m, e in exact.items() if e})


def number(value: float, name: str) -> str:
    """Return a value of a measure as people read it."""
    if math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else format(value, FORMS[name])


def set_csv(table: SetTable, safe: Any = str) -> str:  # noqa: ANN401 - a function of a text
    """Return all numbers as CSV, a row for each photo and method, after those of the means.

    Args:
        table: The scores.
        safe: Makes a text harmless where spreadsheets would take it for a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "photo", "method", *FORMS])
    named = [("mean", table.mean), *table.rows.items(), ("published", table.published)]
    for name, row in named:
        for method, values in row.items():
            numbers = [_plain(values.get(key, math.nan)) for key in FORMS]
            writer.writerow([table.known, safe(name), safe(method), *numbers])
    return text.getvalue()


def set_json(table: SetTable, weights: Mapping[str, str]) -> str:
    """Return all numbers as JSON; null is not known, "Infinity" equal."""
    content = {
        "set": table.known or None,
        "images": len(table.rows),
        "weights": dict(weights),
        "mean": _tree(table.mean),
        "published": _tree(table.published),
        "left out of means as infinite": table.exact,
        "photos": {name: _tree(row) for name, row in table.rows.items()},
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def set_markdown(table: SetTable) -> str:
    """Return the means and every photo's scores as Markdown, a table for each protocol."""
    parts = [f"# {table.known or 'Set'}: {len(table.rows)} photos"]
    for protocol, title in PROTOCOLS.items():
        measures = [m for m in table.measures if GROUPS.get(m, protocol) == protocol]
        columns = [(method, name) for name in measures for method in table.methods]
        heads = [f"{method} {_title(name)}" for method, name in columns]
        lines = [f"| Photo | {' | '.join(heads)} |", "|:--|" + "--:|" * len(columns)]
        named = [("**Mean**", table.mean)]
        if table.published and protocol == "paper":
            named.append(("Published", table.published))
        for name, row in [*named, *table.rows.items()]:
            cells = [number(row.get(m, {}).get(key, math.nan), key) for m, key in columns]
            plain = " ".join(name.replace("|", "\\|").split())
            lines.append(f"| {plain} | {' | '.join(cells)} |")
        parts.append(f"In {title}:\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _names(photos: Sequence[Photo]) -> list[str]:
    """Names that tell photos apart: with folders where it takes them, else numbered."""
    names = [photo.stem for photo in photos]
    names = [n if names.count(n) == 1 else p.name for n, p in zip(names, photos, strict=True)]
    return [n if names.count(n) == 1 else f"{n} ({i + 1})" for i, n in enumerate(names)]


def _values(photo: Photo) -> dict[str, dict[str, float]]:
    return {
        method: {name: math.nan if value is None else value for name, value in scores}
        for method, scores in photo.scores.items()
    }


def _title(name: str) -> str:
    return MEASURES[name].title if name in MEASURES else "seconds"


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else "Infinity"


def _tree(row: Values) -> dict[str, dict[str, Any]]:
    return {m: {name: _plain(value) for name, value in v.items()} for m, v in row.items()}
