"""What is measured of one restored picture."""

from dataclasses import dataclass

from srgan.images import Image
from srgan.metrics import MIN_SIDE, Original, Score


@dataclass(frozen=True)
class Scores:
    """What one method reached; None where there is no original to compare with."""

    seconds: float | None  # None where nothing was timed
    agreement: float  # [dB], see srgan.metrics
    today: Score | None = None
    paper: Score | None = None
    detail: float | None = None  # [%] of the original's


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
        return Scores(seconds, agrees)
    scores = original.score(sr), original.paper_score(sr), original.detail(sr)
    return Scores(seconds, agrees, *scores)
