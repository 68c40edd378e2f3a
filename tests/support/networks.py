"""Generators for tests: one like a trained network, one that looks as far as it can."""

from pathlib import Path

import torch

from srgan.models import Generator

CHECKPOINTS = Path(__file__).parents[3] / "shared/checkpoints"


def random_states(make, std=0.05):
    """The state dict of a large network, whose own initialisation would take seconds."""
    torch.manual_seed(0)
    with torch.device("meta"):
        network = make()
    network = network.to_empty(device="cpu")
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.zero_()
        elif name.endswith(("running_mean", "bias")):
            torch.nn.init.zeros_(tensor)
        elif tensor.ndim == 1:  # what normalisation divides by and multiplies with
            torch.nn.init.ones_(tensor)
        else:
            torch.nn.init.normal_(tensor, std=std)
    return network.state_dict()


def random_generator(seed=0, blocks=16, channels=64):
    """A generator in evaluation mode whose norms do something and whose output fills [-1, 1]."""
    torch.manual_seed(seed)
    generator = Generator(blocks, channels)
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, 0, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.05, 0.5)
            torch.nn.init.normal_(module.weight, 1, 0.2)
            torch.nn.init.normal_(module.bias, 0, 0.1)
        if isinstance(module, torch.nn.PReLU):
            torch.nn.init.uniform_(module.weight, -0.2, 0.4)
    generator.eval()
    with torch.no_grad():
        sr = generator(torch.rand(1, 3, 24, 24))
        generator.tail.weight /= sr.std() * 2
        generator.tail.bias.copy_((generator.tail.bias - sr.mean()) / (sr.std() * 2))
    return generator


@torch.no_grad()
def shift_generator(sign):
    """A generator that copies the mean colour from 39.5 small pixels away, where its sight ends.

    Two channels carry the picture through each block, so that the block's skip can be taken off.
    """
    generator = Generator(blocks=16, channels=4).eval()
    for parameter in generator.parameters():
        parameter.zero_()
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.fill_(1)
            module.eps = 0.0

    def shift(conv, to, source, steps):
        middle = conv.kernel_size[0] // 2
        conv.weight[to, source, middle + sign * steps, middle + sign * steps] = 1

    generator.head[0].weight[0, :, 4 + sign * 4, 4 + sign * 4] = 1 / 3
    for block in generator.body:
        shift(block.conv1, 0, 0, 1)
        shift(block.conv1, 1, 0, 0)
        shift(block.conv2, 0, 0, 1)
        block.conv2.weight[0, 1, 1, 1] = -1
    shift(generator.body_tail[0], 1, 0, 1)  # channel 1 of the long skip is empty
    for layer in (generator.upsample[0], generator.upsample[3]):
        shift(layer, slice(4, 8), 1, 1)
    for colour in range(3):
        shift(generator.tail, colour, 1, 4)
    generator.tail.weight *= 2
    generator.tail.bias.fill_(-1)
    return generator
