"""The page behind proxies that do not tell its server where it is seen."""

import io

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support.browser import serve
from support.mocks import Counting, methods, noise, save
from support.pages import DESKTOP, drop, opened, wait_for
from support.proxy import proxy_before

from demo.page import LAUNCH, build_page
from srgan.images import repeat, shrink


@pytest.fixture(scope="module")
def url():
    mocks = methods(Bicubic=Counting(1), SRResNet=Counting(1), SRGAN=Counting(1))
    with serve(build_page(mocks), **LAUNCH) as address:
        yield address


@pytest.mark.parametrize(
    "before",
    [
        {"has_tls": False},  # Host has lost its port
        {"host": "127.0.0.1"},  # http pictures in an https page would not be shown
        {"prefix": "/tools/srgan/"},
    ],
    ids=str,
)
def test_pictures_icons_downloads_and_snippets(browser, url, tmp_path, before):
    photo = noise(64, 48)
    lost = []
    with (
        proxy_before(url, tmp_path, **before) as address,
        opened(browser, address, DESKTOP | {"ignore_https_errors": True}) as page,
    ):
        page.on(
            "request", lambda r: r.url.startswith(("data:", "blob:", address)) or lost.append(r.url)
        )
        for icon in page.locator("#examples img").all():
            expect(icon).not_to_have_js_property("naturalWidth", 0)
        drop(page, save(tmp_path, photo))
        wait_for(page, "photo")
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        expect(page.locator("#photo img")).to_have_js_property("naturalWidth", 48)
        assert (downloaded(page, "figure[data-key=srgan] .save") == repeat(shrink(photo))).all()
        page.evaluate(KEEP)
        page.get_by_role("button", name="Download everything").click()
        saved(page, address, "photo_x4.zip")
        page.locator(".viewer").focus()
        page.keyboard.press("r")
        page.get_by_role("button", name="Save this region").click()
        saved(page, address, "photo_region_")
        page.get_by_role("tab", name="How it works").click()
        for picture in page.locator("#lesson img").all():
            expect(picture).not_to_have_js_property("naturalWidth", 0)
        page.get_by_role("button", name="Use via API").click()
        snippet = page.locator("pre", has_text="Client(").first
        expect(snippet).to_contain_text(f'Client("{address.rstrip("/")}")')
        page.get_by_text("cURL", exact=True).click()
        expect(page.locator("pre", has_text="EVENT_ID").first).to_contain_text(
            f"{{ read -r EVENT_ID; curl -N {address}gradio_api/call/compare/$EVENT_ID; }}"
        )
    assert not lost


# Chromium saves nothing under a trial certificate.
KEEP = """() => {
    window.links = [];
    HTMLAnchorElement.prototype.click = function () { links.push(this.href); };
}"""


def saved(page, address, name):
    """Wait until something is to be saved, and ask for it where the page says."""
    page.wait_for_function("links.length > 0")
    link = page.evaluate("links.pop()")
    assert link.startswith(address)
    assert name in link
    assert page.evaluate("async link => (await fetch(link)).ok", link)


def downloaded(page, link):
    """What a link leads to; not by a click, Chromium saves nothing under a trial certificate."""
    data = page.locator(link).evaluate(
        "async a => [...new Uint8Array(await (await fetch(a.href)).arrayBuffer())]"
    )
    return np.asarray(PIL.Image.open(io.BytesIO(bytes(data))))
