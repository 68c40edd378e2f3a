"""What stands under the viewer, on the whole page: region, figure, plots, ZIP, links."""

import csv
import io
import json
import zipfile

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect
from support.browser import serve
from support.mocks import methods

from demo.analysis.panel import INPUT, examine, explain, naturalness
from demo.engine.comparison import Comparison, compare
from demo.engine.examples import EXAMPLES, weights_digests
from demo.engine.seen import Seen
from demo.page import LAUNCH, build_page
from demo.viewer.gallery import STORED
from srgan.images import enlarge, repeat
from srgan.metrics import detail, score
from srgan.perceptual import niqe
from srgan.reading import read_image

UPSCALERS = methods(Bicubic=enlarge, SRResNet=enlarge, SRGAN=repeat)


@pytest.fixture(scope="module")
def url():
    with serve(build_page(UPSCALERS), **LAUNCH) as address:
        yield address


@pytest.fixture
def page(browser, url):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.goto(url + "?photo=bricks")
    expect(page.locator("figure[data-state=ready]")).to_have_count(5)
    expect(page.locator(".save").first).to_have_attribute("download", "bricks_small.png")
    yield page
    context.close()


def mark(data):
    return "once", data


def stored(method):
    return read_image(EXAMPLES / f"bricks_{method}.png")


