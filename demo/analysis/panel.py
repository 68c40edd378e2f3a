"""What stands under the viewer: a region's scores and figure, the plots, everything as a ZIP."""

import math
import uuid
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from demo.analysis.export import write_zip
from demo.analysis.plots import perception_distortion, power_spectrum, spectra
from demo.analysis.region import (
    Region,
    parse_region,
    region_caption,
    region_figure,
    region_scores,
    region_table,
)
from demo.engine.examples import weights_digests
from demo.engine.scores import Scores
from demo.engine.seen import Seen
from demo.engine.table import Protocol, markdown
from demo.parts.events import SCORING
from demo.viewer.show import pixels
from demo.viewer.viewer import INPUT, ORIGINAL, Comparer, ComparerData, Pane, write_pane_file
from srgan.images import Image, repeat
from srgan.metrics import Original
from srgan.perceptual import niqe

SAVE = """(file) => {
  if (!file) return;
  const link = document.createElement("a");
  Object.assign(link, {href: file.url, download: file.orig_name}).click();
}"""
NIQE_TEXT = """**NIQE** compares the local statistics of a picture with those of untouched photos, \
and knows no original: lower looks more natural, photos have 2 to 5. It sees the softness that \
PSNR rewards; it cannot tell right detail from wrong, and noise can please it.

"""


class Analysis:
    """Components and events.

    Args:
        weights: sha256 of the methods' weights by file name; None for the shipped ones.
    """

    def __init__(self, weights: Mapping[str, str] | None = None) -> None:
        self._weights = weights_digests() if weights is None else weights

    def build(self) -> None:
        """Make the components, where they are to stand."""
        with gr.Column(visible=False, elem_id="region") as self.box:
            self.table = gr.Markdown()
            self.figure = gr.DownloadButton("Save this region as a figure (PNG)", size="sm")
        self.export = gr.Button("Download everything (ZIP)", size="sm", elem_id="export")
        self.file = gr.File(visible="hidden", label="Everything")
        title = "Why numbers and eyes disagree"
        with gr.Accordion(title, open=False, elem_id="plots") as self.accordion:
            with gr.Row():
                self.plots = [gr.HTML(), gr.HTML()]
            self.plots.append(gr.Markdown(elem_id="naturalness"))
        self.is_open, self.marked = gr.State(False), gr.State()

    def connect(
        self,
        comparer: Comparer,
        shown: gr.State,
        scores: gr.State,
        seen: gr.State,
        protocol: gr.Radio,
    ) -> None:
        """Connect the events of what stands here."""
        self._inputs = [self.is_open, shown, scores, seen]
        outputs = [self.box, self.table, self.figure]
        # Not scored by the event itself: "always_last" repeats the first event with its own data.
        comparer.region(mark, None, self.marked, show_progress="hidden", api_visibility="private")
        examined = self.marked.change(
            examine,
            [self.marked, shown, scores, protocol],
            outputs,
            show_progress="hidden",
            trigger_mode="always_last",
            **SCORING,
        )
        exported = self.export.click(self.everything, [shown, scores], self.file, **SCORING)
        exported.success(None, self.file, js=SAVE)
        self.made = [examined, exported]  # events that write files of a visitor's photos
        self.accordion.expand(opened, self._inputs[1:], [self.is_open, *self.plots], **SCORING)
        self.accordion.collapse(
            lambda: False, None, self.is_open, queue=False, api_visibility="private"
        )

    def everything(self, shown: ComparerData, scores: Mapping[str, Scores]) -> str:
        """Write all pictures that are ready, with their scores, into a ZIP; returns its path."""
        ready = shown.ready
        if not ready:
            raise gr.Error("There is nothing to download yet.", print_exception=False)
        photo = shown.title
        path = Path(get_upload_folder()) / uuid.uuid4().hex / f"{photo}_x4.zip"
        path.parent.mkdir(parents=True)
        files = [(pane.file.orig_name, pane.file.path) for pane in ready]
        try:
            write_zip(path, files, scores, photo, self._weights)
        except OSError:
            raise gr.Error(
                "A picture is no longer kept: compare the photo again.", print_exception=False
            ) from None
        return str(path)

    def follow(self, event: Any) -> None:  # noqa: ANN401
        """Renew the plots, if they can be seen, after an event that shows another picture."""
        event.then(
            renewed,
            self._inputs,
            self.plots,
            show_progress="hidden",
            trigger_mode="always_last",  # else a picture that comes while it draws would be missed
            **SCORING,
        )


