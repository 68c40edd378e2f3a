"""The page by the keyboard alone: where the focus is, that it can be seen, and one comparison."""

import io
import re
import time

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support.browser import serve
from support.mocks import methods, noise, save
from support.pages import listen_for_dialogs

from demo.engine.examples import NAMES
from demo.page import LAUNCH, build_page
from srgan.images import enlarge, repeat
from srgan.upscale import Plain, Upscaler

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
RING = 6  # CSS pixels around an element in which its ring may lie
MOST = 120  # stops of the Tab key on the page


def dial(share):
    """Between two networks that are equal."""
    return Plain(f"Dial {share:g}", repeat)


class SlowAtFirst(Upscaler):
    """A nearest-neighbour upscaler that would take minutes for its first picture."""

    def __init__(self):
        self.runs = 0

    def steps(self, lr):
        self.runs += 1
        count = 10_000 if self.runs == 1 else 2
        for i in range(count):
            time.sleep(0.02)
            yield (i + 1) / count
        return repeat(lr)


class Keys:
    """A page whose only input is a keyboard."""

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.check()

    def check(self):
        """The focus is somewhere."""
        self.page.wait_for_function("document.activeElement !== document.body")

    def tab_to(self, target, key="Tab"):
        """Press Tab until a locator has the focus."""
        for _ in range(MOST):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press(key)
        raise AssertionError(f"{target} cannot be reached")

    def tool(self, name):
        return self.page.locator(".viewer").get_by_role("button", name=name, exact=True)

    def value(self, name):
        return self.page.locator(".viewer").get_attribute(f"data-{name}")

    def changes(self, name, *keys):
        """Press keys and wait until what the viewer says of itself is another."""
        before = self.value(name)
        self.press(*keys)
        self.page.wait_for_function(
            "([name, before]) => document.querySelector('.viewer').dataset[name] !== before",
            arg=[name, before],
        )


@pytest.fixture
def opened(new_page):
    def open_page(url, **settings):
        page = new_page(url, **{**DESKTOP, **settings})
        listen_for_dialogs(page)
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        return page

    return open_page


@pytest.fixture(scope="module")
def url():
    upscalers = methods(Bicubic=enlarge, SRResNet=repeat, SRGAN=repeat)
    with serve(build_page(upscalers, dial=dial), **LAUNCH) as address:
        yield address


def choose(keys, zone, path):
    """Take a file at the stop of the drop zone."""
    keys.tab_to(zone)
    with keys.page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(path)


def test_one_whole_comparison(browser, opened, tmp_path):
    first, photo = (save(tmp_path, noise(96, 128, i), f"{n}.png") for i, n in enumerate("ab"))
    slow = SlowAtFirst()
    upscalers = methods(Bicubic=enlarge, SRResNet=repeat, SRGAN=slow)
    with serve(build_page(upscalers, dial=dial), **LAUNCH) as address:
        page = opened(address, permissions=["clipboard-read", "clipboard-write"])
        keys = Keys(page)
        zone = page.locator("#photo [aria-dropeffect]")

        # A photo, Stop, and another one.
        choose(keys, zone, first)
        expect(page.locator("figure[data-key=srgan][data-state=working]")).to_be_visible()
        keys.tab_to(page.locator("#stop"))
        keys.press("Enter")
        expect(page.locator("#status")).to_contain_text("Stopped")
        keys.tab_to(page.get_by_label("Remove Image"), "Shift+Tab")
        keys.press("Enter")
        expect(page.locator("#photo img")).to_have_count(0)
        choose(keys, zone, photo)
        expect(page.locator("#comparer a[download^='b_']")).to_have_count(5)
        expect(page.locator("figure[data-state=ready]")).to_have_count(5)

        look(keys)
        mark(keys)
        explain(keys)

        # An example has a link.
        example, label = list(NAMES.items())[1]
        keys.tab_to(page.get_by_role("button", name=label), "Shift+Tab")
        keys.press("Space")
        expect(page.locator(f"#comparer a[download^='{example}_']")).to_have_count(5)
        keys.tab_to(keys.tool("Copy link"))
        keys.press("Enter")
        expect(page.get_by_text("Link copied")).to_be_visible()
        assert f"photo={example}" in page.evaluate("navigator.clipboard.readText()")


def look(keys):
    """Zoom, move, and go through the views with their keys."""
    page = keys.page
    keys.tab_to(page.locator(".viewer"))
    keys.changes("scale", "x")
    keys.changes("left", "ArrowRight")
    keys.changes("top", "ArrowUp")
    keys.press("k", "1")
    expect(keys.tool("Small input")).to_have_attribute("aria-pressed", "true")
    keys.press("Space")
    expect(keys.tool("Bicubic")).to_have_attribute("aria-pressed", "true")
    keys.press("l")
    keys.tab_to(page.get_by_role("slider", name="Divider"))
    keys.press("ArrowLeft", "Shift+ArrowLeft")
    expect(page.get_by_role("slider", name="Divider")).to_have_attribute("aria-valuenow", "39")
    keys.press("d")  # takes the divider away
    expect(page.locator(".viewer")).to_be_focused()
    keys.tab_to(page.locator("[data-side='0']"))
    keys.press("B")  # a list takes letters
    expect(page.locator(".single .captions")).to_contain_text("|Bicubic − Original|")
    keys.tab_to(page.get_by_label("Gain"))
    keys.press("ArrowDown")
    expect(page.get_by_label("Gain")).to_have_value("8")
    expect(page.locator(".scale")).to_contain_text("31 or more levels")
    keys.tab_to(keys.tool("Panes"), "Shift+Tab")
    keys.press("Enter")
    expect(page.locator(".panes")).to_be_visible()


