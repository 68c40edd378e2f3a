"""The networks' forms for training: the plain networks' function and gradients, less memory moved.

On a processor with matrix units the convolutions of a step are done before what lies between them:
an element-wise operation in bf16 costs a third of the 3x3 convolution beside it. So:

1. Batch normalisation with fixed statistics folds into the convolution before it at every call,
   differentiably: its scale and shift, and the convolution's weights, get the gradients they had.
2. The channels before a PixelShuffle come in the order in which channels-last memory wants them
   after it. Then it moves runs of all channels instead of single numbers.
3. PReLU and the last 9x9 convolution are written anew (`_PReLU`, `fuse.unshuffled_tail`).
4. A strided convolution on maps of few pixels is a matrix product; oneDNN's own gradient of its
   weights takes up to ten times as long there.
"""

import ctypes

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

from srgan.fuse import unshuffled_tail
from srgan.models import Discriminator, Generator

FEW = 64  # pixels of a map that is made by a matrix product; 6 x 6 gains much, 12 x 12 loses


class _PReLU(torch.autograd.Function):
    """PReLU of one slope in torch's vectorised kernels.

    On a processor torch's own takes a quarter of a training step, nearly all of it backward.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor, slope: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.slope, ctx.dtype = slope.item(), slope.dtype
        return F.leaky_relu(x, ctx.slope)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        (x,) = ctx.saved_tensors
        # By channel first: a sum from bf16 to fp32 makes a copy of all in fp32.
        by_channel = x.clamp(max=0).mul_(gradient).sum((0, 2, 3))
        for_x = torch.ops.aten.leaky_relu_backward(gradient, x, ctx.slope, False)
        return for_x, by_channel.sum(dtype=ctx.dtype).view(1)


def _prelu(layer: nn.PReLU, x: torch.Tensor) -> torch.Tensor:
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return layer(x)
    return _PReLU.apply(x, layer.weight)


def _normalised(conv: nn.Conv2d, norm: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    """`norm(conv(x))` of a convolution without bias."""
    if norm.training:
        return norm(conv(x))
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    return F.conv2d(x, conv.weight * scale.view(-1, 1, 1, 1), shift, padding=conv.padding)


def _shuffled(conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """`PixelShuffle(2)(conv(x))`, (N, C, h, w) to (N, channels / 4, 2h, 2w)."""
    weight = conv.weight.unflatten(0, (-1, 4)).transpose(0, 1).flatten(0, 1)
    bias = conv.bias.view(-1, 4).t().flatten()
    weight = weight.contiguous(memory_format=torch.channels_last)
    y = F.conv2d(x, weight, bias, padding=conv.padding).permute(0, 2, 3, 1)
    y = y.unflatten(3, (2, 2, -1)).transpose(2, 3)  # (N, h, 2, w, 2, channels)
    return y.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def fast_forward(generator: Generator, lr: torch.Tensor) -> torch.Tensor:
    """Compute `generator(lr)`, for training.

    All weights are derived from the plain parameters at every call, so that gradients and weight
    files stay those of the plain network. Shapes and ranges are `Generator.forward`'s.
    """
    conv, prelu = generator.head
    shallow = deep = _prelu(prelu, conv(lr))
    for block in generator.body:
        inner = _prelu(block.prelu, _normalised(block.conv1, block.bn1, deep))
        deep = deep + _normalised(block.conv2, block.bn2, inner)
    deep = shallow + _normalised(*generator.body_tail, deep)
    conv1, _, prelu1, conv2, _, prelu2 = generator.upsample
    # One slope serves all channels, so the second activation may stand before its shuffle.
    deep = _prelu(prelu2, conv2(_prelu(prelu1, _shuffled(conv1, deep))))
    weight, bias = unshuffled_tail(generator.tail)
    # To 16 channels, a matrix unit's width, a convolution takes less time than to 12.
    weight, bias = F.pad(weight, (0, 0) * 3 + (0, 4)), F.pad(bias, (0, 4))
    return F.pixel_shuffle(F.conv2d(deep, weight, bias, padding=2)[:, :12], 2)


class _StridedConv(torch.autograd.Function):
    """A 3x3 convolution of stride 2 and padding 1 as a matrix product over gathered places."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor, weight: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        n, _, height, width = x.shape
        y = _places(x) @ weight.permute(0, 2, 3, 1).flatten(1).t()
        return y.view(n, (height + 1) // 2, (width + 1) // 2, -1).permute(0, 3, 1, 2)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: torch.autograd.function.FunctionCtx, gradient: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        x, weight = ctx.saved_tensors
        flat = gradient.permute(0, 2, 3, 1).flatten(0, 2)
        for_x = for_weight = None
        if ctx.needs_input_grad[1]:
            for_weight = (flat.t() @ _places(x)).unflatten(1, (3, 3, -1)).permute(0, 3, 1, 2)
        if ctx.needs_input_grad[0]:
            n, channels, height, width = x.shape
            spread = flat @ weight.permute(0, 2, 3, 1).flatten(1)
            spread = spread.view(n, *gradient.shape[2:], 9, channels)
            padded = x.new_zeros(n, height + 2, width + 2, channels)
            for place, part in enumerate(_strides(padded)):
                part += spread[..., place, :]
            for_x = padded[:, 1:-1, 1:-1].permute(0, 3, 1, 2)
        return for_x, for_weight


def _strides(padded: torch.Tensor) -> list[torch.Tensor]:
    """The nine views (N, h, w, C) of (N, H + 2, W + 2, C) that the nine weights see."""
    bottom, right = (size - 2 for size in padded.shape[1:3])
    return [padded[:, y : y + bottom : 2, x : x + right : 2] for y in range(3) for x in range(3)]


def _places(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) to (N * h * w, 9 * C), what each output pixel sees."""
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    return torch.cat(_strides(padded), dim=3).flatten(0, 2)


class _SmallStridedConv2d(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        weight = self.weight
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            x, weight = x.to(dtype), weight.to(dtype)
        y = _StridedConv.apply(x, weight)
        return y if self.bias is None else y + self.bias.to(y.dtype).view(-1, 1, 1)


def speed_up(discriminator: Discriminator) -> None:
    """Let the discriminator's strided convolutions on small maps be matrix products, in place.

    Before any parametrisation, such as spectral normalisation, is laid on them.
    """
    side = discriminator.patch
    for layer in discriminator.features:
        if isinstance(layer, nn.Conv2d):
            side //= layer.stride[0]
            if layer.stride[0] == 2 and side**2 <= FEW:
                layer.__class__ = _SmallStridedConv2d  # the same parameters, another forward


def keep_memory() -> None:
    """Let glibc's malloc keep a step's memory for the next, of the whole process from now on.

    It would return all to the system after each step, and get it back as empty pages one by one:
    a tenth of a step's time. Without glibc nothing happens.
    """
    trim_threshold, mmap_max = -1, -4  # malloc.h
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)
