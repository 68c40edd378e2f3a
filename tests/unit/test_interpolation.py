"""The networks between SRResNet and SRGAN: the ends are theirs, and between lie weights."""

import numpy as np
import pytest
import torch
from support.networks import random_generator

from demo.engine.examples import original_path, small_images
from srgan.images import shrink
from srgan.interpolation import blend, fit_tones, load_dial, set_tones
from srgan.metrics import agreement
from srgan.reading import read_image
from srgan.upscale import WEIGHTS, NetworkUpscaler, load_upscalers
from srgan.weights import load_weights, save_weights, weight_file

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = {"blocks": 2, "channels": 4}
LR = np.random.default_rng(0).integers(0, 256, (12, 14, 3), np.uint8)


@pytest.fixture
def mse():
    return random_generator(0, **SIZE)


@pytest.fixture
def gan():
    """Another network; its norms have counted batches, as after training."""
    gan = random_generator(1, **SIZE)
    for name, buffer in gan.named_buffers():
        if name.endswith("num_batches_tracked"):
            buffer.fill_(8021)
    return gan


@pytest.fixture
def folder(mse, gan, tmp_path):
    save_weights(mse, tmp_path / "srresnet.safetensors", {})
    save_weights(gan, tmp_path / "srgan.safetensors", {})
    return tmp_path


def same(a, b):
    before, after = a.state_dict(), b.state_dict()
    assert before.keys() == after.keys()
    return all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("share", [0, 1, 0.0, 1.0])
def test_the_ends_are_the_given_networks_bit_for_bit(mse, gan, share):
    end, x = gan if share else mse, torch.rand(1, 3, 9, 8)
    blended = blend(mse, gan, share)
    assert same(blended, end)
    with torch.no_grad():
        assert torch.equal(blended(x), end(x))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_between_lies_every_parameter_and_running_statistic(mse, gan, share):
    blended = blend(mse, gan, share).state_dict()
    for key, a in mse.state_dict().items():
        expected = (1 - share) * a.double() + share * gan.state_dict()[key]
        tolerance = 1e-6 if a.is_floating_point() else 1
        assert blended[key].dtype == a.dtype
        assert torch.allclose(blended[key].double(), expected, rtol=0, atol=tolerance), key


def test_the_same_network_twice_is_that_network(mse):
    assert all(same(blend(mse, mse, share), mse) for share in (0.1, 1 / 3, 0.7))


@torch.no_grad()
def test_networks_are_blended_and_not_pixels(mse, gan):
    x = torch.rand(1, 3, 9, 8)
    pixels = (mse(x) + gan(x)) / 2
    assert (blend(mse, gan, 0.5)(x) - pixels).abs().max() > 0.05


def test_the_given_networks_stay_as_they_are(mse, gan):
    before = [{k: v.clone() for k, v in g.state_dict().items()} for g in (mse, gan)]
    for share in (0, 0.4, 1):
        with torch.no_grad():
            for parameter in blend(mse, gan, share).parameters():
                parameter.zero_()
    for network, state in zip((mse, gan), before, strict=True):
        assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())


def test_a_blend_uses_its_running_statistics(mse, gan):
    assert not any(m.training for m in blend(mse.train(), gan.train(), 0.5).modules())


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_share_outside_is_refused(mse, gan, share):
    with pytest.raises(ValueError, match=f"between 0 and 1, got {share}"):
        blend(mse, gan, share)


@pytest.mark.parametrize("size", [{"blocks": 3, "channels": 4}, {"blocks": 2, "channels": 5}])
def test_sizes_must_fit(mse, size):
    said = f"2 blocks of 4 channels and {size['blocks']} blocks of {size['channels']} channels"
    with pytest.raises(ValueError, match=said):
        blend(mse, random_generator(**size), 0.5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_dials_ends_give_the_pictures_of_the_two_methods(folder, precision):
    dial = load_dial(folder, precision)
    methods = {u.name: u for u in load_upscalers(folder, precision)}
    assert np.array_equal(dial(0)(LR), methods["SRResNet"](LR))
    assert np.array_equal(dial(1)(LR), methods["SRGAN"](LR))
    assert not np.array_equal(methods["SRResNet"](LR), methods["SRGAN"](LR))


def test_the_dial_turns_to_the_blend(folder, mse, gan):
    dial = load_dial(folder, "fp32")
    for share in (0.3, 0.8):
        upscaler = dial(share)
        assert upscaler.precision == "fp32"
        expected = NetworkUpscaler(blend(mse, gan, share), precision="fp32")(LR)
        assert np.array_equal(upscaler(LR), expected)
    with pytest.raises(ValueError, match="between 0 and 1"):
        dial(1.5)


def test_the_shipped_networks_can_be_blended():
    sr = load_dial(WEIGHTS, "fp32")(0.5)(LR)
    assert sr.shape == (48, 56, 3)


def test_weights_that_do_not_fit_are_named_when_the_dial_is_loaded(folder):
    save_weights(random_generator(blocks=1, channels=4), folder / "srgan.safetensors", {})
    with pytest.raises(ValueError, match="2 blocks of 4 channels and 1 blocks of 4 channels"):
        load_dial(folder)
    (folder / "srgan.safetensors").unlink()
    with pytest.raises(ValueError, match=r"srgan\.safetensors does not exist"):
        load_dial(folder)


class TestTones:
    """What networks between lack in contrast is given back."""

    @pytest.fixture
    def photo(self):
        return read_image(original_path("cat"))

    def test_what_was_set_is_fitted_no_more(self, photo):
        ends = (load_weights(weight_file(WEIGHTS, name)) for name in ("SRResNet", "SRGAN"))
        network, lr = blend(*ends, 0.5), shrink(photo)
        gains, offsets = fit_tones(network, [lr])
        assert gains.min() > 1.01
        set_tones(network, gains, offsets)
        again = fit_tones(network, [lr])
        assert again[0] == pytest.approx(np.ones(3), abs=0.005)
        assert again[1] == pytest.approx(np.zeros(3), abs=0.7)

    def test_the_dial_agrees_better_with_what_it_was_given(self, photo):
        lr = shrink(photo)
        plain, toned = load_dial(WEIGHTS), load_dial(WEIGHTS, photos=small_images)
        assert agreement(toned(0.5)(lr), lr) > agreement(plain(0.5)(lr), lr) + 1

    def test_at_the_ends_nothing_is_set(self, folder):
        dial = load_dial(folder, photos=lambda: pytest.fail("asked for photos"))
        for share in (0, 1):
            assert np.array_equal(dial(share)(LR), load_dial(folder)(share)(LR))

    def test_photos_are_asked_for_once(self, folder):
        asked = []
        dial = load_dial(folder, photos=lambda: asked.append(1) or [LR])
        for share in (0.2, 0.5, 0.7):
            dial(share)
        assert asked == [1]
