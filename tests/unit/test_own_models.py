"""`--model NAME=FILE`: our architecture of any size, others by spandrel, in every command."""

import json

import numpy as np
import pytest
import torch
from support.foreign import save_network
from support.mocks import noise, save
from support.networks import random_generator

from srgan import enlarge_files, evaluate, train
from srgan.images import shrink, to_image, to_lr
from srgan.metrics import score
from srgan.own_models import check_names, load_models
from srgan.reading import read_image
from srgan.upscale import NetworkUpscaler
from srgan.weights import load_weights, save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A generator of 8 blocks after two steps of training."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "photos").mkdir()
    for seed in range(2):
        save(folder / "photos", noise(64, 64, seed), f"{seed}.png")
    given = ["--images", folder / "photos", "--validation", folder / "photos", "--out", folder]
    sizes = ["--blocks", 8, "--channels", 8, "--steps", 2, "--batch", 1, "--patch", 32]
    # A process has one precision for all its training.
    words = ["srresnet", *given, *sizes, "--precision", "fp32"]
    assert not train.main([*map(str, words)])
    return folder / "srresnet.safetensors"


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return save_network(tmp_path_factory.mktemp("networks") / "span.pth", "SPAN")


# ---- Names and files -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a", "mine", "Real-ESRGAN x4plus", "v1.2_b", "9", "SRGAN 2", "x" * 32]
)
def test_names(name):
    check_names([name])


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a/b", "..", "a\n", "é", "<b>", "x" * 33, "a=b", "_a", "a|b"]
)
def test_what_is_no_name(name):
    with pytest.raises(ValueError, match="a name has 1 to 32 letters"):
        check_names([name])


@pytest.mark.parametrize(
    "names", [["SRGAN"], ["bicubic"], ["Original"], ["Dial 1"], ["a b", "A-B"]]
)
def test_names_that_are_taken(names):
    with pytest.raises(ValueError, match="is there already"):
        check_names(names)


def test_names_are_refused_before_a_file_is_opened(tmp_path):
    with pytest.raises(ValueError, match="cannot be called"):
        load_models([("a", tmp_path / "none.pth"), ("a", tmp_path / "none.pth")])


@pytest.mark.parametrize("blocks", [1, 8, 20])
@torch.inference_mode()
def test_our_network_of_any_size_is_exact_in_tiles(tmp_path, blocks):
    generator = random_generator(blocks=blocks, channels=4)
    save_weights(generator, tmp_path / "a.safetensors", {})
    (model,) = load_models([("mine", tmp_path / "a.safetensors")], "fp32")
    assert model.upscaler.name == "mine"
    assert f"{blocks} blocks of 4 channels" in model.about
    lr = noise(4, 120)
    expected = to_image(generator(to_lr(lr)))
    tiled = NetworkUpscaler(load_weights(tmp_path / "a.safetensors"), 16, "fp32")
    assert tiled.halo == 8 + 2 * blocks
    for sr in (model.upscaler(lr), tiled(lr)):
        assert np.abs(sr.astype(int) - expected).max() <= 1


def test_more_channels_have_smaller_tiles():
    wide = NetworkUpscaler(random_generator(blocks=1, channels=256), precision="fp32")
    assert wide._tile == 256


def test_what_is_wrong_with_a_file_of_ours_is_said_by_our_reader(tmp_path):
    generator = random_generator(blocks=2, channels=4)
    generator.blocks = 3
    save_weights(generator, tmp_path / "a.safetensors", {})
    with pytest.raises(ValueError, match="does not fit the generator: missing body"):
        load_models([("mine", tmp_path / "a.safetensors")])
    with pytest.raises(ValueError, match=r"none\.safetensors does not exist"):
        load_models([("mine", tmp_path / "none.safetensors")])


# ---- Commands ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    save(folder, noise(48, 64), "one.png")
    save(folder, noise(64, 48, 1), "two.png")
    return folder


def test_evaluate_measures_it_beside_the_others(trained, other, photos, tmp_path, capsys):
    files = {"csv": tmp_path / "a.csv", "json": tmp_path / "a.json"}
    models = ["--model", f"mine={trained}", "--model", f"SPAN mini={other}"]
    made = [*models, "--csv", str(files["csv"]), "--json", str(files["json"])]
    assert evaluate.main(["--images", str(photos), "--methods", "bicubic", *made]) == 0
    table = capsys.readouterr().out
    methods = ["bicubic", "mine", "SPAN mini"]
    rows = [line.split("  ")[0] for line in table.splitlines()]
    assert [row for row in rows if row in methods] == methods
    stored = json.loads(files["json"].read_text())
    assert stored["weights"]["mine"]["card"]["blocks"] == "8"
    assert "SPAN" in stored["weights"]["SPAN mini"]["card"]["network"]
    for model in load_models([("mine", trained), ("SPAN mini", other)], "fp32"):
        hr = [read_image(path) for path in sorted(photos.iterdir())]
        expected = np.mean([score(model.upscaler(shrink(each)), each).psnr for each in hr])
        entry = stored["sets"][photos.name]["methods"][model.name]
        assert entry["mean"]["psnr_today"] == pytest.approx(expected, abs=1e-6)
        assert files["csv"].read_text().count(f",{model.name},") == 2


def test_evaluate_refuses_a_name_that_outputs_have(trained, photos, tmp_path, capsys):
    made = ["--model", f"mine={trained}", "--outputs", f"mine={tmp_path}"]
    assert evaluate.main(["--images", str(photos), *made]) == 2
    assert "cannot be called 'mine'" in capsys.readouterr().err


def test_enlarge_uses_it(trained, other, photos, tmp_path, capsys):
    models = ["--model", f"mine={trained}", "--model", f"SPAN mini={other}"]
    command = [str(photos), "--out", str(tmp_path), "--precision", "fp32"]
    assert enlarge_files.main([*command, *models, "--method", "span mini"]) == 0
    assert enlarge_files.main([*command, *models[:2]]) == 0
    for model in load_models([("mine", trained), ("SPAN_mini", other)], "fp32"):
        sr = read_image(tmp_path / f"one_{model.name.lower()}_x4.png")
        assert np.array_equal(sr, model.upscaler(read_image(photos / "one.png")))
    capsys.readouterr()
    assert enlarge_files.main([str(tmp_path), *command[1:], *models[2:], "--strip"]) == 0
    assert "0 enlarged" in capsys.readouterr().err  # what it wrote is no input


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--method", "other"], "'other' is none of bicubic, srresnet, srgan, mine, b"),
        ([], "--method must say which"),
    ],
)
def test_enlarge_says_which_methods_there_are(trained, photos, tmp_path, capsys, options, reason):
    models = ["--model", f"mine={trained}", "--model", f"b={trained}"]
    with pytest.raises(SystemExit) as caught:
        enlarge_files.main([str(photos), "--out", str(tmp_path), *models, *options])
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err
