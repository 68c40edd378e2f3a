"""A region of the outputs: what a client may send, its scores, its table and its figure."""

import math

import numpy as np
import PIL.Image
import pytest
from support.mocks import noise

from demo.analysis.region import (
    Region,
    parse_region,
    region_caption,
    region_figure,
    region_scores,
    region_table,
)
from demo.engine.scores import Scores
from srgan.images import enlarge, repeat, shrink, write_png
from srgan.metrics import Score, detail, paper_score, score

REGION = Region(12, 20, 40, 32)
HR = noise(96, 80)
LR = shrink(HR)
IMAGES = {"Nearest": repeat(LR), "Bicubic": enlarge(LR)}


def crop(image):
    return image[20:52, 12:52]


def test_a_region_is_read_from_what_the_viewer_sends():
    data = {"x": 12, "y": 20, "width": 40, "height": 32}
    assert parse_region(data, 80, 96) == REGION
    assert parse_region({"x": 0, "y": 0, "width": 80, "height": 96}, 80, 96) == (0, 0, 80, 96)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "four whole numbers"),
        ([0, 0, 8, 8], "four whole numbers"),
        ({"x": 0, "y": 0, "width": 8}, "four whole numbers"),
        ({"x": 0.0, "y": 0, "width": 8, "height": 8}, "four whole numbers"),
        ({"x": "0", "y": 0, "width": 8, "height": 8}, "four whole numbers"),
        ({"x": False, "y": 0, "width": 8, "height": 8}, "four whole numbers"),
        ({"x": {"y": 1}, "y": 0, "width": 8, "height": 8}, "four whole numbers"),
        ({"x": 0, "y": 0, "width": 0, "height": 8}, "at least 4 × 4"),
        ({"x": 16, "y": 0, "width": -8, "height": 8}, "at least 4 × 4"),
        ({"x": -4, "y": 0, "width": 8, "height": 8}, "inside the picture of 80 × 96"),
        ({"x": 0, "y": 92, "width": 8, "height": 8}, "inside the picture of 80 × 96"),
        ({"x": 76, "y": 0, "width": 8, "height": 8}, "inside the picture of 80 × 96"),
        ({"x": 0, "y": 0, "width": 10**5000, "height": 8}, "inside the picture of 80 × 96"),
        ({"x": 2, "y": 0, "width": 8, "height": 8}, "multiples of 4"),
        ({"x": 0, "y": 0, "width": 9, "height": 8}, "multiples of 4"),
    ],
)
def test_anything_else_is_refused_with_the_reason(data, problem):
    with pytest.raises(ValueError, match=problem):
        parse_region(data, 80, 96)


def test_the_region_scores_equal_score_on_the_crops():
    scores = region_scores(IMAGES, LR, HR, REGION)
    assert list(scores) == ["Nearest", "Bicubic"]
    for method, image in IMAGES.items():
        assert scores[method].today == score(crop(image), crop(HR))
        assert scores[method].paper == paper_score(crop(image), crop(HR))
        assert scores[method].detail == detail(crop(image), crop(HR))
        assert scores[method].seconds is None


