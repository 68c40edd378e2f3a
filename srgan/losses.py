"""The losses of both networks, on images in [-1, 1].

Deviations from the paper (arXiv 1609.04802v5), and what it leaves open:

* Feature distances are averaged over channels as well as over width and height; equation 5 divides
  by width and height alone. Only the average is "comparable to the MSE loss", as section 3.2 asks.
* That section scales VGG's features by 1/12.75 (the loss by 0.006). The factor belongs to weights
  that take images in 0..255; torchvision's take normalised images, and there a weight of 1 plays
  its part. `ContentLoss` therefore has no factor; the training command has `--content-weight`.
* Of `efficientnet-lite0` and wherever there are several maps (not in the paper) each is divided by
  its own size on the original, so that a weight of 1 means a relative squared error.
* Total variation is the sum over an image's pixels and channels of absolute differences to the
  neighbours below and on the right; the paper gives a weight (2e-8) and no formula.
* `consistency_loss`, `grid_loss`, `artifact_loss`, the relativistic and the hinge loss are not in
  the paper and off by default.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

from srgan.features import Features, load_features
from srgan.images import SCALE
from srgan.spectrum import HALF, QUARTER

GRID_LOSS_SIDE = 32  # of the blocks of `grid_loss`, in pixels
GRID_NOISE = 1 / 127.5  # one gray level; what lies under such noise is not seen


class ContentLoss(nn.Module):
    """Mean squared distance of feature maps (equation 5; of the pixels themselves, equation 4).

    Args:
        features: A frozen network; the gradient reaches the images, not the network.
    """

    def __init__(self, features: Features) -> None:
        super().__init__()
        self.features = features

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Two (N, 3, H, W) in [-1, 1] to (): averaged over maps, images, channels and places."""
        with torch.no_grad():
            originals = self.features(hr)
        losses = []
        for restored, original in zip(self.features(sr), originals, strict=True):
            restored, original = restored.float(), original.float()
            distance = (restored - original).square().flatten(1).mean(1)
            if self.features.relative:
                # of each image alone, so that it does not matter how a batch is divided
                distance = distance / original.square().flatten(1).mean(1).clamp_min(1e-12)
            losses.append(distance.mean())
        return torch.stack(losses).mean()


class ContentSum(nn.Module):
    """Content losses of several feature networks, each with a weight of its own."""

    def __init__(self, losses: list[ContentLoss], weights: list[float]) -> None:
        super().__init__()
        self.losses, self.weights = nn.ModuleList(losses), weights

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        """Two (N, 3, H, W) in [-1, 1] to ()."""
        parts = zip(self.losses, self.weights, strict=True)
        return sum(weight * loss(sr, hr) for loss, weight in parts)


def load_content(features: str, weights: str | None = None) -> ContentLoss | ContentSum:
    """Build the content loss of a description.

    Args:
        features: Names that `load_features` knows, with factors: `NAME` or `NAME+0.5*NAME`.
        weights: File of the network's weights; of several networks `NAME=FILE,NAME=FILE`, where a
            name is the part before the colon.

    Raises:
        ValueError: A factor is no positive number, weights name no network, or as `load_features`.
    """
    factors, names = zip(*map(_factor, features.split("+")), strict=True)
    if len(names) == 1:
        files = {names[0].partition(":")[0]: weights}
    else:
        files = dict(part.partition("=")[::2] for part in weights.split(",")) if weights else {}
    networks = [name.partition(":")[0] for name in names]
    if unknown := files.keys() - set(networks):
        raise ValueError(
            f"--features-weights names {', '.join(sorted(unknown))}, which --features has not: of "
            f"several networks write NAME=FILE,NAME=FILE with {', '.join(networks)}"
        )
    parts = zip(names, networks, strict=True)
    losses = [ContentLoss(load_features(name, files.get(network))) for name, network in parts]
    return losses[0] if factors == (1.0,) else ContentSum(losses, list(factors))


def _factor(text: str) -> tuple[float, str]:
    factor, star, name = text.strip().rpartition("*")
    try:
        value = float(factor) if star else 1.0
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"{factor!r} in --features is no positive number; write 0.5*{name}")
    return value, name.strip()


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor, kind: str = "bce") -> torch.Tensor:
    """How badly originals are told from restored images.

    Args:
        real: Logits of originals, (N,) or (N, 1, h, w).
        fake: Logits of the images restored from them, in the same order.
        kind: bce: binary cross-entropy (equation 2); relativistic: of each original against its
            restored image instead of both alone (RSGAN; Jolicoeur-Martineau 2018, section 4.1);
            hinge: nothing once they are 1 beyond zero (Lim & Ye 2017).

    Returns:
        (), of a discriminator that knows nothing 1.39, 0.69 and 2.
    """
    real, fake = real.float(), fake.float()
    if kind == "relativistic":
        return F.softplus(fake - real).mean()
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def adversarial_loss(
    fake: torch.Tensor, real: torch.Tensor | None = None, kind: str = "bce"
) -> torch.Tensor:
    """How badly restored images pass for originals; of `bce` -log D(G(lr)) (equation 6).

    Averaged over the batch where the paper sums, so that its weight holds for any batch.

    Args:
        fake: Logits of restored images, (N,) or (N, 1, h, w).
        real: Logits of their originals, for the relativistic loss only.
        kind: As of `discriminator_loss`.

    Returns:
        (), against a discriminator that knows nothing 0.69, 0.69 and 0.
    """
    fake = fake.float()
    if kind == "hinge":
        return -fake.mean()
    return F.softplus(real.float() - fake if kind == "relativistic" else -fake).mean()


