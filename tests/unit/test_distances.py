"""Feature distances, against the same maps computed by hand; weight files are made here."""

import sys
from pathlib import Path

import pytest
import skimage.data
import timm
import torch
import torchvision
from support.networks import random_states
from torchvision.models import AlexNet_Weights, VGG16_BN_Weights

from srgan.evaluation.distances import FeatureDistance, is_named, load_distance
from srgan.images import enlarge, shrink

pytestmark = pytest.mark.usefixtures("one_thread")

HR = skimage.data.astronaut()[:72, 180:276]
SR = enlarge(shrink(HR))
SMALL = "mobilenetv3_small_050"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distances")
    vgg = random_states(lambda: torchvision.models.vgg16_bn().features)
    slices = {1: range(12), 2: range(12, 19), 3: range(19, 29), 4: range(29, 39)}
    states = {
        f"module.basenet.slice{number}.{key}": value
        for number, layers in slices.items()
        for key, value in vgg.items()
        if int(key.split(".")[0]) in layers
    }
    # The detector's own layers: slice5 begins anew with 1
    states |= {
        "module.basenet.slice5.1.weight": torch.zeros(1),
        "module.conv.0.bias": torch.ones(1),
    }
    torch.save(states, folder / "craft.pth")
    torch.save(vgg, folder / "vgg.pth")
    torch.save(random_states(torchvision.models.alexnet), folder / "alexnet.pth")
    torch.save(timm.create_model(SMALL).state_dict(), folder / "timm.pth")
    return folder


def by_hand(maps, weigh=None):
    """Mean over maps, or weighted sum, of the squared differences of unit vectors."""
    parts = []
    for index, (a, b) in enumerate(maps):
        a, b = (x / x.norm(dim=1, keepdim=True).clamp(min=1e-10) for x in (a, b))
        square = (a - b) ** 2
        parts.append((square * (1 if weigh is None else weigh[index])).sum(1).mean().item())
    return sum(parts) / len(parts) if weigh is None else sum(parts)


def scaled(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def layer_outputs(layers, x, taken):
    found = []
    for index, layer in enumerate(layers):
        x = layer(x)
        if index in taken:
            found.append(x.clone())
    return found


@pytest.mark.long
@torch.no_grad()
def test_vgg16_of_the_text_detector(files):
    vgg = torchvision.models.vgg16_bn().features.eval()
    vgg.load_state_dict(torch.load(files / "vgg.pth"))
    normal = VGG16_BN_Weights.DEFAULT.transforms()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (normal.mean, normal.std))
    maps = [layer_outputs(vgg, (scaled(x) - mean) / std, (5, 12, 22, 32)) for x in (SR, HR)]
    assert all(isinstance(vgg[i], torch.nn.ReLU) for i in (5, 12, 22, 32))
    distance = load_distance("vgg16-bn-craft", files / "craft.pth")
    assert distance(SR, HR) == pytest.approx(by_hand(zip(*maps, strict=True)), rel=1e-4)
    assert distance(SR, HR) == pytest.approx(distance(HR, SR), rel=1e-5)


