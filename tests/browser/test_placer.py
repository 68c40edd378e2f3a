"""The thumbnail in a real browser: the piece that is placed is the piece that is compared."""

import re

import gradio as gr
import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support.browser import PHONE, serve
from support.mocks import Counting, methods, noise, save
from support.outputs import OUTPUTS
from support.pages import DESKTOP, drop, opened, served, wait_for

from demo.compare.handlers import Handlers, place
from demo.compare.placer import THUMBNAIL_SIDE, Placer, placer_data
from demo.compare.turn import Start, Turn
from demo.engine.examples import NAMES
from demo.page import LAUNCH, build_page
from srgan.images import enlarge

WIDTH, HEIGHT = 400, 300  # of the photo
PIECE = (292, 220)  # width and height, under the limit of 256 x 256
ROOM = (WIDTH - PIECE[0], HEIGHT - PIECE[1])
CENTRE = (ROOM[0] // 2, ROOM[1] // 2)


@pytest.fixture(scope="module")
def url():
    with serve(
        build_page(methods(Bicubic=enlarge), max_output_pixels=256 * 256), **LAUNCH
    ) as address:
        yield address


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path, noise(HEIGHT, WIDTH))


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(request, browser, url, photo):
    """A page that asks where to place the piece."""
    with opened(browser, url, request.param) as page:
        drop(page, photo)
        expect(page.locator("#placer")).to_be_visible()
        yield page


def piece(page):
    return page.locator("#placer .piece")


def corner(page):
    """Where the piece is, as the control says."""
    expect(piece(page)).to_have_attribute("aria-valuetext", re.compile(r"\d"))
    text = piece(page).get_attribute("aria-valuetext")
    left, top, *size = map(int, re.findall(r"\d+", text))
    assert size == [WIDTH, HEIGHT]
    return left, top


def press(page, *keys):
    expect(piece(page)).to_have_attribute("aria-valuetext", re.compile(r"\d"))
    piece(page).focus()
    for key in keys:
        page.keyboard.press(key)


def compare(page):
    """Compare the piece; what then is the original must be this piece of the photo."""
    left, top = corner(page)
    page.get_by_role("button", name="Compare this piece").click()
    expect(page.locator("#status")).to_contain_text(f"at {left}, {top} of {WIDTH}×{HEIGHT}")
    wait_for(page, "photo", 3)
    piece = noise(HEIGHT, WIDTH)[top : top + PIECE[1], left : left + PIECE[0]]
    assert (served(page, "original") == piece).all()


def scale(page):
    """CSS pixels of the thumbnail per pixel of the photo."""
    return page.locator("#placer .map").bounding_box()["width"] / WIDTH


def touch(page, path):
    """Draw a finger along CSS pixels of the window."""
    session = page.context.new_cdp_session(page)
    points = [[{"x": x, "y": y}] for x, y in path]
    kinds = ["touchStart"] + ["touchMove"] * (len(points) - 1) + ["touchEnd"]
    for kind, at in zip(kinds, [*points, []], strict=True):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    session.detach()


def line(x, y, dx, dy, steps=8):
    return [(x + dx * i / steps, y + dy * i / steps) for i in range(steps + 1)]


def drag(page, dx, dy):
    """Drag the piece by CSS pixels, with a finger or with the mouse."""
    piece(page).scroll_into_view_if_needed()
    box = piece(page).bounding_box()
    path = line(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, dx, dy)
    if page.evaluate("navigator.maxTouchPoints"):
        touch(page, path)
        return
    page.mouse.move(*path[0])
    page.mouse.down()
    for at in path[1:]:
        page.mouse.move(*at)
    page.mouse.up()


# ---- Placing -------------------------------------------------------------------------------------


def test_it_tells_sizes_place_and_seconds(page):
    placer = page.locator("#placer")
    expect(placer).to_contain_text(re.compile(r"292\s×\s220 of 400\s×\s300"))
    expect(placer).to_contain_text(f"at {CENTRE[0]}, {CENTRE[1]}")
    expect(placer).to_contain_text(re.compile(r"takes (under a second|about \d+ s)"))
    expect(placer).to_contain_text(re.compile(r"Shrink the whole photo to 292\s×\s220"))
    assert corner(page) == CENTRE
    thumbnail = page.locator("#placer img")
    expect(thumbnail).to_have_js_property("naturalWidth", WIDTH)
    shown, whole = piece(page).bounding_box(), page.locator("#placer .map").bounding_box()
    assert shown["width"] / whole["width"] == pytest.approx(PIECE[0] / WIDTH, abs=0.01)
    assert shown["height"] / whole["height"] == pytest.approx(PIECE[1] / HEIGHT, abs=0.01)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_piece_that_is_dragged_is_the_piece_that_is_compared(page):
    drag(page, 16, -12)
    left, top = corner(page)
    assert left == pytest.approx(CENTRE[0] + 16 / scale(page), abs=1)
    assert top == pytest.approx(CENTRE[1] - 12 / scale(page), abs=1)
    expect(page.locator("#placer [role=status]")).to_have_text(re.compile(f"at {left}, {top} of"))
    compare(page)
    drag(page, -500, 500)  # another piece of the same photo, beyond a corner
    assert corner(page) == (0, ROOM[1])
    compare(page)


