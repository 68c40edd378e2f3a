"""What is there again after a reload: a visitor's set, or the single photo they looked at last."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from demo.compare.outputs import Outputs, Update
from demo.compare.sets import SetHandlers, Visit
from demo.compare.turn import Start, Turn
from demo.engine.cache import Cache
from demo.engine.examples import NAMES
from demo.engine.scores import Scores
from demo.engine.seen import Seen
from demo.engine.sets import Sets
from demo.viewer.gallery import STORED, Gallery
from demo.viewer.show import pixels
from demo.viewer.viewer import INPUT, ORIGINAL, ComparerData
from srgan.images import ImageError

FORGOTTEN = "Your photos and what was made of them are deleted."
_PATIENCE = 2.0  # seconds in which a run that was ended comes to its next step


@dataclass
class Single:
    """A photo that is in no set."""

    source: str
    mode: str
    start: Start
    status: str = ""
    shown: ComparerData | None = None  # once it is complete
    scores: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether all that was made of it is still there."""
        panes = self.shown.panes if self.shown else []
        return bool(panes) and all(Path(pane.file.path).is_file() for pane in panes)


class Keeper:
    """The event handlers around a visit: what it finds, and that it can be forgotten.

    Args:
        sets: Of all visitors.
        handlers: Of the strip.
        outputs: What the handlers change beside the strip.
        cache: What was computed before.
        gallery: Of the built-in photos.
    """

    def __init__(
        self,
        sets: Sets,
        handlers: SetHandlers,
        outputs: Outputs,
        cache: Cache | None,
        gallery: Gallery = STORED,
    ) -> None:
        self._sets, self._handlers, self._page = sets, handlers, outputs
        self._cache, self._gallery = cache, gallery

    def open(self, visit: Visit, turn: Turn, event: gr.EventData) -> tuple[Any, ...]:
        """Take up what the visitor has whose token this is.

        Returns:
            The strip; a single photo to restore, its file and mode; a run that begins it again if
            it was not complete.
        """
        data = event._data if isinstance(event._data, dict) else {}  # noqa: SLF001 - any JSON
        visit.token = str(data.get("token", ""))
        found, is_linked = self._sets.find(visit.token), bool(data.get("linked"))
        nothing = (gr.skip(),) * 3
        if found is None:
            return self._handlers.strip(None, visit), None, *nothing
        self._handlers.reopen(found, visit, turn, is_linked)
        single = None if visit.chosen or is_linked else found.single
        if single is None or not Path(single.source).is_file():
            return self._handlers.strip(found, visit), None, *nothing
        single.start = turn.begin(single.start.oversize, single.start.corner)
        begun = gr.skip() if single.is_whole else single.start
        return self._handlers.strip(found, visit), single, single.source, single.mode, begun

    def restore(self, single: Single | None, turn: Turn) -> Update:
        """Show a single photo as it was; one that was not complete is begun again."""
        if single is None or not turn.is_on(single.start.number):
            return self._page.nothing()
        page = self._page
        if not single.is_whole:
            return {page.photo: single.source}
        update = page.comparison(single.shown, single.scores) | page.rest(is_ready=True)
        return update | {page.photo: single.source, page.status: single.status}

    def begin(self, source: str | None, mode: str, start: Start | None, visit: Visit) -> None:
        """Note that a single photo is compared."""
        if not start or not source or not _is_own(Path(source)):
            return
        with suppress(ValueError):
            kept = self._sets.of(visit.token)
            if kept.single and kept.single.start is start:
                return
            kept.single, kept.chosen, visit.chosen = Single(source, mode, start), "", ""
            kept.extra.add(Path(source))

    def end(self, start: Start | None, visit: Visit, turn: Turn) -> None:
        """Keep what came out of a single photo."""
        kept, made = self._sets.find(visit.token), turn.made
        if kept is None:
            return
        kept.extra |= set(filter(_is_own, turn.files))
        single = kept.single
        if not (single and start and made and made.status):
            return
        if made.number == start.number == single.start.number:
            single.shown, single.scores, single.status = made.shown, made.scores, made.status

    def made(self, visit: Visit, *files: str | None) -> None:
        """Note files that were made of a visitor's photos."""
        if kept := self._sets.find(visit.token):
            kept.extra |= {Path(file) for file in files if file and _is_own(file)}

    def forget(self, seen: Seen, shown: ComparerData, visit: Visit, turn: Turn) -> Update:
        """Delete a visitor's photos and all that was made of them; shows an example."""
        number = turn.begin().number
        kept, end = self._sets.find(visit.token), time.monotonic() + _PATIENCE
        while turn.is_running and time.monotonic() < end:
            time.sleep(0.05)
        if kept:
            kept.extra |= turn.files
            if not shown.photo:
                kept.extra |= {Path(pane.file.path) for pane in shown.ready}
            kept.extra |= {each.file for each in seen.positions.values()}
            kept.extra = {path for path in kept.extra if _is_own(path)}
            single = kept.single.shown if kept.single else None
            for panes in filter(None, (None if shown.photo else shown, single)):
                self._forget_results(panes)
            self._sets.forget(visit.token)
        visit.chosen, visit.choice, visit.number = "", visit.choice + 1, number
        page = self._page
        update = page.comparison(*self._gallery.show(next(iter(NAMES)))) | page.rest(is_ready=True)
        update |= {page.status: FORGOTTEN, page.photo: None, page.source: None}
        return update | page.place() | page.running(False) | {page.seen: Seen()}

    def _forget_results(self, shown: ComparerData) -> None:
        if self._cache is None:
            return
        files = {pane.key: pane for pane in shown.ready}
        with suppress(ImageError, KeyError):
            hr = pixels(files[ORIGINAL]) if ORIGINAL in files else None
            self._cache.forget(pixels(files[INPUT]), hr)


def _is_own(path: str | Path) -> bool:
    """Whether a file is one of a visitor's, and none of the examples'."""
    return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
