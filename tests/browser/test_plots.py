"""The two plots: where things lie, how they look, and that nobody is left out."""

import math
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import pytest
from playwright.sync_api import expect
from support.browser import PHONE, serve
from support.mocks import noise

from demo.analysis.plots import perception_distortion, power_spectrum, spectra
from demo.analysis.region import Region, region_table
from demo.engine.scores import Scores
from demo.parts.drawing import ADDED, OTHER, STYLES
from srgan.images import enlarge, repeat, shrink
from srgan.metrics import Score
from srgan.spectrum import radial_power


def scored(psnr, detail):
    return Scores.of(None, 40.0, Score(psnr, 0.8), Score(psnr - 1, 0.8), detail)


SCORES = {
    "Nearest": scored(25.0, 61.0),
    "Bicubic": scored(28.0, 5.0),
    "SRResNet": scored(30.25, 31.0),
    "SRGAN": scored(28.1, 106.0),
}
DIAL = [(1.0, 28.1, 106.0), (0.0, 30.25, 31.0), (0.5, 29.6, 64.0)]
HR = noise(96, 80)
IMAGES = {"Nearest": repeat(shrink(HR)), "Bicubic": enlarge(shrink(HR)), "Original": HR}


def svg(html):
    return ElementTree.fromstring(html).find("svg")


def markers(html):
    """Centre and colour of every marker by name."""
    found = {}
    for path in svg(html).findall("path"):
        x, y = path.get("transform").removeprefix("translate(").removesuffix(")").split()
        found[path.find("title").text] = (float(x), float(y), path.get("fill"))
    return found


def texts(html):
    return {t.text: (float(t.get("x")), float(t.get("y"))) for t in svg(html).findall("text")}


def lines(html, colour):
    """The lines of a colour, as (n, 2) arrays."""
    found = [line for line in svg(html).findall("polyline") if line.get("stroke") == colour]
    return [
        np.array([p.split(",") for p in line.get("points").split()], float)
        for line in found
        if line.get("points")
    ]


def table(html):
    rows = ElementTree.fromstring(html).findall("details/table/tr")
    return [[cell.text for cell in row] for row in rows]


def test_further_right_is_a_higher_psnr_and_further_up_more_detail():
    places = markers(perception_distortion(SCORES))
    assert sorted(places, key=lambda m: places[m][0]) == [
        *("Nearest", "Bicubic", "SRGAN", "SRResNet", "Original")
    ]
    assert sorted(places, key=lambda m: -places[m][1]) == [
        *("Bicubic", "SRResNet", "Nearest", "Original", "SRGAN")
    ]


def test_a_point_lies_where_the_ticks_say():
    html = perception_distortion(SCORES)
    x, y, _ = markers(html)["SRResNet"]
    ticks = texts(html)
    right = (ticks["30"][0] - ticks["26"][0]) / 4
    assert x == pytest.approx(ticks["30"][0] + 0.25 * right, abs=0.2)
    up = (ticks["100"][1] - ticks["0"][1]) / 100
    assert y == pytest.approx(ticks["0"][1] - 4.5 + 31 * up, abs=0.2)


def test_the_original_and_its_equal_lie_at_infinity():
    html = perception_distortion({**SCORES, "Copy": scored(math.inf, 100.0)})
    places = markers(html)
    assert places["Copy"][:2] == places["Original"][:2]
    assert places["Original"][0] == texts(html)["∞"][0]
    assert places["Original"][0] > places["SRResNet"][0] + 20
    assert ["Original", "∞", "100"] in table(html)


def test_only_equal_images_can_be_plotted():
    assert markers(perception_distortion({"Copy": scored(math.inf, 100.0)}))["Copy"]


def test_the_path_of_the_dial_goes_from_srresnet_to_srgan():
    html = perception_distortion(SCORES, DIAL)
    (path,) = lines(html, OTHER.colour)
    places = markers(html)
    assert path[0] == pytest.approx(places["SRResNet"][:2])
    assert path[-1] == pytest.approx(places["SRGAN"][:2])
    assert path[1] == pytest.approx(places["Dial 0.5"][:2])
    assert ["Dial 0.5", "29.60", "64"] in table(html)
    assert "Dial" not in perception_distortion(SCORES)


def test_names_do_not_cover_each_other_where_the_points_nearly_coincide():
    close = {name: scored(28 + i / 1000, 50.0) for i, name in enumerate(SCORES)}
    places = list(
        {n: p for n, p in texts(perception_distortion(close)).items() if n in close}.values()
    )
    for i, (x, y) in enumerate(places):
        for other_x, other_y in places[:i]:
            assert abs(y - other_y) >= 13 or abs(x - other_x) >= 40


def test_without_an_original_or_its_detail_a_sentence_says_so():
    for scores in ({}, {"SRGAN": Scores.of(1.0, 40.0)}, {"SRGAN": scored(40.0, math.nan)}):
        assert perception_distortion(scores).startswith("<p>This plot compares with an original")


