"""Networks of others: read without running what a file says, and tiled without seams."""

import pickle
import sys
import warnings
import zipfile

import numpy as np
import pytest
import torch
from spandrel.architectures.RCAN import RCAN
from support.foreign import network, save_network
from support.mocks import noise

from srgan.foreign import GRID, MEMORY, ForeignUpscaler
from srgan.foreign_files import load_foreign
from srgan.images import to_lr
from srgan.upscale import finish

pytestmark = pytest.mark.usefixtures("one_thread")
KINDS = ("ESRGAN", "SPAN", "Compact", "SwinIR")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    endings = dict(zip(KINDS, (".pth", ".safetensors", ".pth", ".safetensors"), strict=True))
    return {kind: save_network(folder / f"{kind}{endings[kind]}", kind) for kind in KINDS}


@torch.inference_mode()
def whole(module, lr):
    """What a network makes of a whole picture, by its own forward pass."""
    sr = module(to_lr(lr))[0].clamp(0, 1).mul(255).round().byte()
    return sr.permute(1, 2, 0).numpy()


def farthest(a, b):
    return np.abs(a.astype(int) - b).max()


# ---- Pixels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_its_pixels_are_those_of_the_network_run_whole(files, kind):
    lr = noise(72, 90)
    upscaler = load_foreign(files[kind], "Mine")
    expected = whole(network(kind), lr)
    assert expected.std() > 10
    assert farthest(upscaler(lr), expected) <= 1
    upscaler.tile = 2 * GRID
    assert upscaler.measured.seam is None
    assert farthest(upscaler(lr), expected) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_overlap_that_was_measured_a_seam_would_show(files, kind):
    lr = noise(40, 80)
    upscaler = load_foreign(files[kind], "Mine")
    upscaler.tile = 2 * GRID
    upscaler.halo = 0
    assert farthest(upscaler(lr), whole(network(kind), lr)) > 1


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (17, 33)])
@pytest.mark.parametrize("kind", ["SPAN", "SwinIR"])
def test_pictures_smaller_than_a_window(files, kind, size):
    assert load_foreign(files[kind])(noise(*size)).shape == (4 * size[0], 4 * size[1], 3)


def far_seeing(seed=0):
    """A network with means over the picture, which no overlap makes up for."""
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RCAN(
            scale=4, n_resgroups=1, n_resblocks=2, n_feats=8, reduction=2, norm=False
        ).eval()


def test_of_a_network_that_sees_everything_the_seam_is_measured_and_said(tmp_path):
    module = far_seeing()
    torch.save(module.state_dict(), tmp_path / "far.pth")
    upscaler = load_foreign(tmp_path / "far.pth", "Far")
    assert upscaler.measured.seam is not None
    assert "sees farther" in upscaler.about
    lr = noise(90, 90)
    upscaler.tile = 3 * GRID
    seam = farthest(upscaler(lr), whole(module, lr))
    assert seam <= upscaler.measured.seam + 2


# ---- Memory, progress, Stop ----------------------------------------------------------------------


def test_a_tile_takes_the_memory_that_it_is_given(files):
    model = load_foreign(files["ESRGAN"])._model
    sides = []
    for memory in (MEMORY, MEMORY / 4):
        upscaler = ForeignUpscaler(model, memory=memory)
        side = upscaler.tile + 2 * upscaler.halo
        assert side**2 * upscaler.measured.memory <= memory
        sides.append(side)
    assert sides[1] == pytest.approx(sides[0] / 2, rel=0.1)
    # what is alive at a time in its last layers: two tensors of 8 channels, 16 pixels each a pixel
    assert 2 * 8 * 16 * 4 <= ForeignUpscaler(model).measured.memory <= 4 * 8 * 16 * 4


def test_steps_come_within_a_tile_and_reach_the_end(files, monkeypatch):
    monkeypatch.setattr("srgan.foreign.PAUSE", 0.0)
    upscaler = load_foreign(files["SPAN"])
    steps = list(upscaler.steps(noise(20, 20)))  # one tile
    assert len(steps) > 20
    assert steps == sorted(steps)
    assert 0 < steps[0] < 0.1
    assert steps[-1] == 1.0


