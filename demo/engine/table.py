"""The scores in words: the table under the panes and the captions on them."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from demo.engine.scores import Scores, unit

Protocol = Literal["today", "paper"]
DIGITS = {name: f.json_schema_extra["digits"] for name, f in Scores.model_fields.items()}
BEST = "★"


def caption(scores: Scores, protocol: Protocol) -> str:
    """Return the line under a pane, such as "29.34 dB · SSIM 0.812"."""
    fidelity = getattr(scores, protocol)
    if fidelity is None:
        return f"agrees with the input to {number(scores.agreement, 1)} dB"
    return f"{number(fidelity.psnr, 2)} dB · SSIM {fidelity.ssim:.3f}"


def table(scores: Mapping[str, Scores], protocol: Protocol) -> str:
    """Return the score table in Markdown, the best of each column marked.

    Args:
        scores: By method. Columns without a value, for want of an original, are left out.
        protocol: Which PSNR and SSIM to show.
    """
    return markdown(list(scores), columns(scores, protocol)) if scores else ""


def tables(scores: Mapping[str, Scores]) -> tuple[str, str]:
    """Return the score tables in both protocols, today's first."""
    return table(scores, "today"), table(scores, "paper")


def columns(
    scores: Mapping[str, Scores], protocol: Protocol, mark: bool = True
) -> dict[str, list[str]]:
    """Return the columns of a score table as Markdown: by heading, a cell for each method.

    Args:
        scores: By method. A column in which one has no value is left out.
        protocol: Which PSNR and SSIM to show.
        mark: Whether the best of each column is marked.
    """
    cells = {}
    for name in (f"psnr_{protocol}", f"ssim_{protocol}", "detail", "agreement", "seconds"):
        values = [getattr(s, name) for s in scores.values()]
        if None not in values:
            texts = [number(value, DIGITS[name]) for value in values]
            cells[heading(name)] = _marked(name, texts, values) if mark else texts
    return cells


def heading(name: str) -> str:
    """Return what stands over a column of `Scores`, such as "PSNR [dB]"."""
    title = Scores.model_fields[name].title
    return f"{title} [{unit(name)}]" if unit(name) else title


def markdown(methods: Sequence[str], cells: Mapping[str, Sequence[str]]) -> str:
    """Return a Markdown table with a row for each method; `cells` are columns by heading."""
    lines = ["| Method | " + " | ".join(cells) + " |", "|:--|" + "--:|" * len(cells)]
    lines += [
        f"| {method} | " + " | ".join(row) + " |"
        for method, row in zip(methods, zip(*cells.values(), strict=True), strict=True)
    ]
    return "\n".join(lines)


def _marked(name: str, texts: list[str], values: list[float]) -> list[str]:
    distance = {  # from the best possible value
        "detail": lambda v: abs(v - 100),
        "seconds": lambda v: v,
    }.get(name, lambda v: -v)
    finite = [distance(v) for v in values if not math.isnan(v)]
    best = min(finite, default=None)
    winners = {t for t, v in zip(texts, values, strict=True) if distance(v) == best}
    return [f"**{t}** {BEST}" if t in winners and len(texts) > 1 else t for t in texts]


def number(value: float, digits: int) -> str:
    """Return a number as people read it, "∞" and "–" for infinity and NaN."""
    if math.isinf(value):
        return "∞"
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