def test_the_curves_are_the_measured_power():
    html = power_spectrum(spectra(IMAGES))
    frequencies, power = radial_power(HR)
    (curve, *_) = [c for c in lines(html, "currentColor") if len(c) == len(power)]
    assert np.corrcoef(curve[:, 0], frequencies)[0, 1] == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(-curve[:, 1], power)[0, 1] == pytest.approx(1, abs=1e-3)
    _, *original = table(html)[-1]
    assert original == [f"{power[round(64 * f) - 1]:.0f}" for f in (0.125, 0.25, 0.375, 0.5)]


def test_the_small_image_s_nyquist_is_marked():
    html = power_spectrum(spectra(IMAGES))
    ticks = texts(html)
    expected = ticks["0.1"][0] + (ticks["0.2"][0] - ticks["0.1"][0]) / 4
    upright = [c[0, 0] for c in lines(html, "currentColor") if c[0, 0] == c[-1, 0]]
    assert any(x == pytest.approx(expected, abs=0.2) for x in upright)
    assert "Nyquist of the small image" in ticks


def test_every_curve_has_its_name_beside_it_apart_from_the_others():
    html = power_spectrum({str(i): radial_power(HR) for i in range(6)})
    heights = sorted(texts(html)[str(i)][1] for i in range(6))
    assert min(np.diff(heights)) >= 13


def test_pictures_without_contrast_or_size_do_not_break_the_spectrum():
    flat = np.full((64, 64, 3), 128, np.uint8)
    assert len(table(power_spectrum(spectra({"Original": flat})))) == 2
    assert spectra({"Original": noise(48, 96)}) == {}
    assert "at least 56 pixels" in power_spectrum({})


def test_a_method_has_the_same_colour_in_both_plots():
    plotted = markers(perception_distortion(SCORES))
    html = power_spectrum({**spectra(IMAGES), "SRGAN": radial_power(HR)})
    for method in ("Nearest", "Bicubic", "SRGAN"):
        assert [c for c in lines(html, plotted[method][2]) if len(c) > 2]


def test_methods_differ_in_shape_and_dashes_not_in_colour_alone():
    for field in zip(*STYLES.values(), strict=True):
        assert len(set(field) - {"none"}) >= len(STYLES) - 2
    every = (*STYLES.values(), OTHER, *ADDED)
    assert len({style.marker for style in every}) == len({s.colour for s in every}) == len(every)


@pytest.mark.parametrize("ground", ["#ffffff", "#fafafa", "#27272a", "#0f0f11"])
def test_every_colour_stands_out_of_gradio_s_grounds(ground):
    def luminance(colour):
        levels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for style in (*STYLES.values(), OTHER, *ADDED):
        if style.colour != "currentColor":
            dark, light = sorted([luminance(style.colour), luminance(ground)])
            assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_summary_tells_what_a_plot_shows():
    said = svg(perception_distortion(SCORES)).get("aria-label")
    assert "SRResNet, 30.25 dB" in said
    assert "SRGAN, 106 %" in said
    said = svg(power_spectrum(spectra(IMAGES))).get("aria-label")
    assert "Bicubic" in said
    assert f"Original {radial_power(HR)[1][15]:.0f} dB" in said


def test_a_name_is_only_ever_text():
    name = '<img src=x onerror="alert(1)">&${1}'
    for html in (
        perception_distortion({name: scored(30.0, 50.0)}),
        power_spectrum({name: radial_power(HR)}),
    ):
        tree = ElementTree.fromstring(html)
        assert "img" not in {element.tag for element in tree.iter()}
        assert f"{name[:17]}…" in texts(html)
        assert table(html)[1][0] == name


@pytest.fixture(scope="module")
def url():
    region = region_table(SCORES, SCORES, Region(0, 0, 40, 40), "today")
    with gr.Blocks() as page:
        gr.HTML(perception_distortion(SCORES, DIAL), elem_id="quality")
        gr.HTML(power_spectrum(spectra(IMAGES)), elem_id="spectrum")
        gr.Markdown(region, elem_id="region")
    with serve(page) as address:
        yield address


def test_on_a_phone_nothing_is_cut_off_and_the_text_can_be_read(browser, url):
    page = browser.new_page(**PHONE | {"viewport": {"width": 380, "height": 800}})
    page.goto(url)
    for summary in page.locator("summary").all():
        summary.click()
    box = page.locator("#quality svg").bounding_box()
    assert box["x"] + box["width"] <= 380
    for plot in ("#quality", "#spectrum"):
        inner = page.locator(f"{plot} svg text").evaluate_all(
            "all => all.map(t => t.getBoundingClientRect()).map(b => [b.left, b.right, b.height])"
        )
        assert min(left for left, _, _ in inner) >= box["x"] - 1
        assert max(right for _, right, _ in inner) <= 380
        assert min(height for _, _, height in inner) >= 12
        table = page.locator(f"{plot} table").bounding_box()
        assert table["x"] + table["width"] <= 380
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_plots_follow_the_theme_and_name_themselves(browser, url, theme):
    page = browser.new_page()
    page.goto(f"{url}?__theme={theme}")
    plot = page.locator("#quality").get_by_role("img", name="PSNR against detail.")
    expect(plot).to_be_visible()
    ink = plot.evaluate("svg => getComputedStyle(svg).fill.match(/\\d+/g).map(Number)")
    assert (max(ink) < 80) if theme == "light" else (min(ink) > 200)
    page.close()
