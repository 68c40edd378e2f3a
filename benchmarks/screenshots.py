"""The pictures in docs/, from the running page in Chromium: `python -m benchmarks.screenshots`.

Run it after a change of the page or of the weights, and look at them. It needs what the tests need
(extra `dev`).
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the browser of the tests

from playwright.sync_api import Page, expect, sync_playwright
from support.browser import launch, serve
from support.pages import paste

from demo.blind.store import Store
from demo.engine.examples import NAMES, original_path, small_images
from demo.page import LAUNCH, build_page
from srgan.interpolation import load_dial
from srgan.upscale import WEIGHTS, load_upscalers

DOCS = Path(__file__).parents[1] / "docs"
PHOTOS = {"cat": "170+130", "pavilion": "210+150", "bricks": "116+100"}  # and where to look
VIEWS = {  # what the address asks for; keys that are pressed then
    "panes": ("view=panes&zoom=2", ""),
    "slider": ("view=slider&zoom=3", ""),
    "flicker": ("view=flicker&shown=srgan&zoom=3", ""),
    "difference": ("view=difference&gain=4&zoom=3", ""),
    "magnifier": ("view=panes", "m"),
    "region": ("view=panes&region=68+64+96+72", ""),
}
WIDTH = 900  # of one view [pixels]


def opened(page: Page, url: str) -> None:
    """Open an address and wait for its pictures."""
    page.goto(url)
    expect(page.locator("figure[data-state=ready]")).to_have_count(5)
    page.wait_for_timeout(1000)  # fonts, and the view that the address asks for


def sheet(page: Page, url: str, photo: str, place: str) -> PIL.Image.Image:
    """All views of a photo, two in a row."""
    shots = []
    for query, keys in VIEWS.values():
        opened(page, f"{url}?photo={photo}&at={place}&{query}")
        page.locator(".viewer").focus()
        for key in keys:
            page.keyboard.press(key)
        if keys:  # the magnifier follows the pointer
            page.locator("figure canvas").first.hover()
        page.wait_for_timeout(300)
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            page.locator(".viewer").screenshot(path=file.name)
            shots.append(np.asarray(PIL.Image.open(file.name).convert("RGB")))
    height = max(len(shot) for shot in shots)
    shots = [np.pad(s, ((0, height - len(s)), (0, 12), (0, 0)), constant_values=255) for s in shots]
    rows = [np.concatenate(shots[i : i + 2], axis=1) for i in range(0, len(shots), 2)]
    return PIL.Image.fromarray(np.concatenate(rows))


def main() -> None:
    """Renew the pictures."""
    store = Store(Path(tempfile.mkdtemp()) / "ratings.db")
    page_ = build_page(
        load_upscalers(WEIGHTS), dial=load_dial(WEIGHTS, photos=small_images), store=store
    )
    with serve(page_, **LAUNCH) as url, sync_playwright() as playwright:
        expect.set_options(timeout=60_000)  # a busy machine is slow, not broken
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 1302})
        opened(page, url)
        page.screenshot(path=DOCS / "page.png")
        page.get_by_role("tab", name="How it works").click()
        expect(page.get_by_text("shrink to exactly the small patch")).to_be_visible(timeout=60_000)
        page.screenshot(path=DOCS / "lesson.png")
        page.get_by_role("tab", name="Blind test").click()
        page.get_by_role("button", name="Start").first.click()
        page.wait_for_timeout(2000)
        page.screenshot(path=DOCS / "blind.png")
        page.set_viewport_size({"width": 1300, "height": 900})
        opened(page, f"{url}?photo=cat&view=slider&zoom=3&at=300+120")
        page.locator(".viewer").screenshot(path=DOCS / "slider.png")
        opened(page, f"{url}?photo=bricks&zoom=2&at=116+100&region=68+64+96+72")
        with page.expect_download() as download:
            page.get_by_role("button", name="Save this region").click()
        download.value.save_as(DOCS / "region.png")
        page.set_viewport_size({"width": 1440, "height": 800})
        opened(page, url)
        paste(page, *map(original_path, NAMES))
        expect(page.locator("#strip .line")).to_have_text(f"{len(NAMES)} photos, all done")
        page.wait_for_timeout(1000)  # the table's last row
        top, table = (page.locator(part).bounding_box() for part in ("#strip", "#set-table"))
        height = table["y"] + table["height"] - top["y"]
        whole = {"x": 0, "y": top["y"] + page.evaluate("scrollY"), "width": 1440, "height": height}
        page.screenshot(path=DOCS / "set.png", full_page=True, clip=whole)
        page.set_viewport_size({"width": WIDTH, "height": 800})
        for photo, place in PHOTOS.items():
            sheet(page, url, photo, place).save(DOCS / f"views_{photo}.webp", quality=90, method=6)
        browser.close()


if __name__ == "__main__":
    main()
