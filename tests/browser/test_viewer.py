"""The linked viewer in a real browser: same scene point, same device pixel, in every pane."""

import queue
import random
import re
import uuid
from contextlib import closing, contextmanager
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio.data_classes import FileData
from PIL import Image as PillowImage
from playwright.sync_api import expect
from support import web
from support.browser import FLAGS, PHONE, installed_browser, serve
from support.viewer import DESKTOP, Viewer, comparison, nearest, picture

from demo.viewer.viewer import Comparer, write_pane_file

HOSTILE = "${Object.assign(window,{pwned:1})}{{x}}<img src=x onerror=window.pwned=1>"


# ---- The page ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def feeds():
    return {}


@pytest.fixture(scope="module")
def url(feeds):
    """A page that shows whatever a test puts into its feed, and an event that reads the viewer."""

    def stream(request: gr.Request):
        feed = feeds[request.query_params["feed"]]
        yield from iter(feed.get, None)

    with gr.Blocks() as page:
        gr.Markdown("Above")
        comparer = Comparer(elem_id="cmp")
        gr.HTML("<div style='height: 1200px'>Below</div>")
        echo, text = gr.Button("Echo", visible=False), gr.Textbox(visible=False)
        page.load(stream, None, comparer, show_progress="hidden", concurrency_limit=None)
        echo.click(repr, comparer, text, api_name="echo")
    with serve(page) as address:
        yield address


@pytest.fixture
def visit(browser, url, feeds):
    """Opens the viewer in its own browser context; no page may leave errors in the console."""

    @contextmanager
    def visit(browser=browser, **settings):
        name = uuid.uuid4().hex
        feed = feeds[name] = queue.Queue()
        context = browser.new_context(
            **(settings if "no_viewport" in settings else {**DESKTOP, **settings})
        )
        page, noise = context.new_page(), []
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("console", lambda line: noise.append(line.text) if line.type == "error" else None)
        try:
            page.goto(f"{url}?feed={name}")
            yield Viewer(page, feed)
        finally:
            feed.put(None)
            context.close()
        assert noise == []

    return visit


# ---- Pixels --------------------------------------------------------------------------------------


def act_at_random(viewer, rng):
    """One wheel, drag, key, button, double click or pinch somewhere on a random pane."""
    page, mouse = viewer.page, viewer.page.mouse
    box = rng.choice(page.locator("figure canvas").all()[:3]).bounding_box()
    x, y = (box[a] + rng.uniform(0.1, 0.9) * box[b] for a, b in (("x", "width"), ("y", "height")))
    kind = rng.choice(
        ["wheel", "wheel", "drag", "drag", "keys", "keys", "button", "double", "pinch"]
    )
    if kind == "wheel":
        page.keyboard.down("Control")
        mouse.move(x, y)
        mouse.wheel(0, rng.choice([-180, -120, -40, -7, 9, 60, 150]))
        page.keyboard.up("Control")
    elif kind == "drag":
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + rng.uniform(-150, 150), y + rng.uniform(-90, 90), steps=2)
        mouse.up()
    elif kind == "keys":
        arrows = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Shift+ArrowRight"]
        viewer.press(*rng.choices([*"++-0zxss", *arrows], k=3))
    elif kind == "button":
        page.locator(f"[data-do={rng.choice(['fit', 'actual', 'in', 'out', 'smooth'])}]").click()
    elif kind == "double":
        mouse.dblclick(x, y)
    else:
        viewer.pinch(x, y, rng.uniform(10, 40), rng.uniform(10, 70), steps=3)
    return kind


# Sizes of the small image that give fits above, near and far below 1:1.
@pytest.mark.parametrize(
    ("ratio", "size"), [(1, (36, 50)), (1, (120, 131)), (1.5, (57, 37)), (3, (150, 101))]
)
def test_a_nearest_neighbour_output_looks_like_the_input_after_any_sequence(visit, ratio, size):
    with visit(device_scale_factor=ratio, has_touch=True) as viewer:
        viewer.show(comparison(picture(*size)))
        scales = set()
        for sequence in range(6):
            rng = random.Random(f"{ratio} {size} {sequence}")
            done = []
            for _ in range(4):
                done.append(act_at_random(viewer, rng))
                assert viewer.differing() == ["bicubic"], f"sequence {sequence}: {done}"
                scales.add(viewer.root.get_attribute("data-scale"))
        assert len(scales) > 3


