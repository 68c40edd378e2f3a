"""The two networks of Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a GAN".

SRResNet and SRGAN are two weight files of one `Generator`: trained on the squared error alone it
is SRResNet, trained on further with a content and an adversarial loss it is SRGAN.

Where the paper (arXiv 1609.04802v5) is silent, this code takes:
* convolutions without bias before batch normalisation, one PReLU slope a layer, zero padding;
* no activation after the last convolution: Figure 4 draws none (many ports add a tanh);
* a discriminator that returns logits: the sigmoid of Figure 4 is part of the loss.
"""

import torch
from torch import nn

from srgan.hub import OnHub


class ResidualBlock(nn.Module):
    """Conv, BN, PReLU, conv, BN and the sum, nothing after it (section 2.1.1, Gross & Wilber)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, h, w) to the same shape."""
        return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))


class Generator(nn.Module, OnHub):
    """Four times larger: SRResNet, and SRGAN's generator (Figure 4, 1,547,350 parameters).

    `from_pretrained`, `save_pretrained` and `push_to_hub` take folders and repositories of the
    Hugging Face Hub (see `srgan.hub`).
    """

    def __init__(self, blocks: int = 16, channels: int = 64) -> None:
        super().__init__()
        self.blocks, self.channels = blocks, channels
        self.head = nn.Sequential(nn.Conv2d(3, channels, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(*[ResidualBlock(channels) for _ in range(blocks)])
        self.body_tail = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        self.upsample = nn.Sequential(
            *[nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()],
            *[nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()],
        )
        self.tail = nn.Conv2d(channels, 3, 9, padding=4)

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        """Enlarge: (N, 3, h, w) in [0, 1] to (N, 3, 4h, 4w), nominally [-1, 1] and not clamped.

        The ranges are the paper's (section 3.2). Clamping belongs to `images.to_image`: inside the
        network it would take the gradient from every pixel that overshoots.
        """
        shallow = self.head(lr)
        return self.tail(self.upsample(shallow + self.body_tail(self.body(shallow))))


class Discriminator(nn.Module):
    """Tells real crops from generated ones (Figure 4): eight convolutions and two dense layers.

    Args:
        patch: Side of the square crops it sees, in pixels; a multiple of 16.
        channels: Width of the first layer; the paper's is 64, later layers have up to 8 times that.
    """

    def __init__(self, patch: int = 96, channels: int = 64) -> None:
        super().__init__()
        if patch % 16:
            raise ValueError(f"patch must be a multiple of 16, got {patch}")
        self.patch = patch
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.LeakyReLU(0.2)]
        width = channels
        for factor, stride in [(1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)]:
            layers += [
                nn.Conv2d(width, factor * channels, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(factor * channels),
                nn.LeakyReLU(0.2),
            ]
            width = factor * channels
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width * (patch // 16) ** 2, 1024),
            nn.LeakyReLU(0.2),
            nn.Linear(1024, 1),
        )

    def forward(self, hr: torch.Tensor) -> torch.Tensor:
        """Judge: (N, 3, patch, patch) in [-1, 1] to (N,) logits, positive for "real"."""
        return self.classifier(self.features(hr)).squeeze(1)
