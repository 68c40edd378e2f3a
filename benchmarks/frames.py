"""Is the viewer smooth? Times between frames while 2048 x 2048 outputs are dragged in Chromium.

    python -m benchmarks.frames

The goal is 95 % of the frames under 17 ms. It needs what the tests need (extra `dev`).
"""

import sys
from pathlib import Path

import gradio as gr
import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the browser of the tests

from playwright.sync_api import Page, sync_playwright
from support.browser import launch, serve

from benchmarks.machine import describe
from demo.viewer.viewer import Comparer, ComparerData, Pane, write_pane_file
from srgan.images import enlarge, shrink

SIDE = 2048
FRAMES = 180
VIEWS = {
    "panes": "p",
    "panes, whole picture": "p0",
    "panes, magnifier": "pm",
    "slider": "ml",
    "flicker": "k",
    "difference": "d",
}
RECORD = """frames => new Promise(done => {
  const canvas = [...document.querySelectorAll('canvas')].find(c => c.offsetParent);
  const box = canvas.getBoundingClientRect(), times = [];
  const send = (type, i) => canvas.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 1, button: 0, buttons: 1,
    clientX: box.x + box.width / 2 + 80 * Math.sin(i / 9),
    clientY: box.y + box.height / 2 + 60 * Math.cos(i / 7)}));
  canvas.setPointerCapture = () => {};   // of a pointer that no hardware has
  send('pointerdown', 0);
  let last = performance.now(), i = 0;
  const tick = now => {
    times.push(now - last);
    last = now;
    if (++i > frames) { send('pointerup', i); done(times.slice(1)); return; }
    send('pointermove', i);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})"""


def scene() -> ComparerData:
    """Five panes of smooth noise."""
    rng = np.random.default_rng(0)
    hr = enlarge(rng.integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8))
    names = {"bicubic": "Bicubic", "srresnet": "SRResNet", "srgan": "SRGAN", "original": "Original"}
    images = {"input": shrink(hr), **{key: hr for key in names}, "srgan": 255 - hr}
    panes = [
        Pane(
            key=key,
            name=names.get(key, "Small input"),
            width=image.shape[1],
            height=image.shape[0],
            state="ready",
            file=write_pane_file(image, f"{key}.png"),
        )
        for key, image in images.items()
    ]
    return ComparerData(id="frames", panes=panes)


def record(page: Page, name: str, keys: str) -> None:
    """Drag in one view at 1:1 and print the times between frames."""
    page.locator(".viewer").focus()
    for key in ("z", *keys):
        page.keyboard.press(key)
    page.wait_for_timeout(1500)  # pyramids and differences are made once, when first seen
    times = np.array(page.evaluate(RECORD, FRAMES))
    median, late = np.percentile(times, [50, 95])
    share = (times < 17).mean()
    print(f"{name:22} median {median:5.1f} ms, 95 % under {late:5.1f} ms, under 17 ms {share:4.0%}")


def main() -> None:
    """Print a line for every view."""
    print(describe())
    with gr.Blocks() as blocks:
        Comparer(scene())
    with serve(blocks) as url, sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.wait_for_function("document.querySelectorAll('[data-state=ready]').length === 5")
        for name, keys in VIEWS.items():
            record(page, name, keys)
        browser.close()


if __name__ == "__main__":
    main()
