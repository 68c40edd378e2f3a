import pytest
import torch
import torchvision

from srgan import features
from srgan.features import EfficientNetLite0, load_features
from srgan.losses import ContentLoss

torchvision_node = "squeezenet1_1:features.4.cat"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weight files as torchvision's own, with random numbers."""
    folder = tmp_path_factory.mktemp("features")
    torch.manual_seed(0)
    with torch.device("meta"):
        vgg = torchvision.models.vgg19().features
    vgg = vgg.to_empty(device="cpu")
    for parameter in vgg.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    states = {f"features.{name}": value for name, value in vgg.state_dict().items()}
    torch.save(states | {"classifier.0.bias": torch.zeros(1)}, folder / "vgg19.pth")
    squeezenet = torchvision.models.squeezenet1_1()
    torch.save(squeezenet.state_dict(), folder / "squeezenet.pth")
    return {
        **{"vgg19-22": folder / "vgg19.pth", "vgg19-54": folder / "vgg19.pth"},
        **{torchvision_node: folder / "squeezenet.pth", "efficientnet-lite0": None, "mse": None},
    }


NAMES = ["mse", "vgg19-22", "vgg19-54", "efficientnet-lite0", torchvision_node]


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(2, 3, 32, 32) * 2 - 1


@pytest.mark.parametrize("name", NAMES)
def test_gradient_reaches_the_images_and_nothing_in_the_network(name, files, images):
    network = load_features(name, files[name])
    before = {key: value.clone() for key, value in network.state_dict().items()}
    sr = (images + 0.1).requires_grad_()
    loss = ContentLoss(network).train()
    value = loss(sr, images)
    value.backward()
    assert value > 0
    assert sr.grad.abs().mean() > 0
    assert sr.grad.isfinite().all()
    assert not any(p.requires_grad or p.grad is not None for p in network.parameters())
    assert not any(module.training for module in network.modules())
    after = network.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


@pytest.mark.parametrize("name", NAMES)
def test_equal_images_have_no_distance(name, files, images):
    assert ContentLoss(load_features(name, files[name]))(images, images) == 0


@pytest.mark.parametrize(
    ("name", "index", "convolutions", "pools"), [("vgg19-22", 8, 4, 1), ("vgg19-54", 35, 16, 4)]
)
def test_vgg19_layers_and_normalisation(name, index, convolutions, pools, files, images):
    with torch.device("meta"):
        layers = torchvision.models.vgg19().features[: index + 1]
    # "the j-th convolution (after activation) before the i-th max-pooling layer"
    kinds = [type(layer).__name__ for layer in layers]
    assert kinds.count("Conv2d") == convolutions
    assert kinds.count("MaxPool2d") == pools
    assert kinds[-1] == "ReLU"
    with torch.device("meta"):
        following = torchvision.models.vgg19().features[index + 1]
    assert isinstance(following, torch.nn.MaxPool2d)

    states = torch.load(files[name], weights_only=True)
    layers = layers.to_empty(device="cpu")
    layers.load_state_dict({k: states[f"features.{k}"] for k in layers.state_dict()})
    preset = torchvision.models.VGG19_Weights.IMAGENET1K_V1.transforms(crop_size=32, resize_size=32)
    expected = layers(preset((images + 1) / 2))
    (found,) = load_features(name, files[name])(images)
    assert found.shape == expected.shape
    assert (found - expected).norm() < 1e-4 * expected.norm()


def test_torchvision_node_is_that_of_the_whole_network(files, images):
    network = torchvision.models.squeezenet1_1().eval()
    network.load_state_dict(torch.load(files[torchvision_node], weights_only=True))
    seen = []
    network.features[4].register_forward_hook(lambda module, inputs, output: seen.append(output))
    preset = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.transforms(
        crop_size=32, resize_size=32
    )
    network(preset((images + 1) / 2))
    found = load_features(torchvision_node, files[torchvision_node])(images)
    torch.testing.assert_close(found, seen)


def test_efficientnet_lite0_is_timms(images):
    timm = pytest.importorskip("timm")
    states = torch.load(features._packaged_lite0(), weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    assert len(states) == len(network.state_dict())
    network.load_state_dict(dict(zip(network.state_dict(), states.values(), strict=True)))
    x = network.bn1(network.conv_stem(images))
    blocks = [block for stage in network.blocks for block in stage]
    expected = []
    for index, block in enumerate(blocks[:11]):
        x = block(x)
        if index in EfficientNetLite0.TAKEN:
            expected.append(x)
    found = load_features("efficientnet-lite0")(images)
    torch.testing.assert_close(found, expected)
    assert [32 // x.shape[-1] for x in found] == [2, 4, 8, 16]


def test_efficientnet_lite0_ignores_the_scale_of_its_maps(images):
    network = load_features("efficientnet-lite0")
    sr = images * 0.9
    whole = ContentLoss(network)(sr, images)
    with torch.no_grad():
        pairs = zip(network(sr), network(images), strict=True)
        expected = [
            ((a[i] - b[i]).square().mean() / b[i].square().mean()) for a, b in pairs for i in (0, 1)
        ]
    torch.testing.assert_close(whole, torch.stack(expected).mean())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", "expected one of mse"),
        ("vgg20:features", "not one of torchvision's classifiers"),
        ("fasterrcnn_resnet50_fpn:backbone", "not one of torchvision's classifiers"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        load_features(name)


def test_unknown_node_is_answered_with_the_nodes(files):
    with pytest.raises(ValueError, match=r"no node 'features.99'; its nodes are .*features.4.cat"):
        load_features("squeezenet1_1:features.99", files[torchvision_node])


def test_network_that_needs_larger_crops(monkeypatch, files):
    monkeypatch.setattr(features, "PROBE", 4)
    with pytest.raises(ValueError, match="squeezenet1_1 does not take crops of 4 pixels"):
        load_features(torchvision_node, files[torchvision_node])


def test_weights_that_do_not_fit(tmp_path, files):
    with pytest.raises(ValueError, match="do not fit vgg19"):
        load_features("vgg19-54", files[torchvision_node])
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(ValueError, match="cannot read feature weights"):
        load_features("vgg19-54", tmp_path / "text.pth")
    with pytest.raises(ValueError, match="cannot read feature weights"):
        load_features("vgg19-54", tmp_path / "missing.pth")


def test_no_network_says_what_to_do(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(ValueError, match=r"--features-weights.*efficientnet-lite0"):
        load_features("vgg19-54")
