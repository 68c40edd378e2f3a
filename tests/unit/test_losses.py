import math

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch.nn.functional import binary_cross_entropy_with_logits

from srgan.features import load_features
from srgan.images import shrink, to_hr, to_lr
from srgan.losses import (
    ContentLoss,
    adversarial_loss,
    artifact_loss,
    consistency_loss,
    discriminator_loss,
    grid_loss,
    total_variation,
)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images():
    torch.manual_seed(0)
    return torch.rand(2, 3, 16, 16) * 2 - 1, torch.rand(2, 3, 16, 16) * 2 - 1


def test_mse_is_equation_4_on_the_papers_range(images):
    sr, hr = images
    loss = ContentLoss(load_features("mse"))
    torch.testing.assert_close(loss(sr, hr), torch.nn.functional.mse_loss(sr, hr))
    black, white = torch.full((1, 3, 4, 4), -1.0), torch.full((1, 3, 4, 4), 1.0)
    assert loss(black, white) == 4


@pytest.mark.parametrize("features", ["mse", "efficientnet-lite0"])
def test_content_loss_of_a_batch_is_the_mean_of_its_shares(features):
    torch.manual_seed(0)
    sr, hr = torch.rand(4, 3, 32, 32), torch.rand(4, 3, 32, 32)
    loss = ContentLoss(load_features(features))
    shares = (loss(sr[:2], hr[:2]) + loss(sr[2:], hr[2:])) / 2
    torch.testing.assert_close(loss(sr, hr), shares)


def test_adversarial_losses_are_binary_cross_entropies():
    real, fake = torch.tensor([2.0, -1.0, 0.5]), torch.tensor([0.3, -2.0, 1.0])
    ones, zeros = torch.ones(3), torch.zeros(3)
    expected = binary_cross_entropy_with_logits(real, ones)
    expected += binary_cross_entropy_with_logits(fake, zeros)
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    expected = binary_cross_entropy_with_logits(fake, ones)
    torch.testing.assert_close(adversarial_loss(fake), expected)
    expected = binary_cross_entropy_with_logits(real - fake, ones)
    torch.testing.assert_close(discriminator_loss(real, fake, "relativistic"), expected)
    expected = binary_cross_entropy_with_logits(fake - real, ones)
    torch.testing.assert_close(adversarial_loss(fake, real, "relativistic"), expected)


def test_hinge_leaves_alone_what_is_clear():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([[-3.0], [0.25]])
    assert discriminator_loss(real, fake, "hinge").item() == pytest.approx(0.25 + 0.625)
    assert adversarial_loss(fake, None, "hinge").item() == pytest.approx(1.375)


def test_artifacts_are_the_restless_places_where_the_average_is_better(images):
    hr = torch.zeros(1, 3, 32, 32)
    sr, average = hr.clone(), hr.clone()
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(4, 4)
    sr[..., 2:10, 2:10] = 0.5 * checks.clamp_min(0)  # restless
    sr[..., 20:30, 20:30] = 0.5  # even: its middle is no artifact
    sr.requires_grad_()
    (gradient,) = torch.autograd.grad(artifact_loss(sr, average, hr), sr)
    assert gradient[..., 4:8, 4:8].abs().max() > 10 * gradient[..., 24:26, 24:26].abs().max()
    average[..., 2:10, 2:10] = 0.6  # there the output is no worse than the average now
    (gradient,) = torch.autograd.grad(artifact_loss(sr, average, hr), sr)
    assert gradient[..., 2:10, 2:10].abs().max() == 0


def test_artifact_weights_are_the_papers(images):
    """Written out, pixel by pixel."""
    sr, hr = images
    residual = (hr - sr).abs().sum(1) / 2
    around = torch.nn.functional.pad(residual, (3, 3, 3, 3), mode="reflect")
    expected = 0.0
    for n in range(2):
        for y in range(16):
            for x in range(16):
                local = around[n, y : y + 7, x : x + 7].var()
                weight = residual[n].var() ** 0.2 * local
                expected += weight * (sr - hr)[n, :, y, x].abs().sum() / 2
    torch.testing.assert_close(artifact_loss(sr, hr, hr), expected / sr.numel())


