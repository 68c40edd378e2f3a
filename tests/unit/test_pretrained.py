"""The public interface: the networks from shipped weights, folders and the Hub, on any picture."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file
from support.hub import TOKEN, Hub, hurry, running, turn_to
from support.mocks import noise
from support.networks import random_generator

from srgan import SRGAN, Generator, SRResNet
from srgan.images import ImageError, to_image, to_lr
from srgan.reading import read_picture, take_picture
from srgan.upscale import WEIGHTS, load_upscaler

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "demo/examples/cat_small.png"
REPO = "somebody/network"


@pytest.fixture(scope="module")
def small():
    return random_generator(1, 2, 8)


@pytest.fixture(scope="module")
def net(small):
    return SRGAN(small, "fp32", "cpu")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with running(Hub(REPO, "model")) as hub:
        turn_to(monkeypatch, hub.url)
        yield hub


def equal(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


# ---- Weights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [SRResNet, SRGAN])
def test_the_shipped_weights_are_there_and_do_what_the_command_does(method):
    lr = np.array(PIL.Image.open(PHOTO))[:24, :32]
    expected = load_upscaler(method.name, WEIGHTS, "fp32")(lr)
    assert np.array_equal(method.from_pretrained(precision="fp32").enlarge(lr), expected)


def test_a_folder_gives_back_what_was_saved_to_it(small, tmp_path):
    small.save_pretrained(tmp_path / "a")
    assert {p.name for p in (tmp_path / "a").iterdir()} == {
        *("README.md", "config.json", "model.safetensors")
    }
    for loaded in (
        Generator.from_pretrained(tmp_path / "a"),
        SRGAN.from_pretrained(tmp_path / "a").generator,
        SRGAN.from_pretrained(tmp_path / "a/model.safetensors").generator,
    ):
        assert equal(loaded, small)
        assert not loaded.training
        assert (loaded.blocks, loaded.channels) == (2, 8)
    card = ModelCard.load(tmp_path / "a/README.md").data
    assert (card.library_name, card.pipeline_tag) == ("srgan", "image-to-image")
    assert card.license is None  # whose network it is says that


def test_what_is_pushed_can_be_loaded_and_is_no_pickle(hub, small, net):
    net.push_to_hub(REPO, token=TOKEN)
    assert {"README.md", "config.json", "model.safetensors"} <= hub.files.keys()
    assert not [name for name in hub.files if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    loaded = SRResNet.from_pretrained(REPO, token=TOKEN)
    assert equal(loaded.generator, small)
    before = len(hub.requests)
    again = Generator.from_pretrained(REPO, token=TOKEN, local_files_only=True)
    assert equal(again, small)
    assert len(hub.requests) == before


def test_a_pickle_on_the_hub_is_not_even_fetched(hub):
    hub.commit({"pytorch_model.bin": b"\x80\x02}q\0."})
    with pytest.raises(ValueError, match=f"'{REPO}' .*no model.safetensors"):
        Generator.from_pretrained(REPO, token=TOKEN)
    assert not [path for path in hub.requests if "pytorch_model" in path]


@pytest.mark.parametrize("name", ["somebody/nothing", "no such name", "../nowhere"])
def test_what_is_not_there_is_named(hub, name):
    with pytest.raises(ValueError, match=name):
        SRGAN.from_pretrained(name, token=TOKEN)


def test_without_the_hub_it_is_said(monkeypatch, tmp_path):
    hurry(monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    turn_to(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(ValueError, match=f"'{REPO}' is no folder.*cannot be reached"):
        SRGAN.from_pretrained(REPO)


def test_weights_that_do_not_fit_are_refused(small, tmp_path):
    small.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    del tensors["tail.bias"]
    save_file(tensors, path, {"format": "srgan.Generator 1", "blocks": "2", "channels": "8"})
    with pytest.raises(ValueError, match=r"missing tail\.bias"):
        Generator.from_pretrained(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="model.safetensors does not exist"):
        Generator.from_pretrained(tmp_path)


@pytest.mark.long
def test_the_package_itself_loads_no_torch():
    code = "import sys, srgan; print({'torch', 'numpy', 'PIL'} & sys.modules.keys(), srgan.SRGAN)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "set() <class 'srgan.pretrained.SRGAN'>\n"


# ---- Pictures ------------------------------------------------------------------------------------


def test_pixels_are_the_networks_own(net, small):
    lr = noise(9, 7)
    with torch.inference_mode():
        whole = to_image(small(to_lr(lr)))
    sr = net.enlarge(lr)
    assert np.abs(sr.astype(int) - whole).max() <= 1  # folded, other sums
    assert np.array_equal(np.array(net.enlarge(PIL.Image.fromarray(lr))), sr)


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        *[("RGB", "RGB"), ("RGBA", "RGBA"), ("RGBa", "RGBA"), ("P", "RGB"), ("CMYK", "RGB")],
        *[("YCbCr", "RGB"), ("HSV", "RGB"), ("LAB", "RGB"), ("1", "RGB"), ("L", "L")],
        *[("LA", "LA"), ("I", "L"), ("F", "L"), ("I;16", "L")],
    ],
)
def test_every_mode_of_pillow_is_taken_and_left_as_it_was(net, mode, result):
    image = PIL.Image.fromarray(noise(6, 5))
    if mode == "LAB":
        image = PIL.Image.new("LAB", (5, 6), (120, 130, 140))
    elif mode == "I;16":
        image = PIL.Image.fromarray(np.arange(30, dtype=np.uint16).reshape(6, 5) * 2000)
    elif mode == "RGBa":
        image = image.convert("RGBA").convert("RGBa")
    else:
        image = image.convert("L").convert(mode) if mode in "IF" else image.convert(mode)
    before = image.tobytes()
    sr = net.enlarge(image)
    assert (sr.mode, sr.size) == (result, (20, 24))
    assert (image.mode, image.size, image.tobytes()) == (mode, (5, 6), before)


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
def test_arrays_give_arrays(net, channels):
    array = np.random.default_rng(0).integers(0, 256, (5, 6, *channels), np.uint8)
    assert net.enlarge(array).shape == (20, 24, *channels)
    assert net.enlarge(array).dtype == np.uint8


@pytest.mark.parametrize(
    "array",
    [
        *[np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)],
        *[np.zeros((1, 4, 4, 3), np.uint8), "photo.jpg", None],
    ],
)
def test_what_is_no_picture_is_refused_in_words(net, array):
    with pytest.raises(ImageError, match=r"uint8 of \(h, w, 3\)"):
        net.enlarge(array)


def test_transparency_and_orientation_are_those_of_the_file(net, tmp_path):
    rgba = PIL.Image.fromarray(np.dstack([noise(8, 6), np.full((8, 6), 255, np.uint8)]))
    rgba.putpixel((2, 2), (0, 0, 0, 0))
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    rgba.save(tmp_path / "a.png", exif=exif)
    of_file = read_picture(tmp_path / "a.png")
    for loaded in (False, True):
        with PIL.Image.open(tmp_path / "a.png") as image:
            if loaded:
                image.load()
            picture, sr = take_picture(image), net.enlarge(image)
        assert np.array_equal(picture.colours, of_file.colours)
        assert np.array_equal(picture.alpha, of_file.alpha)
        assert (sr.mode, sr.size) == ("RGBA", (32, 24))


def test_a_broken_file_is_refused_in_words(net, tmp_path):
    PIL.Image.fromarray(noise(64, 64)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:3000])
    with PIL.Image.open(tmp_path / "a.png") as image, pytest.raises(ImageError, match="cannot be"):
        net.enlarge(image)
