"""The whole way in one command, and batches cut on the device."""

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from srgan.data import Patches, Photos
from srgan.images import ImageError
from srgan.train import main
from srgan.training import campaign
from srgan.training.checkpoint import load_checkpoint
from srgan.training.device_photos import DevicePatches
from srgan.weights import load_weights, read_card

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Photos large enough for the campaign's crops, of different shapes."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index, (height, width) in enumerate([(200, 260), (240, 196), (196, 196), (212, 230)]):
        Pillow.fromarray(rng.integers(256, size=(height, width, 3), dtype=np.uint8)).save(
            folder / f"{index}.png"
        )
    return folder


@pytest.mark.parametrize("share", [(0, 1), (1, 2)])
def test_batches_cut_on_the_device_are_the_same_to_the_bit(photos, share):
    plain = Patches(Photos(photos, 96), 24, 16, 5, *share)
    ours = DevicePatches(Photos(photos, 96), 24, 16, 5, *share)
    for step in range(8):  # 128 crops: every turn, mirrored and not
        for a, b in zip(plain[step], ours[step], strict=True):
            assert torch.equal(a, b)
            assert b.is_contiguous(memory_format=torch.channels_last)


def test_photos_that_break_before_they_reach_the_device_are_named_and_drawn_no_more(
    photos, tmp_path
):
    for path in photos.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = Photos(tmp_path, 96, cache_gb=0)
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:900])
    patches = DevicePatches(found, 24, 4)
    (news,) = found.news()
    assert "1.png" in news
    assert found.usable == 3
    for step in range(10):
        patches[step]
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(ImageError, match="no photo of .* can be read any more"):
        DevicePatches(found, 24, 4)


def full(photos, out, *more):
    words = ["full", "--images", photos, "--validation", photos, "--out", out, "--device", "cpu"]
    words += ["--precision", "fp32", "--blocks", 1, "--channels", 4, "--srresnet-steps", 3]
    return [str(word) for word in [*words, "--srgan-steps", 2, *more]]


@pytest.mark.long
def test_the_whole_way_goes_on_in_slices_and_ends(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(campaign.SRGAN, "discriminator_warmup", 1)
    out = tmp_path / "run"
    assert main(full(photos, out, "--slice", "0")) == 130
    said = capsys.readouterr().out
    assert "saved at step 0; go on with" in said
    assert "--resume" not in said
    assert load_checkpoint(out / "srresnet" / "checkpoint.pt")["step"] == 0

    assert main(full(photos, out)) == 0
    first = load_weights(out / "srresnet" / "srresnet.safetensors").state_dict()
    second = load_weights(out / "srgan" / "srgan.safetensors").state_dict()
    assert any(not torch.equal(first[name], second[name]) for name in first)
    assert read_card(out / "srgan" / "srgan.safetensors")["steps"] == "2"

    changed = (out / "srgan" / "srgan.safetensors").stat().st_mtime_ns
    assert main(full(photos, out)) == 0  # complete: nothing is done again
    assert (out / "srgan" / "srgan.safetensors").stat().st_mtime_ns == changed


def test_slices_change_nothing(photos, tmp_path):
    def run(out, *more):
        words = ["srresnet", "--images", photos, "--validation", photos, "--out", tmp_path / out]
        words += ["--precision", "fp32", "--blocks", 1, "--channels", 4, "--steps", 3, "--batch", 2]
        return main([*map(str, words), *more])

    assert run("whole") == 0
    assert run("parts", "--slice", "0", "--photos-on-device", "--save-minutes", "0.0001") == 130
    assert run("parts", "--resume") == 0
    a, b = (load_checkpoint(tmp_path / out / "checkpoint.pt") for out in ("whole", "parts"))
    a, b = a["trainer"]["generator"], b["trainer"]["generator"]
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_checkpoint_is_written_by_the_clock_too(photos, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(
        "srgan.training.run.save_checkpoint", lambda state, path: saved.append(state["step"])
    )
    words = ["srresnet", "--images", photos, "--validation", photos, "--out", tmp_path / "run"]
    words += ["--precision", "fp32", "--blocks", 1, "--channels", 4, "--steps", 3, "--batch", 2]
    assert main([*map(str, words), "--save-minutes", "1e-9"]) == 0
    assert saved == [0, 1, 2, 3]


def test_a_gpu_that_is_not_there_is_told(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = full(photos, tmp_path / "run")
    words[words.index("cpu")] = "cuda"
    assert main(words) == 1
    assert "no CUDA GPU" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_numbers_go_to_other_trackers_too(photos, tmp_path, capsys):
    words = ["srresnet", "--images", photos, "--validation", photos, "--out", tmp_path / "run"]
    words += ["--precision", "fp32", "--blocks", 1, "--channels", 4, "--steps", 2, "--batch", 2]
    words = [*map(str, words), "--log-every", "1", "--trackers"]
    assert main([*words, "tensorboard, nowhere"]) == 1
    assert "--trackers nowhere: not installed" in capsys.readouterr().err
    assert main([*words, "tensorboard"]) == 0
    curves = EventAccumulator(str(tmp_path / "run" / "srgan")).Reload()
    assert [point.step for point in curves.Scalars("loss/content")] == [1, 2]
    assert [point.step for point in curves.Scalars("run/validation")] == [0, 2]