@torch.no_grad()
def test_timms_networks(files):
    network = timm.create_model(SMALL).eval()
    network.load_state_dict(torch.load(files / "timm.pth"))
    mean, std = (torch.tensor(network.default_cfg[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    both = (network.forward_intermediates((scaled(x) - mean) / std)[1] for x in (SR, HR))
    distance = load_distance(f"timm/{SMALL}", files / "timm.pth")
    assert distance(SR, HR) == pytest.approx(by_hand(zip(*both, strict=True)), rel=1e-4)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than")
def test_lpips_with_a_local_file(files):
    import lpips

    alexnet = torchvision.models.alexnet().features.eval()
    states = torch.load(files / "alexnet.pth")
    alexnet.load_state_dict({k[9:]: v for k, v in states.items() if k.startswith("features.")})
    normal = AlexNet_Weights.DEFAULT.transforms()
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (normal.mean, normal.std))
    maps = [layer_outputs(alexnet, (scaled(x) - mean) / std, (1, 4, 7, 9, 11)) for x in (SR, HR)]
    path = Path(lpips.__file__).parent / "weights/v0.1/alex.pth"
    heads = torch.load(path, map_location="cpu", weights_only=True)
    weigh = [heads[f"lin{i}.model.1.weight"] for i in range(5)]
    distance = load_distance("lpips-alex", files / "alexnet.pth")
    # lpips rounds mean and deviation to three digits
    expected = by_hand(zip(*maps, strict=True), weigh)
    assert distance(SR, HR) == pytest.approx(expected, rel=5e-3)
    assert distance(HR.copy(), HR) == 0


def test_the_kept_original_is_never_another_ones():
    distance, other = FeatureDistance("efficientnet-lite0"), HR[:64]
    blurred = enlarge(shrink(other))
    assert distance(HR.copy(), HR) == 0
    expected = distance(SR, HR)
    assert 0 < distance(blurred, other) != expected  # another original in between
    assert distance(SR, HR) == expected
    assert distance(enlarge(shrink(blurred)), other) > distance(blurred, other)


def test_the_digest_tells_weights_apart(files, tmp_path):
    states = torch.load(files / "timm.pth")
    name = f"timm/{SMALL}"
    first = FeatureDistance(name, files / "timm.pth").digest
    torch.save(dict(reversed(states.items())), tmp_path / "same.pth")
    assert FeatureDistance(name, tmp_path / "same.pth").digest == first
    key = next(iter(states))
    torch.save({**states, key: states[key] + 1e-3}, tmp_path / "other.pth")
    assert FeatureDistance(name, tmp_path / "other.pth").digest != first


@pytest.mark.parametrize(
    ("name", "file", "reason"),
    [
        ("alexnot", None, "unknown feature network 'alexnot': expected one of vgg16-bn-craft"),
        ("mse", None, "unknown feature network 'mse'"),
        ("timm/nothing", None, "timm has no network 'nothing'"),
        ("timm/vit_tiny_patch16_224", "vit", "a picture of any size"),
        ("vgg16-bn-craft", "vgg.pth", "do not fit vgg16-bn-craft"),
        ("vgg16-bn-craft", "missing.pth", "missing.pth"),
        (f"timm/{SMALL}", "alexnet.pth", f"do not fit timm/{SMALL}"),
        ("lpips-alex", "timm.pth", "do not fit alexnet"),
    ],
)
@pytest.mark.filterwarnings("ignore:The parameter 'pretrained'", "ignore:Arguments other than")
def test_what_cannot_be_used_is_told(files, tmp_path, name, file, reason):
    path = files / file if file else None
    if file == "vit":
        path = tmp_path / "vit.pth"
        torch.save(timm.create_model("vit_tiny_patch16_224").state_dict(), path)
    with pytest.raises(ValueError, match=reason):
        load_distance(name, path)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("vgg16-bn-craft", "easyocr_en_models"),
        ("lpips-alex", "lpips"),
        (f"timm/{SMALL}", "timm"),
    ],
)
def test_a_missing_package_is_told_with_its_command(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match="pip install"):
        load_distance(name)


def test_no_network_says_what_to_do(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ValueError, match="no route to host.*NETWORK=FILE"):
        load_distance("lpips-alex")


@pytest.mark.parametrize(
    ("name", "card", "expected"),
    [
        ("efficientnet-lite0", {"loss": "EfficientNet-lite0 features + adversarial"}, True),
        ("timm/tf_efficientnet_lite0.in1k", {"features": "efficientnet-lite0"}, True),
        ("vgg19-22", {"features": "vgg19-54"}, True),
        ("lpips-vgg", {"command": "srgan.train --features timm/vgg16_bn:1"}, True),
        ("vgg16-bn-craft", {"loss": "maps of VGG16 (CRAFT's)"}, True),
        ("vgg16-bn-craft", {"features": "vgg19-54"}, False),
        ("vgg16-bn-craft", {"loss": "EfficientNet-lite0 features"}, False),
        ("timm/resnet18", {"features": "resnet180"}, False),
        ("resnet18:layer1", {"features": "resnet18:layer4"}, True),
        # Of the stage on pixels a card tells the features that it did not use
        ("vgg19-54", {"model": "SRResNet", "features": "vgg19-54", "loss": "MSE"}, False),
        ("efficientnet-lite0", {"data": "photos chosen by EfficientNet-lite0"}, False),
    ],
)
def test_a_card_names_the_networks_of_its_training(name, card, expected):
    assert is_named(name, card) == expected