def test_the_keys_reach_all_borders_exactly_and_the_middle(page):
    press(page, *["Shift+ArrowLeft"] * 9, *["Shift+ArrowUp"] * 9)
    assert corner(page) == (0, 0)
    press(page, "ArrowRight", "ArrowDown")
    small = corner(page)
    assert 0 < small[0] == small[1] <= 8
    press(page, "Shift+ArrowRight")
    assert corner(page)[0] == 11 * small[0]
    press(page, *["Shift+ArrowRight"] * 9, *["Shift+ArrowDown"] * 9)
    assert corner(page) == ROOM
    assert piece(page).get_attribute("aria-valuenow") == piece(page).get_attribute("aria-valuemax")
    compare(page)
    press(page, "Home")
    assert corner(page) == CENTRE


def test_the_keyboard_alone_places_and_compares(browser, url, photo):
    with opened(browser, url) as page:
        drop(page, photo)
        press(page, "ArrowRight")
        ring = piece(page).evaluate("e => getComputedStyle(e).outlineWidth")
        assert float(ring.removesuffix("px")) >= 2
        left, top = corner(page)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text(f"at {left}, {top} of {WIDTH}×{HEIGHT}")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text("Shrunk from 400×300 to 292×220")


def test_a_click_beside_the_piece_moves_it_there(page):
    whole = page.locator("#placer .map")
    whole.click(position={"x": 3, "y": 3})
    assert corner(page) == (0, 0)
    box = whole.bounding_box()
    whole.click(position={"x": box["width"] - 3, "y": box["height"] - 3})
    assert corner(page) == ROOM


def test_a_finger_scrolls_the_page_beside_the_piece_and_not_on_it(browser, url, photo):
    with opened(browser, url, PHONE) as page:
        drop(page, photo)
        piece(page).scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        drag(page, 0, -60)
        assert page.evaluate("scrollY") == before
        assert corner(page) == (CENTRE[0], 0)
        box = page.locator("#placer .map").bounding_box()
        touch(page, line(box["x"] + 4, box["y"] + box["height"] - 4, 0, -200))
        page.wait_for_function(f"scrollY > {before} + 50")
        assert corner(page) == (CENTRE[0], 0)


def test_a_tiny_piece_is_still_a_target_of_24_pixels(browser):
    with gr.Blocks() as blocks:
        Placer(placer_data(noise(900, 1600), (8, 8)))
    with serve(blocks) as address, browser.new_page() as page:
        page.goto(address)
        for keys in (["Home"], ["Shift+ArrowLeft"] * 9 + ["Shift+ArrowUp"] * 9):
            page.locator(".piece").focus()
            for key in keys:
                page.keyboard.press(key)
            hit = page.evaluate(
                """() => {
                    const box = document.querySelector('.piece').getBoundingClientRect();
                    const x = box.x + box.width / 2, y = box.y + box.height / 2;
                    return [-11.5, 11.5].every(d =>
                        document.elementFromPoint(x + d, y)?.className == 'piece' &&
                        document.elementFromPoint(x, y + d)?.className == 'piece');
                }"""
            )
            assert hit


# ---- What else happens on the page ---------------------------------------------------------------


def test_the_whole_is_shrunk_when_asked_and_the_piece_can_still_be_compared(page):
    page.get_by_role("button", name="Shrink the whole photo").click()
    expect(page.locator("#status")).to_contain_text("Shrunk from 400×300 to 292×220")
    assert served(page, "original").shape == (220, 292, 3)
    compare(page)


def test_a_new_photo_or_an_example_hides_it(browser, url, photo, tmp_path):
    small = save(tmp_path, noise(), "next.png")
    with opened(browser, url) as page:
        placer = page.locator("#placer .placer")
        drop(page, photo)
        compare(page)
        expect(placer).to_be_visible()
        drop(page, small)
        wait_for(page, "next", 3)
        expect(placer).to_be_hidden()
        drop(page, photo)
        expect(placer).to_be_visible()
        assert corner(page) == CENTRE
        page.locator("#examples button").first.click()
        wait_for(page, next(iter(NAMES)))
        expect(placer).to_be_hidden()


