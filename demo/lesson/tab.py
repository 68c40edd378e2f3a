"""The tab "How it works": why the squared error blurs, on the visitor's photo, and the losses."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from demo.lesson.patch_viewer import PatchData, PatchViewer, Question, patch_fields
from demo.lesson.plausible import MOST, SIDE, plausible
from demo.lesson.story import FORMULAS, NETWORKS, NUMBERS, OPENING, linked
from demo.parts.events import SCORING
from demo.viewer.show import pixels
from demo.viewer.viewer import INPUT, ORIGINAL, ComparerData, Pane
from srgan.images import ImageError

LESSON = Path(__file__).parent
STARTS = {  # spots of the built-in photos to begin with; of any other, the middle
    "cat": (30, 45),
    "astronaut": (45, 30),
    "pavilion": (30, 45),
    "bricks": (60, 20),
    "grass": (50, 20),
    "page": (30, 15),
}
METHODS = ("srresnet", "srgan")  # keys of the panes whose patches are shown
LATEX = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]
NO_ORIGINAL = "There is no original, so no PSNR and no true patch."
GONE = "A picture is no longer kept: compare the photo again."


class LessonTab:
    """Components and events of the tab, made inside a `gr.Tab`; works once the tab is seen.

    Args:
        shown: State with the ComparerData on display.
    """

    def __init__(self, shown: gr.State) -> None:
        space = os.environ.get("SPACE_ID")
        formulas, networks, numbers = (linked(t, space) for t in (FORMULAS, NETWORKS, NUMBERS))
        gr.Markdown(OPENING, elem_id="lesson-opening")
        self.viewer = PatchViewer(elem_id="lesson")
        with gr.Row(elem_id="lesson-story"):
            with gr.Column(min_width=320):
                gr.Markdown(formulas, latex_delimiters=LATEX)
            with gr.Column(min_width=320):
                gr.Markdown("### The networks")
                gr.HTML(
                    html_template=(LESSON / "networks.html").read_text("utf-8"),
                    css_template=(LESSON / "networks.css").read_text("utf-8"),
                    apply_default_css=False,
                )
                gr.Markdown(networks, latex_delimiters=LATEX)
            with gr.Column(min_width=320):
                gr.Markdown(numbers)
        # By way of a state: of events that came too early Gradio 6.31 repeats one, with old data.
        question = gr.State()
        self.viewer.ask(
            asked,
            None,
            question,
            show_progress="hidden",
            trigger_mode="multiple",
            api_visibility="private",
        )
        question.change(
            answered,
            [shown, question],
            self.viewer,
            show_progress="hidden",
            trigger_mode="always_last",
            **SCORING,
        )


def asked(event: gr.EventData) -> Question:
    """Take what the viewer asks for.

    Raises:
        gr.Error: The event, which a client can make up, asks for nothing.
    """
    try:
        return Question.model_validate(event._data)  # noqa: SLF001 - the documented access fails on None
    except ValidationError:
        raise gr.Error("Choose the spot again.", print_exception=False) from None


def answered(shown: ComparerData, question: Question) -> Any:  # noqa: ANN401
    """Answer a question, or change nothing."""
    return answer(shown, question) or gr.skip()


def answer(shown: ComparerData, question: Question) -> PatchData | None:
    """Find patches for a spot of the photo on display; None if the viewer has all there is.

    On another photo than that of the question the spot is one to start with.
    """
    ready = {pane.key: pane for pane in shown.ready}
    if INPUT not in ready:
        return None
    small = ready[INPUT]
    if question.id != shown.id:
        spot = STARTS.get(shown.photo, (small.width // 2, small.height // 2))
    elif question.is_chosen or not question.is_whole:
        spot = question.x, question.y
    else:
        return None
    missing = [pane.name for pane in shown.panes if pane.key in METHODS and not pane.file]
    data = PatchData(
        number=question.number,
        id=shown.id,
        photo=small.file,
        width=small.width,
        height=small.height,
        left=spot[0] - SIDE // 2,
        top=spot[1] - SIDE // 2,
        is_whole=not missing,
    )
    try:
        return data.model_copy(update=_found(ready, spot, missing))
    except ImageError as error:
        return data.model_copy(update={"message": str(error)})


def _found(ready: Mapping[str, Pane], spot: tuple[int, int], missing: list[str]) -> dict[str, Any]:
    """Return the fields of PatchData that depend on the pictures.

    Raises:
        ImageError: No patch can be shown; says why.
    """
    keys = [key for key in (INPUT, ORIGINAL, *METHODS) if key in ready]
    try:
        images = {key: pixels(ready[key]) for key in keys}
    except ImageError:
        raise ImageError(GONE) from None
    found = plausible(images[INPUT], spot, MOST, images.get(ORIGINAL))
    pictures = {ready[key].name: images[key] for key in METHODS if key in images}
    count = len(found.placed)
    notes = [NO_ORIGINAL] if found.truth is None else []
    if missing:
        names = " and ".join(missing)
        notes.append(f"{names} left out: not computed yet. Choose the spot again later.")
    if count < MOST:
        notes.append(f"Only {count} of {MOST} patches could be found here.")
    return {"notes": notes, **patch_fields(found, pictures)}
