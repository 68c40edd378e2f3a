import pytest
import torch
from torch import nn

from srgan.discriminators import HeadsDiscriminator, UNetDiscriminator
from srgan.features import load_features
from srgan.training.adversary import enlarged, frozen, judge_both

pytestmark = pytest.mark.usefixtures("one_thread")


def make(kind, conditioned=False):
    torch.manual_seed(0)
    if kind == "unet":
        return UNetDiscriminator(conditioned, 4)
    return HeadsDiscriminator(load_features("efficientnet-lite0"), conditioned, 8)


KINDS = pytest.mark.parametrize("kind", ["heads", "unet"])


@KINDS
@pytest.mark.parametrize("conditioned", [False, True])
def test_every_place_is_judged(kind, conditioned):
    logits = make(kind, conditioned)(torch.rand(2, 6 if conditioned else 3, 64, 48))
    sides = {"heads": [2, 4, 8, 16, 2], "unet": [1]}[kind]
    assert [tuple(x.shape) for x in logits] == [(2, 1, 64 // s, 48 // s) for s in sides]


@KINDS
def test_all_convolutions_that_learn_are_spectrally_normalised(kind):
    discriminator = make(kind)
    for _ in range(30):  # power iterations
        discriminator(torch.rand(1, 3, 32, 32))
    discriminator.eval()
    plain = 0
    for module in discriminator.modules():
        if isinstance(module, nn.Conv2d) and all(p.requires_grad for p in module.parameters()):
            norm = torch.linalg.matrix_norm(module.weight.flatten(1), 2).item()
            if hasattr(module, "parametrizations"):
                assert norm == pytest.approx(1, abs=0.05)
            else:
                plain += 1
    assert plain == {"heads": 0, "unet": 2}[kind]  # Real-ESRGAN leaves the first and the last


def test_heads_learn_and_what_they_look_through_does_not():
    discriminator = make("heads")
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    sum(x.square().mean() for x in discriminator(images)).backward()
    assert images.grad.abs().mean() > 0
    for name, parameter in discriminator.named_parameters():
        assert (parameter.grad is None) is name.startswith("mixes"), name
    (features,) = discriminator._features
    assert all(p.grad is None for p in features.parameters())
    assert not any(key.startswith("_features") for key in discriminator.state_dict())


def test_the_maps_that_heads_see_are_of_size_one():
    discriminator = make("heads")
    (features,) = discriminator._features
    maps = features(torch.nn.functional.interpolate(torch.rand(4, 3, 12, 12) * 2 - 1, 96))
    for x, scale in zip(maps, discriminator.scales, strict=True):
        assert 0.5 < (x * scale).square().mean().sqrt() < 2


@KINDS
def test_both_batches_at_once_are_as_each_alone(kind):
    discriminator = make(kind).eval()
    real, fake = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    for together, alone in zip(
        judge_both(discriminator, real, fake),
        (discriminator(real), discriminator(fake)),
        strict=True,
    ):
        torch.testing.assert_close(together, alone)


@KINDS
def test_asking_a_frozen_one_changes_nothing(kind):
    discriminator = make(kind)
    before = {key: value.clone() for key, value in discriminator.state_dict().items()}
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(x.mean() for x in frozen(discriminator)(images)).backward()
    assert images.grad.abs().mean() > 0
    assert all(p.grad is None for p in discriminator.parameters())
    after = discriminator.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


@pytest.mark.long
@KINDS
def test_learns_to_tell_grain_from_none(kind):
    discriminator = make(kind)
    optimizer = torch.optim.Adam(discriminator.parameters(), 2e-3)
    for _ in range(30):
        smooth = torch.nn.functional.interpolate(torch.rand(4, 3, 8, 8) * 2 - 1, 32, mode="bicubic")
        real, fake = judge_both(discriminator, smooth + 0.3 * torch.randn_like(smooth), smooth)
        pairs = zip(real, fake, strict=True)
        loss = sum((1 - r).relu().mean() + (1 + f).relu().mean() for r, f in pairs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert real[-1].mean() > fake[-1].mean() + 0.3


def test_the_condition_is_the_input_at_the_size_and_range_of_the_pictures():
    lr = torch.linspace(0.25, 0.75, 8).expand(1, 3, 8, 8)
    found = enlarged(lr)
    assert found.shape == (1, 3, 32, 32)
    torch.testing.assert_close(found.mean(), torch.tensor(0.0), rtol=0, atol=1e-5)
    assert found[..., 0].mean() < -0.45
    assert found[..., -1].mean() > 0.45
