"""The generator in its exact fast form: the same function, fewer multiplications.

1. Batch normalisation with fixed statistics is affine, so it folds into the convolution before it.
2. The last 9x9 convolution commutes with the PixelShuffle before it. Write r = 2 for the shuffle
   and let u be the tensor before it: after it, channel c at pixel (r*y + p, r*x + q) is
   u[c*r*r + p*r + q, y, x]. An output pixel (r*y + a, r*x + b) sums w[o, c, dy, dx] over the inputs
   at (r*y + a + dy, r*x + b + dx), |dy|, |dx| <= 4. Dividing a + dy = r*Y + p with 0 <= p < r turns
   that into a sum over u at (y + Y, x + X) with |Y|, |X| <= 2: a 5x5 convolution from 4*64 to 4*3
   channels, with the same 15,552 weights and zeros where |dy| or |dx| would exceed 4, followed by
   the shuffle. Zero padding agrees on both sides. The PReLU between shuffle and convolution acts on
   each value alone with one slope for all, so it may stand before the shuffle.
   Why it is faster although it multiplies more (76,800 weights on a quarter of the pixels, 23 %
   more): a convolution to 3 channels leaves most of a vector unit idle, one to 12 does not.
3. Where tensors are large, one or two convolutions at a time run in strips of rows.
4. The last convolution makes the difference to the enlarged input, which is added in fp32. In bf16
   it would else round bright and dark pixels to halves of a level, which rounding to levels then
   takes for ties: half of what bf16 cost in PSNR. It sees the input in channels of its own.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from srgan.models import Generator, ResidualBlock

# Small enough for the cache, and for malloc to keep: what it gives back to the system comes again
# as empty pages one by one, which took a fifth of the time on large pictures.
STRIP_BYTES = 9 * 2**20
BASE_STEPS = 128  # the enlarged input in such steps: whole numbers, exact in bf16 as is their scale


@cache
@torch.inference_mode(mode=False)  # what inference mode makes could not serve training later
def _tail_index(channels: int) -> torch.Tensor:
    """Where each weight of the 5x5 form comes from in the flattened 9x9 form; its end is a zero."""
    source = torch.arange(3 * channels * 81).view(3, channels, 9, 9)
    index = torch.full((12, 4 * channels, 5, 5), source.numel())
    for a in range(2):
        for b in range(2):
            for dy in range(-4, 5):
                for dx in range(-4, 5):
                    (y, p), (x, q) = divmod(a + dy, 2), divmod(b + dx, 2)
                    index[2 * a + b :: 4, 2 * p + q :: 4, y + 2, x + 2] = source[
                        ..., dy + 4, dx + 4
                    ]
    return index


def unshuffled_tail(tail: nn.Conv2d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of the 5x5 convolution that replaces PixelShuffle and `tail`.

    Args:
        tail: The last convolution, (3, C, 9, 9).

    Returns:
        (12, 4C, 5, 5) and (12,), differentiable in `tail`'s parameters.
    """
    weight = torch.cat([tail.weight.flatten(), tail.weight.new_zeros(1)])
    index = _tail_index(tail.in_channels).to(weight.device)
    return weight[index], tail.bias.repeat_interleave(4)


class Strip(NamedTuple):
    """Rows of a picture through one or two convolutions; what they see beside them goes along."""

    rows: slice  # of the result
    around: slice  # of the input: `rows` and their halo, as far as the picture reaches
    whole: bool  # whether the halo is complete, so that no zeros are needed above and below

    @property
    def kept(self) -> slice:
        """The result's rows in what the convolutions make of `around`."""
        start = 0 if self.whole else self.rows.start - self.around.start
        return slice(start, start + self.rows.stop - self.rows.start)