def mark(keys):
    """A region, its scores and its figure; and it can be taken away."""
    page = keys.page
    keys.tab_to(page.locator(".viewer"), "Shift+Tab")
    keys.press("r", "Shift+ArrowRight", "ArrowDown", "Enter")
    place = page.locator(".region-text").inner_text()
    size, corner = re.fullmatch(r"(.+) at (.+)", place).groups()
    expect(page.locator("#region")).to_contain_text(f"Region of {size} pixels at {corner}")
    expect(page.locator("#region tbody tr").first).to_contain_text(re.compile(r"Bicubic\s*\d"))
    keys.tab_to(page.get_by_role("button", name="Save this region"))
    with page.expect_download() as download:
        keys.press("Enter")
    figure = np.asarray(PIL.Image.open(io.BytesIO(download.value.path().read_bytes())))
    assert figure.shape[2] == 3
    keys.tab_to(keys.tool("Clear the region"), "Shift+Tab")
    keys.press("Enter")  # which takes the button away
    expect(page.locator(".viewer")).to_be_focused()
    expect(page.locator("#region")).to_be_hidden()


def explain(keys):
    """The dial, the plots with their numbers, and the other protocol."""
    page = keys.page
    keys.tab_to(page.locator("#dial input[type=range]"))
    keys.press("ArrowRight")
    expect(page.locator("figure[data-key=dial][data-state=ready]")).to_be_visible()
    keys.tab_to(page.locator("#plots > button"))
    keys.press("Enter")
    expect(page.locator("#plots svg[role=img]")).to_have_count(2)
    keys.tab_to(page.locator("#plots summary").first)
    keys.press("Enter")
    expect(page.locator("#plots table").first).to_be_visible()
    keys.tab_to(page.get_by_label("The paper's protocol"))
    keys.press("Space")
    expect(page.locator("#paper table")).to_be_visible()


# ---- The focus -----------------------------------------------------------------------------------


def luminance(shot):
    """As WCAG 2 defines it, (H, W)."""
    rgb = np.asarray(PIL.Image.open(io.BytesIO(shot)).convert("RGB")) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def ring(page, focused):
    """Pixels that the focus changes with a contrast of 3:1, per pixel of the border's length."""
    box = page.evaluate(
        """element => {
            const label = element.closest('label');
            const shown = element.matches('[type=radio]') ? label : element;
            const {left, top, right, bottom} = shown.getBoundingClientRect();
            return [left, top, Math.min(right, innerWidth), Math.min(bottom, innerHeight)];
        }""",
        focused,
    )
    left, top = (max(0, value - RING) for value in box[:2])
    clip = {"x": left, "y": top, "width": box[2] + RING - left, "height": box[3] + RING - top}
    shots = []
    for action in ("focus", "blur"):
        focused.evaluate(f"element => element.{action}()")
        shots.append(luminance(page.screenshot(clip=clip, animations="disabled")))
    focused.evaluate("element => element.focus()")
    low, high = np.minimum(*shots) + 0.05, np.maximum(*shots) + 0.05
    length = 2 * (box[2] - max(box[0], 0) + box[3] - max(box[1], 0))
    return (high / low >= 3).sum() / length


def stops(page, key="Tab"):
    """The elements at which Tab stops, from one end of the page to the other."""
    for _ in range(MOST):
        page.keyboard.press(key)
        focused = page.evaluate_handle("document.activeElement").as_element()
        if focused.evaluate("element => element === document.body"):
            return
        yield focused
    raise AssertionError("the Tab key goes round")


def name(element):
    return element.evaluate("e => e.outerHTML.slice(0, 100)")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_can_be_seen_at_every_stop(opened, url, theme):
    page = opened(f"{url}?__theme={theme}", reduced_motion="reduce")
    page.locator("[data-view=slider]").click()
    page.locator("#plots > button").click()
    expect(page.locator("#plots svg[role=img]")).to_have_count(2)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.mouse.click(1, 1)
    found = [(ring(page, element), name(element)) for element in stops(page)]
    assert len(found) > 30
    assert [stop for stop in found if stop[0] < 1] == []


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_nothing_lies_over_what_has_the_focus(opened, url, key):
    page = opened(url, viewport={"width": 1280, "height": 400})
    if key == "Shift+Tab":
        page.locator("footer .settings").focus()
    hidden = """element => {
        const {left, top, right, bottom} = element.getBoundingClientRect();
        const x = [left + 3, (left + right) / 2, right - 3];
        const y = [top + 3, (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2, bottom - 3];
        const at = x.flatMap(x => y.map(y => document.elementFromPoint(x, y)));
        return !at.some(other => element.contains(other));
    }"""
    covered = [name(element) for element in stops(page, key) if element.evaluate(hidden)]
    assert covered == []
