"""The dial: one more pane, with the network between SRResNet and SRGAN that a visitor chooses."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from demo.compare.turn import Turn
from demo.compare.updates import Updates, failed
from demo.engine.cache import Results
from demo.engine.comparison import Comparison, complete, seldom
from demo.engine.scores import Scores
from demo.engine.show import Show
from demo.engine.table import tables
from demo.viewer.viewer import INPUT, ORIGINAL, ComparerData, Pane
from srgan.images import ImageError
from srgan.reading import read_image
from srgan.upscale import Upscaler

KEY = "dial"  # of its pane
STEPS = 10  # from one end to the other
ENDS = {0.0: "SRResNet", 1.0: "SRGAN"}
logger = logging.getLogger(__name__)


class Position(NamedTuple):
    """What one position of the dial has brought."""

    pane: Pane
    scores: Scores

    @property
    def is_kept(self) -> bool:
        """Whether its picture is still there: Gradio deletes what is old."""
        return Path(self.pane.file.path).exists()


class Seen(NamedTuple):
    """The positions that a visitor has seen of one comparison."""

    id: str = ""  # of the ComparerData
    positions: Mapping[float, Position] = {}

    def quality(self, shown: ComparerData) -> list[tuple[float, float, float]]:
        """Share of SRGAN, PSNR [dB] and detail [%] of each, for the comparison on display."""
        known = self.positions if self.id == shown.id else {}
        return [(at, s.today.psnr, s.detail) for at, (_, s) in known.items() if s.today]


class DialHandler:
    """Runs the networks between two.

    Args:
        network: The upscaler at a share of SRGAN from 0 to 1, see `srgan.interpolation.load_dial`.
        results: What was computed before.
    """

    def __init__(
        self, network: Callable[[float], Upscaler], results: Results | None = None
    ) -> None:
        self._network, self._results = network, results

    def run(
        self,
        share: float,
        shown: ComparerData,
        scores: Mapping[str, Scores],
        seen: Seen,
        turn: Turn,
    ) -> Iterator[Updates]:
        """Show the pane for a share of SRGAN; a position that was seen comes back at once."""
        at, stage = round(STEPS * share) / STEPS, turn.stage
        shown, scores = _without_dial(shown, scores)
        if any(pane.file is None for pane in shown.panes) or not scores.keys() >= {*ENDS.values()}:
            return  # the dial cannot be moved yet
        if turn.is_running:
            return  # another photo was chosen while the browser kept the event back
        known = dict(seen.positions) if seen.id == shown.id else _ends(shown, scores)
        try:
            if at not in known or not known[at].is_kept:
                for state in self._restore(at, shown):
                    if turn.stage != stage:
                        yield Updates()  # at a run's end Gradio sends the last again
                        return
                    if isinstance(state, Position):
                        known[at] = state
                    elif state is not None:
                        yield _update(shown, state, scores)
        except ImageError:
            yield Updates(status="This photo is no longer kept: please compare it again.")
            return
        except Exception as error:
            logger.exception("The dial failed")
            yield Updates(status=failed(error))
            return
        pane, own = known[at]
        update = _update(shown, pane, {**scores, pane.name: own})
        yield update._replace(seen=Seen(shown.id, known))

    def _restore(self, at: float, shown: ComparerData) -> Iterator[Pane | Position | None]:
        """Run the network of a position, None for a step not shown; the last is the position."""
        images = {p.key: read_image(p.file.path) for p in shown.panes if p.key in (INPUT, ORIGINAL)}
        start, name = Comparison(images[INPUT], images.get(ORIGINAL)), _name(at)
        show = Show(shown.title, [name])
        for now in seldom(complete(start, {name: self._network(at)}, self._results)):
            yield now and show.pane(now, name, KEY)
        yield Position(show.pane(now, name, KEY), now.scores[name])


def _name(at: float) -> str:
    return f"Dial {at:g}"


def _ends(shown: ComparerData, scores: Mapping[str, Scores]) -> dict[float, Position]:
    """The two positions that a comparison has brought already: there the networks are equal."""
    panes = {pane.name: pane for pane in shown.panes}
    return {
        at: Position(
            panes[method].model_copy(update={"key": KEY, "name": _name(at)}), scores[method]
        )
        for at, method in ENDS.items()
    }


def _without_dial(
    shown: ComparerData, scores: Mapping[str, Scores]
) -> tuple[ComparerData, dict[str, Scores]]:
    panes = [pane for pane in shown.panes if pane.key != KEY]
    kept = {pane.name: scores[pane.name] for pane in panes if pane.name in scores}
    return shown.model_copy(update={"panes": panes}), kept


def _update(shown: ComparerData, pane: Pane, scores: dict[str, Scores]) -> Updates:
    shown = shown.model_copy(update={"panes": [*shown.panes, pane]})
    return Updates(shown, shown, *tables(scores), scores=scores)
