"""The viewer's views: slider, flicker, difference, magnifier, region, link; same pixels in all."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from support.browser import PHONE, serve
from support.viewer import DESKTOP
from support.views import IMAGES, Views, views_page


@pytest.fixture(scope="module")
def url():
    with serve(views_page(elem_id="cmp")) as address:
        yield address


@pytest.fixture
def opened(new_page, url):
    def open_page(query="", **settings):
        page = new_page(url + query, **{**DESKTOP, **settings})
        expect(page.locator("figure[data-state=ready]")).to_have_count(5)
        return Views(page, None)

    return open_page


def test_digits_swap_the_picture_in_place(opened):
    viewer = opened()
    viewer.press("k", "x", "ArrowRight")
    place = viewer.state()
    for digit, (key, image) in enumerate(IMAGES.items(), start=1):
        viewer.press(str(digit))
        assert (viewer.single() == viewer.expected(image)).all(), key
        assert viewer.state() == place
    viewer.press("Space")
    assert (viewer.single() == viewer.expected(IMAGES["input"])).all()
    expect(viewer.page.get_by_role("img", name=re.compile("Small input"))).to_be_visible()


def test_a_tap_goes_on_to_the_next_picture_and_a_drag_does_not(opened):
    viewer = opened(**PHONE)
    viewer.page.get_by_role("button", name="Flicker").tap()
    viewer.press("4", "z")
    box = viewer.page.locator(".single canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    viewer.page.touchscreen.tap(x, y)
    expect(viewer.page.get_by_role("button", name="Original")).to_have_attribute(
        "aria-pressed", "true"
    )
    viewer.touch([(x + 10 * i, y + 10 * i) for i in range(6)])
    expect(viewer.page.get_by_role("button", name="Original")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert viewer.page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_slider_shows_the_left_picture_left_and_the_right_one_right(opened):
    viewer = opened()
    viewer.press("l", "x")
    handle = viewer.page.get_by_role("slider", name="Divider")
    width = viewer.single().shape[1]
    for keys, share in (([], 0.5), (["Shift+ArrowLeft", "ArrowRight"], 0.41), (["Home"], 0)):
        handle.focus()
        for key in keys:
            viewer.page.keyboard.press(key)
        shown, middle = viewer.single(), round(share * width)
        left, right = (viewer.expected(IMAGES[key]) for key in ("srresnet", "srgan"))
        assert (shown[:, :middle] == left[:, :middle]).all()
        assert (shown[:, middle:] == right[:, middle:]).all()
        expect(handle).to_have_attribute("aria-valuenow", str(round(100 * share)))


def test_the_slider_follows_the_pointer_and_its_pictures_can_be_chosen(opened):
    viewer = opened()
    viewer.press("l", "x", "1", "Shift+5")
    box = viewer.page.get_by_role("slider", name="Divider").bounding_box()
    stage = viewer.page.locator(".single canvas").bounding_box()
    mouse = viewer.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    mouse.down()
    mouse.move(stage["x"] + stage["width"] / 4, box["y"] + 50)
    mouse.up()
    shown, quarter = viewer.single(), viewer.single().shape[1] // 4
    inside = slice(0, quarter - 2), slice(quarter + 2, None)
    for part, key in zip(inside, ("input", "original"), strict=True):
        assert (shown[:, part] == viewer.expected(IMAGES[key])[:, part]).all()


@pytest.mark.parametrize("gain", [1, 4, 16])
def test_the_difference_is_the_largest_of_the_channels_times_the_gain(opened, gain):
    viewer = opened()
    viewer.press("d", "x")
    viewer.page.get_by_label("Gain").select_option(str(gain))
    a, b = (IMAGES[key].astype(int) for key in ("srgan", "original"))
    gray = np.minimum(255, gain * abs(a - b).max(axis=2, keepdims=True)).repeat(3, axis=2)
    assert (viewer.single() == viewer.expected(gray)).all()
    expect(viewer.page.locator(".scale")).to_contain_text(f"{255 // gain}")


def test_zoom_and_place_survive_every_change_of_view(opened):
    viewer = opened()
    viewer.press("x", "Shift+ArrowRight")
    scale = viewer.scale()
    for key in "lkdp":
        viewer.press(key)
        assert viewer.scale() == scale
    assert viewer.differing("srgan") == ["input", "bicubic", "srresnet", "original"]


def test_the_magnifier_is_the_same_place_in_every_pane(opened):
    viewer = opened()
    viewer.press("z", "m")
    x, y = viewer.centre("bicubic")
    viewer.page.mouse.move(x + 30, y + 10)
    plain = viewer.pixels("input").astype(int), viewer.pixels("bicubic").astype(int)
    opposite = (plain[0] + plain[1])[plain[0][..., 3] > 0][:, :3]
    assert (opposite == 255).mean() > 0.97  # a negative everywhere, but for the lens's frame
    viewer.press("m")
    assert (viewer.pixels("input") != plain[0]).any()


def test_a_region_is_whole_input_pixels_in_all_panes_and_is_told_to_the_server(opened):
    viewer = opened()
    viewer.press("z")
    page = viewer.page
    box = viewer.pane("srgan").locator("canvas").bounding_box()
    page.get_by_role("button", name="Region", exact=True).click()
    page.mouse.move(box["x"] + 33, box["y"] + 21)
    page.mouse.down()
    page.mouse.move(box["x"] + 101, box["y"] + 90, steps=3)
    page.mouse.up()
    region = viewer.told()
    assert all(value % 4 == 0 for value in region.values())
    _, left, top, _ = viewer.state()
    assert region["x"] <= 33 - left < region["x"] + 4
    assert region["y"] <= 21 - top < region["y"] + 4
    boxes = page.locator("figure .region")
    assert boxes.count() == 5
    for i in range(5):
        assert boxes.nth(i).bounding_box()["width"] == pytest.approx(region["width"], abs=0.1)
    page.keyboard.press("Escape")
    expect(boxes.first).to_be_hidden()
    assert viewer.told() is None


def test_the_keyboard_marks_moves_and_sizes_a_region(opened):
    viewer = opened()
    viewer.press("z", "r")
    before = viewer.told()
    viewer.press("ArrowRight", "Shift+ArrowDown", "Enter")
    after = viewer.told()
    assert (after["x"], after["width"]) == (before["x"] + 8, before["width"])
    assert (after["y"], after["height"]) == (before["y"], before["height"] + 8)
    place = viewer.state()
    viewer.press("ArrowRight")  # moves the picture again
    assert viewer.state() != place


def test_a_link_restores_photo_view_zoom_place_and_region(opened, url):
    first = opened(permissions=["clipboard-read", "clipboard-write"])
    first.press("x", "Shift+ArrowRight", "ArrowDown", "d", "1", "Shift+3", "r", "Enter", "c")
    expect(first.page.get_by_text("Link copied")).to_be_visible()
    link = first.page.evaluate("navigator.clipboard.readText()")
    second = opened(link.removeprefix(url))
    assert second.state() == first.state()
    assert (second.single() == first.single()).all()
    text = first.page.locator(".region-text").inner_text()
    expect(second.page.locator(".region-text")).to_have_text(text)


def test_nonsense_in_a_link_is_passed_over(opened):
    query = "?photo=cat&view=x&zoom=NaN&at=a+b&region=1+2&pair=__proto__+x&split=9&gain=3"
    viewer = opened(query)
    expect(viewer.page.get_by_role("button", name="Panes")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_full_screen_uses_the_screen_and_comes_back(opened):
    viewer = opened()
    viewer.press("k")
    before = viewer.single().shape
    viewer.press("f")
    viewer.page.wait_for_function("document.fullscreenElement !== null")
    assert viewer.single().shape[1] > before[1] - 40
    viewer.press("f")
    viewer.page.wait_for_function("document.fullscreenElement === null")


def test_nothing_moves_by_itself_where_motion_is_unwelcome(opened):
    viewer = opened(reduced_motion="reduce")
    viewer.press("l", "k", "d", "p")
    running = "document.querySelector('.viewer').getAnimations({subtree: true}).length"
    assert viewer.page.evaluate(running) == 0
