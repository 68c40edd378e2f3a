"""What the page's events do: a photo goes in, updates of the components come out."""

import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from demo.compare.outputs import Outputs, Update, failed
from demo.compare.placer import PlacerData, placer_data
from demo.compare.turn import Made, Start, Turn
from demo.compare.waiting import RENEWED
from demo.engine.cache import Cache
from demo.engine.comparison import Comparison, compare
from demo.engine.examples import NAMES, original_path
from demo.engine.fit import Oversize, TooLargeError, fit
from demo.engine.pace import Pace, follow
from demo.engine.scores import Scores
from demo.parts.disk import FULL
from demo.parts.links import NOT_UPLOADED
from demo.viewer.gallery import STORED, Gallery
from demo.viewer.show import Show
from demo.viewer.viewer import ComparerData
from srgan.images import SCALE, Image, ImageError
from srgan.metrics import MIN_SIDE
from srgan.reading import read_picture
from srgan.upscale import Upscaler

Mode = Literal["original", "small"]
logger = logging.getLogger(__name__)

NO_ORIGINAL = (
    "There are no PSNR, SSIM and detail: they compare with an original, and what the large version "
    "of this small image looked like nobody knows."
)


class Handlers:
    """The event handlers over a list of upscalers.

    Args:
        upscalers: Methods in the order of their panes.
        max_output_pixels: Largest image that a method may make.
        outputs: What the handlers change.
        cache: What was computed before.
        gallery: Of the built-in photos.
        pace: Learns how long photos take.
    """

    def __init__(
        self,
        upscalers: Sequence[Upscaler],
        max_output_pixels: int,
        outputs: Outputs,
        cache: Cache | None = None,
        gallery: Gallery = STORED,
        pace: Pace | None = None,
    ) -> None:
        self._upscalers = upscalers
        self._methods = [upscaler.name for upscaler in upscalers]
        self._max_output_pixels = max_output_pixels
        self._page = outputs
        self._cache = cache
        self._gallery = gallery
        self._pace = pace or Pace()

    def run(
        self,
        photo: str | None,
        mode: Mode,
        turn: Turn,
        start: Start | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio passes it
    ) -> Iterator[Update]:
        """Compare a photo, with an update for every step, as long as it is this run's turn."""
        if start is None:  # it was begun by another server, which has ended since
            yield {self._page.status: RENEWED}
            return
        if not turn.take(start.number):
            yield self._page.nothing()  # of a run without any update Gradio empties the outputs
            return
        try:
            if photo is None:
                yield {self._page.status: "Drop a photo first."} | self._page.running(False)
                return
            for update in self._follow(photo, mode, turn, start, progress):
                if not turn.is_on(start.number):
                    yield self._page.nothing()  # at a run's end Gradio sends the last again
                    return
                if update is not None:
                    yield update
        except ImageError as error:
            if not turn.is_on(start.number):  # it would empty the drop zone of another photo
                yield self._page.nothing()
                return
            gr.Warning(str(error), title="Cannot use this file")
            yield self._page.refuse(f"**Cannot use this file.** {error}")
        except Exception as error:
            # Not by an event's `failure`: Gradio counts a cancelled run as a failed one.
            logger.exception("A comparison failed")
            yield self._page.refuse(failed(error))
        finally:
            turn.finish(start.number)

    def _follow(
        self, photo: str, mode: Mode, turn: Turn, start: Start, progress: gr.Progress
    ) -> Iterator[Update | None]:
        """Compare a photo; None stands for a step that is not shown, where a run may end, too."""
        picture = read_picture(photo)
        try:
            image, fitted = fit(picture.image, self._limit(mode), start.oversize, start.corner)
        except TooLargeError as error:
            yield from self._ask(picture.image, mode, error)
            return
        data = placer_data(picture.image, image.shape[:2]) if fitted else None
        begun, notes = self._begin(image, mode, [*picture.notes, fitted])
        del picture  # may be many times larger than what is compared
        page, show = self._page, Show(Path(photo).stem, self._methods)
        for state in follow(compare(begun, self._upscalers, self._cache), self._pace):
            if state is None:
                yield None
                continue
            now = state
            if now.working:
                progress(now.done)
            elif len(now.images) == len(self._methods):
                progress(len(now.scores) / len(self._methods))
            # What an update has brought, all later ones repeat: Gradio 6.31 applies the difference
            # to the next one in place, and what is then missing may never have been shown.
            panes = show.panes(now)
            turn.note(Made(start.number, panes, now.scores))
            shown = page.comparison(panes, now.scores) | self._place(data, mode)
            shown |= page.running(True)
            # Not by the progress, of which a page on a busy machine may miss a method.
            yield shown | page.rest(is_ready=False) | {page.status: f"{now.working or 'Scores'} …"}
        status = " ".join(["Done.", *notes, *_explain(now)])
        turn.note(Made(start.number, panes, now.scores, status))
        turn.finish(start.number)  # before what lets the dial be turned
        placer, dial = self._place(data, mode), page.rest(is_ready=True)
        yield shown | placer | dial | page.running(False) | {page.status: status}

    def _ask(self, image: Image, mode: Mode, error: TooLargeError) -> Iterator[Update]:
        """Show the placer at once, and the seconds as soon as they can be estimated."""
        data = placer_data(image, error.fitting)
        trial = self._pace.try_out(image, self._upscalers, mode == "original")
        for _ in itertools.chain([None], trial, [None]):
            told = {self._page.status: f"**{error}**", **self._place(data, mode)}
            yield told | self._page.running(False)

    def _place(self, data: PlacerData | None, mode: Mode) -> Update:
        """Show the placer, with the seconds that can be told by now; without data, hide it."""
        if data is None:
            return self._page.place()
        pixels = data.piece_width * data.piece_height * (1 if mode == "original" else SCALE**2)
        seconds = self._pace.seconds(pixels)
        return self._page.place(data.model_copy(update={"seconds": seconds}))

    def _limit(self, mode: Mode) -> int:
        return self._max_output_pixels // (1 if mode == "original" else SCALE**2)

    def _begin(self, image: Image, mode: Mode, notes: list[str]) -> tuple[Comparison, list[str]]:
        height, width = image.shape[:2]
        if mode == "original" and (height % SCALE or width % SCALE):
            notes.append(
                f"Cropped at the bottom and right from {width}×{height} to "
                f"{width - width % SCALE}×{height - height % SCALE}, multiples of {SCALE}."
            )
        return Comparison.of(image, mode == "original"), [note for note in notes if note]

    def api(
        self, photo: str | None, mode: Mode = "original", oversize: Oversize | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Enlarge a photo four times with every method of the page, such as bicubic and SRGAN.

        With mode "original" the photo is cropped to multiples of 4, shrunk four times, restored and
        scored; with "small" it is enlarged as it is, without scores against an original. A photo
        over the limit is refused unless "oversize" says whether to take its "centre" or to "shrink"
        it. Returns one PNG file for each method, and the scores: PSNR [dB] and SSIM in today's and
        in the paper's protocol, detail [%], agreement with the input [dB], seconds, notes.
        """
        if photo is None:
            raise gr.Error(NOT_UPLOADED, print_exception=False)
        nothing = (gr.skip(),) * (len(self._methods) + 1)
        try:
            picture = read_picture(photo)
            image, fitted = fit(picture.image, self._limit(mode), oversize)
            begun, notes = self._begin(image, mode, [*picture.notes, fitted])
            work = compare(begun, self._upscalers, self._cache)
            for now in filter(None, follow(work, self._pace)):
                last = now
                yield nothing  # a place where a cancelled request ends
            files = Show(Path(photo).stem, self._methods).files(last)
        except (TooLargeError, ImageError) as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception as error:
            logger.exception("A request failed")
            raise gr.Error(failed(error), print_exception=False) from None
        scores = {method: _answer(scores) for method, scores in last.scores.items()}
        yield *(f.path for f in files), {"scores": scores, "notes": [*notes, *_explain(last)]}

    def example(self, name: str, turn: Turn) -> Update:
        """Show a built-in photo at once, from its precomputed outputs."""
        number, page = turn.begin().number, self._page
        shown = page.comparison(*self._gallery.show(name))
        if not turn.is_on(number):
            return page.nothing()  # another was chosen meanwhile, and may be shown already
        told = {page.status: self._gallery.note, page.mode: "original"}
        photo = {page.photo: None, page.source: str(original_path(name))}
        told |= page.place() | page.rest(is_ready=True) | page.running(False)
        return shown | told | photo

    def linked(self, shown: ComparerData, turn: Turn, request: gr.Request) -> Update:
        """Show the built-in photo that the page's address names, unless it is there already.

        Showing it again would reset the view, which the viewer has restored from the same address.
        """
        name = request.query_params.get("photo")
        is_new = name in NAMES and name != shown.photo
        return self.example(name, turn) if is_new else self._page.nothing()

    def stop(self, shown: ComparerData, turn: Turn) -> Update:
        """End the run; leave the finished panes and say so on the others."""
        turn.begin()
        panes = [p if p.file else p.model_copy(update={"state": "stopped"}) for p in shown.panes]
        stopped = shown.model_copy(update={"panes": panes})
        status = "Stopped. Choose again to start over."
        told = {self._page.comparer: stopped, self._page.status: status}
        return told | self._page.running(False)


def chosen(photo: str, turn: Turn) -> tuple[str, Start, Any]:
    """Take a new photo; the piece of the last one, if that was too large, is forgotten."""
    return photo, turn.begin(), gr.update(value=None, visible="hidden")


def full() -> str:
    """Say that an upload found no room on the disk; what is shown stays."""
    gr.Warning(FULL, title="Cannot take this file")
    return f"**Cannot take this file.** {FULL}"


def place(turn: Turn, event: gr.EventData) -> Start:
    """Begin a run with the piece that was placed.

    Raises:
        gr.Error: The event, which a client can make up, names no place.
    """
    try:
        corner = event.x, event.y
    except (AttributeError, TypeError):
        corner = None, None
    if not all(type(value) is int for value in corner):
        raise gr.Error("Place the piece again.", print_exception=False)
    return turn.begin("centre", corner)


def shrink(turn: Turn) -> Start:
    """Begin a run with the whole photo, shrunk."""
    return turn.begin("shrink")


def _explain(now: Comparison) -> list[str]:
    if now.hr is None:
        return [NO_ORIGINAL]
    if any(scores.today is None for scores in now.scores.values()):
        return [f"Too small to be scored: both sides need at least {MIN_SIDE} pixels."]
    return []


def _answer(scores: Scores) -> dict[str, Any]:
    """Scores as the API tells them: the two protocols apart, None for infinity and NaN."""
    values = {n: v if v is not None and math.isfinite(v) else None for n, v in scores}
    protocols = {
        protocol: getattr(scores, protocol)
        and {name: values.pop(f"{name}_{protocol}") for name in ("psnr", "ssim")}
        for protocol in ("today", "paper")
    }
    return {**protocols, **{name: values[name] for name in ("detail", "agreement", "seconds")}}