def test_the_region_that_is_marked_is_scored_and_saved_to_the_pixel(page):
    page.locator(".viewer").focus()
    page.keyboard.press("r")
    table = page.locator("#region")
    expect(table).to_contain_text("SSIM region")
    width, _, height, _, left, top = page.locator(".region-text").inner_text().split()
    left, top, width, height = (int(v.strip(",")) for v in (left, top, width, height))
    box = (slice(top, top + height), slice(left, left + width))
    sr, hr = stored("srgan_x4")[box], stored("original")[box]
    row = table.locator("tr", has_text="SRGAN")
    expect(row).to_contain_text(f"{score(sr, hr).psnr:.2f}")
    expect(row).to_contain_text(f"{score(sr, hr).ssim:.3f}")
    expect(row).to_contain_text(f"{detail(sr, hr):.0f}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this region").click()
    assert download.value.suggested_filename.startswith("bricks_region_")
    figure = np.asarray(PIL.Image.open(download.value.path()))
    zoom = max(1, 512 // max(width, height))
    tile = sr.repeat(zoom, 0).repeat(zoom, 1)
    rows, columns = np.nonzero((figure == tile[0, 0]).all(axis=2))
    places = zip(rows, columns, strict=True)
    tiles = (figure[y : y + len(tile), x : x + tile.shape[1]] for y, x in places)
    assert any(np.array_equal(found, tile) for found in tiles)
    page.locator(".viewer").focus()
    page.keyboard.press("Escape")  # ends moving it
    page.keyboard.press("Escape")
    expect(table).to_be_hidden()


def test_another_photo_forgets_the_region(page):
    page.locator(".viewer").focus()
    page.keyboard.press("r")
    expect(page.locator("#region")).to_contain_text("SSIM region")
    page.get_by_role("button", name="Grass").click()
    expect(page.locator(".save").first).to_have_attribute("download", "grass_small.png")
    expect(page.locator("#region")).to_be_hidden()
    expect(page.locator(".region-text")).to_be_hidden()


def test_everything_comes_as_one_zip(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download everything").click()
    assert download.value.suggested_filename == "bricks_x4.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        for method in ("bicubic_x4", "srresnet_x4", "srgan_x4", "original", "small"):
            name = f"bricks_{method}.png"
            assert archive.read(name) == (EXAMPLES / name).read_bytes()
        _, scores = STORED.show("bricks")
        kept = json.loads(archive.read("scores.json"))
        assert set(kept["scores"]) == set(scores)
        rows = list(csv.reader(io.StringIO(archive.read("scores.csv").decode("utf-8-sig"))))
        assert any("SRGAN" in row for row in rows)
        for digest in weights_digests().values():
            assert digest in archive.read("README.txt").decode()


def test_the_plots_follow_the_photo(page):
    page.get_by_text("Why numbers and eyes disagree").click()
    plots = page.locator("#plots figure svg")
    expect(plots).to_have_count(2)
    before = plots.first.get_attribute("aria-label")
    page.get_by_role("button", name="Grass").click()
    expect(plots.first).not_to_have_attribute("aria-label", before)
    quality, _, natural = explain(*STORED.show("grass"), Seen())
    wanted = quality.split('aria-label="')[1].split('"')[0]
    expect(plots.first).to_have_attribute("aria-label", wanted)
    table = page.locator("#naturalness table")
    rows = [line.strip("|").split("|") for line in natural.splitlines() if line.startswith("| ")]
    for name, value in rows[1:]:
        expect(table.get_by_role("row", name=f"{name.strip()} {value.strip()}")).to_be_visible()


def test_naturalness_is_the_niqe_of_each_picture_that_is_large_enough():
    rng = np.random.default_rng(0)
    large, small = rng.integers(256, size=(2, 192, 192, 3), dtype=np.uint8)
    text = naturalness({"Original": large, "SRGAN": small[:90]})
    assert f"| Original | {niqe(large):.2f} |" in text
    assert "SRGAN" not in text
    assert naturalness({"SRGAN": small[:90]}) == ""


@pytest.mark.parametrize("name", ["cat", "bricks"])  # the one that is there at first, and another
def test_a_link_restores_view_zoom_and_region_of_any_example(browser, url, name):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{url}?photo={name}&view=slider&zoom=3&at=116+100&region=68+64+96+72")
    expect(page.locator(".save").first).to_have_attribute("download", f"{name}_small.png")
    expect(page.locator("#region")).to_contain_text("SSIM region")
    viewer = page.locator(".viewer")
    expect(viewer).to_have_attribute("data-mode", "slider")
    expect(viewer).to_have_attribute("data-scale", "3")
    expect(page.locator(".region-text")).to_have_text("96 × 72 at 68, 64")
    page.close()


def test_an_address_with_an_unknown_photo_shows_the_first_example(browser, url):
    page = browser.new_page()
    page.goto(url + "?photo=../../etc/passwd")
    expect(page.locator(".save").first).to_have_attribute("download", "cat_small.png")
    page.close()


@pytest.mark.parametrize(
    "region", [{}, {"x": 0, "y": 0, "width": 10**9, "height": 4}, {"x": 1}, [1, 2], "x", 7]
)
def test_a_region_made_up_by_a_client_is_refused(region):
    panes, scores = STORED.show("bricks")
    with pytest.raises(Exception, match="[Rr]egion|multiples"):
        examine(mark({"id": panes.id, "region": region}), panes, scores, "today")


@pytest.mark.parametrize("data", [None, [], "x", {"region": None}, {"id": "other", "region": {}}])
def test_no_region_hides_the_box(data):
    panes, scores = STORED.show("bricks")
    box, text, _ = examine(mark(data), panes, scores, "today")
    assert (box.visible, text) == (False, "")


def test_without_an_original_a_region_has_agreement_alone():
    panes, _ = STORED.show("bricks")
    lr = read_image(next(p for p in panes.panes if p.key == INPUT).file.path)
    *_, last = compare(Comparison.of(lr, False), UPSCALERS)
    small = panes.model_copy(update={"panes": [p for p in panes.panes if p.key != "original"]})
    region = {"x": 0, "y": 0, "width": 64, "height": 64}
    box, text, figure = examine(
        mark({"id": small.id, "region": region}), small, last.scores, "today"
    )
    assert box.visible
    assert "Agreement region" in text
    assert "PSNR" not in text
    assert figure.value


def test_the_score_table_is_copied_as_markdown(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#today").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("| Method | PSNR [dB] | SSIM |")
    assert "| SRGAN |" in copied
