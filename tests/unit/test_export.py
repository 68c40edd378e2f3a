"""What a visitor takes home: CSV, JSON and ZIP."""

import csv
import io
import json
import math
import zipfile

import pytest
from support.mocks import noise, save

from demo.analysis.export import scores_csv, scores_json, write_zip
from demo.engine.scores import Scores
from srgan.metrics import Score

SCORES = {
    "Bicubic": Scores.of(0.001, 37.21, Score(28.431, 0.8113), Score(28.42, 0.8211), 7.125),
    "Copy": Scores.of(None, math.inf, Score(math.inf, 1.0), Score(math.inf, 1.0), math.nan),
    "SRGAN": Scores.of(2.5, 35.0),
}
WEIGHTS = {"srresnet.safetensors": "0af7", "srgan.safetensors": "d72f"}


def rows(photo="cat.png", scores=SCORES):
    return list(csv.DictReader(io.StringIO(scores_csv(scores, photo))))


def test_every_method_is_a_row_of_the_csv_with_all_its_digits():
    bicubic, copy, srgan = rows()
    assert bicubic == {
        "photo": "cat.png",
        "method": "Bicubic",
        "psnr_today [dB]": "28.431",
        "ssim_today": "0.8113",
        "psnr_paper [dB]": "28.42",
        "ssim_paper": "0.8211",
        "detail [%]": "7.125",
        "agreement [dB]": "37.21",
        "seconds [s]": "0.001",
    }
    assert float(copy["psnr_today [dB]"]) == math.inf
    assert math.isnan(float(copy["detail [%]"]))
    assert (srgan["ssim_paper"], srgan["detail [%]"], srgan["seconds [s]"]) == ("", "", "2.5")


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\n=1", "\uff1d1+1"]
)
def test_a_photo_s_name_never_becomes_a_formula(name):
    for row in rows(photo=name):
        assert row["photo"] == "'" + name.strip()


@pytest.mark.parametrize("name", ['a,b"c".png', "a;b.png", "Jürgen 中.png", "", "a-b=c.png"])
def test_any_other_name_stays_as_it_is(name):
    assert rows(photo=name)[0]["photo"] == name


def test_the_name_is_one_line():
    assert rows(photo="a\r\nb\x00c")[0]["photo"] == "a b c"


def test_negative_numbers_stay_numbers():
    scores = {"A": Scores.of(1.0, -3.0, Score(5.0, -0.25), Score(5.0, -0.5), 1.0)}
    assert rows(scores=scores)[0]["ssim_today"] == "-0.25"


def test_the_json_is_valid_and_loses_nothing():
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    content = json.loads(scores_json(SCORES, "cat.png", WEIGHTS), parse_constant=refuse)
    assert (content["photo"], content["weights"]) == ("cat.png", WEIGHTS)
    assert content["scores"]["Bicubic"] == {
        "psnr_today": 28.431,
        "ssim_today": 0.8113,
        "psnr_paper": 28.42,
        "ssim_paper": 0.8211,
        "detail": 7.125,
        "agreement": 37.21,
        "seconds": 0.001,
    }
    copy = content["scores"]["Copy"]
    assert (copy["psnr_paper"], copy["detail"], copy["seconds"]) == ("Infinity", "NaN", None)
    assert content["scores"]["SRGAN"]["psnr_today"] is None


def test_without_scores_both_are_empty_but_valid():
    assert rows(scores={}) == []
    assert json.loads(scores_json({}, "cat", {}))["scores"] == {}


def archive(tmp_path, names, photo="cat.png"):
    files = [save(tmp_path, noise(8, 8, i), f"{i}.png") for i in range(len(names))]
    path = tmp_path / "all.zip"
    write_zip(path, zip(names, files, strict=True), SCORES, photo, WEIGHTS)
    return path, files


def test_the_zip_holds_the_pictures_as_they_are_and_the_scores(tmp_path):
    path, files = archive(tmp_path, ["cat_small.png", "cat_bicubic_x4.png"])
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert found.namelist() == [
            *("cat_small.png", "cat_bicubic_x4.png"),
            *("scores.csv", "scores.json", "README.txt"),
        ]
        assert {info.compress_type for info in found.infolist()} == {zipfile.ZIP_STORED}
        assert {info.external_attr >> 16 for info in found.infolist()} == {0o644}
        assert found.read("cat_bicubic_x4.png") == files[1].read_bytes()
        assert found.read("scores.csv").decode() == scores_csv(SCORES, "cat.png")
        assert found.read("scores.json").decode() == scores_json(SCORES, "cat.png", WEIGHTS)
        text = found.read("README.txt").decode()
    for part in ("cat.png", "cat_small.png", "Bicubic, Copy, SRGAN", "BT.601", "BT.709", "d72f"):
        assert part in text


def test_equal_contents_give_equal_files(tmp_path):
    first = archive(tmp_path, ["a.png", "b.png"])[0].read_bytes()
    assert archive(tmp_path, ["a.png", "b.png"])[0].read_bytes() == first


def test_the_names_are_plain_and_none_hides_another(tmp_path):
    names = [
        *("../../etc/passwd", "/root/a.png", "C:\\temp\\a.png", "A.png", "..", "", "scores.csv"),
        *("readme.TXT", "a\x00b\n.png", "x" * 300 + ".png", "中.png", "con?.png"),
    ]
    path, _ = archive(tmp_path, names)
    with zipfile.ZipFile(path) as found:
        inside = found.namelist()
        found.extractall(tmp_path / "out")
    assert inside[:4] == ["passwd", "a.png", "a_2.png", "A_3.png"]
    assert inside[4:8] == ["picture", "picture_2", "scores_2.csv", "readme_2.TXT"]
    assert "中.png" in inside
    assert len({name.casefold() for name in inside}) == len(names) + 3
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(inside)
    assert max(map(len, inside)) <= 80


def test_a_picture_that_is_gone_leaves_the_old_zip(tmp_path):
    path, files = archive(tmp_path, ["a.png"])
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError):
        write_zip(path, [("a.png", files[0]), ("b.png", tmp_path / "gone.png")], {}, "cat", {})
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
