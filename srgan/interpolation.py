"""The dial between the two losses: networks between SRResNet and SRGAN, not mixed pixels."""

import copy
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srgan.images import Image, shrink
from srgan.models import Generator
from srgan.upscale import NetworkUpscaler, Precision, Upscaler
from srgan.weights import load_weights, weight_file

Dial = Callable[[float], Upscaler]  # share of the GAN in [0, 1] -> the network between
Tones = NDArray[np.float64]  # red, green, blue


def mix(networks: Sequence[Generator], shares: Sequence[float]) -> Generator:
    """Return the network whose every parameter is the sum of theirs, each times its share.

    The running statistics of batch normalisation are mixed as well. It is of use only for networks
    that were trained on from the same one.

    Args:
        networks: Generators of one size.
        shares: As many numbers, whose sum is 1; some may be negative.

    Returns:
        A new generator in evaluation mode.

    Raises:
        ValueError: The sizes differ.
    """
    sizes = [f"{network.blocks} blocks of {network.channels} channels" for network in networks]
    if len(set(sizes)) > 1:
        raise ValueError(f"only networks of one size can be mixed, got {' and '.join(sizes)}")
    mixed, states = copy.deepcopy(networks[0]), [network.state_dict() for network in networks]
    # In double, which holds the norms' integer counters too.
    mixed.load_state_dict(
        {
            key: sum(s * state[key].double() for s, state in zip(shares, states, strict=True))
            for key in states[0]
        }
    )
    return mixed.eval()


def blend(mse: Generator, gan: Generator, share: float) -> Generator:
    """Return the network between two: (1 - share) * mse + share * gan for every parameter.

    Network interpolation (Wang et al., ESRGAN, arXiv 1809.00219, section 3.4; Wang et al., Deep
    Network Interpolation, CVPR 2019). The running statistics of batch normalisation are blended
    as well. It works only if `gan` was trained on from this very `mse`: once `mse` is trained
    further, the networks between may be worse than both.

    Args:
        mse: Generator trained on the squared error.
        gan: Generator of the same size, trained on from `mse` against a discriminator.
        share: Of `gan`, in [0, 1]; at 0 and 1 the result is equal to the given network.

    Returns:
        A new generator in evaluation mode.

    Raises:
        ValueError: The share lies outside [0, 1], or the sizes differ.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of the GAN must lie between 0 and 1, got {share}")
    return mix([mse, gan], [1 - share, share])


def fit_tones(generator: Generator, photos: Sequence[Image]) -> tuple[Tones, Tones]:
    """Fit what its outputs, shrunk again, lack to their inputs: least squares, by channel.

    Args:
        generator: Any.
        photos: Small ones, (h, w, 3) uint8 each.

    Returns:
        Gains of red, green and blue, and offsets [levels]: output * gain + offset is right.
    """
    upscaler = NetworkUpscaler(generator)
    given = np.concatenate([lr.reshape(-1, 3) for lr in photos]).astype(float)
    made = np.concatenate([shrink(upscaler(lr)).reshape(-1, 3) for lr in photos]).astype(float)
    means = made.mean(0), given.mean(0)
    made, given = made - means[0], given - means[1]
    gains = (made * given).sum(0) / (made * made).sum(0)
    return gains, means[1] - gains * means[0]


def set_tones(generator: Generator, gains: Tones, offsets: Tones) -> None:
    """Put gains and offsets [levels], as of `fit_tones`, into the last convolution, in place."""
    weight, bias = generator.tail.weight, generator.tail.bias
    assert bias is not None
    gain = weight.new_tensor(gains)
    weight.data *= gain[:, None, None, None]
    bias.data = bias.data * gain + weight.new_tensor(gains - 1 + offsets / 127.5)  # of [-1, 1]


def load_dial(
    folder: str | Path,
    precision: Precision = "auto",
    photos: Callable[[], Sequence[Image]] = tuple,
) -> Dial:
    """Load the dial from a folder of weight files: 0 is SRResNet, 1 SRGAN.

    Networks between lack contrast, most in the middle: where weights are averaged, what varies in
    the layers averages away (Jordan et al., REPAIR, ICLR 2023, section 3). Photos give it back:
    what is missing at 0.5 is fitted, and 4 * share * (1 - share) of it put right at each share.

    Args:
        folder: Of the weight files.
        precision: Of the networks.
        photos: Gives small photos to fit on, once, when a network between is wanted; none: as is.

    Raises:
        ValueError: A weight file is missing or broken, or the two differ in size; says which.
    """
    mse, gan = (load_weights(weight_file(folder, name)) for name in ("SRResNet", "SRGAN"))
    blend(mse, gan, 0)  # networks that do not fit are named now

    @cache
    def middle() -> tuple[Tones, Tones]:
        given = photos()
        return fit_tones(blend(mse, gan, 0.5), given) if given else (np.ones(3), np.zeros(3))

    def dial(share: float) -> Upscaler:
        network = blend(mse, gan, share)
        if part := 4 * share * (1 - share):
            gains, offsets = middle()
            set_tones(network, 1 + part * (gains - 1), part * offsets)
        return NetworkUpscaler(network, precision=precision, name=f"Dial {share:g}")

    return dial