def mark(event: gr.EventData) -> tuple[str, Any]:
    """Keep what the viewer tells of; never equal to the last, for the scores may be others now."""
    return uuid.uuid4().hex, event._data  # noqa: SLF001 - the documented access fails on None


def examine(
    told: tuple[str, Any],
    shown: ComparerData,
    scores: Mapping[str, Scores],
    protocol: Protocol,
) -> tuple[Any, str, Any]:
    """Score the region that the viewer tells of; hides the box when it was cleared."""
    data = told[1] if isinstance(told[1], dict) else {}
    ready = shown.ready
    if data.get("region") is None or data.get("id") != shown.id or len(ready) < 2:
        return gr.Column(visible=False), "", gr.DownloadButton(value=None)
    largest = max(ready, key=lambda pane: pane.width)
    try:
        region = parse_region(data["region"], largest.width, largest.height)
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from None
    images = {pane.key: pixels(pane) for pane in ready}
    photo = shown.title
    figure, inside = draw_region(ready, images, scores, region, photo, protocol)
    place = "_".join(map(str, region))
    file = write_pane_file(figure, f"{photo}_region_{place}.png")
    text = f"**Region** of {region.width} × {region.height} pixels at {region.left}, {region.top}"
    table = region_table(inside, {n: scores[n] for n in inside}, region, protocol)
    return gr.Column(visible=True), f"{text}\n\n{table}", gr.DownloadButton(value=file.path)


def draw_region(
    panes: Sequence[Pane],
    images: Mapping[str, Image],
    methods: Container[str],
    region: Region,
    photo: str,
    protocol: Protocol,
) -> tuple[Image, dict[str, Scores]]:
    """Draw a region of panes that are ready; returns its scores by method, too.

    Args:
        panes: In this order.
        images: Their pictures by key.
        methods: Names of those that are scored.
        region: In pixels of the outputs.
        photo: Name of the photo.
        protocol: Which PSNR and SSIM to show.
    """
    restored = {pane.name: images[pane.key] for pane in panes if pane.name in methods}
    inside = region_scores(restored, images[INPUT], images.get(ORIGINAL), region)
    captions = {name: region_caption(scores, protocol) for name, scores in inside.items()}
    large = {**images, INPUT: repeat(images[INPUT])}
    tiles = [(pane.name, large[pane.key], captions.get(pane.name, "")) for pane in panes]
    is_scored = any(getattr(scores, protocol) for scores in inside.values())
    return region_figure(tiles, region, photo, protocol if is_scored else None), inside


def explain(shown: ComparerData, scores: Mapping[str, Scores], seen: Seen) -> tuple[str, str, str]:
    """Return quality and spectrum of what is shown, HTML, and how natural it is, Markdown."""
    images = {pane.key: pixels(pane) for pane in shown.ready}
    if any(s.today for s in scores.values()):
        sr, original = repeat(images[INPUT]), Original(images[ORIGINAL])
        nearest = Scores.of(None, None, original.score(sr), None, original.detail(sr))
        scores = {"Nearest": nearest, **scores}
    large = {pane.name: images[pane.key] for pane in shown.ready if pane.key != INPUT}
    quality = perception_distortion(scores, seen.quality(shown.id))
    return quality, power_spectrum(spectra(large)), naturalness(large)


def naturalness(images: Mapping[str, Image]) -> str:
    """Return a Markdown table of the NIQE of pictures, (H, W, 3) by name; empty if none has one."""
    values = {name: niqe(image) for name, image in images.items()}
    known = {name: value for name, value in values.items() if not math.isnan(value)}
    if not known:
        return ""
    return NIQE_TEXT + markdown(list(known), {"NIQE": [f"{v:.2f}" for v in known.values()]})


def opened(*shown_scores_seen: Any) -> tuple[bool, str, str, str]:  # noqa: ANN401
    """Draw the plots when a person wants to see them."""
    return True, *explain(*shown_scores_seen)


def renewed(is_open: bool, *shown_scores_seen: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Draw the plots of another picture; the spectra of 4 megapixels take seconds."""
    return explain(*shown_scores_seen) if is_open else (gr.skip(),) * 3
