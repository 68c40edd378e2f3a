"""The page: texts, layout and events."""

from collections.abc import Mapping
from functools import partial
from uuid import uuid4

import gradio as gr

from demo.comparer import Comparer
from demo.examples import EXAMPLES, NAMES, original_path
from demo.fit import MAX_OUTPUT_PIXELS
from demo.handlers import Handlers, Updates, example, stopped
from demo.table import BEST
from demo.upload import UploadImage
from srgan.images import SCALE
from srgan.upscale import Upscaler

MAX_FILE_MB = 20
CSS = """
#intro p { max-width: 75em; }
#limits, #limits * { font-size: var(--text-xs); color: var(--body-text-color-subdued); }
#mode label, #oversize label { width: 100%; }
:is(#today, #paper) :is(th, td) { overflow-wrap: normal; word-break: normal; }
:is(#today, #paper) td { white-space: nowrap; }
@media (max-width: 640px) {
  :is(#today, #paper) :is(th, td) { font-size: var(--text-xs); padding: 6px 4px !important; }
}
#examples { gap: 8px; }
#examples button { flex-direction: column; gap: 4px; }
#examples img { width: 64px; height: 44px; object-fit: cover; border-radius: 3px; margin: 0; }
"""

# Ctrl+V anywhere on the page; Gradio's own button needs a permission that embedded pages lack.
PASTE = """() => document.addEventListener("paste", event => {
  const [file] = event.clipboardData.files;
  const input = document.querySelector("#photo input[type=file]");
  if (!file || !input) return;
  const data = new DataTransfer();
  data.items.add(file);
  input.files = data.files;
  input.dispatchEvent(new Event("change", {bubbles: true}));
})"""

TITLE = "# Bicubic, SRResNet and SRGAN ×4, pixel by pixel"
INTRO = """Both networks guess the pixels that a photo lost when it was shrunk four times. They \
have the same layers and differ in the loss they were trained with. **SRResNet** minimises the \
squared error, so it paints the *average* of all plausible answers: a high score, and soft. \
**SRGAN** must convince a second network that its picture is a real photo, so it *picks one* \
answer: sharp, and a lower score."""
MODES = [
    ("This is the original: shrink it ×4, restore it, score it", "original"),
    ("This is a small image: enlarge it ×4", "small"),
]
PROTOCOLS = [("Today's protocol", "today"), ("The paper's protocol", "paper")]
TODAY = """**PSNR** and **SSIM** tell how close the pixels are to the original's (BT.601 luma, \
4 pixels off each side, SSIM with an 11×11 Gaussian window)."""
PAPER = """**PSNR** and **SSIM** as the paper measured them, with the Daala tools (BT.709 luma, \
4 pixels off each side, an SSIM window that grows with the image). The captions above keep today's \
protocol."""
MEANING = f"""**Detail** is how much fine structure there is, right or wrong, in percent of the \
original's. **Agreement** shrinks the result again and compares it with the input. {BEST} is the \
best of a column. The paper expects SRGAN to score *lower* than SRResNet, by about 2.5 dB, and \
yet people prefer it: these numbers reward averaging. Judge by eye."""


def build_page(
    upscalers: Mapping[str, Upscaler], max_output_pixels: int = MAX_OUTPUT_PIXELS
) -> gr.Blocks:
    """Build the page over any upscalers; runs none of them.

    Args:
        upscalers: Methods by name, in the order of their panes.
        max_output_pixels: Largest image that a method may make. It bounds a request's time.
    """
    gr.set_static_paths([EXAMPLES])
    with gr.Blocks(
        title="SRGAN ×4", fill_width=True, delete_cache=(600, 3600), analytics_enabled=False
    ) as page:
        gr.Markdown(TITLE + "\n\n" + INTRO, elem_id="intro")
        with gr.Tab("Compare"):
            _compare_tab(Handlers(upscalers, max_output_pixels), list(upscalers), max_output_pixels)
        page.load(None, js=PASTE)
    # Light events are not queued; the heavy ones wait for each other, see `_compare_tab`.
    return page.queue(max_size=16, api_open=False, default_concurrency_limit=8)


