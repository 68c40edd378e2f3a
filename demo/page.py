"""The page: what stands around the tabs."""

from collections.abc import Callable, Sequence

import gradio as gr

from demo.blind.store import Store
from demo.blind.tab import BlindTab
from demo.compare import upload
from demo.compare.tab import MAX_FILE_MB, CompareTab
from demo.compare.waiting import MAX_QUEUED, bound_waiting
from demo.engine.cache import Cache
from demo.engine.examples import EXAMPLES
from demo.engine.fit import MAX_OUTPUT_PIXELS
from demo.lesson.tab import LessonTab
from demo.parts import site
from demo.parts.events import NETWORKS
from srgan.upscale import Upscaler

CSS = """
/* Gradio's own, hidden, would make it the box in which toolbars stick, which never scrolls. */
.gradio-container { overflow: clip !important; }
#intro p { max-width: 75em; }
#limits, #limits * { font-size: var(--text-xs); color: var(--body-text-color-subdued); }
#mode label { width: 100%; }
:is(#today, #paper, #region) :is(th, td) { overflow-wrap: normal; word-break: normal; }
:is(#today, #paper) td { white-space: nowrap; }
@media (max-width: 640px) {
  :is(#today, #paper, #region) :is(th, td) {
    font-size: var(--text-xs); padding: 6px 4px !important;
  }
  :is(#today, #paper) .prose:has(table) { margin-top: 32px; } /* the copy button lies there */
}
#plots .row > * { min-width: min(320px, 100%) !important; } /* one under another on a phone */
/* Gradio may count a run that was stopped as a failed one; what fails is said in words anyway. */
#status .wrap:has(> .error) { display: none; }
#examples { gap: 8px; }
#examples button { flex-direction: column; gap: 4px; }
#examples img { width: 64px; height: 44px; object-fit: cover; border-radius: 3px; margin: 0; }

/* Where the theme's own colours miss a contrast of 4.5:1 with what they lie on, controls 3:1. */
body:not(.dark) {
  --body-text-color-subdued: var(--neutral-500);
  --block-info-text-color: var(--neutral-500);
  --block-label-text-color: var(--primary-600);
  --block-title-text-color: var(--primary-600);
  --checkbox-label-background-fill-selected: var(--primary-600);
  --checkbox-background-color-selected: var(--primary-700);
  --checkbox-border-color: var(--neutral-500);
  --button-primary-background-fill: var(--primary-600);
  --button-primary-background-fill-hover: var(--primary-700);
  --color-accent: var(--primary-600);
  --link-text-color-visited: var(--secondary-700);
}
.dark .gradio-container {
  --button-primary-background-fill-hover: var(--primary-700);
  --button-secondary-background-fill-hover: var(--primary-600);
  --button-cancel-background-fill-hover: var(--primary-600);
  --checkbox-label-background-fill-hover: var(--primary-600);
  --color-accent: var(--primary-400);
  --link-text-color: var(--secondary-400);
  --link-text-color-active: var(--secondary-400);
  --link-text-color-visited: var(--secondary-300);
}

/* The ring of the keyboard's focus; a radio's is around its label, which may have its colour. */
:focus-visible, label:has(> input[type="radio"]:focus-visible) {
  outline: 2px solid var(--color-accent); outline-offset: 2px;
}
input[type="radio"]:focus-visible { outline: none; }
#photo :focus-visible, [role="tab"]:focus-visible { outline-offset: -2px; } /* cut off outside */

body { /* outside, Gradio would narrow the query to the tabs: its messages lie beside them */
  @media (prefers-reduced-motion: reduce) {
    *, ::before, ::after { animation: none !important; transition: none !important; }
  }
}
"""

LAUNCH = {
    "theme": gr.themes.Soft(font=["ui-sans-serif", "system-ui", "sans-serif"]),
    "css": CSS,
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

# Gradio takes the drop zone's pressed button away; the focus would go back to the page's top.
KEEP_FOCUS = """() => {
  const photo = document.querySelector("#photo"), isSeen = node => node.getClientRects().length > 0;
  let isIn = false;
  for (const type of ["focusin", "pointerdown"]) {
    document.addEventListener(type, event => { isIn = photo.contains(event.target); });
  }
  new MutationObserver(() => {
    const focused = document.activeElement;
    if (!isIn || (focused !== document.body && isSeen(focused))) return;
    const next = [...photo.querySelectorAll("[aria-dropeffect], .source-selection button")];
    next.find(isSeen)?.focus({preventScroll: true});
  }).observe(photo, {subtree: true, childList: true, attributeFilter: ["class"]});
}"""

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
) -> gr.Blocks:
    """Build the page over any upscalers; runs none of them.

    Args:
        upscalers: Methods in the order of their panes.
        max_output_pixels: Largest image that a method may make. It bounds a request's time.
        dial: The upscaler at a share of SRGAN from 0 to 1, if there are "SRResNet" and "SRGAN".
        cache: What was computed before.
        store: Of the votes; without it there is no blind test.
    """
    gr.set_static_paths([EXAMPLES])
    with site.Site(
        title="SRGAN ×4", fill_width=True, delete_cache=(600, 3600), analytics_enabled=False
    ) as page:
        gr.Markdown(TITLE + "\n\n" + INTRO, elem_id="intro")
        with gr.Tab("Compare"):
            compare = CompareTab(upscalers, max_output_pixels, dial, cache)
        if store:
            with gr.Tab("Blind test"):
                BlindTab(store)
        with gr.Tab("How it works"):
            LessonTab(compare.shown)
        compare.open_link(page)
        page.load(None, js=site.SCRIPT)
        page.load(None, js=upload.SCRIPT)
        page.load(None, js=PASTE)
        page.load(None, js=KEEP_FOCUS)
    # Light events are not queued; the heavy ones wait for each other, see `CompareTab`.
    page.queue(max_size=MAX_QUEUED, api_open=False, default_concurrency_limit=8)
    bound_waiting(page._queue, NETWORKS)  # noqa: SLF001 - there is no other way to it
    return page
