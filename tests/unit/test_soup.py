"""One network of several, and its colours."""

import shutil

import numpy as np
import pytest
import torch
from support.mocks import save
from support.networks import random_generator

from srgan import soup
from srgan.data import Photos
from srgan.soup import beyond, match_colours
from srgan.upscale import NetworkUpscaler
from srgan.weights import load_weights, read_card, save_weights

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = {"blocks": 2, "channels": 4}


@pytest.fixture
def networks():
    return [random_generator(seed, **SIZE) for seed in range(3)]


@pytest.fixture
def photos(tmp_path):
    """A folder of three photos of soft colours, where nothing is clipped."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        soft = rng.integers(100, 150, (6, 5, 3)).astype(np.uint8)
        save(folder, np.kron(soft, np.ones((8, 8, 1), np.uint8)), f"{i}.png")
    return folder


@pytest.mark.parametrize("distance", [0, 1, 1.25])
def test_so_many_times_as_far_as_the_mean(networks, distance):
    mse, *gans = (network.state_dict() for network in networks)
    result = beyond(networks[0], networks[1:], distance)
    assert not result.training
    for key, value in result.state_dict().items():
        if value.is_floating_point():
            mean = (gans[0][key] + gans[1][key]) / 2
            expected = mse[key] + distance * (mean - mse[key])
            assert torch.allclose(value, expected, rtol=0, atol=1e-6)


def test_the_given_networks_stay_as_they_are(networks):
    before = [{k: v.clone() for k, v in n.state_dict().items()} for n in networks]
    beyond(networks[0], networks[1:], 1.3)
    for state, network in zip(before, networks, strict=True):
        assert all(torch.equal(state[k], v) for k, v in network.state_dict().items())


def test_sizes_must_fit(networks):
    with pytest.raises(ValueError, match="one size"):
        beyond(networks[0], [random_generator(blocks=3, channels=4)], 1)


def test_mean_colours_come_out_as_they_went_in(networks, photos):
    generator = networks[0]
    with torch.no_grad():
        generator.tail.weight /= 20
        generator.tail.bias.copy_(torch.tensor([0.03, -0.02, 0.0]))
    pairs = Photos(photos, 1)

    def shift():
        upscaler = NetworkUpscaler(generator)
        return np.mean([upscaler(lr).mean((0, 1)) - lr.mean((0, 1)) for lr, _ in pairs], axis=0)

    before = shift()
    assert match_colours(generator, pairs) == pytest.approx(before.tolist())
    assert np.abs(before).max() > 1
    assert np.abs(shift()).max() < 0.2


def test_the_command_writes_weights_that_say_how_they_were_made(networks, photos, tmp_path, capsys):
    paths = [str(tmp_path / f"{i}.safetensors") for i in range(3)]
    for steps, (network, path) in enumerate(zip(networks, paths, strict=True)):
        save_weights(network, path, {"steps": str(1000 * steps)})
    out = tmp_path / "out.safetensors"
    arguments = ["--mse", paths[0], "--gans", *paths[1:], "--distance", "1.2", "--out", str(out)]
    assert soup.main([*arguments, "--card", "version=0.6", "note=a=b"]) == 0
    card = read_card(out)
    assert (
        card["command"] == f"python -m srgan.soup {' '.join(arguments)} --card version=0.6 note=a=b"
    )
    assert (card["version"], card["note"]) == ("0.6", "a=b")
    with pytest.raises(SystemExit):
        soup.main([*arguments, "--card", "version"])
    assert "NAME=TEXT" in capsys.readouterr().err
    assert card[f"of {paths[2]}"] == "2000 steps"
    bias = load_weights(out).tail.bias
    assert torch.allclose(bias, beyond(networks[0], networks[1:], 1.2).tail.bias)
    assert soup.main([*arguments, "--photos", str(photos)]) == 0
    assert not torch.allclose(load_weights(out).tail.bias, bias)
    assert "levels" in capsys.readouterr().out


def test_a_damaged_photo_is_named_and_the_others_count(networks, photos, tmp_path, capsys):
    paths = [str(tmp_path / f"{i}.safetensors") for i in range(2)]
    for network, path in zip(networks[:2], paths, strict=True):
        save_weights(network, path, {})
    copy = tmp_path / "copy"
    shutil.copytree(photos, copy)
    first = sorted(copy.iterdir())[0]
    first.write_bytes(first.read_bytes()[:200])
    arguments = ["--mse", paths[0], "--gans", paths[1], "--photos", str(copy), "--out"]
    assert soup.main([*arguments, str(tmp_path / "out.safetensors")]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"skipped {first}: This picture is damaged")
    assert printed.err.count("\n") == 1
    for path in copy.iterdir():
        path.write_bytes(path.read_bytes()[:200])
    assert soup.main([*arguments, str(tmp_path / "none.safetensors")]) == 1
    assert f"no photo of {copy} can be read any more" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "said"), [("--mse", "does not exist"), ("--photos", "folder")])
def test_what_cannot_be_used_is_named(networks, tmp_path, capsys, option, said):
    path = str(tmp_path / "0.safetensors")
    save_weights(networks[0], path, {})
    out = tmp_path / "out.safetensors"
    arguments = {"--mse": path, "--gans": path, "--out": str(out), option: str(tmp_path / "gone")}
    assert soup.main([word for pair in arguments.items() for word in pair]) == 1
    assert said in capsys.readouterr().err
    assert not out.exists()
