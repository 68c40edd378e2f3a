"""How often one of two was preferred, and how sure that is."""

from typing import NamedTuple

from scipy import stats

CONFIDENCE = 0.95


class Rate(NamedTuple):
    """A share of wins with the bounds of Wilson's 95 % interval, all in [0, 1]."""

    rate: float
    low: float
    high: float


def win_rate(wins: int, losses: int) -> Rate | None:
    """Return the share of wins among decided answers; None where there are none.

    The interval takes all answers for independent.
    """
    if not wins + losses:
        return None
    interval = stats.binomtest(wins, wins + losses).proportion_ci(CONFIDENCE, "wilson")
    return Rate(wins / (wins + losses), float(interval.low), float(interval.high))
