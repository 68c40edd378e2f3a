"""Which run of a visitor's page counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from demo.engine.fit import Corner, Oversize
from demo.engine.scores import Scores
from demo.viewer.viewer import ComparerData


class Start(NamedTuple):
    """A run that was asked for, and what is to be done about a photo over the limit."""

    number: int
    oversize: Oversize | None = None
    corner: Corner | None = None


class Made(NamedTuple):
    """What a run has brought so far."""

    number: int
    shown: ComparerData
    scores: Mapping[str, Scores]
    status: str = ""  # once it is complete


class Turn:
    """Which run of a visitor's page counts; any other ends at its next step.

    The browser cancels runs, too, which takes them out of the queue. But Gradio 6.31 loses track of
    a run that took the place of another, and could not stop it.
    """

    def __init__(self) -> None:
        self._begun, self._taken, self._finished = 0, 0, 0
        self.made: Made | None = None  # by the last run
        self.files: set[Path] = set()  # by all runs

    def begin(self, oversize: Oversize | None = None, corner: Corner | None = None) -> Start:
        """End what runs; returns the run that is to come."""
        self._begun += 1
        return Start(self._begun, oversize, corner)

    def take(self, number: int) -> bool:
        """Tell a run that starts whether it is the one to come; one alone hears yes."""
        if not self.is_on(number) or self._taken == number:
            return False
        self._taken = number
        return True

    def finish(self, number: int) -> None:
        """Note that a run has ended, or that nothing but its last update is to come."""
        self._finished = max(self._finished, number)

    def note(self, made: Made) -> None:
        """Note what a run has brought, whatever the page shows meanwhile."""
        self.made = made
        self.files |= {Path(pane.file.path) for pane in made.shown.ready}

    @property
    def is_running(self) -> bool:
        """Whether a run is under way: what the page shows will not stay."""
        return self._taken > self._finished

    @property
    def stage(self) -> tuple[int, int, int]:
        """Changes with everything that becomes of runs."""
        return self._begun, self._taken, self._finished

    def is_on(self, number: int) -> bool:
        """Tell whether nothing was begun after this run."""
        return number == self._begun
