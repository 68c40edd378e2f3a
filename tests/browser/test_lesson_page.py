"""The lesson in a real browser: a spot is chosen, and what the page then shows is that spot's."""

import re
from contextlib import contextmanager

import gradio as gr
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.browser import PHONE, serve
from support.lesson import chosen, comparison, tiles
from support.mocks import noise

from demo.engine.examples import EXAMPLES
from demo.lesson.plausible import SIDE
from demo.lesson.tab import NO_ORIGINAL, LessonTab, answer
from demo.page import LAUNCH
from demo.viewer.gallery import STORED
from srgan.images import enlarge, repeat, shrink
from srgan.reading import read_image

DESKTOP = {"viewport": {"width": 1440, "height": 900}}
TILE = 4 * SIDE
EVERYWHERE = pytest.mark.parametrize("context", [DESKTOP, PHONE], ids=["desktop", "phone"])
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
HR = 64 + noise(80, 96) // 4
LR = shrink(HR)
OTHERS = {  # what the first tab of the page below can show
    "Small": comparison(LR, SRResNet=enlarge(LR), SRGAN=repeat(LR)),
    "Under way": comparison(LR, HR, SRResNet=enlarge(LR)),
    "Tiny": comparison(LR[:6]),
}


@pytest.fixture(scope="module")
def cat():
    return STORED.show("cat")[0]


@pytest.fixture(scope="module")
def url(cat):
    """A page of two tabs: the first chooses what is on display, the second is the lesson."""
    gr.set_static_paths([EXAMPLES])
    with gr.Blocks(analytics_enabled=False) as page:
        shown = gr.State(cat)
        with gr.Tab("Compare"):
            for name, data in OTHERS.items():
                gr.Button(name).click(lambda data=data: data, None, shown, queue=False)
        with gr.Tab("How it works"):
            LessonTab(shown)
    with serve(page, **LAUNCH) as address:
        yield address


@contextmanager
def opened(browser, url, context=DESKTOP, display=None, theme="light"):
    """The lesson's tab; fails the test on anything that the browser complains of."""
    errors = []
    with browser.new_context(**context) as session:
        page = session.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: None if loopback(r.url) else errors.append(r.url))
        page.goto(f"{url}?__theme={theme}")
        if display:
            show(page, display)
        page.get_by_role("tab", name="How it works").click()
        yield page
    assert not errors


def loopback(address):
    return address.startswith(("http://127.0.0.1:", "data:", "blob:"))


def show(page, name):
    """Put something else on display in the first tab."""
    page.get_by_role("tab", name="Compare").click()
    with page.expect_response(re.compile("/gradio_api/run")):
        page.get_by_role("button", name=name).click()


def spot(page):
    return page.get_by_role("slider", name="Square of the small image")


def slider(page):
    return page.get_by_role("slider", name="Patches in the average")


def wait(page, left, top, patches=16):
    """Until there are patches for the square at this corner."""
    expect(page.locator("#lesson .lesson")).not_to_have_attribute("data-busy", "")
    expect(spot(page)).to_have_attribute(
        "aria-valuetext", re.compile(rf"^at {left}, {top} of [^,]*$")
    )
    expect(page.locator("#lesson .patches li:visible")).to_have_count(patches)


def pixels(page, name):
    """A picture of the lesson as drawn, (40, 40, 3)."""
    data = page.get_by_role("img", name=name).evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    return np.array(data, np.uint8).reshape(TILE, TILE, 4)[..., :3]


def choose(page, x, y):
    """Click or tap a small pixel of the photo."""
    photo = page.get_by_role("img", name="The small image")
    photo.scroll_into_view_if_needed()
    box, width = photo.bounding_box(), photo.evaluate("image => image.naturalWidth")
    zoom = box["width"] / width
    at = box["x"] + (x + 0.5) * zoom, box["y"] + (y + 0.5) * zoom
    if page.evaluate("navigator.maxTouchPoints"):
        page.touchscreen.tap(*at)
    else:
        page.mouse.click(*at)


def test_nothing_is_asked_before_the_tab_is_seen(browser, url):
    asked = []
    with browser.new_context(**DESKTOP) as session:
        page = session.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        expect(page.get_by_role("button", name="Tiny")).to_be_visible()
        assert not [address for address in asked if "queue/join" in address]
        page.get_by_role("tab", name="How it works").click()
        wait(page, 25, 40)


@EVERYWHERE
def test_a_chosen_spot_is_shown_to_the_pixel(browser, url, cat, context):
    with opened(browser, url, context) as page:
        wait(page, 25, 40)
        choose(page, 60, 15)
        wait(page, 55, 10)
        expected = answer(cat, chosen(cat, 60, 15))
        small, averages, patches, rest = tiles(expected)
        assert (pixels(page, "Small patch") == small).all()
        assert (pixels(page, "Average of 16") == averages[15]).all()
        assert (pixels(page, f"Patch 3, {expected.patches[2]}") == patches[2]).all()
        for picture in expected.pictures:
            name = f"{picture.name}, {picture.psnr}"
            assert (pixels(page, name) == rest[picture.name]).all()
        lesson = page.locator("#lesson")
        expect(lesson).to_contain_text("All 16 sharp patches shrink to exactly the small patch")
        expect(lesson).to_contain_text(f"The average scores {expected.averages[15].psnr}")
        expect(lesson).to_contain_text(f"16 patches {expected.averages[15].patches}")
        expect(lesson).to_contain_text("from their mean squared error")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@EVERYWHERE
