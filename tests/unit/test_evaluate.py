"""`python -m srgan.evaluate`: sets, scores, tables, checks, and copies among training photos."""

import csv
import hashlib
import itertools
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
import torchvision
from PIL import Image as PillowImage
from support.colour_files import PROFILE
from support.networks import random_generator
from support.picture_files import P3_ICC

from srgan import evaluate as module
from srgan.evaluate import Tools, evaluate, load_methods, main, measure
from srgan.evaluation.distances import load_distance
from srgan.evaluation.fingerprint import LIKENESS, closest, find_copies, fingerprint
from srgan.evaluation.image_sets import find_set
from srgan.evaluation.report import MEASURES, PUBLISHED, read_json, set_table, worse, write_json
from srgan.images import crop_to_scale, enlarge, repeat, shrink, write_png
from srgan.metrics import agreement, colour_shift, detail, paper_score, score
from srgan.perceptual import niqe
from srgan.reading import read_image
from srgan.spectrum import grid_peaks
from srgan.upscale import NetworkUpscaler
from srgan.weights import save_weights

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data"
needs_benchmarks = pytest.mark.skipif(
    not (DATA / "benchmarks").is_dir(), reason="no ../shared/data/benchmarks on this machine"
)
PHOTOS = {
    "astronaut": skimage.data.astronaut()[:130, 150:281],
    "cat": skimage.data.chelsea()[100:203, 100:260],
    "coffee": skimage.data.coffee()[100:220, 200:320],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """photos/ as they are; Set5/ with HR/ and LR/; weights/."""
    root = tmp_path_factory.mktemp("evaluate")
    for name in ("photos", "Set5/HR", "Set5/LR", "weights"):
        (root / name).mkdir(parents=True)
    for name, photo in PHOTOS.items():
        write_png(photo, root / f"photos/{name}.png")
        write_png(photo, root / f"Set5/HR/{name}.png")
        write_png(shrink(crop_to_scale(photo)), root / f"Set5/LR/{name}.png")
    (root / "photos/LICENSES.md").write_text("not an image")
    for seed, name in enumerate(("srresnet", "srgan")):
        card = {"version": f"{seed}.5"}
        save_weights(random_generator(seed, 1, 4), root / f"weights/{name}.safetensors", card)
    return root


@pytest.fixture
def cli(folders, capsys):
    def run(*args):
        code = main([*map(str, args), "--weights", str(folders / "weights")])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def results(folders):
    """Nearest and bicubic on photos/."""
    methods = load_methods(["nearest", "bicubic"], folders, "fp32")
    sets = {"photos": evaluate(find_set(folders / "photos"), Tools(methods))}
    return {"format": "srgan.evaluate 1", "precision": "fp32", "sets": sets}


def test_each_measure_has_its_name():
    hr = crop_to_scale(PHOTOS["cat"])
    lr = shrink(hr)
    sr = enlarge(lr)
    values = measure(sr, hr, lr)
    assert (values["psnr_today"], values["ssim_today"]) == score(sr, hr)
    assert (values["psnr_paper"], values["ssim_paper"]) == paper_score(sr, hr)
    assert values["detail"] == detail(sr, hr)
    assert values["agreement"] == agreement(sr, lr)
    assert values["colour_shift"] == colour_shift(sr, lr)
    assert (values["grid_4px"], values["grid_2px"]) == grid_peaks(sr)
    assert values.keys() == MEASURES.keys()


def test_a_mean_is_the_mean_of_the_images(results):
    """Not the PSNR of the mean error, which is lower."""
    bicubic = results["sets"]["photos"]["methods"]["bicubic"]
    psnr = []
    for name, photo in PHOTOS.items():
        hr = crop_to_scale(photo)
        psnr.append(score(enlarge(shrink(hr)), hr).psnr)
        assert bicubic["images"][name]["psnr_today"] == psnr[-1]
    assert bicubic["mean"]["psnr_today"] == pytest.approx(np.mean(psnr), abs=1e-12)
    of_mean_error = -10 * math.log10(np.mean([10 ** (-p / 10) for p in psnr]))
    assert bicubic["mean"]["psnr_today"] > of_mean_error + 0.1
    assert bicubic["largest"]["psnr_today"] == max(psnr)


def test_a_value_that_an_image_has_not_is_left_out(tmp_path):
    write_png(np.full((40, 40, 3), 99, np.uint8), tmp_path / "flat.png")
    write_png(PHOTOS["cat"], tmp_path / "cat.png")
    methods = evaluate(find_set(tmp_path), Tools({"bicubic": enlarge}))["methods"]
    images, mean = methods["bicubic"]["images"], methods["bicubic"]["mean"]
    assert math.isnan(images["flat"]["detail"])
    assert mean["detail"] == images["cat"]["detail"]
    assert mean["grid_4px"] == images["cat"]["grid_4px"]


@pytest.mark.parametrize("key", ["psnr_today", "psnr_paper", "agreement"])
def test_a_flat_picture_makes_no_mean_infinite(cli, tmp_path, key):
    """It is restored exactly, left out of the means, and that is said."""
    (tmp_path / "set").mkdir()
    write_png(np.full((40, 40, 3), 99, np.uint8), tmp_path / "set/flat.png")
    for name in ("cat", "coffee"):
        write_png(PHOTOS[name], tmp_path / f"set/{name}.png")
    args = ["--images", tmp_path / "set", "--methods", "bicubic", "nearest", "original"]
    code, out, _ = cli(*args, "--json", tmp_path / "r.json")
    assert code == 0
    stored = read_json(tmp_path / "r.json")["sets"]["set"]["methods"]
    images = evaluate(find_set(tmp_path / "set"), Tools({"bicubic": enlarge}))["methods"]["bicubic"]
    two = [images["images"][name][key] for name in ("cat", "coffee")]
    assert math.isinf(images["images"]["flat"][key])
    assert stored["bicubic"]["mean"][key] == pytest.approx(np.mean(two), rel=1e-12)
    assert stored["bicubic"]["exact"] == ["flat"]
    assert stored["original"]["mean"]["psnr_today"] == "inf"  # all of its are
    assert "bicubic restores flat exactly: left out of the means" in out
    assert "original restores" not in out


def spoiled(folders, tmp_path):
    """Photos with a broken one, one that is too small, and a good one after them."""
    shutil.copytree(folders / "photos", tmp_path / "mixed")
    (tmp_path / "mixed/broken.png").write_bytes((folders / "photos/cat.png").read_bytes()[:500])
    write_png(np.zeros((12, 12, 3), np.uint8), tmp_path / "mixed/dot.png")
    return tmp_path / "mixed"


def test_a_broken_file_is_named_and_the_rest_goes_on(cli, folders, tmp_path):
    args = ["--images", spoiled(folders, tmp_path), folders / "Set5", "--methods", "bicubic"]
    code, out, err = cli(*args, "--json", tmp_path / "r.json", "--csv", tmp_path / "r.csv")
    assert code == 2
    assert f"mixed: left out broken: {tmp_path / 'mixed/broken.png'}: This picture is dam" in err
    assert "mixed: left out dot: " in err
    assert "mixed: 3 images" in out
    assert "Set5: 3 images" in out
    assert "left out: broken: " in out
    sets = read_json(tmp_path / "r.json")["sets"]
    assert sets["mixed"]["methods"] == sets["Set5"]["methods"]  # the same three photos
    assert sets["mixed"]["left_out"].keys() == {"broken", "dot"}
    assert (tmp_path / "r.csv").read_text().count("\n") == 7


def test_what_was_changed_in_the_files_is_said(cli, folders, tmp_path):
    shutil.copytree(folders / "Set5", tmp_path / "set")
    for name in ("HR/cat", "LR/cat", "HR/coffee"):
        image = PillowImage.open(tmp_path / f"set/{name}.png")
        image.save(tmp_path / f"set/{name}.png", icc_profile=P3_ICC)
    args = ["--methods", "bicubic", "--json", tmp_path / "r.json"]
    code, out, _ = cli("--images", tmp_path / "set", folders / "Set5", *args)
    assert code == 0
    assert out.count("Its colour profile was converted to sRGB: cat, coffee\n") == 1
    sets = read_json(tmp_path / "r.json")["sets"]
    assert sets["set"]["notes"] == {PROFILE: ["cat", "coffee"]}
    assert "notes" not in sets["Set5"]


def test_a_set_without_any_good_image_does_not_end_the_others(cli, folders, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/x.png").write_bytes(b"nothing")
    args = ["--images", tmp_path / "bad", folders / "Set5", "--methods", "bicubic"]
    code, out, err = cli(*args)
    assert code == 2
    assert "bad: no image could be measured" in err
    assert out.startswith("Set5: 3 images")


def test_tables_come_as_they_are_done(folders, tmp_path, monkeypatch, capsys):
    """What ends the second set leaves the first's table and numbers."""
    original = module.evaluate

    def interrupted(image_set, *args):
        if image_set.name == "photos":
            raise KeyboardInterrupt
        return original(image_set, *args)

    monkeypatch.setattr(module, "evaluate", interrupted)
    args = ["--images", folders / "Set5", folders / "photos", "--methods", "bicubic"]
    assert main([*map(str, args), "--json", str(tmp_path / "r.json")]) == 130
    assert capsys.readouterr().out.startswith("Set5: 3 images")
    assert [*read_json(tmp_path / "r.json")["sets"]] == ["Set5"]


NAMES = ("noext", "scan.jpg_large", "photo.jpg-large")


def test_content_decides_what_is_an_image(cli, folders, tmp_path):
    """As on the page: a set is scored, and a copy among photos is found, whatever the names."""
    args = ["--methods", "bicubic", "--json", tmp_path / "r.json"]
    assert cli("--images", folders / "Set5", *args)[0] == 0
    expected = read_json(tmp_path / "r.json")["sets"]["Set5"]
    for part, kind in (("HR", "png"), ("LR", "bmp")):
        (tmp_path / "Set5" / part).mkdir(parents=True)
        for name, path in zip(NAMES, sorted((folders / "Set5" / part).iterdir()), strict=True):
            PillowImage.open(path).save(tmp_path / "Set5" / part / name, kind)
    (tmp_path / "Set5/HR/notes").write_text("no image")
    assert cli("--images", tmp_path / "Set5", *args)[0] == 0
    assert read_json(tmp_path / "r.json")["sets"]["Set5"] == expected
    code, out, _ = cli("--images", folders / "photos", "--not-in", tmp_path / "Set5/HR")
    assert code == 1
    assert out.count(" is ") == 3
    assert "3 of 3 images are among 3 photos" in out


def test_a_file_beside_one_of_nearly_the_same_name_is_another_image(cli, folders, tmp_path):
    """As some programs keep what they changed."""
    shutil.copytree(folders / "photos", tmp_path / "photos")
    shutil.copy(tmp_path / "photos/cat.png", tmp_path / "photos/cat.png_original")
    (tmp_path / "photos/dog.jpg_large").write_bytes((folders / "photos/cat.png").read_bytes()[:500])
    args = ["--images", tmp_path / "photos", "--methods", "bicubic", "--csv", tmp_path / "r.csv"]
    code, _, err = cli(*args)
    assert code == 2
    assert "left out dog.jpg_large: " in err
    with (tmp_path / "r.csv").open(newline="") as file:
        scores = {row.pop("image"): row for row in csv.DictReader(file)}
    assert scores.keys() == {*PHOTOS, "cat.png_original"}
    assert scores["cat"] == scores["cat.png_original"]


def test_copies_are_looked_for_though_an_image_is_broken(cli, folders, tmp_path):
    args = ["--images", spoiled(folders, tmp_path), "--not-in", folders / "photos"]
    code, out, err = cli(*args)
    assert code == 2
    assert out.count(" is ") == 3
    assert f"left out {tmp_path / 'mixed/broken.png'}: " in err


def test_pairs_and_photos_give_the_same(folders):
    """Both crop an original whose sides are not multiples of 4."""
    photos, pairs = find_set(folders / "photos"), find_set(folders / "Set5")
    assert (photos.name, photos.lr) == ("photos", "small images by shrink")
    assert (pairs.name, pairs.lr) == ("Set5", "small images as stored")
    for (a, hr_a, lr_a), (b, hr_b, lr_b) in zip(photos.read(), pairs.read(), strict=True):
        assert a == b
        assert np.array_equal(hr_a, hr_b)
        assert np.array_equal(lr_a, lr_b)
        assert np.array_equal(hr_a, PHOTOS[a][: len(hr_a), : hr_a.shape[1]])
        assert hr_a.shape[0] % 4 == hr_a.shape[1] % 4 == 0


def test_the_stored_small_image_is_used(folders, tmp_path):
    for part in ("HR", "LR"):
        (tmp_path / part).mkdir()
    write_png(PHOTOS["cat"], tmp_path / "HR/x.png")
    write_png(np.zeros((25, 40, 3), np.uint8), tmp_path / "LR/x.png")
    ((_, _, lr),) = find_set(tmp_path).read()
    assert not lr.any()


def test_pairs_go_by_name_not_by_order(tmp_path):
    """Lornatang/ESPCN-PyTorch issue 7: small and large images of different photos."""
    for part in ("HR", "LR"):
        (tmp_path / part).mkdir()
    for name, photo in PHOTOS.items():
        photo = photo[:100, :100]
        write_png(photo, tmp_path / f"HR/{name}.png")
        PillowImage.fromarray(shrink(photo)).save(tmp_path / f"LR/{name}.bmp")
    for _, hr, lr in find_set(tmp_path).read():
        assert np.array_equal(shrink(hr), lr)


def test_an_hr_folder_takes_the_sets_name(folders):
    assert find_set(folders / "Set5/HR").name == "Set5"
    assert find_set(folders / "Set5/HR").lr == "small images by shrink"


def test_the_command_prints_and_stores_everything(cli, folders, tmp_path):
    files = ["--json", tmp_path / "deep/r.json", "--csv", tmp_path / "deep/r.csv"]
    code, out, err = cli("--images", folders / "Set5", folders / "photos", *files)
    assert code == 0
    assert [line.split(" in ")[0] for line in err.splitlines()] == [
        "Set5 measured",
        "photos measured",
    ]
    assert out.count("today's protocol  paper's protocol") == 2
    rows = [line.split() for line in out.splitlines()]
    methods = ["nearest", "bicubic", "srresnet", "srgan"]
    assert [row[0] for row in rows if row and row[0] in methods] == methods * 2
    # The paper's numbers stand beside those of Set5 and of no other set.
    assert rows[4][5:8] == ["28.43", "0.8211", "1.97"]
    assert out.count("   published   ") == 1

    stored = read_json(tmp_path / "deep/r.json")
    sha = hashlib.sha256((folders / "weights/srgan.safetensors").read_bytes()).hexdigest()
    assert stored["weights"]["srgan"]["sha256"] == sha
    assert stored["weights"]["srgan"]["card"]["version"] == "1.5"
    assert stored["precision"] == "fp32"
    assert {"python", "torch", "numpy", "pillow"} <= stored["versions"].keys()
    assert {"system", "processor", "cores", "threads"} <= stored["machine"].keys()
    for name in ("Set5", "photos"):
        for method in methods:
            entry = stored["sets"][name]["methods"][method]
            assert entry["mean"].keys() == entry["largest"].keys() == MEASURES.keys()
    with (tmp_path / "deep/r.csv").open(newline="") as file:
        images = {(r["set"], r["image"], r["method"]): r for r in csv.DictReader(file)}
    assert set(images) == set(itertools.product(("Set5", "photos"), PHOTOS, methods))
    assert {"set", "image", "method", *MEASURES} == images["Set5", "cat", "srgan"].keys()
    srgan = random_generator(1, 1, 4)
    hr = crop_to_scale(PHOTOS["cat"])
    sr = NetworkUpscaler(srgan, precision="fp32")(shrink(hr))
    measured = images["photos", "cat", "srgan"]
    assert float(measured["psnr_today"]) == pytest.approx(score(sr, hr).psnr, abs=1e-6)


def test_markdown_is_a_table_a_set(cli, folders):
    code, out, _ = cli("--images", folders / "Set5", "--methods", "bicubic", "--markdown")
    assert code == 0
    rows = [line for line in out.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len(cells) == 3
    assert cells[0][:3] == ["method", "today's protocol PSNR dB", "today's protocol SSIM"]
    assert cells[0][5:8] == ["published PSNR dB", "published SSIM", "published MOS"]
    assert set("".join(cells[1])) == {"-", ":"}
    assert len(cells[0]) == len(cells[1]) == len(cells[2])
    assert cells[2][0] == "bicubic"
    assert "Ledig et al. 2017" in out


def test_the_original_scores_as_itself(cli, folders, tmp_path):
    args = ["--images", folders / "photos", "--methods", "original", "--json", tmp_path / "r.json"]
    code, out, _ = cli(*args)
    assert code == 0
    row = next(line.split() for line in out.splitlines() if line.startswith("original"))
    assert row[1:7] == ["inf", "1.0000", "inf", "1.0000", "100.0", "inf"]
    text = (tmp_path / "r.json").read_text()
    assert '"psnr_today": "inf"' in text
    json.loads(text, parse_constant=pytest.fail)  # NaN and Infinity are no JSON


def test_images_are_saved_as_they_were_scored(cli, folders, tmp_path):
    args = ["--images", folders / "Set5", "--methods", "nearest", "--save-images", tmp_path]
    assert cli(*args)[0] == 0
    saved = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png"))
    assert saved == [f"Set5/{name}_nearest_x4.png" for name in sorted(PHOTOS)]
    hr = crop_to_scale(PHOTOS["cat"])
    assert np.array_equal(read_image(tmp_path / saved[1]), repeat(shrink(hr)))


def test_no_weights_are_needed_for_plain_methods(folders, tmp_path, capsys):
    args = ["--images", str(folders / "photos"), "--methods", "bicubic", "--weights"]
    assert main([*args, str(tmp_path)]) == 0


def changed(results, method="bicubic", **changes):
    """A copy with other overall values."""
    copy = json.loads(json.dumps(results))
    entry = copy["sets"]["photos"]["methods"][method]
    for key, difference in changes.items():
        entry[MEASURES[key].overall][key] += difference
    return copy


@pytest.mark.parametrize(
    ("key", "difference", "good"),
    [
        ("psnr_today", -0.02, False),
        ("psnr_today", -0.009, True),
        ("psnr_today", 5, True),
        ("ssim_paper", -0.001, False),
        ("ssim_paper", 0.001, True),
        ("agreement", -0.1, False),
        ("agreement", 1, True),
        ("detail", -1, False),  # bicubic has less than 100
        ("detail", 1, True),
        ("detail", 300, False),
        ("colour_shift", 0.1, False),
        ("grid_4px", 5, False),
        ("grid_2px", math.nan, False),
    ],
)
def test_what_is_worse_is_named(results, key, difference, good):
    problems, compared = worse(changed(results, **{key: difference}), results)
    assert compared == 2 * len(MEASURES)
    if good:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.startswith("photos, bicubic, ")
        assert MEASURES[key].title in problem
        assert "tolerance" in problem


def test_results_of_other_images_are_not_alike(results):
    fewer = changed(results)
    fewer["sets"]["photos"]["images"] = 2
    assert worse(fewer, results)[0] == ["photos, images: 2, was 3"]


def test_infinite_stays_infinite(results):
    perfect = changed(results, psnr_today=math.inf)
    assert worse(perfect, perfect)[0] == []
    assert len(worse(results, perfect)[0]) == 1


def test_check(cli, folders, results, tmp_path):
    stored = tmp_path / "stored.json"
    args = ["--images", folders / "photos", "--methods", "nearest", "bicubic", "--check", stored]
    write_json(results, stored)
    code, out, _ = cli(*args)
    assert code == 0
    assert f"{2 * len(MEASURES)} means compared, 0 worse" in out
    write_json(changed(results, ssim_today=0.01), stored)
    code, out, _ = cli(*args)
    assert code == 1
    assert "photos, bicubic, today's protocol SSIM: 0." in out
    assert "(tolerance 0.0005)" in out


def test_check_tells_another_precision(cli, folders, results, tmp_path):
    write_json({**results, "precision": "bf16"}, tmp_path / "stored.json")
    args = ["--images", folders / "photos", "--methods", "bicubic", "--check"]
    assert "fp32 now, bf16 stored" in cli(*args, tmp_path / "stored.json")[2]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}', None])
def test_a_wrong_file_to_check_is_told_before_the_work(cli, folders, tmp_path, monkeypatch, text):
    monkeypatch.setattr(module, "evaluate", pytest.fail)
    if text is not None:
        (tmp_path / "stored.json").write_text(text)
    code, _, err = cli("--images", folders / "photos", "--check", tmp_path / "stored.json")
    assert code == 2
    assert "stored.json" in err


def test_nothing_to_compare_is_an_error(cli, folders, results, tmp_path):
    write_json(results, tmp_path / "stored.json")
    args = ["--images", folders / "Set5", "--methods", "bicubic"]
    code, _, err = cli(*args, "--check", tmp_path / "stored.json")
    assert code == 2
    assert "none of these sets" in err


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("networks") / "squeezenet.pth"
    torch.save(torchvision.models.squeezenet1_1().state_dict(), path)
    return f"squeezenet1_1:features.4.cat={path}"


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A set with room for blocks of NIQE, and one photo with none."""
    folder = tmp_path_factory.mktemp("sets") / "large"
    folder.mkdir()
    write_png(skimage.data.chelsea()[:200, :204], folder / "cat.png")
    write_png(PHOTOS["coffee"], folder / "small.png")
    return folder


class TestPerceptual:
    def test_measures_stand_in_table_and_json(self, cli, large, squeezenet, tmp_path):
        args = ["--images", large, "--methods", "bicubic", "original", "--json", tmp_path / "r"]
        args += ["--csv", tmp_path / "r.csv"]
        code, out, err = cli(*args, "--perceptual", squeezenet)
        assert (code, "Traceback" in err) == (0, False)
        stored = read_json(tmp_path / "r")
        name, _, file = squeezenet.partition("=")
        assert list(stored["perceptual"]) == ["niqe", name]
        assert stored["perceptual"][name]["weights"] == file
        hr = crop_to_scale(skimage.data.chelsea()[:200, :204])
        sr = enlarge(shrink(hr))
        methods = stored["sets"]["large"]["methods"]
        images = {
            (r["image"], r["method"]): r
            for r in csv.DictReader((tmp_path / "r.csv").read_text().splitlines())
        }
        assert float(images["cat", "bicubic"]["niqe"]) == niqe(sr)
        distance = load_distance(name, Path(file))(sr, hr)
        assert float(images["cat", "bicubic"][name]) == pytest.approx(distance)
        assert images["small", "bicubic"]["niqe"] == "nan"
        assert methods["bicubic"]["mean"]["niqe"] == niqe(sr)  # of those that have one
        assert methods["original"]["mean"][name] == 0
        rows = {line.split()[0]: line.split() for line in out.splitlines() if line[:1].isalpha()}
        assert rows["bicubic"][-2] == f"{niqe(sr):.2f}"
        assert rows["bicubic"][-1] == f"{methods['bicubic']['mean'][name]:.4f}"
        assert rows["original"][-2] == f"{niqe(hr):.2f}"
        assert "distance: of unit-normalised feature maps" in out

    def test_the_originals_are_a_method_then(self, cli, large):
        code, out, _ = cli("--images", large, "--perceptual", "niqe")
        rows = [line.split()[0] for line in out.splitlines() if line[:1].isalpha()]
        assert code == 0
        methods = ["nearest", "bicubic", "srresnet", "srgan", "original"]
        assert [row for row in rows if row in methods] == methods

    def test_weights_trained_on_a_network_are_marked(self, folders, large, tmp_path, capsys):
        card = {"name": "SRGAN", "loss": "EfficientNet-lite0 features"}
        save_weights(random_generator(1, 1, 4), tmp_path / "srgan.safetensors", card)
        args = ["--images", large, "--methods", "bicubic", "srgan", "--weights", tmp_path]
        assert main([*map(str, args), "--perceptual", "efficientnet-lite0"]) == 0
        out = capsys.readouterr().out
        rows = {line.split()[0]: line.split() for line in out.splitlines() if line[:1].isalpha()}
        assert rows["srgan"][-1].endswith("*")
        assert not rows["bicubic"][-1].endswith("*")
        assert "* the card of srgan names efficientnet-lite0" in out

    def test_check_knows_direction_and_network(self, cli, large, squeezenet, tmp_path):
        base = ["--images", large, "--methods", "bicubic", "--perceptual", squeezenet]
        assert cli(*base, "--json", tmp_path / "r")[0] == 0
        code, out, _ = cli(*base, "--check", tmp_path / "r")
        assert code == 0
        assert f"{len(MEASURES) + 2} means compared, 0 worse" in out
        stored = read_json(tmp_path / "r")
        name = squeezenet.partition("=")[0]
        mean = stored["sets"]["large"]["methods"]["bicubic"]["mean"]
        mean["niqe"] -= 0.04
        mean[name] -= 0.003
        mean["ssim_today"] -= 0.1  # better now
        write_json(stored, tmp_path / "r")
        code, out, _ = cli(*base, "--check", tmp_path / "r")
        assert code == 1
        assert "large, bicubic, NIQE: " in out
        assert f"large, bicubic, distance {name}: " in out
        assert "2 worse" in out
        mean["niqe"] += 1
        mean[name] += 1
        stored["perceptual"][name]["sha256"] = "0" * 64
        write_json(stored, tmp_path / "r")
        code, out, _ = cli(*base, "--check", tmp_path / "r")
        assert code == 1
        assert f"{name}: other weights" in out

    def test_stored_results_without_them_can_be_checked(self, cli, large, tmp_path):
        base = ["--images", large, "--methods", "bicubic"]
        cli(*base, "--json", tmp_path / "r")
        code, out, _ = cli(*base, "--perceptual", "niqe", "--check", tmp_path / "r")
        assert code == 0
        assert f"{len(MEASURES)} means compared" in out

    @pytest.mark.parametrize(
        ("specs", "reason"),
        [
            (["alexnot"], "unknown feature network 'alexnot'"),
            (["efficientnet-lite0", "efficientnet-lite0"], "efficientnet-lite0 twice"),
            (["vgg16-bn-craft=gone.pth"], "gone.pth"),
        ],
    )
    def test_wrong_networks_are_told_before_the_work(self, cli, large, monkeypatch, specs, reason):
        monkeypatch.setattr(module, "evaluate", pytest.fail)
        code, _, err = cli("--images", large, "--methods", "bicubic", "--perceptual", *specs)
        assert code == 2
        assert reason in err


class TestOutputs:
    @pytest.fixture
    def peer(self, folders, tmp_path):
        """Someone's pictures of photos/: nearest, with endings of their own."""
        (tmp_path / "photos").mkdir()
        for name, photo in PHOTOS.items():
            ending = "" if name == "cat" else "_peer_x4"
            write_png(repeat(shrink(crop_to_scale(photo))), tmp_path / f"photos/{name}{ending}.png")
        return tmp_path

    def test_a_folder_is_a_method(self, cli, folders, peer, results):
        base = ["--images", folders / "photos", "--methods", "bicubic", "--json", peer / "r.json"]
        for folder in (peer, peer / "photos"):
            code, out, _ = cli(*base, "--outputs", f"peer={folder}")
            assert code == 0
            rows = [line.split()[0] for line in out.splitlines() if line[:1].isalpha()]
            assert rows.index("peer") == rows.index("bicubic") + 1
            stored = read_json(peer / "r.json")
            assert stored["outputs"] == {"peer": str(folder)}
            entry = stored["sets"]["photos"]["methods"]["peer"]["mean"]
            assert entry["psnr_today"] == pytest.approx(
                results["sets"]["photos"]["methods"]["nearest"]["mean"]["psnr_today"]
            )

    @pytest.mark.parametrize(
        ("spec", "reason"),
        [
            ("bicubic={}", "cannot be called 'bicubic'"),
            ("a/b={}", "cannot be called 'a/b'"),
            ("peer={}/gone", "is not a folder"),
        ],
    )
    def test_wrong_folders_are_told_before_the_work(
        self, cli, folders, peer, monkeypatch, spec, reason
    ):
        monkeypatch.setattr(module, "evaluate", pytest.fail)
        base = ["--images", folders / "photos", "--methods", "bicubic"]
        code, _, err = cli(*base, "--outputs", spec.format(peer))
        assert code == 2
        assert reason in err

    def test_what_does_not_fit_is_named(self, cli, folders, peer):
        base = ["--images", folders / "photos", "--methods", "bicubic", "--outputs"]
        write_png(PHOTOS["cat"], peer / "photos/cat.png")
        code, _, err = cli(*base, f"peer={peer}")
        assert code == 2
        assert "cat.png has 160 x 103 pixels, expected 160 x 100" in err
        (peer / "photos/cat.png").unlink()
        assert f"{peer / 'photos'} lacks cat" in cli(*base, f"peer={peer}")[2]
        for method in ("a", "b"):
            write_png(PHOTOS["cat"], peer / f"photos/cat_{method}.png")
        assert "has several for cat: cat_a, cat_b" in cli(*base, f"peer={peer}")[2]


class TestWrongFolders:
    def refused(self, cli, *reasons, images=(), **options):
        args = [part for key, value in options.items() for part in (f"--{key}", value)]
        code, out, err = cli("--images", *images, "--methods", "bicubic", *args)
        assert (code, out) == (2, "")
        for reason in reasons:
            assert str(reason) in err

    def test_no_folder(self, cli, tmp_path):
        self.refused(cli, tmp_path / "gone", "not a folder", images=[tmp_path / "gone"])

    def test_a_file(self, cli, folders):
        path = folders / "photos/cat.png"
        self.refused(cli, path, "not a folder", images=[path])

    def test_an_empty_folder(self, cli, tmp_path):
        self.refused(cli, tmp_path, "no images", images=[tmp_path])

    def test_a_folder_of_sets(self, cli, folders):
        self.refused(cli, "did you mean", "Set5", "photos", images=[folders])

    def test_an_empty_hr_folder(self, cli, tmp_path):
        (tmp_path / "HR").mkdir()
        self.refused(cli, tmp_path / "HR", "no images", images=[tmp_path])

    def test_two_sets_of_one_name(self, cli, folders):
        images = [folders / "Set5", folders / "Set5/HR"]
        self.refused(cli, "the same name", images=images)

    @pytest.mark.parametrize(("part", "other"), [("HR", "LR"), ("LR", "HR")])
    def test_an_image_without_its_other(self, cli, tmp_path, part, other):
        for folder in ("HR", "LR"):
            (tmp_path / folder).mkdir()
            write_png(np.zeros((24, 24, 3), np.uint8), tmp_path / folder / "a.png")
        write_png(np.zeros((24, 24, 3), np.uint8), tmp_path / part / "b.png")
        message = f"{tmp_path / part} has b and {tmp_path / other} has not"
        self.refused(cli, message, images=[tmp_path])

    @pytest.mark.parametrize("size", [(26, 40), (25, 41), (103, 160), (13, 20)])
    def test_sizes_that_do_not_fit(self, cli, tmp_path, size):
        for folder in ("HR", "LR"):
            (tmp_path / folder).mkdir()
        write_png(PHOTOS["cat"], tmp_path / "HR/a.png")  # 103 x 160
        write_png(np.zeros((*size, 3), np.uint8), tmp_path / "LR/a.png")
        expected = f"{size[1]} x {size[0]}"
        self.refused(cli, expected, "160 x 100", tmp_path / "LR/a.png", images=[tmp_path])

    @pytest.mark.parametrize("size", [(3, 40), (16, 40)])
    def test_too_small_to_score(self, cli, tmp_path, size):
        write_png(np.zeros((*size, 3), np.uint8), tmp_path / "dot.png")
        self.refused(cli, "dot", "pixels", images=[tmp_path])

    def test_a_broken_image(self, cli, folders, tmp_path):
        (tmp_path / "broken.png").write_bytes((folders / "photos/cat.png").read_bytes()[:500])
        self.refused(cli, tmp_path / "broken.png", "damaged", images=[tmp_path])

    def test_two_files_of_one_name(self, cli, tmp_path):
        write_png(PHOTOS["cat"], tmp_path / "a.png")
        PillowImage.fromarray(PHOTOS["cat"]).save(tmp_path / "a.bmp")
        self.refused(cli, "a.png", "a.bmp", "the same name", images=[tmp_path])

    def test_missing_weights(self, folders, tmp_path, capsys):
        args = ["--images", str(folders / "photos"), "--weights", str(tmp_path)]
        assert main(args) == 2
        assert "srresnet.safetensors does not exist" in capsys.readouterr().err


@pytest.mark.long
def test_the_module_is_the_command(folders):
    command = [sys.executable, "-m", "srgan.evaluate", "--images", folders / "nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith("expected one of images, or with HR/ and LR/\n")
    assert "Traceback" not in done.stderr


@needs_benchmarks
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", ["Set5", "Set14", "BSD100"])
def test_the_papers_table_2(name):
    """Nearest and bicubic of Ledig et al., in the paper's protocol."""
    means = {"nearest": [], "bicubic": []}
    for _, hr, lr in find_set(DATA / "benchmarks" / name).read():
        means["nearest"].append(paper_score(repeat(lr), hr))
        means["bicubic"].append(paper_score(enlarge(lr), hr))
    for method, scores in means.items():
        psnr, ssim = np.mean(scores, axis=0)
        assert psnr == pytest.approx(PUBLISHED[name][method][0], abs=0.02)
        assert ssim == pytest.approx(PUBLISHED[name][method][1], abs=0.0015)


def test_the_table_shows_what_the_results_say(results):
    text = set_table("Set14", {"sets": {"Set14": results["sets"]["photos"]}})
    lines = text.splitlines()
    assert lines[0] == "Set14: 3 images, small images by shrink"
    mean = results["sets"]["photos"]["methods"]["bicubic"]["mean"]
    row = lines[4].split()
    assert row[:3] == ["bicubic", f"{mean['psnr_today']:.2f}", f"{mean['ssim_today']:.4f}"]
    assert row[5:8] == ["25.99", "0.7486", "1.80"]
    methods = results["sets"]["photos"]["methods"]
    shifts = [image["colour_shift"] for image in methods["bicubic"]["images"].values()]
    assert len(set(shifts)) > 1
    assert row[10] == f"{max(shifts):.2f}"


def copy_of(photo, kind):
    """A photo as it may turn up in another collection."""
    image = PillowImage.fromarray(photo)
    if "half" in kind:
        image = image.resize((image.width // 2, image.height // 2 - 1), PillowImage.BICUBIC)
    if "large" in kind:
        image = image.resize((image.width * 3, image.height * 3), PillowImage.BILINEAR)
    if "cut" in kind:
        image = image.crop((0, 0, image.width - 3, image.height - 2))
    if "mirrored" in kind:
        image = image.transpose(PillowImage.Transpose.FLIP_LEFT_RIGHT)
    if "turned" in kind:
        image = image.transpose(PillowImage.Transpose.ROTATE_90)
    if "gray" in kind:
        image = image.convert("L")
    if "bright" in kind:
        image = image.point(lambda value: min(round(1.2 * value + 10), 255))
    return image


KINDS = ["half", "large", "cut", "mirrored", "half turned", "gray half", "bright", "half mirrored"]


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_found_and_strangers_are_not(tmp_path, kind):
    photos, images = tmp_path / "train/deep", tmp_path / "images"
    photos.mkdir(parents=True)
    images.mkdir()
    for name, photo in PHOTOS.items():
        write_png(photo, images / f"{name}.png")
    copy_of(PHOTOS["cat"], kind).save(photos / "holiday.jpg", quality=50)
    for name in ("brick", "grass", "gravel", "camera", "moon"):
        PillowImage.fromarray(getattr(skimage.data, name)()).save(photos / f"{name}.jpg")
    paths = sorted(images.iterdir())
    copies, summary, _ = find_copies(paths, [tmp_path / "train"], lambda line: None)
    (line,) = copies
    assert line.startswith(f"{images / 'cat.png'} is {photos / 'holiday.jpg'} (")
    assert "1 of 3 images are among 6 photos" in summary
    assert "most alike" in summary


def test_a_photo_turned_by_its_exif_is_found(tmp_path):
    exif = PillowImage.Exif()
    exif[0x112] = 6
    copy = PillowImage.fromarray(PHOTOS["cat"]).transpose(PillowImage.Transpose.ROTATE_90)
    (tmp_path / "train").mkdir()
    copy.save(tmp_path / "train/phone.jpg", exif=exif)
    write_png(PHOTOS["cat"], tmp_path / "cat.png")
    assert find_copies([tmp_path / "cat.png"], [tmp_path / "train"], lambda line: None)[0]


def test_fingerprints():
    cat = fingerprint(PHOTOS["cat"])
    assert cat.shape == (8, 512)
    assert np.linalg.norm(cat, axis=1) == pytest.approx(1)
    others = [fingerprint(PHOTOS[name]) for name in ("coffee", "astronaut")]
    (match,) = closest([cat], [*others, cat])
    assert (match.a, match.b) == (0, 2)
    assert match.likeness == pytest.approx(1)
    assert closest([cat], others)[0].likeness < LIKENESS - 0.2
    flat = fingerprint(np.full((40, 40, 3), 7, np.uint8))
    assert closest([flat], [flat])[0].likeness == 0  # all flat pictures are alike


def test_the_command_looks_for_copies(cli, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "evaluate", pytest.fail)
    write_png(
        shrink(crop_to_scale(skimage.data.coins()[..., None].repeat(3, 2))), tmp_path / "a.png"
    )
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    args = ["--images", folders / "photos", "--not-in"]
    code, out, err = cli(*args, tmp_path)
    assert code == 0
    assert out.startswith("0 of 3 images are among 1 photos")
    assert f"left out {tmp_path / 'broken.jpg'}: " in err
    code, out, _ = cli(*args, tmp_path, folders / "Set5/LR")
    assert code == 1
    assert out.count(" is ") == 3
    (tmp_path / "a.png").unlink()
    code, _, err = cli(*args, tmp_path)
    assert code == 2  # nothing was compared, which proves nothing
    assert "no photos" in err


@pytest.mark.skipif(not (DATA / "train").is_dir(), reason="no ../shared/data/train on this machine")
@needs_benchmarks
def test_the_training_photos_hold_one_benchmark_image():
    """Set5's woman is photo 302003 of BSDS500's training part; there is no other."""
    images = sorted((DATA / "benchmarks").glob("*/HR/*.png"))
    assert len(images) == 119
    copies, *_ = find_copies(images, [DATA / "train"], lambda line: None)
    assert [line.split(" (")[0] for line in copies] == [
        f"{DATA / 'benchmarks/Set5/HR/005.png'} is {DATA / 'train/bsds_302003.jpg'}"
    ]
