"""The scores in words: the table under the panes and the captions on them."""

import math
from collections.abc import Mapping
from typing import Literal

from demo.compare import Scores

Protocol = Literal["today", "paper"]
BEST = "★"


def caption(scores: Scores, protocol: Protocol) -> str:
    """Return the line under a pane, such as "29.34 dB · SSIM 0.812"."""
    fidelity = getattr(scores, protocol)
    if fidelity is None:
        return f"agrees with the input to {_number(scores.agreement, 1)} dB"
    return f"{_number(fidelity.psnr, 2)} dB · SSIM {fidelity.ssim:.3f}"


def table(scores: Mapping[str, Scores], protocol: Protocol) -> str:
    """Return the score table in Markdown, the best of each column marked.

    Args:
        scores: By method. Columns without a value, for want of an original, are left out.
        protocol: Which PSNR and SSIM to show.
    """
    if not scores:
        return ""
    columns = {
        "PSNR [dB]": ([getattr(getattr(s, protocol), "psnr", None) for s in scores.values()], 2),
        "SSIM": ([getattr(getattr(s, protocol), "ssim", None) for s in scores.values()], 3),
        "Detail [%]": ([s.detail for s in scores.values()], 0),
        "Agreement [dB]": ([s.agreement for s in scores.values()], 1),
        "Time [s]": ([s.seconds for s in scores.values()], 2),
    }
    columns = {name: column for name, column in columns.items() if None not in column[0]}
    cells = [_column(name, *column) for name, column in columns.items()]
    lines = ["| Method | " + " | ".join(columns) + " |", "|:--|" + "--:|" * len(columns)]
    lines += [
        f"| {method} | " + " | ".join(row) + " |"
        for method, row in zip(scores, zip(*cells, strict=True), strict=True)
    ]
    return "\n".join(lines)


def _column(name: str, values: list[float], digits: int) -> list[str]:
    distance = {  # from the best possible value
        "Detail [%]": lambda v: abs(v - 100),
        "Time [s]": lambda v: v,
    }.get(name, lambda v: -v)
    texts = [_number(v, digits) for v in values]
    finite = [distance(v) for v in values if not math.isnan(v)]
    best = min(finite, default=None)
    winners = {t for t, v in zip(texts, values, strict=True) if distance(v) == best}
    return [f"**{t}** {BEST}" if t in winners and len(texts) > 1 else t for t in texts]


def _number(value: float, digits: int) -> str:
    if math.isinf(value):
        return "∞"
    return "–" if math.isnan(value) else f"{value:.{digits}f}"
