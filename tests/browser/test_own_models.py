"""Networks that were added, on the page: seen beside the shipped methods wherever those are."""

import io
import zipfile

import numpy as np
import PIL.Image
import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import expect
from support.browser import PHONE, drop_file, serve
from support.foreign import save_network
from support.mocks import noise, save
from support.networks import random_generator
from support.pages import rows, served, wait_for

from demo.engine.cache import Cache
from demo.page import LAUNCH, build_page
from demo.start.methods import find_methods
from srgan.images import shrink
from srgan.own_models import load_models
from srgan.weights import save_weights

LONG = "Real-ESRGAN x4plus anime 6B mini"  # as long as a name may be
KEYS = ["input", "bicubic", "srresnet", "srgan", "mine", "real_esrgan_x4plus_anime_6b_mini"]
SIZES = {
    "desktop": {
        "viewport": {"width": 1366, "height": 768},
        "screen": {"width": 1366, "height": 768},
    },
    "phone": PHONE,
}
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    save_weights(random_generator(blocks=8, channels=4), folder / "mine.safetensors", {})
    other = save_network(folder / "other.pth", "Compact")
    return [("mine", folder / "mine.safetensors"), (LONG, other)]


@pytest.fixture(scope="module")
def url(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    methods = find_methods(given, (), "fp32", folder, Cache(tmp_path_factory.mktemp("cache")))
    with serve(build_page(**methods._asdict()), **LAUNCH) as url:
        yield url


@pytest.mark.parametrize("size", SIZES)
def test_they_stand_beside_the_others_and_no_pane_is_out_of_reach(browser, url, size):
    with browser.new_context(**SIZES[size]) as session:
        page = session.new_page()
        page.goto(url)
        figures = page.locator("#comparer figure[data-state=ready]")
        expect(figures).to_have_count(7, timeout=60_000)
        assert [f.get_attribute("data-key") for f in figures.all()] == [*KEYS, "original"]
        expect(figures.nth(5)).to_contain_text(LONG)
        assert {"mine", LONG} <= rows(page).keys()
        boxes = [figure.bounding_box() for figure in figures.all()]
        bottom = max(box["y"] + box["height"] for box in boxes)
        if size == "desktop":  # all at once, under the tools
            assert bottom - boxes[0]["y"] + 60 <= 768
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1]
        for view in ("Slider", "Difference"):
            page.get_by_role("button", name=view, exact=True).click()
            options = page.locator("select[data-side='0'] option").all_inner_texts()
            assert options[4:6] == ["mine", LONG]
        page.get_by_role("button", name="Flicker").click()
        page.locator(".viewer").focus()
        page.keyboard.press("6")
        expect(page.locator(f"[data-pick={KEYS[5]}]")).to_have_attribute("aria-pressed", "true")


def test_a_photo_of_a_visitor(browser, url, given, tmp_path):
    hr = noise(64, 96)
    with browser.new_context(**SIZES["desktop"]) as session:
        page = session.new_page()
        page.goto(url)
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(7, timeout=60_000)
        drop_file(page, "#photo button[aria-dropeffect]", save(tmp_path, hr))
        wait_for(page, "photo", 7)
        expect(page.locator("#status")).to_contain_text("Done.", timeout=60_000)
        for model, key in zip(load_models(given, "fp32"), KEYS[4:], strict=True):
            assert (served(page, key) == model.upscaler(shrink(hr))).all()
            assert float(rows(page)[model.name][-1]) >= 0  # its seconds
        page.locator(".viewer").focus()
        page.keyboard.press("r")
        expect(page.locator("#region")).to_contain_text(LONG)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download everything").click()
        with zipfile.ZipFile(download.value.path()) as archive:
            picture = PIL.Image.open(io.BytesIO(archive.read(f"photo_{KEYS[5]}_x4.png")))
            assert (np.asarray(picture) == served(page, KEYS[5])).all()


def test_the_api_returns_a_file_of_each(url, given, tmp_path):
    hr = noise(32, 48)
    client = Client(url, verbose=False)
    *files, report = client.predict(
        handle_file(str(save(tmp_path, hr))), "original", None, api_name="/compare"
    )
    assert len(files) == 5
    for model, file in zip(load_models(given, "fp32"), files[3:], strict=True):
        with PIL.Image.open(file) as picture:
            assert (np.asarray(picture) == model.upscaler(shrink(hr))).all()
        assert report["scores"][model.name]["today"]["psnr"] > 0
    returns = client.view_api(return_format="dict")["named_endpoints"]["/compare"]["returns"]
    assert returns[4]["label"] == f"{LONG} ×4, PNG"
