"""The training forms are the plain networks: the same outputs, statistics and gradients."""

import copy

import pytest
import torch
from accelerate import Accelerator
from support.networks import random_generator
from torch import nn
from torch.nn.functional import mse_loss

from srgan.fuse import fuse
from srgan.losses import adversarial_loss, discriminator_loss
from srgan.models import Discriminator
from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.forward import _SmallStridedConv2d, fast_forward, speed_up
from srgan.training.steps import Trainer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("training", [False, True], ids=["frozen norms", "training norms"])
@pytest.mark.parametrize("size", [(1, 7), (12, 12)])
def test_the_training_form_has_the_plain_output_and_gradients(training, size):
    plain = random_generator(blocks=3, channels=8).double().train(training)
    fast = copy.deepcopy(plain)
    lr = torch.rand(2, 3, *size, dtype=torch.float64)
    a, b = plain(lr), fast_forward(fast, lr)
    assert torch.allclose(a, b, rtol=0, atol=1e-12)
    target = torch.randn_like(a)
    (a - target).square().mean().backward()
    (b - target).square().mean().backward()
    for (name, p), (_, q) in zip(plain.named_parameters(), fast.named_parameters(), strict=True):
        assert p.grad.abs().max() > 0, name
        assert torch.allclose(p.grad, q.grad, rtol=1e-9, atol=1e-14), name
    for (name, p), (_, q) in zip(plain.named_buffers(), fast.named_buffers(), strict=True):
        assert torch.allclose(p, q, rtol=0, atol=1e-12), name


def test_the_training_form_passes_the_gradient_on_to_its_input():
    generator = random_generator(blocks=1, channels=8).double()
    plain, fast = (torch.rand(1, 3, 5, 5, dtype=torch.float64) for _ in range(2))
    fast.copy_(plain)
    generator(plain.requires_grad_()).square().sum().backward()
    fast_forward(generator, fast.requires_grad_()).square().sum().backward()
    assert plain.grad.abs().max() > 0
    assert torch.allclose(plain.grad, fast.grad, rtol=1e-9)


def test_training_works_after_inference_has_used_the_cache():
    generator = random_generator(blocks=1, channels=5)  # a width that no other test caches
    with torch.inference_mode():
        fuse(generator)
    fast_forward(generator, torch.rand(1, 3, 4, 4)).sum().backward()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("side", [4, 7, 12])
def test_strided_convolutions_of_small_maps_are_torchs(side, bias):
    torch.manual_seed(0)
    plain = nn.Conv2d(5, 6, 3, 2, 1, bias=bias).double()
    fast = copy.deepcopy(plain)
    fast.__class__ = _SmallStridedConv2d
    a = torch.randn(2, 5, side, side, dtype=torch.float64, requires_grad=True)
    b = a.detach().clone().requires_grad_()
    ya, yb = plain(a), fast(b)
    torch.testing.assert_close(ya, yb, rtol=0, atol=1e-12)
    gradient = torch.randn_like(ya)
    ya.backward(gradient)
    yb.backward(gradient)
    torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-12)
    for p, q in zip(plain.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=0, atol=1e-12)


def test_only_the_discriminators_last_convolution_is_a_matrix_product():
    discriminator = Discriminator(96, 4)
    speed_up(discriminator)
    fast = [isinstance(layer, _SmallStridedConv2d) for layer in discriminator.features]
    assert fast.index(True) == len(fast) - 3
    assert sum(fast) == 1


def plain_step(both, lr, hr):
    """What one writes first: the gradients of a step, and the statistics that it leaves."""
    generator, discriminator = copy.deepcopy(both.generator), both.discriminator
    if discriminator is None:
        mse_loss(generator(lr), hr).backward()
        return generator, None
    discriminator = Discriminator(32, 4)
    discriminator.load_state_dict(both.discriminator.state_dict())
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-4)
    sr = generator(lr)
    discriminator_loss(discriminator(hr), discriminator(sr.detach())).backward()
    optimizer.step()
    judge = copy.deepcopy(discriminator)  # its statistics are not to move a third time
    (mse_loss(sr, hr) + 1e-3 * adversarial_loss(judge(sr))).backward()
    return generator, discriminator


@pytest.mark.parametrize("config", [TrainConfig, SRGANConfig], ids=["srresnet", "srgan"])
def test_a_step_is_the_plain_loops(config):
    paths = {"images": "", "validation": "", "out": "", "patch": 32, "clip": 1e9}
    gan = {"init": "", "features": "mse", "discriminator_channels": 4, "margin": 0}
    gan |= {"discriminator_warmup": 0}
    options = paths | (gan if config is SRGANConfig else {})
    accelerator = Accelerator(cpu=True, mixed_precision="no")
    both = Trainer(config(**options), random_generator(blocks=2, channels=8), accelerator)
    lr, hr = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32) * 2 - 1
    generator, discriminator = plain_step(both, lr, hr)
    both.step(0, lr, hr, 1.0)
    for found, expected in ((both.generator, generator), (both.discriminator, discriminator)):
        for name, parameter in expected.named_parameters() if expected else ():
            gradient = dict(found.named_parameters())[name].grad
            scale = parameter.grad.abs().max().item()
            assert scale > 0, name
            torch.testing.assert_close(
                gradient, parameter.grad, rtol=1e-3, atol=1e-4 * scale, msg=name
            )
        for name, buffer in expected.named_buffers() if expected else ():
            torch.testing.assert_close(dict(found.named_buffers())[name], buffer, msg=name)