def test_adversarial_loss_keeps_its_gradient_when_the_discriminator_is_sure():
    fake = torch.full((2,), -20.0, requires_grad=True)
    adversarial_loss(fake).backward()
    torch.testing.assert_close(fake.grad, torch.full((2,), -0.5))  # log(1 - D) would have none


def test_undecided_discriminator():
    nothing = torch.zeros(4)
    assert discriminator_loss(nothing, nothing).item() == pytest.approx(2 * math.log(2))
    assert discriminator_loss(nothing, nothing, "relativistic").item() == pytest.approx(math.log(2))
    assert adversarial_loss(nothing).item() == pytest.approx(math.log(2))


def test_losses_of_bf16_are_fp32(images):
    sr, hr = (x.bfloat16() for x in images)
    assert ContentLoss(load_features("mse"))(sr, hr).dtype == torch.float32
    assert adversarial_loss(sr[:, 0, 0, 0]).dtype == torch.float32
    assert total_variation(sr).dtype == torch.float32


def test_consistency_is_zero_for_the_original_and_sees_colour():
    rng = np.random.default_rng(0)
    hr = rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)
    hr = np.kron(hr[:8, :10], np.ones((4, 4, 1), np.uint8))  # blocks: nothing overshoots far
    lr = shrink(hr)
    same = consistency_loss(to_hr(hr), to_lr(lr)).item()
    assert same < 2 / 255
    drifted = consistency_loss(to_hr(hr) + 2 * 10 / 255, to_lr(lr)).item()
    assert drifted == pytest.approx(10 / 255, abs=2 / 255)


def test_consistency_shrinks_as_the_input_was_made():
    y, x = np.mgrid[:64, :80]
    waves = 128 + 90 * np.sin(y / 5) * np.cos(x / 7)
    hr = np.repeat(waves[..., None], 3, axis=2).round().astype(np.uint8)
    small = torch.nn.functional.interpolate(
        to_hr(hr), scale_factor=0.25, mode="bicubic", antialias=True
    )
    difference = ((small + 1) / 2 - to_lr(shrink(hr))).abs() * 255
    assert difference[..., 2:-2, 2:-2].max() < 1  # roundings
    assert difference.max() < 3  # border


def test_consistency_gradient_reaches_every_pixel(images):
    sr = images[0].requires_grad_()
    consistency_loss(sr, torch.rand(2, 3, 4, 4)).backward()
    assert (sr.grad != 0).all()


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("axes", [(2,), (3,), (2, 3)])
def test_a_grid_is_seen_whatever_its_direction(period, axes):
    hr = to_hr(astronaut()[64:160, 150:246])
    wave = torch.cos(2 * math.pi / period * torch.arange(96))
    pattern = math.prod(wave.view([-1 if axis == a else 1 for a in range(4)]) for axis in axes)
    faint, clear = (grid_loss(hr + levels / 127.5 * pattern, hr).item() for levels in (1, 4))
    assert 0.05 < faint < clear


def test_what_is_no_grid_is_none():
    hr = to_hr(astronaut()[64:160, 150:246])
    assert grid_loss(hr, hr) == 0
    assert grid_loss(hr.roll(1, 3), hr) < 0.05
    wave = torch.cos(2 * math.pi / 3 * torch.arange(96))  # of period 3
    assert grid_loss(hr + 4 / 127.5 * wave, hr) < 0.05
    torch.manual_seed(0)
    assert grid_loss(hr + 8 / 127.5 * torch.randn_like(hr), hr) < 0.2


def test_the_gradient_pulls_at_the_grid():
    hr = to_hr(astronaut()[64:160, 150:246])
    pattern = torch.tensor([1.0, -1.0]).repeat(48)
    for levels in (1, 4, 16):
        sr = (hr + levels / 127.5 * pattern).requires_grad_()
        (gradient,) = torch.autograd.grad(grid_loss(sr, hr), sr)
        assert gradient.isfinite().all()
        along = (gradient * pattern).mean() / gradient.square().mean().sqrt()
        assert along > 0.05  # the cosine between them; of noise it is 0.006


def test_total_variation_counts_steps():
    sr = torch.zeros(2, 3, 4, 4)
    assert total_variation(sr) == 0
    sr[:, :, :, 2:] = 0.5  # one edge, 4 pixels long, in 3 channels
    assert total_variation(sr).item() == pytest.approx(4 * 3 * 0.5)
