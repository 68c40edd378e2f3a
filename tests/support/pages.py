"""The demo's page as a person has it: opened, a photo dropped on it, what it then shows."""

import io
import re
from contextlib import contextmanager

import numpy as np
import PIL.Image
from playwright.sync_api import expect
from support import web
from support.browser import drop_file, serve

from demo.page import LAUNCH, build_page

DESKTOP = {"viewport": {"width": 1440, "height": 900}}


def listen_for_dialogs(page):
    """Else a dialog may open before Playwright has told the browser that it wants to know."""
    page.on("filechooser", lambda _: None)


@contextmanager
def opened(browser, url, context=DESKTOP):
    """A page that shows its first example; fails the test on any error in the browser."""
    errors = []
    with browser.new_context(**context) as session:
        page = session.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        listen_for_dialogs(page)
        page.goto(url)
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        yield page
    assert not errors, errors


@contextmanager
def opened_over(browser, upscalers, **limits):
    """A page over mock upscalers."""
    with serve(build_page(upscalers, **limits), **LAUNCH) as url, opened(browser, url) as page:
        yield page


def drop(page, path):
    """On the empty zone or on the photo that lies there."""
    there = page.locator("#photo img").count()
    drop_file(page, "#photo img" if there else "#photo button[aria-dropeffect]", path)


def wait_for(page, name, panes=5):
    """Until all panes show the photo of this name."""
    links = page.locator(f"#comparer a[download^='{name}_']")
    expect(links).to_have_count(panes, timeout=60_000)


def served(page, key):
    """The picture of a pane, from the bytes behind its download."""
    link = page.locator(f"#comparer figure[data-key={key}] a[download]")
    response = web.get(link.evaluate("a => a.href"))
    assert response.headers["content-type"] == "image/png"
    return np.asarray(PIL.Image.open(io.BytesIO(response.content)))


def rows(page, box="#today"):
    """The score table: cells by method, without the mark of the best."""
    expect(page.locator(f"{box} table")).to_be_visible()
    texts = page.locator(f"{box} tbody tr").all_inner_texts()
    cells = [re.split(r"\s*\t\s*", text.replace("★", "").strip()) for text in texts]
    return {name: [value.strip() for value in values] for name, *values in cells}


def drag(page, *paths, at=(700, 500), until="drop"):
    """Drag files and folders from a file manager to a place of the window, as it really is."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        where = {"x": at[0], "y": at[1], "data": data}
        session.send("Input.dispatchDragEvent", {"type": step, **where})
        if step == until:
            break
    session.detach()


def paste(page, *paths, target="body"):
    """Paste files at an element."""
    files = [[path.name, list(path.read_bytes())] for path in paths]
    page.locator(target).first.evaluate(
        """(target, files) => {
            const clipboardData = new DataTransfer();
            for (const [name, bytes] of files) {
                clipboardData.items.add(new File([new Uint8Array(bytes)], name));
            }
            target.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
        }""",
        files,
    )


def strip_states(page):
    """The photos of the strip: state by name."""
    items = page.locator("#strip .film li")
    return dict(
        items.evaluate_all(
            "items => items.map(i => [i.querySelector('.name').textContent, i.dataset.state])"
        )
    )


def wait_for_set(page, photos, seconds=60):
    """Until the strip says that all are done."""
    said = f"{photos} photo{'s' * (photos != 1)}, all done"
    expect(page.locator("#strip .line")).to_have_text(said, timeout=1000 * seconds)