def _strips(x: torch.Tensor, halo: int, channels: int) -> Iterator[Strip]:
    """Cut an (N, C, H, W) input so that what lies between has about `STRIP_BYTES`.

    No strip is smaller than the halo, so that none sees beyond its neighbours.

    Args:
        x: Input.
        halo: Rows that the convolutions see on each side.
        channels: Of the largest tensor between input and result, which has the input's size.
    """
    height = x.shape[2]
    row = x.shape[0] * channels * x.shape[3] * x.element_size()
    count = min(max(1, height // halo), math.ceil(height * row / STRIP_BYTES))
    for i in range(count):
        top, bottom = i * height // count, (i + 1) * height // count
        around = slice(max(top - halo, 0), min(bottom + halo, height))
        whole = around.stop - around.start == bottom - top + 2 * halo
        yield Strip(slice(top, bottom), around, whole)


def _conv(layer: nn.Conv2d, x: torch.Tensor, strip: Strip) -> torch.Tensor:
    height, width = layer.padding
    return F.conv2d(x, layer.weight, layer.bias, padding=(0 if strip.whole else height, width))


class FusedBlock(nn.Module):
    """A residual block with folded BN, for inference only."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.conv1 = fuse_conv_bn_eval(block.conv1, block.bn1)
        self.slope = block.prelu.weight.item()
        self.conv2 = fuse_conv_bn_eval(block.conv2, block.bn2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Change (N, channels, h, w) in place, and return it."""
        rows, change = slice(0), None
        for strip in _strips(x, 2, x.shape[1]):
            y = F.leaky_relu_(_conv(self.conv1, x[:, :, strip.around], strip), self.slope)
            y = _conv(self.conv2, y, strip)[:, :, strip.kept]
            if change is not None:  # a strip changes once the next has seen it
                x[:, :, rows].add_(change)
            rows, change = strip.rows, y
        x[:, :, rows].add_(change)
        return x


class FusedGenerator(nn.Module):
    """`Generator.forward` in fast pieces: `head`, `body`, `join` see 37 pixels around, `tail` 3."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        conv, prelu = generator.head
        self.head_conv, self.head_slope = conv, prelu.weight.item()
        self.body = nn.ModuleList(FusedBlock(block) for block in generator.body)
        self.body_tail = fuse_conv_bn_eval(*generator.body_tail)
        up1, self.shuffle, prelu1, up2, _, prelu2 = generator.upsample
        self.up1, self.slope1 = up1, prelu1.weight.item()
        self.up2, self.slope2 = _with_room(up2, 3), prelu2.weight.item()  # for the input
        weight, bias = (x.detach() for x in unshuffled_tail(generator.tail))
        less_base = weight.new_zeros(12, 3, 5, 5)
        less_base[..., 2, 2] = torch.eye(3).repeat_interleave(4, 0) / -BASE_STEPS
        self.tail_conv = nn.Conv2d(4 * generator.channels + 3, 12, 5, padding=2)
        self.tail_conv.load_state_dict({"weight": torch.cat([weight, less_base], 1), "bias": bias})

    def head(self, lr: torch.Tensor) -> torch.Tensor:
        """(N, 3, h, w) in [0, 1] to shallow features (N, channels, h, w)."""
        x = F.leaky_relu_(self.head_conv(lr), self.head_slope)
        return x.to(self.body_tail.weight.dtype)  # the first convolution may be more exact

    def join(self, shallow: torch.Tensor, deep: torch.Tensor) -> torch.Tensor:
        """Close the long skip: add to `shallow`, the output of `head`, that of the last block."""
        for strip in _strips(deep, 1, deep.shape[1]):
            y = _conv(self.body_tail, deep[:, :, strip.around], strip)
            shallow[:, :, strip.rows].add_(y[:, :, strip.kept])
        return shallow

    def tail(self, features: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        """(N, channels, h, w) and its input (N, 3, h, w) in [0, 1] to (N, 3, 4h, 4w)."""
        # One slope serves all channels, so both activations may stand before their shuffle, where
        # they work in place.
        x = self.shuffle(F.leaky_relu_(self.up1(features), self.slope1))
        base = (255 * lr).round() - BASE_STEPS
        double = F.interpolate(base.to(x.dtype), scale_factor=2)
        parts = []
        for strip in _strips(x, 3, self.up2.out_channels):
            y = F.leaky_relu_(_conv(self.up2, x[:, :, strip.around], strip), self.slope2)
            first, last = strip.around.start, strip.around.stop
            y[:, -3:] = double[:, :, first + strip.whole : last - strip.whole]
            parts.append(_conv(self.tail_conv, y, strip)[:, :, strip.kept])
        change = self.shuffle(torch.cat(parts, 2)).to(lr.dtype)
        return change.add_(F.interpolate(base / BASE_STEPS, scale_factor=4))

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Compute `Generator.forward` in one piece."""
        shallow = self.head(lr)
        deep = shallow.clone()
        for block in self.body:
            block(deep)
        return self.tail(self.join(shallow, deep), lr)


def _with_room(layer: nn.Conv2d, channels: int) -> nn.Conv2d:
    """Return the convolution with so many more channels at its end, to be written into."""
    wide = nn.Conv2d(
        layer.in_channels, layer.out_channels + channels, layer.kernel_size, padding=layer.padding
    )
    new = {
        k: torch.cat([v, v.new_zeros(channels, *v.shape[1:])])
        for k, v in layer.state_dict().items()
    }
    wide.load_state_dict(new)
    return wide


def _keep_memory() -> None:
    """Make glibc's malloc keep the memory of strips for the next.

    It returns free memory beyond twice the largest block under 32 MiB that it ever got back.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def fuse(generator: Generator) -> FusedGenerator:
    """Return the generator's fast form, a copy for inference with the running BN statistics.

    Equal to the plain generator but for the order in which floats are summed: within 1e-4 of it in
    fp32, on a scale of 2; mostly within 1e-5.
    """
    _keep_memory()
    with torch.no_grad():
        copy = Generator(generator.blocks, generator.channels).eval()
        copy.load_state_dict(generator.state_dict())
        fused = FusedGenerator(copy.double()).eval().requires_grad_(False)
    return fused.float().to(memory_format=torch.channels_last)
