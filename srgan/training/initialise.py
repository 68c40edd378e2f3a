"""How a new generator begins."""

import torch

from srgan.models import Generator


@torch.no_grad()
def begin_as_nearest(generator: Generator) -> None:
    """Let a new generator begin as nearest-neighbour enlarging, in place.

    The paper does not say how its networks begin. From torch's usual random numbers the first
    several hundred steps go into passing the picture through at all, and the four phases of each
    PixelShuffle begin as four different filters, which shows as a grid. Here three of the channels
    carry the three colours straight through; all others begin at random, but have no say yet in
    the last convolution, nor has the body in its last normalisation.
    """
    conv1, _, _, conv2, _, _ = generator.upsample
    for colour in range(3):
        _pass_on(generator.head[0], colour, colour, 1.0)
        for conv in (conv1, conv2):
            for phase in range(4):
                _pass_on(conv, 4 * colour + phase, colour, 1.0)
    generator.body_tail[1].weight.zero_()
    generator.tail.weight.zero_()
    for colour in range(3):
        _pass_on(generator.tail, colour, colour, 2.0)
        generator.tail.bias[colour] = -1.0  # from [0, 1] to [-1, 1]


def _pass_on(conv: torch.nn.Conv2d, output: int, source: int, factor: float) -> None:
    middle = conv.kernel_size[0] // 2
    conv.weight[output] = 0
    conv.weight[output, source, middle, middle] = factor
    conv.bias[output] = 0
