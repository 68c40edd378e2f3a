import pytest
import timm
import torch
import torchvision
from support.networks import random_states
from timm.layers import Conv2dSame

from srgan import features
from srgan.features import load_features
from srgan.losses import ContentLoss, load_content

torchvision_node = "squeezenet1_1:features.4.cat"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weight files as torchvision's own, with random numbers."""
    folder = tmp_path_factory.mktemp("features")
    vgg = random_states(lambda: torchvision.models.vgg19().features)
    states = {f"features.{name}": value for name, value in vgg.items()}
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
    states = torch.load(features._packaged_lite0(), weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    assert len(states) == len(network.state_dict())
    network.load_state_dict(dict(zip(network.state_dict(), states.values(), strict=True)))
    x = network.bn1(network.conv_stem(images))
    expected = []
    for stage in network.blocks[:5]:
        x = stage(x)
        expected.append(x)
    del expected[3]  # of the same stride as the next
    found = load_features("efficientnet-lite0")(images)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
    assert [32 // x.shape[-1] for x in found] == [2, 4, 8, 16]
    two = load_features("efficientnet-lite0:1,3")(images)
    assert torch.equal(two[0], found[1])
    assert torch.equal(two[1], found[3])


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("side", [11, 12])
def test_strided_depthwise_convolutions_are_the_same_thinned_out(side, same):
    torch.manual_seed(0)
    kind = Conv2dSame if same else torch.nn.Conv2d
    conv = kind(4, 4, 5, 2, 2, groups=4)
    x = torch.randn(2, 4, side, side)
    expected = conv(x)
    features._thin_out_later(conv)
    assert type(conv) is features._ThinnedOut
    torch.testing.assert_close(conv(x), expected)


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory):
    """A VGG16-BN as a file of torchvision, and inside a CRAFT text detector."""
    folder = tmp_path_factory.mktemp("vgg16")
    states = random_states(lambda: torchvision.models.vgg16_bn().features)
    plain = {f"features.{key}": value for key, value in states.items()}
    torch.save(plain, folder / "vgg16.pth")
    starts = (0, 12, 19, 29, 39)
    inside = {
        "module.basenet.slice5.1.weight": torch.zeros(1),
        "module.conv_cls.0.bias": 0 * starts,
    }
    for key, value in states.items():
        number = int(key.split(".")[0])
        part = sum(start <= number for start in starts)
        if part < 5:
            inside[f"module.basenet.slice{part}.{key}"] = value
    torch.save(inside, folder / "craft.pth")
    return folder


def test_vgg16_is_found_inside_a_text_detector(vgg16, images):
    name = "vgg16_bn:features.12,features.22,features.32"
    plain = load_features(name, vgg16 / "vgg16.pth")
    inside = load_features(name, vgg16 / "craft.pth")
    assert plain.relative
    found = inside(images)
    assert [x.shape[1] for x in found] == [128, 256, 512]
    assert all(torch.equal(a, b) for a, b in zip(found, plain(images), strict=True))
    assert min(x.min() for x in found) == 0  # behind the activations


def test_no_activation_changes_a_map_behind_it(vgg16, images):
    (before,) = load_features("vgg16_bn:features.11", vgg16 / "vgg16.pth")(images)
    two = load_features("vgg16_bn:features.11,features.12", vgg16 / "vgg16.pth")(images)
    assert before.min() < 0
    assert torch.equal(two[0], before)
    assert torch.equal(two[1], before.relu())


def test_several_networks_with_factors(vgg16, images):
    sr = images * 0.9
    deep = "vgg16_bn:features.12"
    both = load_content(f"mse+0.25*{deep}", f"vgg16_bn={vgg16 / 'vgg16.pth'}")(sr, images)
    parts = ContentLoss(load_features("mse")), ContentLoss(load_features(deep, vgg16 / "vgg16.pth"))
    pixels, maps = (part(sr, images) for part in parts)
    torch.testing.assert_close(both, pixels + 0.25 * maps)
    assert load_content("2*mse")(sr, images) == 2 * pixels


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("half*mse", None, "'half' in --features is no positive number"),
        ("-1*mse", None, "'-1' in --features is no positive number"),
        ("mse+mse", "vgg16_bn=x.pth", "names vgg16_bn, which --features has not"),
        ("mse+mse", "x.pth", "write NAME=FILE,NAME=FILE"),
    ],
)
def test_descriptions_that_mean_nothing(name, weights, message):
    with pytest.raises(ValueError, match=message.replace("*", r"\*")):
        load_content(name, weights)


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
        ("no_such_network:0", "timm cannot make 'no_such_network'"),
        ("resnet18:9", "timm cannot make 'resnet18'"),
        ("vgg20:features", "not one of torchvision's classifiers"),
        ("fasterrcnn_resnet50_fpn:backbone", "not one of torchvision's classifiers"),
    ],
)
def test_unknown_names(name, message, monkeypatch):
    monkeypatch.setattr(
        "timm.models._builder.load_pretrained", lambda *_, **__: pytest.fail("asks")
    )
    with pytest.raises(ValueError, match=message):
        load_features(name)


def test_unknown_node_is_answered_with_the_nodes(files):
    with pytest.raises(ValueError, match=r"no node 'features.99'; its nodes are .*features.4.cat"):
        load_features("squeezenet1_1:features.99", files[torchvision_node])


def test_network_that_needs_larger_crops(monkeypatch, files):
    monkeypatch.setattr(features, "PROBE", 4)
    with pytest.raises(ValueError, match="squeezenet1_1:.* does not take crops of 4 pixels"):
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