def test_every_pixel_of_a_picture_is_a_whole_number_of_device_pixels(browser, url, context):
    with opened(browser, url, context) as page:
        wait(page, 25, 40)
        sizes = page.evaluate(
            """[...document.querySelectorAll('#lesson :is(img, canvas)')]
                .filter(picture => picture.clientWidth)
                .map(p => p.getBoundingClientRect().width * devicePixelRatio
                          / (p.naturalWidth || p.width))"""
        )
        assert len(sizes) == 1 + 5 + 16
        assert sizes == pytest.approx(np.maximum(1, np.round(sizes)), abs=0.02)


@EVERYWHERE
def test_the_slider_answers_without_the_server(browser, url, cat, context):
    with opened(browser, url, context) as page:
        wait(page, 25, 40)
        _, averages, _, _ = tiles(answer(cat, chosen(cat, 30, 45)))
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for key, count in (("End", 64), ("ArrowLeft", 63), ("Home", 1), ("ArrowRight", 2)):
            slider(page).press(key)
            expect(page.locator("#lesson .patches li:visible")).to_have_count(count)
            assert (pixels(page, f"Average of {count}") == averages[count - 1]).all()
            name = slider(page).get_attribute("aria-valuetext")
            assert name.startswith("1 patch," if count == 1 else f"{count} patches,")
        assert not [address for address in asked if "queue" in address]
        box = slider(page).bounding_box()
        assert box["height"] >= 24
        at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.touchscreen.tap(*at) if context is PHONE else page.mouse.click(*at)
        expect(page.locator("#lesson .count")).to_have_text(re.compile("^3[123]$"))


def test_the_number_of_patches_is_kept_for_the_next_spot(browser, url):
    with opened(browser, url) as page:
        wait(page, 25, 40)
        slider(page).press("Home")
        choose(page, 60, 15)
        wait(page, 55, 10, patches=1)


def test_the_keyboard_alone_suffices(browser, url):
    with opened(browser, url) as page:
        wait(page, 25, 40)
        page.get_by_role("tab", name="How it works").focus()
        page.keyboard.press("Tab")
        expect(spot(page)).to_be_focused()
        for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp", "Shift+ArrowDown", "ArrowLeft"):
            page.keyboard.press(key)
        expect(spot(page)).to_have_attribute("aria-valuetext", re.compile("^at 35, 49 of .*Enter"))
        page.keyboard.press("Enter")
        wait(page, 35, 49)
        for _ in range(12):
            page.keyboard.press("Shift+ArrowLeft")
        page.keyboard.press(" ")
        wait(page, 0, 49)
        page.keyboard.press("Tab")
        expect(slider(page)).to_be_focused()


def test_the_last_of_several_spots_is_shown(browser, url):
    with opened(browser, url) as page:
        wait(page, 25, 40)
        for x in (20, 40, 60, 80, 90):
            choose(page, x, 30)
        wait(page, 85, 25)
        small = read_image(EXAMPLES / "cat_small.png")[25:35, 85:95]
        assert (pixels(page, "Small patch") == repeat(small)).all()


def test_another_photo_is_shown_when_one_comes_back(browser, url):
    with opened(browser, url) as page:
        wait(page, 25, 40)
        show(page, "Small")
        page.get_by_role("tab", name="How it works").click()
        wait(page, 7, 5)
        assert (pixels(page, "Small patch") == repeat(LR[5:15, 7:17])).all()
        page.get_by_role("tab", name="Compare").click()
        page.get_by_role("tab", name="How it works").click()
        wait(page, 7, 5)


def test_a_small_image_has_no_truth(browser, url):
    with opened(browser, url, display="Small") as page:
        wait(page, 7, 5)
        lesson = page.locator("#lesson")
        expect(lesson).to_contain_text(NO_ORIGINAL)
        expect(lesson).not_to_contain_text("dB")
        expect(lesson.locator(".pictures b")).to_have_text(
            ["Small patch", "Average of 16", "SRResNet", "SRGAN"]
        )


def test_while_a_run_is_under_way_what_is_ready_is_shown(browser, url):
    with opened(browser, url, display="Under way") as page:
        wait(page, 7, 5)
        names = page.locator("#lesson .pictures b")
        expect(names).to_have_text(["Small patch", "Average of 16", "SRResNet", "Original"])
        expect(page.locator("#lesson .notes")).to_contain_text("SRGAN")


def test_a_photo_that_is_too_small_is_told_of(browser, url):
    with opened(browser, url, display="Tiny") as page:
        message = page.locator("#lesson [role=status]")
        expect(message).to_have_text(re.compile("24 × 6 pixels; a patch needs at least 10 × 10"))
        expect(page.locator("#lesson .result")).to_be_hidden()
        expect(page.locator("#lesson .spot")).to_be_hidden()
        show(page, "Small")
        page.get_by_role("tab", name="How it works").click()
        wait(page, 7, 5)
        expect(message).to_be_empty()


@EVERYWHERE
def test_the_formulas_are_drawn_and_fit(browser, url, context):
    with opened(browser, url, context) as page:
        wait(page, 25, 40)
        formulas = page.locator("#lesson-story .katex-display")
        expect(formulas).to_have_count(4)
        expect(page.locator("#lesson-story .katex-error")).to_have_count(0)
        for formula in formulas.all():
            assert formula.evaluate("f => f.scrollWidth <= f.clientWidth")
        expect(page.locator("#lesson-story")).not_to_contain_text("$")


@EVERYWHERE
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_the_lesson(browser, url, context, theme):
    with opened(browser, url, context, theme=theme) as page:
        wait(page, 25, 40)
        options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
        found = Axe().run(page, context="#lesson", options=options).response["violations"]
        assert not [(v["id"], [n["html"] for n in v["nodes"]]) for v in found]