@pytest.mark.parametrize("region", [REGION, Region(0, 4, 24, 92), Region(0, 0, 80, 96)])
def test_the_agreement_is_that_of_the_whole_image_within_the_region(region):
    sr = IMAGES["Bicubic"]
    rows = slice(region.top // 4, (region.top + region.height) // 4)
    columns = slice(region.left // 4, (region.left + region.width) // 4)
    error = shrink(sr)[rows, columns].astype(float) - LR[rows, columns]
    expected = 10 * math.log10(255**2 / (error**2).mean())
    found = region_scores({"Bicubic": sr, "Original": HR}, LR, HR, region)
    assert found["Bicubic"].agreement == pytest.approx(expected)
    assert found["Original"].agreement == math.inf


def test_a_small_region_has_no_scores_and_a_sentence_says_why():
    region = Region(8, 8, 16, 40)
    whole = region_scores(IMAGES, LR, HR, Region(0, 0, 80, 96))
    scores = region_scores(IMAGES, LR, HR, region)
    assert all(s.today is s.paper is s.detail is None for s in scores.values())
    text = region_table(scores, whole, region, "today")
    assert text.startswith("The region of 16 × 40 pixels is too small to be scored")
    assert "19 pixels" in text
    assert "| Agreement region [dB] | Agreement whole [dB] |" in text


def test_without_an_original_there_is_the_agreement_alone():
    whole = region_scores(IMAGES, LR, None, Region(0, 0, 80, 96))
    scores = region_scores(IMAGES, LR, None, REGION)
    text = region_table(scores, whole, REGION, "today")
    assert text.startswith("| Method | Agreement region [dB] | Agreement whole [dB] |")
    assert region_caption(scores["Bicubic"], "today").startswith("agrees with the input to")


def test_a_region_that_is_not_inside_the_images_is_an_error():
    with pytest.raises(ValueError, match="not inside"):
        region_scores(IMAGES, LR, HR, Region(44, 0, 40, 32))


def test_the_table_has_the_whole_image_beside_the_region_in_one_protocol():
    region = {
        "Bicubic": Scores.of(None, 40.0, Score(28.0, 0.8), Score(27.5, 0.81), 5.0),
        "SRGAN": Scores.of(None, 38.0, Score(27.0, 0.7), Score(26.5, 0.71), 90.0),
    }
    whole = {
        "Bicubic": Scores.of(0.1, 40.0, Score(30.0, 0.9), Score(29.5, 0.91), 6.0),
        "SRGAN": Scores.of(0.2, 38.0, Score(29.0, 0.8), Score(28.5, 0.81), math.nan),
    }
    head, _, bicubic, srgan = region_table(region, whole, REGION, "paper").splitlines()
    assert head == (
        "| Method | PSNR region [dB] | PSNR whole [dB] | SSIM region | SSIM whole "
        "| Detail region [%] | Detail whole [%] |"
    )
    assert bicubic == "| Bicubic | **27.50** ★ | 29.50 | **0.810** ★ | 0.910 | 5 | 6 |"
    assert srgan == "| SRGAN | 26.50 | 28.50 | 0.710 | 0.810 | **90** ★ | – |"
    assert region_caption(region["SRGAN"], "today") == "27.00 dB · SSIM 0.700 · detail 90 %"
    assert region_caption(whole["SRGAN"], "today") == "29.00 dB · SSIM 0.800"


def figure(tmp_path, images, region, caption="29.34 dB · SSIM 0.812 · detail 84 %", photo="cat"):
    panes = [(name, image, caption) for name, image in images.items()]
    write_png(region_figure(panes, region, photo, "today"), tmp_path / "figure.png")
    return np.asarray(PIL.Image.open(tmp_path / "figure.png"))


def find(picture, tile):
    """Left and top of a tile in a picture, or None."""
    start = tile[0].tobytes()
    for top, row in enumerate(picture[: len(picture) - len(tile) + 1]):
        at = row.tobytes().find(start)
        left = at // 3
        if at >= 0 and (picture[top : top + len(tile), left : left + tile.shape[1]] == tile).all():
            return left, top
    return None


def tile_of(image, zoom):
    return np.kron(crop(image), np.ones((zoom, zoom, 1), np.uint8))


def test_the_figure_holds_every_pane_pixel_by_pixel_in_one_row(tmp_path):
    images = {**IMAGES, "Original": HR}
    picture = figure(tmp_path, images, REGION)
    places = [find(picture, tile_of(image, 512 // 40)) for image in images.values()]
    assert None not in places
    assert places == sorted(places)
    assert len({top for _, top in places}) == 1
    for left, top in places:
        below = picture[top + 32 * 12 + 2 :, left : left + 200]
        assert below.min() == 0  # a caption in black …
        assert (below[..., 0] == below[..., 1]).all()
        assert np.median(below) == 255  # … on white


@pytest.mark.parametrize(("side", "zoom"), [(4, 128), (20, 25), (128, 4), (300, 1), (600, 1)])
def test_the_zoom_is_the_largest_whole_number_within_512_pixels(tmp_path, side, zoom):
    image = noise(600, 600)
    picture = figure(tmp_path, {"SRGAN": image}, Region(0, 0, side, side))
    tile = np.kron(image[:side, :side], np.ones((zoom, zoom, 1), np.uint8))
    assert find(picture, tile) is not None


def test_a_figure_that_would_be_very_wide_gets_two_rows(tmp_path):
    images = {str(seed): noise(40, 1200, seed) for seed in range(5)}
    picture = figure(tmp_path, images, Region(0, 0, 1200, 40))
    places = [find(picture, image) for image in images.values()]
    assert [left for left, _ in places[3:]] == [left for left, _ in places[:2]]
    assert len({top for _, top in places}) == 2
    assert picture.shape[1] < 4000


def test_a_long_caption_is_broken_and_never_runs_into_the_next(tmp_path):
    region = Region(0, 0, 8, 64)
    short = figure(tmp_path, {"A": HR, "B": HR}, region, caption="29.34 dB")
    long = figure(tmp_path, {"A": HR, "B": HR}, region, caption=" · ".join(["29.34 dB"] * 4))
    assert long.shape[1] == short.shape[1]
    assert len(long) > len(short)


@pytest.mark.parametrize("photo", ["", "Jürgen 中\n\x00\udcff" * 50, "=1+1", "\u202e"])
def test_any_name_of_a_photo_fits_into_the_figure(tmp_path, photo):
    assert find(figure(tmp_path, {"A": HR}, REGION, photo=photo), tile_of(HR, 12)) is not None


def test_what_the_font_lacks_is_spelled_in_letters(tmp_path):
    def caption(text):
        return figure(tmp_path, {"A": HR}, REGION, caption=text)

    assert (caption("∞ dB") == caption("inf dB")).all()
    assert (caption("é") == caption("e")).all()


def test_panes_of_different_sizes_are_refused():
    panes = [("Small input", LR, ""), ("Original", HR, "")]
    with pytest.raises(ValueError, match="one size"):
        region_figure(panes, Region(0, 0, 8, 8), "cat", None)
