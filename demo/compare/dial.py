"""The dial: one more pane, with the network between SRResNet and SRGAN that a visitor chooses."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gradio.data_classes import FileData

from demo.compare.outputs import Outputs, Update, failed
from demo.compare.turn import Turn
from demo.engine.cache import Cache
from demo.engine.comparison import Comparison, compare
from demo.engine.pace import follow
from demo.engine.scores import Scores
from demo.engine.seen import Position, Seen
from demo.engine.table import caption
from demo.viewer.show import Show, pixels
from demo.viewer.viewer import INPUT, ORIGINAL, ComparerData, Pane
from srgan.images import ImageError
from srgan.upscale import Upscaler

KEY = "dial"  # of its pane
STEPS = 10  # from one end to the other
ENDS = {0.0: "SRResNet", 1.0: "SRGAN"}
logger = logging.getLogger(__name__)


class DialHandler:
    """Runs the networks between two.

    Args:
        network: The upscaler at a share of SRGAN from 0 to 1, see `srgan.interpolation.load_dial`.
        outputs: What the handler changes.
        cache: What was computed before.
    """

    def __init__(
        self, network: Callable[[float], Upscaler], outputs: Outputs, cache: Cache | None = None
    ) -> None:
        self._network, self._page, self._cache = network, outputs, cache

    def run(
        self,
        share: float,
        shown: ComparerData,
        scores: Mapping[str, Scores],
        seen: Seen,
        turn: Turn,
    ) -> Iterator[Update]:
        """Show the pane for a share of SRGAN; a position that was seen comes back at once."""
        at, stage = round(STEPS * share) / STEPS, turn.stage
        shown, scores = _without_dial(shown, scores)
        if any(pane.file is None for pane in shown.panes) or not scores.keys() >= {*ENDS.values()}:
            yield self._page.nothing()  # the dial cannot be moved yet
            return
        if turn.is_running:  # another photo was chosen while the browser kept the event back
            yield self._page.nothing()
            return
        known = dict(seen.positions) if seen.id == shown.id else _ends(shown, scores)
        try:
            if at not in known or not known[at].is_kept:
                for state in self._restore(at, shown):
                    if turn.stage != stage:
                        yield self._page.nothing()  # at a run's end Gradio sends the last again
                        return
                    if isinstance(state, Position):
                        known[at] = state
                    elif state is not None:
                        yield self._page.comparison(_with(shown, state), scores)
        except ImageError:
            yield {self._page.status: "This photo is no longer kept: please compare it again."}
            return
        except Exception as error:
            logger.exception("The dial failed")
            yield {self._page.status: failed(error)}
            return
        pane, scores = _pane(at, known[at], shown), {**scores, _name(at): known[at].scores}
        update = self._page.comparison(_with(shown, pane), scores)
        yield update | {self._page.seen: Seen(shown.id, known)}

    def _restore(self, at: float, shown: ComparerData) -> Iterator[Pane | Position | None]:
        """Run the network of a position, None for a step not shown; the last is the position."""
        images = {p.key: pixels(p) for p in shown.panes if p.key in (INPUT, ORIGINAL)}
        start, network = Comparison(images[INPUT], images.get(ORIGINAL)), self._network(at)
        show = Show(shown.title, [network.name])
        for now in follow(compare(start, [network], self._cache)):
            yield now and show.pane(now, network.name, KEY)
        (file,) = show.files(now)
        yield Position(now.scores[network.name], Path(file.path), file.orig_name)


def _name(at: float) -> str:
    return f"Dial {at:g}"


def _pane(at: float, position: Position, shown: ComparerData) -> Pane:
    """The pane of a position, as large as those of the methods."""
    like = max(shown.ready, key=lambda pane: pane.width)
    file = FileData(path=str(position.file), orig_name=position.title, mime_type="image/png")
    text = caption(position.scores, "today")
    new = {"key": KEY, "name": _name(at), "caption": text, "file": file}
    return like.model_copy(update=new)


def _ends(shown: ComparerData, scores: Mapping[str, Scores]) -> dict[float, Position]:
    """The two positions that a comparison has brought already: there the networks are equal."""
    files = {pane.name: pane.file for pane in shown.panes}
    return {
        at: Position(scores[method], Path(files[method].path), files[method].orig_name)
        for at, method in ENDS.items()
    }


def _without_dial(
    shown: ComparerData, scores: Mapping[str, Scores]
) -> tuple[ComparerData, dict[str, Scores]]:
    panes = [pane for pane in shown.panes if pane.key != KEY]
    kept = {pane.name: scores[pane.name] for pane in panes if pane.name in scores}
    return shown.model_copy(update={"panes": panes}), kept


def _with(shown: ComparerData, pane: Pane) -> ComparerData:
    return shown.model_copy(update={"panes": [*shown.panes, pane]})
