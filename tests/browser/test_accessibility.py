"""axe finds nothing on the page, and nothing moves by itself where motion is unwelcome."""

from itertools import chain

import gradio as gr
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.browser import PHONE, drop_file, serve
from support.mocks import Counting, methods, noise, save
from support.pages import drag

from demo.page import LAUNCH, build_page
from srgan.images import enlarge, repeat
from srgan.upscale import Plain

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2, off by default
    "resultTypes": ["violations"],
}
# Gradio 6.31 makes the head of a message a button and puts the one that closes it inside, which no
# CSS mends. What our messages say stands in the page, too.
TOAST = ("nested-interactive", [".toast-header"])
# Gradio shows what is being renewed, and a message that comes, half transparent for a while.
SETTLED = """() => !document.querySelector('.pending') &&
    [...document.querySelectorAll('.toast-body')].every(t => getComputedStyle(t).opacity === '1')"""
LIMIT = 300 * 400  # pixels of an output
EVERYWHERE = pytest.mark.parametrize("context", [DESKTOP, PHONE], ids=["desktop", "phone"])
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def blocks():
    """The page with a network that never ends, so that there is time to look."""
    endless = Counting(10_000, wait=0.02)
    upscalers = methods(Bicubic=enlarge, SRResNet=repeat, SRGAN=endless)
    return build_page(upscalers, LIMIT, dial=lambda share: Plain("Dial", repeat))


@pytest.fixture(scope="module")
def url(blocks):
    with serve(blocks, **LAUNCH) as address:
        yield address


@pytest.fixture
def opened(new_page, url):
    def open_page(theme="light", **settings):
        page = new_page(f"{url}?__theme={theme}", **settings)
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        return page

    return open_page


def violations(page):
    """What axe finds, a line for each element."""
    page.wait_for_function(SETTLED)
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{rule['id']} at {node['target']}: {check['message']}"
        for rule in found
        for node in rule["nodes"]
        for check in [*node["any"], *node["all"], *node["none"]]
        if (rule["id"], node["target"]) != TOAST
    ]


@THEMES
@EVERYWHERE
def test_a_set_violates_nothing(opened, tmp_path, context, theme):
    page = opened(theme, **context)
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    photos = [save(tmp_path, noise(40, 40, seed), f"{seed}.png") for seed in range(2)]
    drag(page, *photos, text, at=(200, 300))
    expect(page.locator("#strip li[data-state=working]")).to_have_count(1)
    expect(page.locator("#strip .refused")).to_be_visible()
    assert violations(page) == []


@THEMES
@EVERYWHERE
def test_no_tab_violates_wcag(opened, blocks, context, theme):
    page = opened(theme, reduced_motion="reduce", **context)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(sum(isinstance(b, gr.Tab) for b in blocks.blocks.values()))
    found = {}
    for tab in tabs.all():
        tab.click()
        expect(page.locator("[role=tabpanel]:visible").first).to_be_visible()
        found[tab.inner_text()] = violations(page)
    assert {tab: lines for tab, lines in found.items() if lines} == {}


def photos(page, folder):
    """Bring in a photo over the limit, one that is being restored, and one that is none."""
    large, text = save(folder, noise(600, 800), "large.png"), folder / "text.png"
    text.write_text("hello")
    drop_file(page, "#photo [aria-dropeffect]", large)
    expect(page.locator("#placer")).to_be_visible()
    yield "placing"
    drop_file(page, "#photo img", save(folder, noise(96, 128)))
    expect(page.locator("figure[data-key=srgan][data-state=working]")).to_be_visible()
    yield "working"
    page.locator("#stop").click()
    expect(page.locator("#status")).to_contain_text("Stopped")
    yield "stopped"
    drop_file(page, "#photo img", text)
    expect(page.locator("#status")).to_contain_text("Cannot use this file")
    yield "refused"


def views(page):
    """Go through the views of an example, with everything open that can be opened."""
    for view in ("slider", "flicker", "difference", "panes"):
        page.locator(f"[data-view={view}]").click()
        yield view
    page.locator("[data-do=lens]").click()
    page.locator("[data-do=region]").click()
    if page.locator("summary").first.is_visible():
        page.locator("summary").first.click()
    page.locator("#plots > button").click()
    expect(page.locator("#plots svg[role=img]")).to_have_count(2)
    page.locator("#plots summary").first.click()
    page.get_by_label("The paper's protocol").check()
    expect(page.locator("#paper table")).to_be_visible()
    expect(page.locator("#region table")).to_be_visible()
    yield "region and plots"
    page.locator("#dial input[type=number]").fill("0.5")
    page.keyboard.press("Enter")
    expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(6)
    yield "dial"


@THEMES
@EVERYWHERE
def test_no_state_of_a_comparison_violates_wcag(opened, tmp_path, context, theme):
    page = opened(theme, reduced_motion="reduce", **context)
    states = chain(views(page), photos(page, tmp_path))
    found = {state: violations(page) for state in states}
    assert {state: lines for state, lines in found.items() if lines} == {}


# ---- Motion --------------------------------------------------------------------------------------

MOVING = """() => {
    window.moving = new Set();
    for (const kind of ['animationstart', 'transitionrun']) {
        addEventListener(kind, ({target, animationName, propertyName}) => {
            moving.add([kind, animationName ?? propertyName, target.outerHTML.slice(0, 60)].join());
        }, true);
    }
}"""


def moving(page, folder):
    """What CSS animated while somebody used the whole page."""
    page.evaluate(MOVING)
    for _ in chain(views(page), photos(page, folder)):
        for control in ("#mode label", "#forget", "#examples button", ".viewer button", ".stage"):
            page.locator(f"{control}:visible").first.hover()
    return page.evaluate("[...moving]")


def test_nothing_is_animated_where_motion_is_unwelcome(opened, tmp_path):
    assert moving(opened(reduced_motion="reduce", **DESKTOP), tmp_path) == []


def test_animations_would_be_noticed(opened, tmp_path):
    assert moving(opened(**DESKTOP), tmp_path) != []
