"""What a visitor has seen of the networks between the two: the positions of the dial."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from demo.engine.scores import Scores


class Position(NamedTuple):
    """What one position of the dial has brought."""

    scores: Scores
    file: Path  # of its picture
    title: str  # name of a download

    @property
    def is_kept(self) -> bool:
        """Whether its picture is still there: what is old is deleted."""
        return self.file.exists()


class Seen(NamedTuple):
    """The positions that a visitor has seen of one comparison."""

    id: str = ""  # of what was on display
    positions: Mapping[float, Position] = {}  # by share of SRGAN

    def quality(self, shown: str) -> list[tuple[float, float, float]]:
        """Share of SRGAN, PSNR [dB] and detail [%] of each, if this is what is on display."""
        known = self.positions if self.id == shown else {}
        return [(at, s.psnr_today, s.detail) for at, (s, *_) in known.items() if s.today]
