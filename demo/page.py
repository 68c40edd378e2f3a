"""The page: what stands around the tabs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import gradio as gr

from demo.blind.pictures import NO_RIVALS, Rivals
from demo.blind.store import Store
from demo.blind.tab import BlindTab
from demo.compare import tab, upload
from demo.compare.tab import MAX_FILE_MB, CompareTab
from demo.compare.waiting import MAX_QUEUED, Waiting
from demo.engine.cache import Cache
from demo.engine.examples import EXAMPLES
from demo.engine.fit import MAX_OUTPUT_PIXELS
from demo.lesson.tab import LessonTab
from demo.parts import site
from demo.parts.events import NETWORKS
from demo.parts.templates import page_script
from demo.viewer.gallery import STORED, Gallery
from srgan import __version__
from srgan.upscale import Upscaler

HERE = Path(__file__).parent
SCRIPT = page_script(HERE / "page.js")
TOUCH = page_script(HERE / "parts" / "touch.js")

# Where Gradio's own colours miss a contrast of 4.5:1, those of controls 3:1.
THEME = gr.themes.Soft(font=["ui-sans-serif", "system-ui", "sans-serif"]).set(
    body_text_color_subdued="*neutral_500",
    block_info_text_color="*neutral_500",
    block_info_text_color_dark="*body_text_color_subdued",
    block_label_text_color="*primary_600",
    block_title_text_color="*primary_600",
    checkbox_label_background_fill_selected="*primary_600",
    checkbox_label_background_fill_hover_dark="*primary_600",
    checkbox_background_color_selected="*primary_700",
    checkbox_border_color="*neutral_500",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_hover_dark="*primary_700",
    button_secondary_background_fill_hover_dark="*primary_600",
    button_cancel_background_fill_hover_dark="*primary_600",
    color_accent="*primary_600",  # in the dark, see page.css
    link_text_color_dark="*secondary_400",
    link_text_color_active_dark="*secondary_400",
    link_text_color_visited="*secondary_700",
    link_text_color_visited_dark="*secondary_300",
)
LAUNCH = {
    "theme": THEME,
    "css_paths": [HERE / "page.css"],
    "max_file_size": f"{MAX_FILE_MB}mb",
    "show_error": False,  # what an unexpected error says is not for visitors
    "enable_monitoring": False,
    # 0.3 MiB each, kept for an hour after a page was closed; Gradio's own limit is 10,000.
    "state_session_capacity": 500,
    "run_history": False,
    "mcp_server": False,
    "ssr_mode": False,  # a second server process, for nothing that this page needs
    "footer_links": ["api", "gradio", "settings"],
}

TITLE = "# Bicubic, SRResNet and SRGAN ×4, pixel by pixel"
INTRO = """Both networks guess the pixels that a photo lost when it was shrunk four times. They \
have the same layers and differ in the loss they were trained with. **SRResNet** minimises the \
squared error, so it paints the *average* of all plausible answers: a high score, and soft. \
**SRGAN** must convince a second network that its picture is a real photo, so it *picks one* \
answer: sharp, and a lower score."""


def build_page(
    upscalers: Sequence[Upscaler],
    max_output_pixels: int = MAX_OUTPUT_PIXELS,
    dial: Callable[[float], Upscaler] | None = None,
    cache: Cache | None = None,
    store: Store | None = None,
    gallery: Gallery = STORED,
    weights: Mapping[str, str] | None = None,
    rivals: Rivals = NO_RIVALS,
) -> site.Site:
    """Build the page over any upscalers; runs none of them.

    Args:
        upscalers: Methods in the order of their panes.
        max_output_pixels: Largest image that a method may make. It bounds a request's time.
        dial: The upscaler at a share of SRGAN from 0 to 1, if there are "SRResNet" and "SRGAN".
        cache: What was computed before.
        store: Of the votes; without it there is no blind test.
        gallery: Of the built-in photos.
        weights: sha256 of the methods' weights by file name; None for the shipped ones.
        rivals: Networks that the blind test compares with the shipped ones.
    """
    gr.set_static_paths([EXAMPLES])
    with site.Site(
        title="SRGAN ×4", fill_width=True, delete_cache=(600, 3600), analytics_enabled=False
    ) as page:
        gr.Markdown(TITLE + "\n\n" + INTRO, elem_id="intro")
        with gr.Tab("Compare"):
            compare = CompareTab(upscalers, max_output_pixels, dial, cache, gallery, weights)
        if store:
            with gr.Tab("Blind test"):
                BlindTab(store, rivals)
        with gr.Tab("How it works"):
            LessonTab(compare.shown)
        compare.open_link(page)
        gr.Markdown(f"srgan {__version__}", elem_id="version")
        for script in (site.SCRIPT, upload.SCRIPT, tab.INTAKE, TOUCH, SCRIPT):
            page.load(None, js=script)
    # Light events are not queued; the heavy ones wait for each other, see `CompareTab`.
    page.queue(max_size=MAX_QUEUED, api_open=False, default_concurrency_limit=8)
    # There is no other way to the queue. A set's photos come one at a time: `demo.engine.sets`.
    waiting = Waiting(page._queue, NETWORKS, always=["work"])  # noqa: SLF001
    page.state, page.drain = waiting.state, waiting.drain
    return page
