"""What does a request cost beside the networks? From a dropped photo to the last pane, in Chromium.

    python -m benchmarks.request

The app runs as a process of its own. The goal is less than 15 % above the networks' own time, which
the page itself tells, at outputs of 1024 x 1024. It needs what the tests need
(extra `dev`).
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the browser of the tests

import httpx
import numpy as np
import PIL.Image
import skimage.data
from playwright.sync_api import Page, sync_playwright
from support.browser import drop_file, launch

from benchmarks.machine import describe
from benchmarks.running import App, running
from demo.engine.cache import Cache, Result
from demo.engine.scores import rate, scorable
from demo.engine.table import BEST
from srgan.images import Image, enlarge, shrink, write_png
from srgan.metrics import agreement
from srgan.reading import read_picture
from srgan.upscale import BICUBIC

GOAL = 0.15  # of the networks' time
NETWORKS = ("srresnet", "srgan")
METHODS = ("bicubic", *NETWORKS)
AFTERWARDS = ("scoring", "keeping results")  # when all panes are drawn: not in the whole
PATIENCE = 180  # seconds
# Waits for the panes of a photo; a picture is drawn in the frame after it is decoded.
DRAWN = """name => new Promise(done => {
  const start = window.dropped;
  const tick = now => {
    const figures = [...document.querySelectorAll('#comparer figure')];
    const isReady = figure => figure.dataset.state === 'ready'
      && figure.querySelector('a[download]').download.startsWith(name + '_');
    if (figures.length < 5 || !figures.every(isReady)) return requestAnimationFrame(tick);
    requestAnimationFrame(end => done((end - start) / 1000));
  };
  tick();
})"""
# The time from the drop to the answer to the upload [s].
UPLOADED = """() => {
  const all = performance.getEntriesByType('resource').filter(e => e.name.includes('/upload?'));
  return (all.at(-1).responseEnd - window.dropped) / 1000;
}"""


class Request(NamedTuple):
    """Seconds of one request and of its parts."""

    whole: float
    networks: float
    parts: dict[str, float]  # but for AFTERWARDS, the rest of the whole is events and drawing

    @property
    def overhead(self) -> float:
        """What the request took above the networks' time, as a fraction of it."""
        return self.whole / self.networks - 1


def photo(number: int, side: int) -> Image:
    """Make a photo with pixels that no other number has, so that no result is known."""
    face = skimage.data.astronaut()
    rng = np.random.default_rng(number)
    top, left = rng.integers(0, 512, 2)
    again = -(-(side + 512) // 512)
    return np.pad(face, ((0, again * 512), (0, again * 512), (0, 0)), "symmetric")[
        top : top + side, left : left + side
    ]


def seconds(work: Callable[..., Any], *inputs: Any) -> float:  # noqa: ANN401
    """Time a call."""
    start = time.perf_counter()
    work(*inputs)
    return time.perf_counter() - start


def server_parts(path: Path, images: Sequence[Image], folder: Path) -> dict[str, float]:
    """Time what the server does beside the networks, here, one after another, on the same pictures.

    Args:
        path: The photo, of multiples of 4.
        images: What the methods made of it.
        folder: For files that are written.
    """
    hr = read_picture(path).image
    lr, cache = shrink(hr), Cache(folder)
    scored = []

    def score() -> None:
        original = scorable(hr)
        scored.extend(rate(sr, original, agreement(sr, lr)) for sr in images)

    def keep() -> None:
        for sr, scores in zip(images, scored, strict=True):
            cache.put(lr, sr, BICUBIC, Result(sr, scores))

    def write() -> None:
        for image in (lr, *images, hr):
            write_png(image, folder / "pane.png")

    return {
        "reading": seconds(read_picture, path),
        "shrinking, bicubic": seconds(shrink, hr) + seconds(enlarge, lr),
        "scoring": seconds(score),
        "keeping results": seconds(keep),
        "writing PNG": seconds(write),
    }


def ask(page: Page, path: Path, folder: Path) -> Request:
    """Drop a photo on the page and wait until all of it is drawn."""
    page.evaluate(
        "document.querySelector('#photo').addEventListener('drop', "
        "() => { window.dropped = performance.now(); }, {capture: true, once: true})"
    )
    there = page.locator("#photo img").count()
    drop_file(page, "#photo img" if there else "#photo button[aria-dropeffect]", path)
    whole = page.evaluate(DRAWN, path.stem)
    page.get_by_text("Done.").wait_for(timeout=PATIENCE * 1000)
    rows = [
        row.replace(BEST, "").split() for row in page.locator("#today tbody tr").all_inner_texts()
    ]
    times = {row[0].lower(): float(row[-1]) for row in rows}
    links = "#comparer figure[data-key={}] a[download]"
    hrefs = [page.locator(links.format(m)).evaluate("a => a.href") for m in METHODS]
    images = [np.asarray(PIL.Image.open(io.BytesIO(httpx.get(href).content))) for href in hrefs]
    parts = {"upload": page.evaluate(UPLOADED), **server_parts(path, images, folder)}
    return Request(whole, sum(times[name] for name in NETWORKS), parts)


def measure(app: App, rounds: int, side: int) -> list[Request]:
    """Ask with another photo each time; the first, which sets everything up, is left out."""
    requests = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as own:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(app.url)
        page.wait_for_function(
            "document.querySelectorAll('#comparer figure[data-state=ready]').length === 5"
        )
        for number in range(rounds + 1):
            path = Path(own) / f"photo{number}.jpg"
            PIL.Image.fromarray(photo(number, side)).save(path, quality=95)
            requests.append(ask(page, path, Path(own) / "results"))
        browser.close()
    return requests[1:]


def report(requests: Sequence[Request]) -> bool:
    """Print the medians; returns whether the goal is reached."""

    def median(values: Sequence[float]) -> float:
        return statistics.median(values)

    networks = median([r.networks for r in requests])
    parts = {name: median([r.parts[name] for r in requests]) for name in requests[0].parts}
    later = {f"afterwards: {name}": parts.pop(name) for name in AFTERWARDS}
    whole = median([r.whole for r in requests])
    rest = whole - networks - sum(parts.values())
    rows = {
        "networks": networks,
        **parts,
        "events, transfer, drawing": rest,
        "whole": whole,
        **later,
    }
    print(f"{'':26} seconds   of the networks' time")
    for name, value in rows.items():
        print(f"{name:26} {value:7.3f}   {value / networks:6.1%}")
    overhead = median([r.overhead for r in requests])
    print(f"\noverhead: {overhead:.1%}, the goal is {GOAL:.0%} ({len(requests)} requests)")
    return overhead < GOAL


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the parts of a request; returns 1 if it costs more than the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--side", type=int, default=1024, help="of the outputs [pixels]")
    options = parser.parse_args(arguments)
    print(describe())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "app") as app:
        return 0 if report(measure(app, options.rounds, options.side)) else 1


if __name__ == "__main__":
    sys.exit(main())