@pytest.mark.parametrize("ratio", [1, 1.5, 3])
def test_1_shows_one_image_pixel_per_device_pixel(visit, ratio):
    lr = picture(300, 400)  # outputs larger than the panes at every ratio
    with visit(device_scale_factor=ratio) as viewer:
        viewer.show(comparison(lr))
        viewer.press("z", "ArrowRight", "Shift+ArrowDown")
        scale, left, top, _ = map(int, viewer.state())
        assert (scale, left < 0, top < 0) == (1, True, True)
        for key, image in {"input": nearest(lr), "bicubic": 255 - nearest(lr)}.items():
            shown = viewer.pixels(key)
            height, width = shown.shape[:2]
            assert (shown[..., :3] == image[-top : height - top, -left : width - left]).all()
            box = viewer.pane(key).locator("canvas").bounding_box()
            assert box["width"] * ratio == pytest.approx(width, abs=0.1)


@pytest.mark.parametrize("ratio", [1.25, 1.5])
def test_the_screen_shows_the_pixels_of_the_canvas(browser, visit, ratio, tmp_path):
    """On a real screen of this ratio: an emulated one rounds boxes to CSS pixels."""
    flags = [*FLAGS, f"--force-device-scale-factor={ratio}", "--window-size=1093,800"]
    screen = browser.browser_type.launch(executable_path=installed_browser(), args=flags)
    with closing(screen), visit(screen, no_viewport=True) as viewer:
        viewer.show(comparison())
        viewer.press("x", "ArrowRight")
        inner = (slice(8, -8), slice(8, -8))  # the corners are round
        shown = {
            key: viewer.pixels(key)[..., :3][inner] for key in ("input", "bicubic", "srresnet")
        }
        viewer.page.screenshot(path=tmp_path / "screen.png")
        image = np.asarray(PillowImage.open(tmp_path / "screen.png").convert("RGB"))
        for key, pixels in shown.items():
            height, width = pixels.shape[:2]
            box = viewer.pane(key).locator("canvas").bounding_box()
            x, y = (int(box[side] * ratio) + 8 for side in "xy")
            places = [(y + dy, x + dx) for dy in (0, 1) for dx in (0, 1)]  # however x.5 is rounded
            assert any((image[y : y + height, x : x + width] == pixels).all() for y, x in places)


def test_pixels_are_squares_until_smoothing_is_asked_for(visit):
    with visit() as viewer:
        viewer.show(comparison())
        viewer.press("x")
        colours = {tuple(c) for c in nearest(picture()).reshape(-1, 3)}
        assert {tuple(c) for c in viewer.pixels("srgan")[..., :3].reshape(-1, 3)} <= colours
        smooth = viewer.page.get_by_role("button", name="Smooth")
        expect(smooth).to_have_attribute("aria-pressed", "false")
        viewer.press("s")
        expect(smooth).to_have_attribute("aria-pressed", "true")
        assert not {tuple(c) for c in viewer.pixels("srgan")[..., :3].reshape(-1, 3)} <= colours


