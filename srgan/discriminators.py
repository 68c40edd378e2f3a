"""Discriminators beside the paper's: heads on frozen features, and a U-Net.

Both judge every place of a picture instead of the whole, so their logits are maps, and both are
spectrally normalised (Miyato et al. 2018) and without batch statistics.

* `HeadsDiscriminator`: Projected GAN (Sauer et al. 2021, arXiv 2111.01007). What a network that was
  trained on ImageNet sees, mixed by a random matrix that never learns, is judged by a small network
  for each map. Its cross-scale mixing is left out; one more head looks at the pixels, since
  features of a classifier hardly see grain.
* `UNetDiscriminator`: Real-ESRGAN's (Wang et al. 2021, arXiv 2107.10833), which is 64 wide there.

With a condition both take six channels: the picture, and the enlarged small input that it was made
from; of the heads only the one on the pixels sees the latter.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from srgan.features import Features

PROBE = 96  # pixels; the side of the paper's crops


class HeadsDiscriminator(nn.Module):
    """Small networks on the maps of a frozen one, and one on the pixels.

    Args:
        features: Stays as it is and is no part of the state; already on the heads' device.
        conditioned: The pictures come with their enlarged input.
        width: Of the heads' layers.
    """

    def __init__(self, features: Features, conditioned: bool = False, width: int = 64) -> None:
        super().__init__()
        self._features = (features,)  # in a tuple it is no sub-module
        with torch.no_grad():
            maps = features(_clouds().to(features.scale.device))
        # The heads want maps of size 1, whatever the network; measured on no batch, so that it does
        # not matter how a batch is divided.
        scales = torch.stack([x.float().square().mean().rsqrt().cpu() for x in maps])
        self.register_buffer("scales", scales)
        self.mixes = nn.ModuleList(_mix(x.shape[1]) for x in maps)
        self.heads = nn.ModuleList(_head(mix.out_channels, width) for mix in self.mixes)
        self.pixels = _pixel_head(6 if conditioned else 3, width // 2)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3 or 6, H, W) in [-1, 1] to logits (N, 1, H', W') of each head, the pixels' last."""
        (features,) = self._features
        parts = zip(features(images[:, :3]), self.scales, self.mixes, self.heads, strict=True)
        logits = [head(mix(x * scale.to(x.dtype))) for x, scale, mix, head in parts]
        return [*logits, self.pixels(images)]


class UNetDiscriminator(nn.Module):
    """Judges each pixel by what is around it, near and far.

    Args:
        conditioned: The pictures come with their enlarged input.
        width: Of the first layer.
    """

    def __init__(self, conditioned: bool = False, width: int = 32) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.first = nn.Conv2d(6 if conditioned else 3, width, 3, padding=1)
        self.down = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, 2, 1, bias=False))
            for a, b in zip(widths, widths[1:], strict=False)
        )
        self.up = nn.ModuleList(
            spectral_norm(nn.Conv2d(b, a, 3, padding=1, bias=False))
            for a, b in reversed([*zip(widths, widths[1:], strict=False)])
        )
        self.last = nn.Sequential(
            *[spectral_norm(nn.Conv2d(width, width, 3, padding=1, bias=False)), nn.LeakyReLU(0.2)],
            *[spectral_norm(nn.Conv2d(width, width, 3, padding=1, bias=False)), nn.LeakyReLU(0.2)],
            nn.Conv2d(width, 1, 3, padding=1),
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3 or 6, H, W) in [-1, 1], sides multiples of 8, to one map of logits (N, 1, H, W)."""
        levels = [F.leaky_relu(self.first(images), 0.2)]
        for conv in self.down:
            levels.append(F.leaky_relu(conv(levels[-1]), 0.2))
        x = levels.pop()
        for conv in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = F.leaky_relu(conv(x), 0.2) + levels.pop()
        return [self.last(x)]


def _clouds() -> torch.Tensor:
    """Pictures with coarse and fine structure, always the same, (8, 3, PROBE, PROBE)."""
    source = torch.Generator().manual_seed(0)
    sizes = (PROBE // 16, PROBE // 4, PROBE)
    layers = [torch.rand(8, 3, size, size, generator=source) * 2 - 1 for size in sizes]
    return sum(F.interpolate(layer, PROBE, mode="bilinear") for layer in layers) / len(sizes)


def _mix(channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels, max(32, min(128, 2 * channels)), 1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return conv.requires_grad_(False)


def _head(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        *[spectral_norm(nn.Conv2d(channels, width, 3, padding=1)), nn.LeakyReLU(0.2)],
        *[spectral_norm(nn.Conv2d(width, width, 3, padding=1)), nn.LeakyReLU(0.2)],
        spectral_norm(nn.Conv2d(width, 1, 1)),
    )


def _pixel_head(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        *[spectral_norm(nn.Conv2d(channels, width, 3, padding=1)), nn.LeakyReLU(0.2)],
        *[spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1)), nn.LeakyReLU(0.2)],
        *[spectral_norm(nn.Conv2d(2 * width, 2 * width, 3, padding=1)), nn.LeakyReLU(0.2)],
        spectral_norm(nn.Conv2d(2 * width, 1, 3, padding=1)),
    )