def test_another_mode_asks_again_with_another_size_and_keeps_the_middle(browser, url, photo):
    with opened(browser, url) as page:
        drop(page, photo)
        press(page, *["Shift+ArrowRight"] * 9)
        compare(page)
        page.get_by_label("This is a small image").check()
        expect(page.locator("#placer .size")).to_have_text(re.compile(r"72\s×\s52 of"))
        assert corner(page) == (ROOM[0] + (PIECE[0] - 72) // 2, CENTRE[1] + (PIECE[1] - 52) // 2)
        left, top = corner(page)
        page.get_by_role("button", name="Compare this piece").click()
        expect(page.locator("#status")).to_contain_text(f"72×52 at {left}, {top}")
        piece = noise(HEIGHT, WIDTH)[top : top + 52, left : left + 72]
        assert (served(page, "input") == piece).all()


def test_a_mode_in_which_the_photo_fits_hides_it(browser, url, tmp_path):
    with opened(browser, url) as page:
        page.get_by_label("This is a small image").check()
        expect(page.locator("#placer .placer")).to_be_visible()  # for the example
        drop(page, save(tmp_path, noise(200, 200)))
        expect(page.locator("#placer .size")).to_have_text(re.compile(r"of 200\s×\s200"))
        page.get_by_label("This is the original").check()
        wait_for(page, "photo", 3)
        expect(page.locator("#placer .placer")).to_be_hidden()
        assert served(page, "original").shape == (200, 200, 3)


def test_placing_again_ends_the_run_before(browser, photo):
    slow = Counting(10_000, wait=0.02)
    over_slow = build_page(methods(Slow=slow), max_output_pixels=256 * 256)
    with serve(over_slow, **LAUNCH) as address, opened(browser, address) as page:
        drop(page, photo)
        link = page.locator("#comparer figure[data-key=original] a[download]")
        for key in ("Home", "Shift+ArrowLeft"):  # during the trial, then during a run
            before = link.get_attribute("href")
            press(page, key)
            left, top = corner(page)
            page.get_by_role("button", name="Compare this piece").click()
            expect(link).not_to_have_attribute("href", before)
            crop = noise(HEIGHT, WIDTH)[top : top + PIECE[1], left : left + PIECE[0]]
            assert (served(page, "original") == crop).all()
            expect(page.locator("#comparer figure[data-key=slow]")).to_contain_text("%")
        page.locator("#stop").click()
        expect(page.locator("#status")).to_contain_text("Stopped")
        assert slow.most == 1


# ---- What a client may send ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        "xy",
        {"x": 1},
        {"x": "1", "y": 2},
        {"x": 1.5, "y": 2},
        {"x": True, "y": 0},
    ],
    ids=str,
)
def test_an_event_that_names_no_place_is_refused(data):
    with pytest.raises(gr.Error, match="Place the piece again"):
        place(Turn(), gr.EventData(None, data))


@pytest.mark.parametrize("corner", [(-1, 0), (0, -1), (109, 0), (0, 81), (10**30, 0)], ids=str)
def test_a_piece_beyond_the_photo_is_asked_for_again(photo, corner):
    never = Counting()
    turn = Turn()
    handlers = Handlers(methods(Never=never), 256 * 256, OUTPUTS)
    begun = place(turn, gr.EventData(None, {"x": corner[0], "y": corner[1]}))
    first, *_ = handlers.run(str(photo), "original", turn, begun)
    assert "beyond the image" in first["status"]
    assert first["placer"]["visible"]
    assert first["placer"]["value"].piece_width == PIECE[0]


def test_a_place_on_the_border_is_taken(photo):
    turn = Turn()
    begun = place(turn, gr.EventData(None, {"x": ROOM[0], "y": ROOM[1]}))
    assert begun == Start(1, "centre", ROOM)
    handlers = Handlers(methods(Bicubic=enlarge), 256 * 256, OUTPUTS)
    *_, last = handlers.run(str(photo), "original", turn, begun)
    assert f"at {ROOM[0]}, {ROOM[1]} of" in last["status"]


@pytest.mark.parametrize("size", [(300, 4000), (4000, 300), (2, 5000), (600, 600)])
def test_the_thumbnail_is_small_and_of_the_same_shape(size):
    data = placer_data(np.zeros((*size, 3), np.uint8), (4, 4))
    with PIL.Image.open(data.file.path) as thumbnail:
        width, height = thumbnail.size
    assert max(width, height) == THUMBNAIL_SIDE
    assert width / height == pytest.approx(size[1] / size[0], rel=0.02) or min(width, height) == 1