def test_a_fit_below_1_to_1_averages_instead_of_dropping_pixels(visit):
    data = comparison(picture(300, 400))
    stripes = np.zeros((1200, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    data.panes[1].file = write_pane_file(stripes, "stripes.png")
    with visit() as viewer:
        viewer.show(data)
        assert viewer.scale() < 0.5
        shown = viewer.pixels("bicubic")[20:-20, 40:-40, :3].astype(int)
        assert abs(shown - 127.5).max() < 8
        assert viewer.differing() == ["bicubic"]


# ---- Filling -------------------------------------------------------------------------------------


def test_panes_fill_one_by_one_in_their_place_while_the_view_stays(visit):
    order = ["input", "bicubic", "srresnet", "srgan", "original"]
    with visit() as viewer:
        requests = []
        viewer.page.on("request", lambda r: requests.append(r.url) if "/file=" in r.url else None)
        viewer.show(comparison(ready=["input"], bicubic=0.4), ready=1)
        assert [f.get_attribute("data-key") for f in viewer.page.locator("figure").all()] == order
        expect(viewer.pane("bicubic")).to_contain_text("Working, 40%")
        expect(viewer.pane("srgan")).to_contain_text("Waiting")
        expect(viewer.pane("srgan").get_by_role("link")).to_be_hidden()
        places = viewer.places()
        viewer.page.evaluate("document.querySelectorAll('canvas').forEach(c => { c.mine = true; })")
        viewer.press("x", "ArrowRight", "ArrowDown")
        view = viewer.state()
        for count in range(2, 6):
            method = dict(zip(order, order[1:], strict=False)).get(order[count - 1], "none")
            viewer.show(comparison(ready=order[:count], **{method: 0.5}), ready=count)
            assert viewer.state() == view
            assert not (viewer.pixels("input") == 0).all()
        assert viewer.differing() == ["bicubic"]
        assert viewer.places() == places
        assert viewer.page.evaluate("[...document.querySelectorAll('canvas')].every(c => c.mine)")
        assert len(requests) == len(set(requests))


def test_only_another_picture_resets_the_view(visit):
    with visit() as viewer:
        viewer.show(comparison())
        fit = viewer.state()
        viewer.press("x", "ArrowRight")
        zoomed = viewer.state()
        viewer.show(comparison(lr=picture(seed=3)))
        assert viewer.state() == zoomed
        viewer.show(comparison(id="two"))
        assert viewer.state() == fit != zoomed


def test_a_late_file_of_an_earlier_picture_is_dropped(visit):
    old, new = picture(seed=1), picture(seed=2)
    held = []
    with visit() as viewer:
        late = comparison(old, id="old", ready=["input"])
        slow = Path(late.panes[0].file.path).parent.name
        viewer.show(comparison(id="first", ready=["input"]), ready=1)
        viewer.page.route(f"**/*{slow}*/**", lambda route: held.append(route))
        viewer.feed.put(late)
        expect(viewer.pane("input")).to_have_attribute("data-state", "loading")
        viewer.show(comparison(new, id="new", ready=["input"]), ready=1)
        with viewer.page.expect_response(f"**/*{slow}*/**") as response:
            held[0].continue_()
        response.value.finished()
        viewer.press("z")
        _, left, top, _ = map(int, viewer.state())
        shown = viewer.pixels("input")[top : top + 144, left : left + 200, :3]
        assert (shown == nearest(new)).all()


def test_a_broken_file_says_so_and_a_later_one_replaces_it(visit):
    data = comparison()
    whole = data.panes[3].file
    broken = Path(write_pane_file(picture(seed=9), "broken.png").path)
    broken.write_bytes(b"no picture")
    data.panes[3].file = FileData(path=str(broken), orig_name="broken.png")
    with visit() as viewer:
        viewer.show(data, ready=4)
        expect(viewer.pane("srgan")).to_have_attribute("data-state", "error")
        expect(viewer.pane("srgan").get_by_text("could not be loaded")).to_be_visible()
        expect(viewer.pane("srgan").get_by_role("link")).to_be_hidden()
        data.panes[3].file = whole
        viewer.show(data)


def test_a_stopped_pane_says_so(visit):
    data = comparison(ready=["input"])
    data.panes[1].state = "stopped"
    with visit() as viewer:
        viewer.show(data, ready=1)
        expect(viewer.pane("bicubic")).to_contain_text("Stopped")


def test_downloads_are_the_exact_files_under_their_names(visit):
    data = comparison()
    with visit() as viewer:
        viewer.show(data)
        for pane in data.panes:
            link = viewer.page.get_by_role("link", name=f"Download {pane.name} as PNG")
            with viewer.page.expect_download() as download:
                link.click()
            assert download.value.suggested_filename == f"photo_{pane.key}_x4.png"
            assert Path(download.value.path()).read_bytes() == Path(pane.file.path).read_bytes()


def test_names_and_captions_are_text_whatever_they_say(visit):
    data = comparison()
    data.panes[1].name, data.panes[1].caption = HOSTILE, HOSTILE
    data.panes[1].file.orig_name = HOSTILE
    with visit() as viewer:
        viewer.show(data)
        expect(viewer.pane("bicubic").locator(".name")).to_have_text(HOSTILE)
        expect(viewer.pane("bicubic").locator(".scores")).to_have_text(HOSTILE)
        assert viewer.page.locator("figure img").count() == 0
        assert viewer.page.evaluate("window.pwned") is None


# ---- Hands ---------------------------------------------------------------------------------------


def test_everything_works_from_the_keyboard(visit):
    with visit() as viewer:
        viewer.show(comparison())
        fit = viewer.scale()
        names = ["Panes", "Slider", "Flicker", "Difference", "Fit", "1:1", "Zoom out", "Zoom in"]
        names += ["Smooth", "Magnifier", "Region", "Full screen", "Copy link"]
        viewer.root.focus()
        for name in names:
            viewer.page.keyboard.press("Tab")
            expect(viewer.page.get_by_role("button", name=name, exact=True)).to_be_focused()
        viewer.press("x")
        expect(viewer.page.get_by_role("status").filter(has_text="Zoom")).to_have_text("Zoom 400%")
        assert viewer.scale() == 4
        _, left, top, _ = viewer.state()
        viewer.press("ArrowRight", "ArrowUp")
        assert viewer.state()[1:3] == (left - 40, top + 40)
        viewer.press("Shift+ArrowLeft")
        assert viewer.state()[1] > left
        viewer.press("+")
        assert viewer.scale() == 6
        viewer.press("-", "-")
        assert viewer.scale() == 3
        viewer.press("-")
        assert viewer.scale() == 2
        for _ in range(12):
            viewer.press("+")
        assert viewer.scale() == 64
        viewer.press("0")
        assert viewer.scale() == fit
        viewer.page.get_by_role("button", name="1:1").focus()
        viewer.page.keyboard.press("Enter")
        assert viewer.scale() == 1


def test_a_screen_reader_gets_names_sizes_and_scores(visit):
    with visit() as viewer:
        viewer.show(comparison(ready=["input", "bicubic"], srresnet=0.25), ready=2)
        for name in (
            "Small input, 50 by 36 pixels, 29.34 dB · SSIM 0.812",
            "Bicubic, 200 by 144 pixels, 29.34 dB · SSIM 0.812",
            "SRResNet, 200 by 144 pixels, Working, 25%",
            "SRGAN, 200 by 144 pixels, Waiting",
        ):
            expect(viewer.page.get_by_role("img", name=name, exact=True)).to_have_count(1)
        expect(viewer.page.get_by_role("group", name=re.compile("Linked views"))).to_have_count(1)
        bar = viewer.page.get_by_role("progressbar", name="SRResNet progress")
        expect(bar).to_have_js_property("value", 0.25)


def test_the_wheel_scrolls_the_page_until_the_viewer_has_focus(visit):
    with visit() as viewer:
        viewer.show(comparison(picture(120, 160)))
        fit = viewer.scale()
        viewer.page.mouse.move(*viewer.centre())
        viewer.page.mouse.wheel(0, 100)
        viewer.page.wait_for_function("scrollY > 0")
        expect(viewer.page.get_by_text("to zoom with the wheel")).to_be_visible()
        assert viewer.scale() == fit
        viewer.page.evaluate("scrollTo(0, 0)")
        viewer.page.mouse.click(*viewer.centre())
        expect(viewer.root).to_be_focused()
        viewer.page.mouse.wheel(0, -100)
        viewer.page.wait_for_function(f"+document.querySelector('.viewer').dataset.scale > {fit}")
        assert viewer.page.evaluate("scrollY") == 0


def test_wheel_and_double_click_keep_the_point_under_the_pointer(visit):
    def under(x, y):
        box = viewer.pane("input").locator("canvas").bounding_box()
        scale, left, top, _ = viewer.state()
        return np.array([(x - box["x"] - left) / scale, (y - box["y"] - top) / scale])

    with visit() as viewer:
        viewer.show(comparison(picture(240, 320)))
        fit = viewer.scale()
        x, y = np.add(viewer.centre(), (50, -30)).astype(int).tolist()
        point = under(x, y)
        viewer.page.mouse.dblclick(x, y)
        assert viewer.scale() == 1
        assert under(x, y) == pytest.approx(point, abs=0.5 / fit + 0.5)
        point = under(x, y)
        viewer.page.mouse.wheel(0, -100)
        viewer.page.wait_for_function("+document.querySelector('.viewer').dataset.scale > 1")
        assert under(x, y) == pytest.approx(point, abs=1)
        viewer.page.mouse.dblclick(x, y)
        assert viewer.scale() == fit


def test_a_phone_has_one_column_scrolls_with_one_finger_and_zooms_with_two(visit):
    with visit(**PHONE) as viewer:
        viewer.show(comparison(picture(120, 160)))
        assert len({left for left, *_ in viewer.places()}) == 1
        assert viewer.page.evaluate("document.documentElement.scrollWidth") == 390
        assert viewer.pixels("input").shape[1] == 3 * viewer.places()[0][2] > 900
        fit = viewer.scale()
        x, y = viewer.centre()
        viewer.touch([(x, y)] * 8, [(x, y + 20 + 10 * i) for i in range(8)])
        assert viewer.scale() > 2 * fit
        assert viewer.differing() == ["bicubic"]
        _, _, top, _ = viewer.state()
        viewer.touch([(x, y - 10 * i) for i in range(8)])
        assert viewer.state()[2] < top
        assert viewer.page.evaluate("scrollY") == 0
        viewer.press("0")
        assert viewer.scale() == fit
        viewer.page.touchscreen.tap(x, y)
        viewer.page.touchscreen.tap(x, y)
        viewer.page.wait_for_function(f"document.querySelector('.viewer').dataset.scale > {fit}")
        viewer.page.get_by_role("button", name="Fit").tap()
        viewer.page.wait_for_function(f"document.querySelector('.viewer').dataset.scale == {fit}")
        before = viewer.page.evaluate("scrollY")
        viewer.touch([(x, y - 20 * i) for i in range(8)])
        viewer.page.wait_for_function(f"scrollY > {before}")
        assert viewer.scale() == fit


def test_another_device_pixel_ratio_keeps_canvases_sharp_and_the_picture_whole(visit):
    with visit() as viewer:
        viewer.show(comparison(picture(300, 400)))
        viewer.press("z", *"-" * 8)
        session = viewer.page.context.new_cdp_session(viewer.page)
        for ratio in (2, 1.25):
            # The width changes along, for Chromium tells an emulated page nothing otherwise.
            screen = {"width": int(500 * ratio), "height": 800, "deviceScaleFactor": ratio}
            session.send("Emulation.setDeviceMetricsOverride", {**screen, "mobile": False})
            viewer.page.wait_for_function(
                """() => { const canvas = document.querySelector('canvas');
                    const box = canvas.getBoundingClientRect();
                    return Math.abs(box.width * devicePixelRatio - canvas.width) < 0.1; }"""
            )
            height, width = viewer.pixels("input").shape[:2]
            scale, *_, movable = viewer.state()
            assert not movable
            assert scale == pytest.approx(min(width / 1600, height / 1200))
            assert viewer.differing() == ["bicubic"]


# ---- Python --------------------------------------------------------------------------------------


def test_pane_files_are_lossless_and_shared_by_content():
    image = nearest(picture())
    one, two = (write_pane_file(image, "photo_srgan_x4.png") for _ in range(2))
    assert one == two
    assert one.orig_name == "photo_srgan_x4.png"
    assert (np.asarray(PillowImage.open(one.path)) == image).all()
    assert Path(one.path).is_relative_to(gr.utils.get_upload_folder())
    assert write_pane_file(image[::-1], one.orig_name).path != one.path
    assert write_pane_file(image.reshape(72, 400, 3), one.orig_name).path != one.path


@pytest.mark.parametrize("name", ["../../up.png", "/etc/x.png", "..", "a\0b.png", "C:\\x.png"])
def test_a_download_name_cannot_leave_the_cache(name):
    folder = Path(write_pane_file(picture(), "a.png").path).parent
    file = write_pane_file(picture(), name)
    assert Path(file.path).resolve().parent == folder.resolve()
    assert file.orig_name == name


def test_a_client_cannot_make_the_server_read_through_the_viewer(url):
    def send(file):
        pane = {"key": "input", "name": "x", "width": 1, "height": 1, "file": file}
        call = {"data": [{"id": "x", "panes": [pane]}]}
        event = web.post(f"{url}gradio_api/call/echo", json=call).json()["event_id"]
        return web.get(f"{url}gradio_api/call/echo/{event}").text

    meta = {"_type": "gradio.FileData"}
    stored = write_pane_file(picture(), "a.png").path
    assert 'data: ["None"]' in send({"path": stored, "meta": meta})
    for path in ("/etc/hostname", "http://127.0.0.1:9/x.png", "HTTPS://example.org/x.png"):
        answer = send({"path": path, "meta": meta})
        assert "event: error" in answer
        assert "/etc/" not in answer
