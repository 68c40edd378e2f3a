"""The two networks are the paper's, layer by layer."""

import pytest
import torch
from safetensors.torch import load_file
from support.networks import CHECKPOINTS
from torch import nn

from srgan.models import Discriminator, Generator


def test_the_generator_has_the_papers_number_of_parameters():
    assert sum(p.numel() for p in Generator().parameters()) == 1_547_350


def test_the_generators_layers():
    """Figure 4: k9n64, 16 blocks of k3n64, k3n64, two of k3n256 with a shuffle, k9n3."""
    convs = [m for m in Generator().modules() if isinstance(m, nn.Conv2d)]
    shapes = [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0]) for c in convs]
    assert shapes[0] == (3, 64, 9, 1)
    assert shapes[1:34] == [(64, 64, 3, 1)] * 33
    assert shapes[34:] == [(64, 256, 3, 1), (64, 256, 3, 1), (64, 3, 9, 1)]
    kinds = [type(m).__name__ for m in Generator(blocks=1).body[0].children()]
    assert kinds == ["Conv2d", "BatchNorm2d", "PReLU", "Conv2d", "BatchNorm2d"]


def test_a_block_adds_its_input_and_nothing_follows_the_sum():
    block = Generator(blocks=1, channels=4).eval().body[0]
    nn.init.zeros_(block.bn2.weight)
    nn.init.zeros_(block.bn2.bias)
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (24, 24)])
def test_the_output_is_four_times_as_large_and_not_clamped(size):
    generator = Generator(blocks=1, channels=4).eval()
    nn.init.constant_(generator.tail.bias, 7)
    sr = generator(torch.rand(2, 3, *size))
    assert sr.shape == (2, 3, 4 * size[0], 4 * size[1])
    assert (sr > 1).any()


def test_the_discriminators_layers():
    """Section 2.1.1: eight 3 x 3 convolutions, wider after each stride of 2, and two dense."""
    discriminator = Discriminator()
    convs = [m for m in discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert [c.kernel_size for c in convs] == [(3, 3)] * 8
    assert [c.in_channels for c in convs] == [3, 64, 64, 128, 128, 256, 256, 512]
    assert [c.out_channels for c in convs] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [c.stride[0] for c in convs] == [1, 2, 1, 2, 1, 2, 1, 2]
    norms = [m.num_features for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms == [64, 128, 128, 256, 256, 512, 512]  # none after the first convolution
    dense = [m for m in discriminator.modules() if isinstance(m, nn.Linear)]
    assert [(d.in_features, d.out_features) for d in dense] == [(18432, 1024), (1024, 1)]
    slopes = [m.negative_slope for m in discriminator.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.2] * 9
    assert not [m for m in discriminator.modules() if isinstance(m, nn.MaxPool2d | nn.Sigmoid)]


@pytest.mark.parametrize(("patch", "channels"), [(96, 8), (32, 4), (128, 2)])
def test_the_discriminator_gives_a_logit_an_image(patch, channels):
    discriminator = Discriminator(patch, channels)
    nn.init.constant_(discriminator.classifier[-1].bias, -50)
    logits = discriminator(torch.rand(3, 3, patch, patch) * 2 - 1)
    assert logits.shape == (3,)
    assert (logits < -1).all()  # no sigmoid


def test_the_discriminator_refuses_a_patch_its_strides_do_not_divide():
    with pytest.raises(ValueError, match="multiple of 16, got 100"):
        Discriminator(100)


@pytest.mark.skipif(not CHECKPOINTS.is_dir(), reason="no ../shared/checkpoints on this machine")
@pytest.mark.parametrize("name", ["srresnet", "srgan"])
def test_the_shared_checkpoints_load_strictly(name):
    Generator().load_state_dict(load_file(CHECKPOINTS / f"{name}.safetensors"), strict=True)
