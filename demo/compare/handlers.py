"""What the page's events do: a photo goes in, updates of the components come out."""

import itertools
import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from demo.compare.placer import PlacerData, placer_data
from demo.compare.turn import Start, Turn
from demo.compare.updates import UNCHANGED, Updates, failed, hidden, rest
from demo.engine.cache import Results
from demo.engine.comparison import Comparison, compare, seldom
from demo.engine.examples import NAMES, load_example, original_path
from demo.engine.fit import Oversize, TooLargeError, fit
from demo.engine.pace import Pace
from demo.engine.scores import Scores
from demo.engine.show import Show
from demo.engine.table import tables
from demo.parts.disk import FULL
from demo.parts.links import NOT_UPLOADED
from demo.viewer.viewer import ComparerData
from srgan.images import SCALE, Image, ImageError
from srgan.metrics import MIN_SIDE, Score
from srgan.reading import read_picture
from srgan.upscale import Upscaler

Mode = Literal["original", "small"]
logger = logging.getLogger(__name__)

NO_ORIGINAL = (
    "There are no PSNR, SSIM and detail: they compare with an original, and what the large version "
    "of this small image looked like nobody knows."
)


class Handlers:
    """The event handlers over a set of upscalers.

    Args:
        upscalers: Methods by name.
        max_output_pixels: Largest image that a method may make.
        results: What was computed before.
    """

    def __init__(
        self,
        upscalers: Mapping[str, Upscaler],
        max_output_pixels: int,
        results: Results | None = None,
    ) -> None:
        self._upscalers = upscalers
        self._max_output_pixels = max_output_pixels
        self._results = results
        self._pace = Pace()

    def run(
        self,
        photo: str | None,
        mode: Mode,
        turn: Turn,
        start: Start,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio passes it
    ) -> Iterator[Updates]:
        """Compare a photo, with an update for every step, as long as it is this run's turn."""
        if not turn.take(start.number):
            return
        try:
            if photo is None:
                yield Updates(status="Drop a photo first.")
                return
            for update in self._follow(photo, mode, turn, start, progress):
                if not turn.is_on(start.number):
                    yield Updates()  # at a run's end Gradio sends the last again
                    return
                if update is not None:
                    yield update
        except ImageError as error:
            gr.Warning(str(error), title="Cannot use this file")
            said = f"**Cannot use this file.** {error}"
            yield Updates(status=said, placer=hidden(), photo=None, source=None)
        except Exception as error:
            # Not by an event's `failure`: Gradio counts a cancelled run as a failed one.
            logger.exception("A comparison failed")
            yield Updates(status=failed(error), placer=hidden(), photo=None, source=None)
        finally:
            turn.finish(start.number)

    def _follow(
        self, photo: str, mode: Mode, turn: Turn, start: Start, progress: gr.Progress
    ) -> Iterator[Updates | None]:
        """Compare a photo; None stands for a step that is not shown, where a run may end, too."""
        picture = read_picture(photo)
        try:
            image, fitted = fit(picture.image, self._limit(mode), start.oversize, start.corner)
        except TooLargeError as error:
            yield from self._ask(picture.image, mode, error)
            return
        data = placer_data(picture.image, image.shape[:2]) if fitted else None
        work, notes = self._start(image, mode, [*picture.notes, fitted])
        del picture  # may be many times larger than what is compared
        show = Show(Path(photo).stem, list(self._upscalers))
        ready = -1
        for state in work:
            if state is None:
                yield None
                continue
            now = state
            # What an update has brought, all later ones repeat: Gradio 6.31 applies the difference
            # to the next one in place, and what is then missing may never have been shown.
            panes, placer = show.panes(now), self._placer(data, mode)
            if now.working:
                progress(now.done, desc=now.working)
            elif len(now.images) == len(self._upscalers):
                progress(len(now.scores) / len(self._upscalers), desc="Scores")
            status = UNCHANGED  # it shows the progress
            if len(now.scores) > ready:
                ready, status = len(now.scores), ""
                texts, scores = tables(now.scores), dict(now.scores)
            shown = Updates(panes, panes, *texts, status, placer, scores=scores)
            yield shown._replace(dial=rest(is_ready=False))
        status = " ".join(["Done.", *notes, *_explain(now)])
        placer, dial = self._placer(data, mode), rest(is_ready=True)
        turn.finish(start.number)  # before what lets the dial be turned
        yield shown._replace(status=status, placer=placer, dial=dial)

    def _ask(self, image: Image, mode: Mode, error: TooLargeError) -> Iterator[Updates]:
        """Show the placer at once, and the seconds as soon as they can be estimated."""
        data = placer_data(image, error.fitting)
        trial = self._pace.try_out(image, self._upscalers, mode == "original")
        for _ in itertools.chain([None], trial, [None]):
            yield Updates(status=f"**{error}**", placer=self._placer(data, mode))

    def _placer(self, data: PlacerData | None, mode: Mode) -> Any:  # noqa: ANN401
        """Show the placer, with the seconds that can be told by now; without data, hide it."""
        if data is None:
            return hidden()
        pixels = data.piece_width * data.piece_height * (1 if mode == "original" else SCALE**2)
        value = data.model_copy(update={"seconds": self._pace.seconds(pixels)})
        return gr.update(value=value, visible=True)

    def _limit(self, mode: Mode) -> int:
        return self._max_output_pixels // (1 if mode == "original" else SCALE**2)

    def _start(
        self, image: Image, mode: Mode, notes: list[str]
    ) -> tuple[Iterator[Comparison | None], list[str]]:
        height, width = image.shape[:2]
        if mode == "original" and (height % SCALE or width % SCALE):
            notes.append(
                f"Cropped at the bottom and right from {width}×{height} to "
                f"{width - width % SCALE}×{height - height % SCALE}, multiples of {SCALE}."
            )
        work = compare(image, self._upscalers, mode == "original", self._results)
        return seldom(self._pace.timed(work)), [note for note in notes if note]

    def api(
        self, photo: str | None, mode: Mode = "original", oversize: Oversize | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Enlarge a photo four times with bicubic interpolation, SRResNet and SRGAN.

        With mode "original" the photo is cropped to multiples of 4, shrunk four times, restored and
        scored; with "small" it is enlarged as it is, without scores against an original. A photo
        over the limit is refused unless "oversize" says whether to take its "centre" or to "shrink"
        it. Returns one PNG file for each method, and the scores: PSNR [dB] and SSIM in today's and
        in the paper's protocol, detail [%], agreement with the input [dB], seconds, notes.
        """
        if photo is None:
            raise gr.Error(NOT_UPLOADED, print_exception=False)
        nothing = (UNCHANGED,) * (len(self._upscalers) + 1)
        try:
            picture = read_picture(photo)
            image, fitted = fit(picture.image, self._limit(mode), oversize)
            work, notes = self._start(image, mode, [*picture.notes, fitted])
            for now in filter(None, work):
                last = now
                yield nothing  # a place where a cancelled request ends
            panes = Show(Path(photo).stem, list(self._upscalers)).panes(last).panes
        except (TooLargeError, ImageError) as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception as error:
            logger.exception("A request failed")
            raise gr.Error(failed(error), print_exception=False) from None
        files = [pane.file.path for pane in panes if pane.name in self._upscalers]
        yield *files, {"scores": _plain(last.scores), "notes": [*notes, *_explain(last)]}


def chosen(photo: str, turn: Turn) -> tuple[str, Start, Any]:
    """Take a new photo; the piece of the last one, if that was too large, is forgotten."""
    return photo, turn.begin(), hidden()


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


def example(name: str, turn: Turn) -> Updates:
    """Show a built-in photo at once, from its precomputed outputs."""
    number = turn.begin().number
    panes, scores = load_example(name)
    if not turn.is_on(number):
        return Updates()  # another was chosen meanwhile, and may be shown already
    status = "Precomputed; the times are those of two CPU cores in fp32."
    source = str(original_path(name))
    texts, dial = tables(scores), rest(is_ready=True)
    return Updates(panes, panes, *texts, status, hidden(), None, source, "original", scores, dial)


def linked(shown: ComparerData, turn: Turn, request: gr.Request) -> Updates:
    """Show the built-in photo that the page's address names, unless it is there already.

    Showing it again would reset the view, which the viewer has restored from the same address.
    """
    name = request.query_params.get("photo")
    return example(name, turn) if name in NAMES and name != shown.photo else Updates()


def stop(shown: ComparerData, turn: Turn) -> tuple[Any, str]:
    """End the run; leave the finished panes and say so on the others."""
    turn.begin()
    panes = [
        pane if pane.file else pane.model_copy(update={"state": "stopped"}) for pane in shown.panes
    ]
    return shown.model_copy(update={"panes": panes}), "Stopped. Choose again to start over."


def _explain(now: Comparison) -> list[str]:
    if now.hr is None:
        return [NO_ORIGINAL]
    if any(scores.today is None for scores in now.scores.values()):
        return [f"Too small to be scored: both sides need at least {MIN_SIDE} pixels."]
    return []


def _plain(scores: Mapping[str, Scores]) -> dict[str, dict[str, Any]]:
    """Scores for JSON, which knows neither infinity nor NaN: these become None."""

    def finite(value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None

    def fidelity(value: Score | None) -> dict[str, float | None] | None:
        return value and {name: finite(v) for name, v in value._asdict().items()}

    return {
        method: {
            "today": fidelity(s.today),
            "paper": fidelity(s.paper),
            "detail": finite(s.detail),
            "agreement": finite(s.agreement),
            "seconds": s.seconds,
        }
        for method, s in scores.items()
    }
