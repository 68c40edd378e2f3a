"""A set on the page: the strip, the work behind it, the table, and that a reload loses nothing."""

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support import web
from support.browser import PHONE, serve
from support.mocks import Counting, Held, methods, noise, save
from support.pages import (
    DESKTOP,
    drag,
    opened,
    opened_over,
    served,
    strip_states,
    wait_for,
    wait_for_set,
)
from support.states import until

from demo.page import LAUNCH, build_page
from srgan.evaluate import Tools, evaluate
from srgan.evaluation.image_sets import find_set
from srgan.evaluation.report import MEASURES, PUBLISHED
from srgan.images import enlarge, repeat, shrink

FAST = {"Bicubic": enlarge, "SRResNet": repeat, "SRGAN": repeat}
SET5 = Path(__file__).parents[3] / "shared/data/benchmarks/Set5"
SIZES = [(1366, 768), (1440, 900), (1920, 1080), (390, 844)]


@pytest.fixture(scope="module")
def url():
    with serve(build_page(methods(**FAST)), **LAUNCH) as address:
        yield address


@pytest.fixture
def page(browser, url):
    with opened(browser, url) as page:
        yield page


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set").mkdir()
    for seed in range(4):
        save(tmp_path / "set", noise(64, 48, seed), f"p{seed}.png")
    return tmp_path / "set"


def thumbnail(page, name):
    return page.locator("#strip .film button", has_text=name)


def is_current(page, name):
    expect(thumbnail(page, name)).to_have_attribute("aria-current", "true")


# ---- The strip -----------------------------------------------------------------------------------


def test_arrow_keys_go_through_the_set(page, folder):
    drag(page, folder)
    wait_for_set(page, 4)
    is_current(page, "p0")
    expect(thumbnail(page, "p0")).to_have_accessible_name("p0, 1 of 4, done")
    thumbnail(page, "p0").focus()
    for key, name in (("ArrowRight", "p1"), ("End", "p3"), ("ArrowLeft", "p2"), ("Home", "p0")):
        page.keyboard.press(key)
        expect(thumbnail(page, name)).to_be_focused()
        is_current(page, name)
        wait_for(page, name)
    assert page.locator("#strip .film button[tabindex='0']").count() == 1


def test_a_finger_goes_through_the_set(browser, url, folder):
    with opened(browser, url, PHONE) as page:
        drag(page, folder, at=(200, 300))
        wait_for_set(page, 4)
        thumbnail(page, "p2").tap()
        wait_for(page, "p2")
        is_current(page, "p2")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_shown_is_what_was_made(page, folder):
    drag(page, folder)
    wait_for_set(page, 4)
    thumbnail(page, "p3").click()
    wait_for(page, "p3")
    hr = noise(64, 48, 3)
    assert (served(page, "original") == hr).all()
    assert (served(page, "srgan") == repeat(shrink(hr))).all()


def test_pairs_are_used_and_misfits_named(page, tmp_path):
    lr = noise(8, 6, 9)
    for name, image in (
        ("a_HR", noise(32, 24)),
        ("a_LR", lr),
        ("b", noise(32, 24)),
        ("b_LR", lr[1:]),
    ):
        save(tmp_path, image, f"{name}.png")
    drag(page, *sorted(tmp_path.iterdir()))
    expect(page.locator("#strip .line")).to_have_text("1 photo, all done")
    wait_for(page, "a_HR")
    assert (served(page, "input") == lr).all()
    expect(page.locator("#status")).to_contain_text("small version that was given")
    assert strip_states(page) == {"a_HR": "done", "b": "refused"}
    expect(page.locator("#strip .refused")).to_contain_text("6×7 pixels and the photo 24×32")


def test_small_images_alone_are_enlarged(page, folder):
    page.get_by_label("This is a small image").check()
    drag(page, folder)
    wait_for_set(page, 4)
    wait_for(page, "p0", 4)
    assert (served(page, "input") == noise(64, 48, 0)).all()
    expect(page.locator("#set-table")).to_contain_text("Agreement")
    expect(page.locator("#set-table thead")).not_to_contain_text("PSNR")