def artifact_loss(sr: torch.Tensor, average: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
    """L1 where an output is further off than the averaged generator's, and restlessly so.

    What a GAN invents now and its average does not keep is an artifact, most of all where the
    residual varies from pixel to pixel (LDL; Liang et al. 2022, arXiv 2203.09195, equations 3 to 7:
    local variance in 7 x 7 pixels times the fifth root of the image's variance).

    Args:
        sr: The generator's output, (N, 3, H, W) in [-1, 1], both sides at least 7.
        average: That of its running average.
        hr: The originals.
    """
    sr, average, hr = ((images.float() + 1) / 2 for images in (sr, average, hr))
    with torch.no_grad():
        residual = (hr - sr).abs().sum(1, keepdim=True)
        around = F.pad(residual, (3, 3, 3, 3), mode="reflect")
        mean, square = F.avg_pool2d(around, 7, 1), F.avg_pool2d(around.square(), 7, 1)
        local = (square - mean.square()).clamp_min(0) * (49 / 48)
        whole = residual.var((1, 2, 3), keepdim=True).pow(1 / 5)
        worse = residual >= (hr - average).abs().sum(1, keepdim=True)
        weight = whole * local * worse
    return (weight * (sr - hr).abs()).mean()


def consistency_loss(sr: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the shrunk output and the input, against drifting colours.

    Shrunk by torch's antialiased bicubic filter: `images.shrink` within half a level, save for the
    outermost pixels.

    Args:
        sr: (N, 3, 4h, 4w) in [-1, 1].
        lr: (N, 3, h, w) in [0, 1].
    """
    small = F.interpolate(
        sr.float(), scale_factor=1 / SCALE, mode="bicubic", antialias=True, align_corners=False
    )
    return ((small + 1) / 2 - lr.float()).abs().mean()


def grid_loss(sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
    """How far a pattern of 4 or 2 pixels stands out more than in the originals, else 0.

    What the two PixelShuffles leave (see `spectrum.grid_peaks`), as a loss: in Hann-windowed blocks
    of 32 x 32, half overlapping, the amplitude at the frequencies of such a pattern, relative to
    that around each, where texture would hide it. These ratios are averaged over all blocks and
    compared between the batches, since lines and edges of the pictures themselves count too.

    Args:
        sr: (N, 3, H, W) in [-1, 1], both sides at least 32.
        hr: Their originals, the same shape.

    Returns:
        (), the excess at period 4 plus that at period 2.
    """
    return (_grid(sr) - _grid(hr)).relu().sum()


def _grid(images: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) to (2,), the mean ratios of amplitudes at period 4 and at period 2."""
    side = GRID_LOSS_SIDE
    blocks = images.float().mean(1).unfold(1, side, side // 2).unfold(2, side, side // 2)
    hann = torch.hann_window(side, device=images.device)
    window = torch.outer(hann, hann)
    spectrum = torch.fft.fft2((blocks - blocks.mean((-2, -1), keepdim=True)) * window)
    noise = GRID_NOISE**2 * window.square().sum()
    power = spectrum.real.square() + spectrum.imag.square() + noise
    y, x = torch.meshgrid(torch.arange(-4, 5), torch.arange(-4, 5), indexing="ij")
    ring = (y.square() + x.square()).sqrt().sub(3.75).abs() <= 0.75
    means = []
    for frequencies in (QUARTER, HALF):
        v, u = (side // 4 * torch.tensor(frequencies)).T
        around = power[..., (v[:, None] + y[ring]) % side, (u[:, None] + x[ring]) % side].mean(-1)
        # Detached: a pattern is not to be hidden under noise.
        means.append((power[..., v, u] / around.detach()).sqrt().mean())
    return torch.stack(means)


def total_variation(sr: torch.Tensor) -> torch.Tensor:
    """Sum of absolute differences of neighbours, (N, 3, H, W) in [-1, 1] to (), a mean over images.

    The paper adds it to SRResNet-VGG22 with a weight of 2e-8 (section 3.2).
    """
    sr = sr.float()
    return (sr.diff(dim=2).abs().sum() + sr.diff(dim=3).abs().sum()) / len(sr)
