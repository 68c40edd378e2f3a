"""The discriminator of a run: made, asked about both batches, asked without being changed."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from srgan.discriminators import HeadsDiscriminator, UNetDiscriminator
from srgan.features import Features
from srgan.images import SCALE
from srgan.models import Discriminator
from srgan.training.config import SRGANConfig
from srgan.training.forward import speed_up

Logits = list[torch.Tensor]  # of one picture's several judges, each (N,) or (N, 1, h, w)


def make_discriminator(config: SRGANConfig, features: Features | None) -> nn.Module:
    """Make the discriminator that a config names.

    Args:
        config: Its kind and sizes.
        features: The frozen network of `heads`, already placed.
    """
    if config.discriminator == "heads":
        return HeadsDiscriminator(features, config.condition)
    if config.discriminator == "unet":
        return UNetDiscriminator(config.condition, config.discriminator_channels // 2)
    discriminator = Discriminator(config.patch, config.discriminator_channels)
    speed_up(discriminator)
    if config.spectral_norm:
        _normalise_spectrally(discriminator)
    return discriminator


def judge_both(
    discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor
) -> tuple[Logits, Logits]:
    """Judge two batches in one pass as far as that changes nothing.

    The paper's discriminator normalises each batch by its own statistics; its dense layers take
    both at once.
    """
    if isinstance(discriminator, Discriminator):
        maps = [discriminator.features(images) for images in (real, fake)]
        logits = [discriminator.classifier(torch.cat(maps)).squeeze(1)]
    else:
        logits = discriminator(torch.cat([real, fake]))
    pairs = [x.float().chunk(2) for x in logits]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def frozen(discriminator: nn.Module) -> Callable[[torch.Tensor], Logits]:
    """Return a discriminator's forward that changes nothing in it, not even running statistics."""
    parameters = {name: p.detach() for name, p in discriminator.named_parameters()}

    def forward(images: torch.Tensor) -> Logits:
        buffers = {name: buffer.clone() for name, buffer in discriminator.named_buffers()}
        logits = functional_call(discriminator, parameters | buffers, (images,))
        return [x.float() for x in ([logits] if isinstance(logits, torch.Tensor) else logits)]

    return forward


def enlarged(lr: torch.Tensor) -> torch.Tensor:
    """(N, 3, h, w) in [0, 1] to (N, 3, 4h, 4w) in [-1, 1], as a condition beside the pictures."""
    return F.interpolate(2 * lr - 1, scale_factor=SCALE, mode="bicubic", align_corners=False)


def _normalise_spectrally(discriminator: Discriminator) -> None:
    """Put spectral normalisation in the place of batch normalisation (Miyato et al. 2018)."""
    for layers in (discriminator.features, discriminator.classifier):
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.BatchNorm2d):
                layers[index] = nn.Identity()
            elif isinstance(layer, nn.Conv2d | nn.Linear):
                if layer.bias is None:
                    layer.bias = nn.Parameter(layer.weight.new_zeros(layer.out_channels))
                spectral_norm(layer)
