"""Each tab and view in Firefox and in WebKit; the rest of this folder looks at Chromium."""

import base64
import os

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from support.browser import serve
from support.engines import ENGINES, PACKAGES, Tab, installed
from support.mocks import methods, noise, save

from demo.blind.store import Store
from demo.engine.examples import EXAMPLES
from demo.page import LAUNCH, build_page
from srgan.images import enlarge, repeat, shrink
from srgan.reading import read_image

PHOTO = noise(128, 128)
NOTICE = "ResizeObserver loop"  # an observer waits for the next frame, which Firefox calls an error

# Selenium's own WebKitGTK
pytestmark = pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning")


@pytest.fixture(scope="module", params=ENGINES)
def driver(request, tmp_path_factory):
    if not installed(request.param):
        missing = f"apt-get install {PACKAGES[request.param]}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with ENGINES[request.param](tmp_path_factory.mktemp(request.param)) as driver:
        yield driver


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    mocks = methods(Bicubic=enlarge, SRResNet=enlarge, SRGAN=repeat)
    store = Store(tmp_path_factory.mktemp("votes") / "ratings.db")
    with serve(build_page(mocks, store=store), **LAUNCH) as address:
        yield address


@pytest.fixture
def tab(driver, url):
    """The page as it opens; fails the test on any error in it."""
    tab = Tab(driver, url)
    tab.until("return document.querySelectorAll('figure[data-state=ready]').length === 5")
    yield tab
    tab.run("localStorage.clear()")  # else the next test begins with this one's photo
    assert [fault for fault in tab.run("return window.faults") if NOTICE not in fault] == []


def show(tab, name="photo"):
    """Wait until a dropped photo is in all panes, and look at it 1:1."""
    tab.until(
        "return document.querySelectorAll(`a[download^=${arguments[0]}_]`).length === 5", name
    )
    tab.until("return document.querySelectorAll('figure[data-state=ready]').length === 5")
    tab.run("document.querySelector('.viewer').focus()")
    tab.press("z")


def canvas(tab, selector):
    """The pixels of a canvas, (H, W, 3), and where the scene's corner lies on it: left, top."""
    width, height, data, left, top = tab.run(
        """const canvas = arguments[0], {width, height} = canvas;
        return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
            let text = '';
            for (let i = 0; i < data.length; i += 32768)
                text += String.fromCharCode(...data.subarray(i, i + 32768));
            const {left, top} = document.querySelector('.viewer').dataset;
            done([width, height, btoa(text), +left, +top]);
        })))""",
        tab.find(selector),
    )
    pixels = np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)
    return pixels[..., :3], left, top


def drawn(tab, selector, height, width):
    """What a canvas shows of a scene of this size."""
    shown, left, top = canvas(tab, selector)
    assert left >= 0 <= top
    return shown[top : top + height, left : left + width]


def test_a_dropped_photo_is_shown_to_the_pixel_and_scored(tab, tmp_path):
    tab.drop(save(tmp_path, PHOTO), "#photo button[aria-dropeffect]")
    show(tab)
    small = shrink(PHOTO)
    for key, image in {
        "input": repeat(small),
        "srresnet": enlarge(small),
        "srgan": repeat(small),
        "original": PHOTO,
    }.items():
        assert (drawn(tab, f"figure[data-key={key}] canvas", 128, 128) == image).all(), key
    # The height of the window decides, and no engine: tools and both rows fill it.
    heights = tab.run("return [...document.querySelectorAll('figure canvas')].map(c => c.height)")
    assert len(set(heights)) == 1
    viewer = tab.run("return document.querySelector('.viewer').getBoundingClientRect().height")
    assert 0.8 < viewer / tab.run("return innerHeight") <= 1
    tab.until("return document.querySelector('#today table').innerText.includes('SRGAN')")
    tab.until("return document.querySelector('#status').innerText.includes('Done.')")


