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


def rate(sr: Image, hr: Image | None, agrees: float, seconds: float | None = None) -> Scores:
    """Score an image, (H, W, 3), against the original if there is one that is large enough.

    Args:
        sr: Restored image.
        hr: Original.
        agrees: The agreement with the input [dB].
        seconds: What the image took.
    """
    if hr is None or min(hr.shape[:2]) < MIN_SIDE:
        return Scores(seconds, agrees)
    original = Original(hr)
    scores = original.score(sr), original.paper_score(sr), original.detail(sr)
    return Scores(seconds, agrees, *scores)
