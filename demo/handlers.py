"""What the page's events do: a photo goes in, updates of the components come out."""

import logging
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import gradio as gr

from demo.compare import Comparison, Scores, compare
from demo.comparer import ComparerData
from demo.examples import load_example, original_path
from demo.fit import Oversize, TooLargeError, fit
from demo.show import Show
from demo.table import table
from srgan.images import SCALE, ImageError
from srgan.metrics import MIN_SIDE, Score
from srgan.reading import read_picture
from srgan.upscale import Upscaler

Mode = Literal["original", "small"]
UNCHANGED = gr.skip()
logger = logging.getLogger(__name__)

NO_ORIGINAL = (
    "There are no PSNR, SSIM and detail: they compare with an original, and what the large version "
    "of this small image looked like nobody knows."
)
BROKEN = "Something went wrong on our side. Please try again, or with another photo."


class Turn:
    """Which run of a visitor's page counts; any other ends at its next step.

    The browser cancels runs, too, which takes them out of the queue. But Gradio 6.31 loses track of
    a run that took the place of another, and could not stop it.
    """

    def __init__(self) -> None:
        self._begun, self._taken = 0, 0

    def begin(self) -> int:
        """End what runs; returns the number of the run that is to come."""
        self._begun += 1
        return self._begun

    def take(self, number: int) -> bool:
        """Tell a run that starts whether it is the one to come; one alone hears yes."""
        if not self.is_on(number) or self._taken == number:
            return False
        self._taken = number
        return True

    def is_on(self, number: int) -> bool:
        """Tell whether nothing was begun after this run."""
        return number == self._begun


class Updates(NamedTuple):
    """New values of the page's components, in the order of the events' outputs."""

    panes: Any = UNCHANGED  # ComparerData
    shown: Any = UNCHANGED  # the same, kept on the server for Stop
    today: Any = UNCHANGED  # score tables in Markdown
    paper: Any = UNCHANGED
    status: Any = UNCHANGED  # Markdown
    oversize: Any = UNCHANGED
    photo: Any = UNCHANGED  # the drop zone
    source: Any = UNCHANGED  # path of the photo that is compared, kept on the server
    mode: Any = UNCHANGED


class Handlers:
    """The event handlers over a set of upscalers.

    Args:
        upscalers: Methods by name.
        max_output_pixels: Largest image that a method may make.
    """

    def __init__(self, upscalers: Mapping[str, Upscaler], max_output_pixels: int) -> None:
        self._upscalers = upscalers
        self._max_output_pixels = max_output_pixels

    def run(
        self,
        photo: str | None,
        mode: Mode,
        oversize: Oversize | None,
        turn: Turn,
        number: int,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio passes it
    ) -> Iterator[Updates]:
        """Compare a photo, with an update for every step, as long as it is this run's turn."""
        if not turn.take(number):
            return
        if photo is None:
            yield Updates(status="Drop a photo first.")
            return
        try:
            for update in self._follow(photo, mode, oversize, progress):
                if not turn.is_on(number):
                    return
                yield update
        except TooLargeError as error:
            yield Updates(status=f"**{error}**", oversize=_choice(error))
        except ImageError as error:
            gr.Warning(str(error), title="Cannot use this file")
            said = f"**Cannot use this file.** {error}"
            yield Updates(status=said, photo=None, source=None)
        except Exception:
            # Not by an event's `failure`: Gradio counts a cancelled run as a failed one.
            logger.exception("A comparison failed")
            yield Updates(status=BROKEN, photo=None, source=None)

    def _follow(
        self, photo: str, mode: Mode, oversize: Oversize | None, progress: gr.Progress
    ) -> Iterator[Updates]:
        work, notes = self._start(photo, mode, oversize)
        show = Show(Path(photo).stem, list(self._upscalers))
        ready = -1
        for now in work:
            panes = show.panes(now)
            if now.working:
                progress(now.done, desc=now.working)
            if len(now.scores) > ready:
                ready = len(now.scores)
                yield Updates(panes, panes, *_tables(now.scores), status="")
            else:
                yield Updates(panes, panes)
        yield Updates(status=" ".join(["Done.", *notes, *_explain(now)]))

    def _start(
        self, photo: str, mode: Mode, oversize: Oversize | None
    ) -> tuple[Iterator[Comparison], list[str]]:
        picture = read_picture(photo)
        limit = self._max_output_pixels // (1 if mode == "original" else SCALE**2)
        image, fitted = fit(picture.image, limit, oversize)
        notes = [*picture.notes, fitted]
        height, width = image.shape[:2]
        if mode == "original" and (height % SCALE or width % SCALE):
            notes.append(
                f"Cropped at the bottom and right from {width}×{height} to "
                f"{width - width % SCALE}×{height - height % SCALE}, multiples of {SCALE}."
            )
        work = compare(image, self._upscalers, has_original=mode == "original")
        return work, [note for note in notes if note]

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
            raise gr.Error("Send a photo.", print_exception=False)
        nothing = (UNCHANGED,) * (len(self._upscalers) + 1)
        try:
            work, notes = self._start(photo, mode, oversize)
            for now in work:
                last = now
                yield nothing  # a place where a cancelled request ends
        except (TooLargeError, ImageError) as error:
            raise gr.Error(str(error), print_exception=False) from None
        panes = Show(Path(photo).stem, list(self._upscalers)).panes(last).panes
        files = [pane.file.path for pane in panes if pane.name in self._upscalers]
        yield *files, {"scores": _plain(last.scores), "notes": [*notes, *_explain(last)]}


def chosen(photo: str, turn: Turn) -> tuple[str, int, Any]:
    """Take a new photo; what was chosen for the last one, if that was too large, is forgotten."""
    return photo, turn.begin(), gr.Radio(value=None, visible=False)


def example(name: str, turn: Turn) -> Updates:
    """Show a built-in photo at once, from its precomputed outputs."""
    turn.begin()
    panes, scores = load_example(name)
    status = "Precomputed; the times are those of two CPU cores in fp32."
    hidden = gr.Radio(value=None, visible=False)
    source = str(original_path(name))
    return Updates(panes, panes, *_tables(scores), status, hidden, None, source, "original")


def stop(shown: ComparerData, turn: Turn) -> tuple[Any, str]:
    """End the run; leave the finished panes and say so on the others."""
    turn.begin()
    panes = [
        pane if pane.file else pane.model_copy(update={"state": "stopped"}) for pane in shown.panes
    ]
    return shown.model_copy(update={"panes": panes}), "Stopped. Choose again to start over."


def _tables(scores: Mapping[str, Scores]) -> tuple[str, str]:
    return table(scores, "today"), table(scores, "paper")


def _choice(error: TooLargeError) -> Any:  # noqa: ANN401 - Gradio's update is untyped
    width, height = error.fitting[::-1]
    choices = [
        (f"Take the centre piece, {width}×{height} at full sharpness", "centre"),
        (f"Shrink the whole photo to {width}×{height} first", "shrink"),
    ]
    return gr.Radio(choices=choices, value=None, visible=True)


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