def test_an_uploaded_photo_goes_through_the_views(tab, tmp_path):
    """Slider by pointer and keyboard, flicker, difference, and a region with its scores."""
    tab.find("#photo input[type=file]").send_keys(str(save(tmp_path, PHOTO, "chosen.png")))
    show(tab, "chosen")
    soft, sharp = enlarge(shrink(PHOTO)), repeat(shrink(PHOTO))
    tab.press("l")
    shown, left, top = canvas(tab, ".single canvas")
    handle, away = tab.find("[role=slider][aria-label=Divider]"), shown.shape[1] // 2 - left - 32
    ActionChains(tab.driver).drag_and_drop_by_offset(handle, -away, 0).perform()
    tab.until("return document.querySelector('[aria-label=Divider]').ariaValueNow < 50")
    divided = drawn(tab, ".single canvas", 128, 128)
    middle = next(x for x in range(128) if (divided[:, x] != soft[:, x]).any())
    assert abs(middle - 32) <= 2
    assert (divided == np.hstack([soft[:, :middle], sharp[:, middle:]])).all()
    tab.run("arguments[0].focus()", handle)
    tab.press(Keys.HOME)
    assert (drawn(tab, ".single canvas", 128, 128) == sharp).all()

    tab.click("[data-view=flicker]")
    tab.press("5")
    assert (drawn(tab, ".single canvas", 128, 128) == PHOTO).all()
    tab.press("2")
    assert (drawn(tab, ".single canvas", 128, 128) == soft).all()

    tab.press("d")
    apart = abs(sharp.astype(int) - PHOTO).max(axis=2, keepdims=True)
    assert (drawn(tab, ".single canvas", 128, 128) == np.minimum(255, 4 * apart)).all()

    tab.press("p", "r", Keys.ARROW_RIGHT, Keys.ENTER)
    tab.until("return document.querySelector('#region')?.innerText.includes('Region of')")
    tab.until("return document.querySelector('#region table')?.innerText.includes('SRGAN')")


def test_a_picture_is_rated_with_a_key_and_with_the_pointer(tab):
    tab.click("[role=tab]", "Blind test")
    tab.click("#blind [data-part=ratings] .begin")
    tab.click("#blind .calibrated")
    for place, answer in ((1, lambda: tab.press("3")), (2, lambda: tab.click("[data-answer='4']"))):
        tab.until(
            """const tab = document.querySelector('#blind');
            return tab.querySelector('.count').innerText === arguments[0] + ' of 25'
                && tab.querySelector('.answers button:not([aria-disabled])')?.offsetWidth > 0
                && [...tab.querySelectorAll('.stage img')].some(i => i.naturalWidth > 100)""",
            place,
        )
        answer()
    tab.until("return document.querySelector('#blind .count').innerText === '3 of 25'")


def test_a_spot_of_the_lesson_is_chosen_and_averaged(tab):
    tab.click("[role=tab]", "How it works")
    spot = "#lesson [role=slider]"
    text = f"return document.querySelector('{spot}').getAttribute('aria-valuetext')"
    tab.until(f"{text}?.startsWith('at 25, 40 of')")
    tab.run("document.querySelector(arguments[0]).focus()", spot)
    tab.press(Keys.ARROW_RIGHT, Keys.ENTER)
    tab.until(f"{text} === 'at 26, 40 of ' + {text.removeprefix('return ')}.split(' of ')[1]")
    small = read_image(EXAMPLES / "cat_small.png")[40:50, 26:36]
    tab.until("return !document.querySelector('#lesson .lesson').hasAttribute('data-busy')")
    shown, _, _ = canvas(tab, "#lesson .pictures canvas")
    assert (shown == repeat(small)).all()
    tab.run("document.querySelector('#lesson input[type=range]').focus()")
    tab.press(Keys.HOME)
    tab.until("return document.querySelector('#lesson .count').innerText === '1'")
