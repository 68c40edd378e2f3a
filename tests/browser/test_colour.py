"""The colours that are compared are those that the browser shows of the file itself."""

import base64

import numpy as np
from playwright.sync_api import expect
from support.colour_files import COLOURS, CONVERTED, PASSED_OVER, SHOWN, cicp, gama
from support.mocks import methods
from support.pages import drag, opened_over, served, wait_for
from support.picture_files import png

from srgan.images import repeat

PIXELS = """async url => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), {width: 4, height: 1});
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, 4, 1).data];
}"""


def shown(page, data):
    """The first four pixels of a file as the browser shows it."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    pixels = page.evaluate(PIXELS, f"data:image/{kind};base64,{base64.b64encode(data).decode()}")
    return np.reshape(pixels, (4, 4))[:, :3]


def test_the_browser_shows_what_is_asked_of_the_reader(browser):
    with browser.new_context() as session:
        page = session.new_page()
        page.goto("about:blank")
        for name, (data, pixels, _) in SHOWN.items():
            assert np.abs(shown(page, data) - pixels).max() <= 1, name


def test_the_page_shows_the_same_colours_and_says_what_it_did(browser, tmp_path):
    rows = np.repeat(np.uint8([COLOURS]), 24, 0).repeat(6, 1)  # 24 high, 24 wide
    by_name = {
        "converted": (gama(1), CONVERTED.format("PNG gAMA")),
        "passed": (cicp(2, 2, 0, 1), PASSED_OVER.format("PNG cICP 2, 2")),
    }
    upscalers = methods(Bicubic=repeat, SRResNet=repeat, SRGAN=repeat)
    with opened_over(browser, upscalers) as page:
        for name, (chunk, said) in by_name.items():
            data = png(24, 24, 8, 2, rows.tobytes(), before=chunk)
            path = tmp_path / f"{name}.png"
            path.write_bytes(data)
            drag(page, path)
            wait_for(page, name)
            expect(page.locator("#status")).to_contain_text("Done.")
            expect(page.locator("#status")).to_contain_text(said)
            original = served(page, "original")[0, :4]
            assert np.abs(shown(page, data).astype(int) - original).max() <= 1
