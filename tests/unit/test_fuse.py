"""The fast form of the generator is the same function."""

import copy

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from support.networks import random_generator
from torch import nn

import srgan.fuse
from srgan.fuse import FusedGenerator, fuse, unshuffled_tail
from srgan.images import shrink, to_image, to_lr

SIZES = [(1, 1), (1, 7), (5, 3), (8, 8)]


def photos():
    """Two photos, small: the face of one, the other whole."""
    astronaut, coffee = skimage.data.astronaut(), skimage.data.coffee()
    return [shrink(astronaut[40:168, 152:280]), shrink(shrink(coffee[:, :592]))]


@pytest.mark.long
@pytest.mark.parametrize("photo", photos(), ids=["astronaut", "coffee"])
@torch.inference_mode()
def test_in_fp64_every_pixel_is_the_plain_generators(photo):
    generator = random_generator().double()
    fused = FusedGenerator(copy.deepcopy(generator)).double().eval()
    plain, fast = generator(to_lr(photo).double()), fused(to_lr(photo).double())
    assert (plain - fast).abs().max() < 1e-10
    assert np.array_equal(to_image(plain), to_image(fast))


@pytest.mark.parametrize("photo", photos(), ids=["astronaut", "coffee"])
@torch.inference_mode()
def test_in_fp32_nearly_every_pixel_is_the_plain_generators(photo):
    generator = random_generator()
    plain, fast = to_image(generator(to_lr(photo))), to_image(fuse(generator)(to_lr(photo)))
    difference = np.abs(plain.astype(int) - fast)
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.999
    assert plain.std() > 20  # there is something to compare


@torch.inference_mode()
def test_the_pieces_are_the_whole():
    fused, lr = fuse(random_generator(blocks=2, channels=8)), torch.rand(1, 3, 6, 5)
    shallow = fused.head(lr)
    deep = fused.body[1](fused.body[0](shallow.clone()))
    assert torch.equal(fused.tail(fused.join(shallow, deep), lr), fused(lr))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(5, 30), (23, 30), (64, 17)])
@pytest.mark.parametrize("rows", [1, 5, 8])
@torch.inference_mode()
def test_strips_leave_no_trace(monkeypatch, dtype, size, rows):
    """Down to the smallest, whose convolutions see the whole strips beside them."""
    fused = fuse(random_generator(blocks=2, channels=8)).to(dtype)
    lr = torch.rand(1, 3, *size, dtype=dtype).contiguous(memory_format=torch.channels_last)
    whole = fused(lr)
    row = 2 * size[1] * 35 * dtype.itemsize  # of the largest tensor, in the tail
    monkeypatch.setattr(srgan.fuse, "STRIP_BYTES", rows * row)
    assert torch.equal(fused(lr), whole)


@torch.inference_mode()
def test_bfloat16_does_not_round_bright_pixels_to_halves_of_a_level():
    generator = random_generator(blocks=2, channels=8)
    lr = to_lr(np.full((16, 16, 3), 240, np.uint8))
    generator.tail.weight /= 20
    generator.tail.bias.fill_(0.875)
    rounding = fuse(generator).bfloat16()
    rounding.head_conv.float()
    exact, levels = (127.5 * (network(lr) + 1) for network in (fuse(generator), rounding))
    assert exact.min() > 200
    assert exact.std() > 0.5
    assert (levels - exact).abs().mean() < 0.03  # of rounding to halves it would be 0.125


def test_fusing_leaves_the_plain_generator_as_it_was():
    generator = random_generator(blocks=2, channels=8).train()
    before = copy.deepcopy(generator.state_dict())
    fused = fuse(generator)
    fused(torch.rand(1, 3, 4, 4))
    assert generator.training
    assert all(torch.equal(before[k], v) for k, v in generator.state_dict().items())
    assert not any(parameter.requires_grad for parameter in fused.parameters())


@pytest.mark.parametrize("size", SIZES)
def test_the_last_convolution_commutes_with_the_shuffle(size):
    torch.manual_seed(0)
    tail = nn.Conv2d(6, 3, 9, padding=4).double()
    x = torch.randn(2, 24, *size, dtype=torch.float64)
    weight, bias = unshuffled_tail(tail)
    fast = F.pixel_shuffle(F.conv2d(x, weight, bias, padding=2), 2)
    assert fast.shape == (2, 3, 2 * size[0], 2 * size[1])
    assert torch.allclose(fast, tail(F.pixel_shuffle(x, 2)), rtol=0, atol=1e-12)
