"""A finger on a slider: up and down it scrolls the page, sideways or by a tap it moves it."""

import numpy as np
import pytest
from playwright.sync_api import expect
from support.browser import PHONE, serve
from support.mocks import Counting, methods
from support.pages import opened
from support.views import Views

from demo.page import LAUNCH, build_page

DIAL = "#dial input[type=range]"
PATCHES = "#lesson input[type=range]"
DIVIDER = "#comparer .handle"


@pytest.fixture(scope="module")
def url():
    mocks = methods(Bicubic=Counting(1), SRResNet=Counting(1), SRGAN=Counting(1))
    with serve(build_page(mocks, dial=lambda share: Counting(1)), **LAUNCH) as address:
        yield address


@pytest.fixture
def phone(browser, url):
    with opened(browser, url, PHONE) as page:
        yield Views(page, None)


def shown(phone, selector):
    """The slider, in the middle of the screen."""
    if selector == PATCHES:
        phone.page.get_by_role("tab", name="How it works").tap()
        expect(phone.page.locator("#lesson .average")).to_be_visible()
    if selector == DIVIDER:
        phone.page.get_by_role("button", name="Slider", exact=True).tap()
    slider = phone.page.locator(selector)
    slider.evaluate("node => node.scrollIntoView({ block: 'center', behavior: 'instant' })")
    return slider


def value(slider):
    return float(slider.evaluate("n => n.value ?? n.getAttribute('aria-valuenow')"))


def swipe(phone, slider, across, down):
    """From a third of its length, but from the middle of the divider, which is a line."""
    box = slider.bounding_box()
    share = 1 / 2 if box["height"] > box["width"] else 1 / 3
    x, y = box["x"] + share * box["width"], box["y"] + box["height"] / 2
    phone.touch([tuple(p) for p in np.linspace((x, y), (x + across, y + down), 12)])


def listen(phone, selector):
    """What a slider tells from now on."""
    return phone.page.evaluate_handle(
        """selector => {
            const told = [], slider = document.querySelector(selector);
            for (const type of ['input', 'change']) {
                slider.addEventListener(type, () => told.push(type));
            }
            return told;
        }""",
        selector,
    )


def test_a_swipe_up_or_down_scrolls_and_changes_nothing(phone):
    for selector in (DIVIDER, DIAL, PATCHES):
        slider = shown(phone, selector)
        told, before = listen(phone, selector), value(slider)
        for across, down in ((0, -150), (12, 150)):
            scrolled = phone.page.evaluate("scrollY")
            swipe(phone, slider, across, down)
            phone.page.wait_for_function("y => Math.abs(scrollY - y) > 50", arg=scrolled)
            assert value(slider) == before, selector
            slider = shown(phone, selector)
        assert told.evaluate("told => told.length") == 0


def test_a_drag_sideways_or_a_tap_moves_it(phone):
    for selector in (DIVIDER, DIAL, PATCHES):
        slider = shown(phone, selector)
        before, scrolled = value(slider), phone.page.evaluate("scrollY")
        swipe(phone, slider, 80, 10)
        assert value(slider) > before
        assert phone.page.evaluate("scrollY") == scrolled
    phone.page.get_by_role("tab", name="Compare").tap()
    expect(phone.page.locator("figure[data-key=dial][data-state=ready]")).to_be_attached()
    slider = shown(phone, DIAL)
    box, name = slider.bounding_box(), phone.page.locator("figure[data-key=dial] .name")
    phone.page.touchscreen.tap(box["x"] + 0.85 * box["width"], box["y"] + box["height"] / 2)
    expect(name).to_have_text(f"Dial {value(slider):g}")
    assert value(slider) > 0.7
