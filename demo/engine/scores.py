"""What is measured of one restored picture: one schema for page, API, CSV, JSON and cache."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from srgan.images import Image
from srgan.metrics import MIN_SIDE, Original, Score


def _measure(title: str, unit: str, digits: int) -> Any:  # noqa: ANN401 - as pydantic's Field
    """A field, with its unit and the digits after the point that people read."""
    return Field(default=None, title=title, json_schema_extra={"unit": unit, "digits": digits})


class Scores(BaseModel):
    """What one method reached; None where it is not known, as without an original.

    In JSON infinity and NaN, for which it has no numbers, are the strings "Infinity" and "NaN".
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings", extra="forbid")

    psnr_today: float | None = _measure("PSNR", "dB", 2)
    ssim_today: float | None = _measure("SSIM", "", 3)
    psnr_paper: float | None = _measure("PSNR", "dB", 2)
    ssim_paper: float | None = _measure("SSIM", "", 3)
    detail: float | None = _measure("Detail", "%", 0)
    agreement: float | None = _measure("Agreement", "dB", 1)
    seconds: float | None = _measure("Time", "s", 2)

    @classmethod
    def of(
        cls,
        seconds: float | None,
        agreement: float | None,
        today: Score | None = None,
        paper: Score | None = None,
        detail: float | None = None,
    ) -> "Scores":
        """Put together what `srgan.metrics` returns, and the seconds that the method took."""
        names = ("psnr_today", "ssim_today", "psnr_paper", "ssim_paper")
        values = (*(today or (None, None)), *(paper or (None, None)))
        fidelity = dict(zip(names, values, strict=True))
        return cls(**fidelity, detail=detail, agreement=agreement, seconds=seconds)

    @property
    def today(self) -> Score | None:
        """PSNR and SSIM in today's protocol."""
        return None if self.psnr_today is None else Score(self.psnr_today, self.ssim_today)

    @property
    def paper(self) -> Score | None:
        """PSNR and SSIM in the paper's protocol."""
        return None if self.psnr_paper is None else Score(self.psnr_paper, self.ssim_paper)

    def plain(self) -> dict[str, float | str | None]:
        """Return the values by name as JSON has them."""
        return json.loads(self.model_dump_json())


def unit(name: str) -> str:
    """Return the unit of a value of `Scores`, empty if it has none."""
    return Scores.model_fields[name].json_schema_extra["unit"]


def scorable(hr: Image | None) -> Original | None:
    """Return an original, (H, W, 3), to `rate` against; None without one that is large enough.

    What it computes for one restored image it keeps for the next, some 40 bytes a pixel.
    """
    return None if hr is None or min(hr.shape[:2]) < MIN_SIDE else Original(hr)


def rate(
    sr: Image, original: Original | None, agrees: float, seconds: float | None = None
) -> Scores:
    """Score an image, (H, W, 3), against the original if there is one.

    Args:
        sr: Restored image.
        original: Of `scorable`.
        agrees: The agreement with the input [dB].
        seconds: What the image took.
    """
    if original is None:
        return Scores.of(seconds, agrees)
    scores = original.score(sr), original.paper_score(sr), original.detail(sr)
    return Scores.of(seconds, agrees, *scores)