def _compare_tab(handlers: Handlers, methods: list[str], max_output_pixels: int) -> None:
    first = example(next(iter(NAMES)))
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            photo = UploadImage(
                label="Your photo",
                placeholder="Drop a photo here,\nclick to choose, or paste",
                sources=["upload", "clipboard"],
                buttons=[],
                height=220,
                elem_id="photo",
            )
            gr.Markdown(_limits(max_output_pixels), elem_id="limits")
            mode = gr.Radio(MODES, value=first.mode, label="What is it?", elem_id="mode")
            oversize = gr.Radio(
                ["centre", "shrink"], label="It is too large", visible=False, elem_id="oversize"
            )
            status = gr.Markdown(first.status, elem_id="status", min_height=64)
            stop = gr.Button("Stop", variant="stop", size="sm", elem_id="stop")
            gr.Markdown("Or one of these, precomputed:")
            with gr.Row(elem_id="examples"):
                shown_examples = {
                    name: gr.Button(label, icon=original_path(name), size="sm", min_width=80)
                    for name, label in NAMES.items()
                }
        with gr.Column(scale=4, min_width=320):
            comparer = Comparer(first.panes, elem_id="comparer")
            protocol = gr.Radio(
                PROTOCOLS, value="today", label="PSNR and SSIM in", elem_id="protocol"
            )
            with gr.Column(elem_id="today") as today_box:
                today = gr.Markdown(first.today)
                gr.Markdown(TODAY)
            with gr.Column(visible=False, elem_id="paper") as paper_box:
                paper = gr.Markdown(first.paper)
                gr.Markdown(PAPER)
            gr.Markdown(MEANING)
    shown, source = gr.State(first.panes), gr.State(first.source)

    outputs = list(Updates(comparer, shown, today, paper, status, oversize, photo, source, mode))
    light = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    heavy = {"concurrency_id": "model", "concurrency_limit": 1}

    # A run starts when `begun` changes. It could follow its triggers with `.then`, but the browser
    # handles the listeners of one trigger in turn, and what ends the old run must come first: else
    # a last step of it would overwrite what the trigger itself has shown.
    begun = gr.State()
    run = begun.change(
        handlers.run,
        [source, mode, oversize],
        outputs,
        show_progress_on=status,
        trigger_mode="multiple",  # the run before may still be on its way out
        api_visibility="private",
        **heavy,
    )
    buttons = [button.click for button in (stop, *shown_examples.values())]
    gr.on([photo.upload, mode.input, oversize.input, *buttons], None, cancels=run)

    light_queued = light | {"queue": True}  # only these tell the browser that a state has changed
    photo.upload(
        lambda path: (path, uuid4().hex, gr.Radio(value=None, visible=False)),
        photo,
        [source, begun, oversize],
        **light_queued,
    )
    gr.on([mode.input, oversize.input], lambda: uuid4().hex, None, begun, **light_queued)
    stop.click(stopped, shown, [comparer, status], **light)
    for name, button in shown_examples.items():
        button.click(partial(example, name), None, outputs, **light)
    protocol.input(
        lambda p: (gr.Column(visible=p == "today"), gr.Column(visible=p == "paper")),
        protocol,
        [today_box, paper_box],
        **light,
    )
    files = [gr.File(label=f"{method} ×{SCALE}, PNG", visible=False) for method in methods]
    report = gr.JSON(label="Scores", visible=False)
    gr.Button(visible=False).click(
        handlers.api, [photo, mode, oversize], [*files, report], api_name="compare", **heavy
    )


def _limits(max_output_pixels: int) -> str:
    original, small = max_output_pixels / 1e6, max_output_pixels / SCALE**2 / 1e6
    return (
        f"Up to {original:.1f} megapixels for an original, {small:.2f} for a small image, "
        f"{MAX_FILE_MB} MB a file; of a larger photo you choose a piece or shrink it. PNG, JPEG, "
        "WebP, AVIF, TIFF, BMP, GIF. Photos are deleted within an hour or two."
    )
