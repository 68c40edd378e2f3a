"""The views under a finger: divider, difference, flicker, region, magnifier; the same pixels."""

import numpy as np
import pytest
from playwright.sync_api import expect
from support.browser import PHONE, serve
from support.views import IMAGES, Views, views_page

RATIO = PHONE["device_scale_factor"]


@pytest.fixture(scope="module")
def url():
    with serve(views_page()) as address:
        yield address


@pytest.fixture
def viewer(browser, url):
    with browser.new_context(**PHONE) as context:
        page = context.new_page()
        page.goto(url)
        expect(page.locator("figure[data-state=ready]")).to_have_count(5)
        yield Views(page, None)


def tool(viewer, name):
    return viewer.root.get_by_role("button", name=name, exact=True)


def box(viewer, selector):
    """Left, top, width and height of what can be seen of it [CSS pixels]."""
    target = viewer.page.locator(selector)
    target.scroll_into_view_if_needed()
    return tuple(target.bounding_box().values())


def line(start, end, steps=8):
    """Places on the way from one to the other."""
    return [tuple(place) for place in np.linspace(start, end, steps)]


def test_a_finger_moves_the_divider_and_not_the_picture(viewer):
    tool(viewer, "Slider").tap()
    viewer.press("x")
    before = viewer.state()
    left, top, width, height = box(viewer, ".single canvas")
    middle = left + width / 2, top + height / 3
    viewer.touch(line(middle, (left + width / 4, top + height / 2)))
    shown = viewer.single()
    quarter = round(shown.shape[1] / 4)
    for part, key in ((slice(0, quarter - 2), "srresnet"), (slice(quarter + 2, None), "srgan")):
        assert (shown[:, part] == viewer.expected(IMAGES[key])[:, part]).all()
    expect(viewer.page.get_by_role("slider")).to_have_attribute("aria-valuenow", "25")
    assert viewer.state() == before


def test_the_difference_is_pinched_and_moved(viewer):
    tool(viewer, "Difference").tap()
    a, b = (IMAGES[key].astype(int) for key in ("srgan", "original"))
    gray = np.minimum(255, 4 * abs(a - b).max(axis=2, keepdims=True)).repeat(3, axis=2)
    fit = viewer.scale()
    left, top, width, height = box(viewer, ".single canvas")
    x, y = left + width / 2, top + height / 2
    viewer.pinch(x, y, 15, 60)
    scale, across, down, _ = viewer.state()
    assert scale > 2 * fit
    assert (viewer.single() == viewer.expected(gray)).all()
    viewer.touch(line((x, y), (x - 14, y - 42)))
    assert viewer.state()[:3] == (scale, across - 14 * RATIO, down - 42 * RATIO)
    assert (viewer.single() == viewer.expected(gray)).all()


def test_taps_show_every_picture_in_the_same_place(viewer):
    tool(viewer, "Flicker").tap()
    viewer.press("1", "x")
    place = viewer.state()
    left, top, width, height = box(viewer, ".single canvas")
    for image in [*IMAGES.values(), IMAGES["input"]]:
        assert (viewer.single() == viewer.expected(image)).all()
        viewer.page.touchscreen.tap(left + width / 2, top + height / 2)
    assert viewer.state() == place


@pytest.mark.parametrize("zoom", ["0", "x"])  # the page could scroll, the picture could move
def test_a_finger_draws_a_region_and_neither_scrolls_nor_moves(viewer, zoom):
    viewer.press(zoom)
    tool(viewer, "Region").tap()
    left, top, _, _ = box(viewer, "figure[data-key=input] canvas")
    before, scrolled = viewer.state(), viewer.page.evaluate("scrollY")
    viewer.touch(line((left + 40, top + 30), (left + 140, top + 190)))
    expect(tool(viewer, "Region")).to_have_attribute("aria-pressed", "false")
    region, (scale, across, down, _) = viewer.told(), before
    for start, size, first, last, corner in (
        ("x", "width", 40, 140, across),
        ("y", "height", 30, 190, down),
    ):
        low, high = ((value * RATIO - corner) / scale for value in (first, last))
        assert region[start] <= low < region[start] + 4
        assert region[start] + region[size] - 4 < high <= region[start] + region[size]
    assert viewer.state() == before
    assert viewer.page.evaluate("scrollY") == scrolled


def test_the_magnifier_follows_the_finger_in_every_pane(viewer):
    viewer.press("x")
    tool(viewer, "Magnifier").tap()
    left, top, width, height = box(viewer, "figure[data-key=input] canvas")
    end = left + width // 2 + 20, top + height // 2 - 10
    before = viewer.state()
    viewer.touch(line((left + 60, top + 60), end))
    assert viewer.state() == before
    x, y = (round((a - b) * RATIO) for a, b in zip(end, (left, top), strict=True))
    for key in ("input", "srgan", "original"):
        shown = viewer.pixels(key)[..., :3]
        assert is_magnified(shown, IMAGES[key], x, y, before), key


def is_magnified(shown, image, x, y, state):
    """Whether a canvas has a piece of the image around (x, y), four times as large as it was."""
    scale, left, top, _ = map(int, state)
    reach, zoom = 40, 4 * scale
    large = image.repeat(zoom, axis=0).repeat(zoom, axis=1)
    down, across = ((at - corner) * 4 - reach for at, corner in ((y, top), (x, left)))
    crop = shown[y - reach : y + reach, x - reach : x + reach]
    return any(
        (crop == large[i : i + 2 * reach, j : j + 2 * reach]).all()
        for i in range(down - 2, down + 3)  # the finger may lie between two pixels
        for j in range(across - 2, across + 3)
    )