def test_closing_ends_it_in_the_middle_of_a_tile(files, monkeypatch):
    monkeypatch.setattr("srgan.foreign.PAUSE", 0.0)
    upscaler, calls = load_foreign(files["SPAN"]), []
    upscaler._model.model.conv_cat.register_forward_hook(lambda *_: calls.append(1))
    work = upscaler.steps(noise(20, 20))
    assert next(work) < 0.5
    work.close()
    assert not calls
    assert finish(upscaler.steps(noise(20, 20))).shape == (80, 80, 3)
    assert calls


def test_two_at_a_time_do_not_disturb_each_other(files, monkeypatch):
    monkeypatch.setattr("srgan.foreign.PAUSE", 0.0)
    upscaler, pictures = load_foreign(files["Compact"]), [noise(30, 20), noise(30, 20, seed=1)]
    works = [upscaler.steps(lr) for lr in pictures]
    made = [None, None]
    while any(sr is None for sr in made):
        for i, work in enumerate(works):
            try:
                next(work)
            except StopIteration as end:
                made[i] = end.value
    for lr, sr in zip(pictures, made, strict=True):
        assert np.array_equal(sr, whole(network("Compact"), lr))


def test_equal_weights_are_one_version_and_others_another(files, tmp_path):
    again = load_foreign(files["SPAN"])
    assert load_foreign(files["SPAN"]).version == again.version
    other = save_network(tmp_path / "b.safetensors", "SPAN", seed=1)
    assert load_foreign(other).version != again.version


# ---- What is refused -----------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(ValueError, match=path.name) as caught:
        load_foreign(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["ESRGAN", "SPAN"])
def test_another_scale(tmp_path, kind):
    path = save_network(tmp_path / "two.pth", kind, scale=2)
    assert "enlarges 2 times" in refusal(path)


def test_another_number_of_channels(tmp_path):
    path = save_network(tmp_path / "gray.safetensors", "ESRGAN", channels=1)
    assert "makes 1 channel of 1 channel" in refusal(path)


class Bomb:
    def __reduce__(self):
        return sys.exit, (3,)


def test_a_pickle_with_code_is_not_opened(tmp_path):
    torch.save({"params": Bomb()}, tmp_path / "bomb.pth")
    assert "run as code" in refusal(tmp_path / "bomb.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Bomb()))
    assert "run as code" in refusal(tmp_path / "bare.pth")


def test_a_program_is_not_opened(tmp_path):
    module = torch.nn.Conv2d(3, 3, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(tmp_path / "program.pt"))
    assert "TorchScript" in refusal(tmp_path / "program.pt")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\3\4broken", b"\x80\x02}", b"\xff" * 99])
def test_what_is_no_weight_file(tmp_path, content):
    (tmp_path / "odd.pth").write_bytes(content)
    assert "no weight file" in refusal(tmp_path / "odd.pth")


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no weight file" in refusal(tmp_path / "odd.pth")


def test_a_network_that_nobody_knows(tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    assert "no architecture" in refusal(tmp_path / "linear.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    assert "holds no weights" in refusal(tmp_path / "list.pth")


def test_weights_that_do_not_fit_their_architecture(tmp_path):
    weights = network("SPAN").state_dict()
    del weights["block_3.c1_r.sk.weight"]
    torch.save(weights, tmp_path / "less.pth")
    assert "does not fit" in refusal(tmp_path / "less.pth")


def test_weights_that_make_no_picture(tmp_path):
    weights = network("ESRGAN").state_dict()
    weights["model.0.weight"] = torch.full_like(weights["model.0.weight"], float("nan"))
    torch.save(weights, tmp_path / "nan.pth")
    assert "cannot be used" in refusal(tmp_path / "nan.pth")


def test_without_the_extra_the_command_that_installs_it_is_named(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    assert "pip install '.[models]'" in refusal(files["SPAN"])
