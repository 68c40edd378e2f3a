"""The table of a set: equal to `srgan.evaluate`, the published row beside, as files."""

import csv
import io
import json
import math
import zipfile
from pathlib import Path

import pytest
from skimage import data
from support.mocks import methods, noise, save

from demo.analysis.export import SET_README, no_formula, write_archive
from demo.engine.pace import Pace
from demo.engine.photo_set import Photo, PhotoSet
from demo.engine.set_table import FORMS, number, set_csv, set_json, set_markdown, set_table
from srgan.evaluate import Tools, evaluate
from srgan.evaluation.fingerprint import fingerprint
from srgan.evaluation.image_sets import find_set
from srgan.evaluation.known_sets import SIZES, known_set, store
from srgan.evaluation.report import MEASURES
from srgan.images import enlarge, repeat
from srgan.reading import read_image

BENCHMARKS = Path(__file__).parents[3] / "shared/data/benchmarks"
UPSCALERS = methods(Bicubic=enlarge, SRGAN=repeat)
PHOTOS = {"cat": data.chelsea()[:101, :150], "coffee": data.coffee()[:90, :80], "noise": noise()}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for name, image in PHOTOS.items():
        save(tmp_path / "photos", image, f"{name}.png")
    return tmp_path / "photos"


def worked(tmp_path, files, has_original=True):
    photo_set = PhotoSet(tmp_path / "set")
    for file in files:
        photo = Photo(file.name, file, None, has_original)
        photo_set.read(photo, 10**8, 10**8)
        photo_set.take(photo_set.claim())
        for _ in photo_set.work_on(photo, UPSCALERS, Pace()):
            pass
    return photo_set.photos


@pytest.fixture
def photos(tmp_path, folder):
    return worked(tmp_path, sorted(folder.iterdir()))


def test_the_means_are_those_of_evaluate_to_the_last_digit(photos, folder):
    expected = evaluate(find_set(folder), Tools({u.name: u for u in UPSCALERS}))["methods"]
    table = set_table(photos)
    for method in ("Bicubic", "SRGAN"):
        for name in set(FORMS) & set(MEASURES):
            mean = expected[method]["mean"][name]
            assert number(table.mean[method][name], name) == format(mean, MEASURES[name].form)
            for photo in PHOTOS:
                value = expected[method]["images"][photo][name]
                assert table.rows[photo][method][name] == pytest.approx(value, rel=1e-12)


def test_without_originals_only_agreement_is_known(tmp_path, folder):
    table = set_table(worked(tmp_path, sorted(folder.iterdir()), has_original=False))
    assert table.measures == ["agreement", "seconds"]
    assert number(table.mean["SRGAN"]["psnr_today"], "psnr_today") == "–"
    assert "PSNR" not in set_markdown(table)


def test_photos_of_one_name_are_told_apart_and_those_not_done_are_left_out(photos):
    photos[0].name, photos[1].name, photos[2].name = "a/x.png", "b/x.png", "b/x.png"
    assert list(set_table(photos).rows) == ["a/x.png", "b/x.png (2)", "b/x.png (3)"]
    photos[2].state = "waiting"
    assert list(set_table(photos).rows) == ["a/x.png", "b/x.png"]
    photos[0].state = photos[1].state = "refused"
    assert set_table(photos) is None


def test_the_files_have_all_numbers(photos):
    table = set_table(photos)._replace(
        known="Set5", published={"SRGAN": {"psnr_paper": 29.4, "ssim_paper": 0.8472}}
    )
    rows = list(csv.DictReader(io.StringIO(set_csv(table, no_formula))))
    assert len(rows) == 2 * 4 + 1
    assert float(rows[0]["psnr_today"]) == table.mean["Bicubic"]["psnr_today"]
    assert rows[-1]["photo"] == "published"
    assert rows[-1]["psnr_paper"] == "29.4"
    assert rows[-1]["psnr_today"] == ""
    read = json.loads(set_json(table, {"w": "0" * 64}))
    assert read["mean"]["SRGAN"]["ssim_paper"] == table.mean["SRGAN"]["ssim_paper"]
    assert read["photos"].keys() == PHOTOS.keys()
    text = set_markdown(table)
    today, paper = text.split("In the paper's protocol")
    assert "Published" not in today
    assert "| Published | – | 29.40 |" in paper
    assert f"{table.mean['SRGAN']['psnr_today']:.2f}" in today


def test_an_infinite_value_is_said(photos):
    photos[0].scores["SRGAN"] = (
        photos[0].scores["SRGAN"].model_copy(update={"psnr_today": math.inf})
    )
    table = set_table(photos)
    assert math.isfinite(table.mean["SRGAN"]["psnr_today"])
    assert table.exact == {"SRGAN": [photos[0].stem]}
    assert "∞" in set_markdown(table)
    assert '"Infinity"' in set_json(table, {})


def test_the_zip_has_every_picture_and_the_table(photos, tmp_path):
    table = set_table(photos)
    pictures = [(f"same_{key}.png", path) for p in photos for key, path in p.files.items()]
    texts = {"table.md": set_markdown(table), "table.json": set_json(table, {})}
    write_archive(tmp_path / "a.zip", pictures, texts, SET_README, {"w": "1"}, {"methods": "SRGAN"})
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)) == len(pictures) + 3
        assert archive.read("table.md").decode() == texts["table.md"]
        assert "psnr_today" in archive.read("README.txt").decode()
        assert archive.testzip() is None


@pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="no ../shared/data/benchmarks on this machine")
@pytest.mark.parametrize("name", ["Set5", "Set14"])
def test_the_benchmarks_are_known(name):
    photos = [read_image(path) for path in sorted((BENCHMARKS / name / "HR").iterdir())]
    cropped = [p[: p.shape[0] // 12 * 12, : p.shape[1] // 12 * 12] for p in photos]  # GTmod12
    assert known_set([fingerprint(photo) for photo in reversed(photos)]) == name
    assert known_set([fingerprint(photo) for photo in cropped]) == name
    assert known_set([fingerprint(photo) for photo in photos[1:]]) is None
    assert known_set([fingerprint(photo) for photo in [*photos[1:], photos[1]]]) is None
    assert known_set([*[fingerprint(photo) for photo in photos[1:]], None]) is None


def test_other_photos_are_no_known_set(photos):
    prints = [photo.print for photo in photos]
    assert known_set([*prints, *prints[:2]]) is None
    assert known_set([]) is None


def test_thumbnails_are_stored_for_whole_sets_alone(tmp_path):
    with pytest.raises(ValueError, match=str(sum(SIZES.values()))):
        store([noise()], tmp_path / "sheet.png")