def test_going_back_shows_the_same_view_zoom_and_region(page, folder):
    drag(page, folder)
    wait_for_set(page, 4)
    wait_for(page, "p0")
    page.locator("#comparer .viewer").focus()
    for key in ("l", "x", "ArrowRight", "r", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#region table")).to_be_visible()
    before = look(page)
    assert before["mode"] == "slider"
    assert before["scale"] == "4"
    thumbnail(page, "p1").click()
    wait_for(page, "p1")
    assert look(page)["scale"] != "4"
    thumbnail(page, "p0").click()
    expect(page.locator("#comparer .region-text")).to_have_text(before["region"])
    assert look(page) == before
    page.reload()
    expect(page.locator("#comparer .region-text")).to_have_text(before["region"])
    assert look(page) == before


def look(page):
    """What the viewer shows, after it was drawn."""
    return page.evaluate(
        """async () => {
            await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
            const {mode, scale, left, top} = document.querySelector('#comparer .viewer').dataset;
            const region = document.querySelector('#comparer .region-text').textContent;
            return {mode, scale, left, top, region};
        }"""
    )


# ---- The work ------------------------------------------------------------------------------------


def test_stop_and_continue_lose_nothing_and_make_nothing_twice(browser, folder):
    one, two = Counting(2), Held(2, 4, steps=6)
    with opened_over(browser, methods(Bicubic=one, SRResNet=two)) as page:
        expect(page.locator("#stop")).to_be_hidden()
        drag(page, folder)
        halt, go_on = page.locator("#strip .halt"), page.locator("#strip .resume")
        expect(page.locator("#strip .line")).to_contain_text("1 of 4")
        expect(go_on).to_be_hidden()
        until(lambda: two.begun == 2)  # the first picture of the second photo is finished
        halt.click()
        expect(page.locator("#strip .line")).to_contain_text("Stopped at")
        expect(halt).to_be_hidden()
        expect(page.locator("#strip li[data-state=working]")).to_have_count(0)
        made, done = one.made, list(strip_states(page).values()).count("done")
        thumbnail(page, "p3").click()  # the one that is looked at comes next
        expect(page.locator("#comparer figure[data-state=waiting]")).to_have_count(4)
        go_on.click()
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(4)
        assert strip_states(page)["p2"] != "done"
        two.go.set()
        wait_for_set(page, 4)
        expect(halt).to_be_hidden()
        assert made >= 2 * done
        assert one.made == 4 * 2
        assert 4 * 6 <= two.made <= 5 * 6  # what was half made was made again


def test_every_method_of_a_set_waits_works_and_is_done(browser, folder):
    slow = [Held(1) for _ in range(2)]
    with opened_over(browser, methods(Bicubic=slow[0], SRGAN=slow[1])) as page:
        drag(page, folder / "p0.png", folder / "p1.png")
        srgan = page.locator("#comparer figure[data-key=srgan]")
        expect(page.locator("#comparer figure[data-key=bicubic] .note")).to_contain_text("99%")
        expect(srgan).to_have_attribute("data-state", "waiting")
        slow[0].go.set()
        expect(srgan).to_have_attribute("data-state", "working")
        expect(srgan.locator(".note")).to_contain_text("99%")
        slow[1].go.set()
        expect(srgan).to_have_attribute("data-state", "ready")


def test_a_single_photo_and_an_example_leave_the_set_alone(page, folder, tmp_path):
    drag(page, folder)
    wait_for_set(page, 4)
    drag(page, save(tmp_path, noise(40, 40), "single.png"))
    wait_for(page, "single")
    expect(page.locator("#strip [aria-current=true]")).to_have_count(0)
    page.locator("#examples").get_by_role("button", name="Bricks").click()
    wait_for(page, "bricks")
    thumbnail(page, "p1").click()
    wait_for(page, "p1")
    drag(page, save(tmp_path, noise(40, 40), "x.png"), save(tmp_path, noise(40, 44), "y.png"))
    wait_for_set(page, 6)


def test_a_photo_over_the_limit_is_refused_in_a_set_with_what_to_do(browser, folder, tmp_path):
    with opened_over(browser, methods(**FAST), max_output_pixels=70 * 70) as page:
        expect(page.locator("#limits")).to_contain_text("100 photos and 100 megapixels")
        save(folder, noise(80, 80), "big.png")
        drag(page, folder)
        wait_for_set(page, 4)
        expect(page.locator("#strip .refused")).to_contain_text("Drop it alone")
        drag(page, folder / "big.png")
        expect(page.locator("#placer img")).to_be_visible()
        assert len(strip_states(page)) == 5


# ---- The table -----------------------------------------------------------------------------------


def cells(page, row):
    return page.locator(f"#set-table tbody tr{row} > *").all_inner_texts()


def check_means(page, folder):
    """Of the page and of evaluate, to the last digit that is shown; returns the latter."""
    means = evaluate(find_set(folder), Tools({u.name: u for u in methods(**FAST)}))["methods"]
    for protocol in ("today", "paper"):
        page.locator(f"#set-table [data-protocol={protocol}]").click()
        keys = [f"psnr_{protocol}", f"ssim_{protocol}", "detail", "agreement"]
        expected = [format(means[m]["mean"][k], MEASURES[k].form) for k in keys for m in FAST]
        assert cells(page, ".mean")[1 : len(expected) + 1] == expected
    return means


@pytest.mark.skipif(not SET5.is_dir(), reason="no ../shared/data/benchmarks on this machine")
@pytest.mark.parametrize("parts", [("HR",), ("HR", "LR")], ids="+".join)
def test_set5_has_the_means_of_evaluate_and_the_published_row_beside(page, tmp_path, parts):
    for part in parts:
        shutil.copytree(SET5 / part, tmp_path / "Set5" / part)
    drag(page, tmp_path / "Set5")
    wait_for_set(page, 5, seconds=300)
    expect(page.locator("#set-table .title")).to_have_text("Set5: 5 photos")
    pairs = page.locator("#strip").get_by_role("button", name="with its small version")
    expect(pairs).to_have_count(5 * (len(parts) - 1))
    means = check_means(page, tmp_path / "Set5")
    assert format(means["Bicubic"]["mean"]["psnr_paper"], ".2f") == "28.43"
    published = [PUBLISHED["Set5"][method.lower()][:2] for method in FAST]
    psnr, ssim = zip(*published, strict=True)
    expected = [f"{x:.2f}" for x in psnr] + [f"{x:.4f}" for x in ssim]
    assert cells(page, ".published")[1:7] == expected


def test_the_table_is_that_of_evaluate_sorts_and_is_saved(page, folder, tmp_path):
    drag(page, folder)
    wait_for_set(page, 4)
    table = page.locator("#set-table")
    expect(table.locator("tbody tr")).to_have_count(5)
    means = check_means(page, folder)
    button = table.locator("th button").nth(1)
    button.click()
    expect(table.locator("th[aria-sort=descending]")).to_have_count(1)
    values = [float(row.locator("td").first.inner_text()) for row in plain_rows(table)]
    assert values == sorted(values, reverse=True)
    button.press("Enter")
    values = [float(row.locator("td").first.inner_text()) for row in plain_rows(table)]
    assert values == sorted(values)
    with page.expect_download() as download:
        table.get_by_role("button", name="JSON").click()
    saved = json.loads(download.value.path().read_text())
    assert saved["mean"]["SRGAN"]["psnr_today"] == means["SRGAN"]["mean"]["psnr_today"]
    with page.expect_download() as download:
        table.get_by_role("button", name="Everything").click()
    assert download.value.suggested_filename == "set_x4.zip"


def plain_rows(table):
    return table.locator("tbody tr:not(.mean)").all()


def test_a_figure_has_a_row_for_each_photo_with_a_region(page, folder):
    drag(page, folder)
    wait_for_set(page, 4)
    figure = page.locator("#set-table").get_by_role("button", name="Figure")
    expect(figure).to_be_disabled()
    heights = []
    for name, count in (("p0", "the marked region"), ("p1", "2 marked regions")):
        thumbnail(page, name).click()
        wait_for(page, name)
        page.locator("#comparer .viewer").focus()
        page.keyboard.press("r")
        page.keyboard.press("Enter")
        expect(page.locator("#region table")).to_be_visible()
        expect(figure).to_contain_text(count)
        with page.expect_download() as download:
            figure.click()
        heights.append(np.asarray(PIL.Image.open(download.value.path())).shape[0])
    assert heights[1] == 2 * heights[0]


# ---- A reload, other tabs, other people ----------------------------------------------------------


def test_a_reload_in_the_middle_of_the_work_loses_nothing(browser, folder):
    slow = Held(2, steps=4)
    with opened_over(browser, methods(Bicubic=enlarge, SRGAN=slow)) as page:
        drag(page, folder)
        expect(page.locator("#strip .line")).to_contain_text("1 of 4")
        page.reload()
        slow.go.set()
        wait_for_set(page, 4)
        wait_for(page, "p0", 4)
        made = slow.made
        assert made <= 5 * 4  # what was half made is made again
        page.goto("about:blank")
        page.go_back()
        wait_for(page, "p0", 4)
        wait_for_set(page, 4)
        second = page.context.new_page()
        second.goto(page.url)
        wait_for_set(second, 4)
        second.close()
        assert slow.made == made
        url = page.url
        with browser.new_context(**DESKTOP) as stranger:
            other = stranger.new_page()
            other.goto(url)
            expect(other.locator("#comparer figure[data-state=ready]")).to_have_count(5)
            expect(other.locator("#strip .strip")).to_be_hidden()


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_single_photo_is_there_again_after_a_reload(browser, tmp_path, is_complete):
    slow = Held(*([] if is_complete else [1]), steps=4)
    with opened_over(browser, methods(Bicubic=enlarge, SRGAN=slow)) as page:
        drag(page, save(tmp_path, noise(), "mine.png"))
        if not is_complete:
            expect(page.locator("#stop")).to_be_visible()
        else:
            expect(page.locator("#status")).to_contain_text("Done.")
            expect(page.locator("#stop")).to_be_hidden()
        page.reload()
        slow.go.set()
        wait_for(page, "mine", 4)
        expect(page.locator("#status")).to_contain_text("Done.")
        assert not is_complete or slow.made == 4


def test_what_is_forgotten_is_gone_from_page_and_server(page, tmp_path):
    own = tmp_path / "own"  # what other visitors have, too, stays with them
    own.mkdir()
    for seed in (91, 92):
        save(own, noise(56, 44, seed), f"p{seed - 91}.png")
    drag(page, own)
    wait_for_set(page, 2)
    drag(page, save(tmp_path, noise(40, 44, 93), "single.png"))
    wait_for(page, "single")
    expect(page.locator("#status")).to_contain_text("Done.")
    links = page.locator("#comparer a[download]").evaluate_all("all => all.map(a => a.href)")
    thumbnail(page, "p1").click()
    wait_for(page, "p1")
    links += page.locator("#comparer a[download]").evaluate_all("all => all.map(a => a.href)")
    assert {web.get(link).status_code for link in links} == {200}
    page.get_by_role("button", name="Forget my photos").click()
    expect(page.locator("#status")).to_contain_text("deleted")
    wait_for(page, "cat")
    expect(page.locator("#strip .strip")).to_be_hidden()
    expect(page.locator("#set-table .set-table")).to_be_hidden()
    assert [link for link in links if web.get(link).status_code == 200] == []
    page.reload()
    wait_for(page, "cat")
    expect(page.locator("#strip .strip")).to_be_hidden()


# ---- On the screen -------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_all_that_is_compared_is_seen_together(browser, url, folder, size, count):
    width, height = size
    context = PHONE if width == 390 else {"viewport": {"width": width, "height": height}}
    with opened(browser, url, context) as page:
        drag(page, *sorted(folder.iterdir())[:count], at=(200, 300))
        wait_for(page, "p0")
        if count > 1:
            wait_for_set(page, 2)
        else:
            expect(page.locator("#status")).to_contain_text("Done.")
        if context is not PHONE:
            for key in ("srresnet", "srgan", "original"):
                figure = page.locator(f"#comparer figure[data-key={key}]")
                expect(figure).to_be_in_viewport(ratio=0.99)
        for view in ("panes", "slider", "flicker"):
            page.locator(f"#comparer [data-view={view}]").click()
            stage = page.locator("#comparer .stage:visible").first
            assert stage.bounding_box()["height"] <= height
