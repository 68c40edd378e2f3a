"""The dial between the two losses: networks between SRResNet and SRGAN, not mixed pixels."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

from srgan.models import Generator
from srgan.upscale import NetworkUpscaler, Precision, Upscaler
from srgan.weights import load_weights, weight_file

Dial = Callable[[float], Upscaler]  # share of the GAN in [0, 1] -> the network between


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


def load_dial(folder: str | Path, precision: Precision = "auto") -> Dial:
    """Load the dial from a folder of weight files: 0 is SRResNet, 1 SRGAN.

    Raises:
        ValueError: A weight file is missing or broken, or the two differ in size; says which.
    """
    mse, gan = (load_weights(weight_file(folder, name)) for name in ("SRResNet", "SRGAN"))
    blend(mse, gan, 0)  # networks that do not fit are named now
    return lambda share: NetworkUpscaler(
        blend(mse, gan, share), precision=precision, name=f"Dial {share:g}"
    )
