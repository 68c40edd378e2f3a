"""Blind pair sheets: what is on them, that the key is right, and the tally."""

import json

import numpy as np
import pytest
import skimage.data
from PIL import Image as PillowImage
from scipy import stats
from support.networks import random_generator

from benchmarks.pairs import CROP, GAP, HEAD, ZOOM, Photo, choose_crop, key_path, main
from srgan.evaluation.preference import win_rate
from srgan.images import crop_to_scale, enlarge, repeat, shrink, write_png
from srgan.interpolation import blend
from srgan.upscale import NetworkUpscaler
from srgan.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")

PHOTOS = {
    "astronaut": skimage.data.astronaut()[:260, 100:420],
    "cat": skimage.data.chelsea()[:300, :301],
    "coffee": skimage.data.coffee()[:240, 200:520],
    "small": skimage.data.coffee()[100:230, 200:340],
}
SIDE = CROP * ZOOM


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """photos/, weights/ and peer/photos/, which holds what nearest makes."""
    root = tmp_path_factory.mktemp("pairs")
    for name in ("photos", "weights", "peer/photos"):
        (root / name).mkdir(parents=True)
    for name, photo in PHOTOS.items():
        write_png(photo, root / f"photos/{name}.png")
        write_png(repeat(shrink(crop_to_scale(photo))), root / f"peer/photos/{name}.png")
    for seed, name in enumerate(("srresnet", "srgan")):
        save_weights(random_generator(seed, 2, 4), root / f"weights/{name}.safetensors", {})
    return root


@pytest.fixture
def make(folders, tmp_path, capsys):
    def run(*args, out="sheets"):
        common = ["--images", folders / "photos", "--weights", folders / "weights", "--pairs", 4]
        code = main(["make", *map(str, (tmp_path / out, *args[:2], *common, *args[2:]))])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return tmp_path / out, code, captured.err

    return run


def on_sheet(path, panel):
    """A panel's crop, at its own size."""
    sheet = np.asarray(PillowImage.open(path))
    side = sheet.shape[0] - HEAD
    left = panel * (side + GAP)
    return sheet[HEAD::ZOOM, left : left + side : ZOOM]


def key_of(out):
    return json.loads(key_path(out).read_text())["sheets"]


def cut(image, entry):
    return image[entry["y"] :, entry["x"] :][: entry["side"], : entry["side"]]


def expected(folders, what, photo):
    lr = shrink(crop_to_scale(photo))
    networks = [random_generator(seed, 2, 4) for seed in (0, 1)]
    made = {
        "bicubic": lambda: enlarge(lr),
        "peer": lambda: repeat(lr),
        "srgan": lambda: NetworkUpscaler(networks[1], precision="fp32")(lr),
        "mix": lambda: NetworkUpscaler(blend(*networks, 0.75), precision="fp32")(lr),
    }
    return made[what]()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("bicubic", "peer={peer}"),
        ("srgan", "mix=srresnet+srgan@0.75"),
        ("peer={peer}", "mix={weights}/srresnet.safetensors+srgan@0.75"),
    ],
)
def test_sheets_show_what_the_key_says(make, folders, first, second):
    paths = {"peer": folders / "peer", "weights": folders / "weights"}
    out, code, _ = make(first.format(**paths), second.format(**paths), "--original")
    assert code == 0
    sheets = key_of(out)
    assert sorted(path.name for path in out.iterdir()) == [f"0{i}.png" for i in range(1, 5)]
    assert {entry["image"] for entry in sheets.values()} == PHOTOS.keys()
    for serial, entry in sheets.items():
        photo = PHOTOS[entry["image"]]
        for panel, where in enumerate(("left", "right")):
            shown = on_sheet(out / f"{serial}.png", panel)
            whole = expected(folders, entry[where], photo)
            # A network's crop is made of its surroundings, which may round another way
            assert np.abs(shown.astype(int) - cut(whole, entry)).max() <= 1
        assert np.array_equal(on_sheet(out / f"{serial}.png", 2), cut(photo, entry))


def test_sides_are_balanced_and_depend_on_the_seed_alone(make):
    one, again, other = (
        make("nearest", "bicubic", "--seed", s, out=f"{i}")[0] for i, s in enumerate((1, 1, 2))
    )
    lefts = [entry["left"] for entry in key_of(one).values()]
    assert sorted(lefts) == ["bicubic"] * 2 + ["nearest"] * 2
    assert key_of(one) == key_of(again) != key_of(other)
    assert (one / "03.png").read_bytes() == (again / "03.png").read_bytes()


def test_sheets_tell_no_names(make):
    out = make("secret-a=nearest", "secret-b=bicubic")[0]
    assert all(b"secret" not in path.read_bytes() for path in out.iterdir())
    assert key_path(out).parent == out.parent
    assert "secret-a" in key_path(out).read_text()


def test_crops_lie_where_something_is():
    hr = np.full((400, 400, 3), 128, np.uint8)
    hr[200:, 200:] = np.random.default_rng(0).integers(0, 256, (200, 200, 3))
    boxes = [choose_crop(Photo("set", str(i), hr, shrink(hr)), 1) for i in range(20)]
    assert len(set(boxes)) > 3
    for box in boxes:
        assert (box.bottom - box.top, box.right - box.left) == (CROP // 4, CROP // 4)
        assert box.bottom * 4 > 250
        assert box.right * 4 > 250


@pytest.mark.parametrize(
    ("sides", "more", "reason"),
    [
        (("bicubic", "bicubic"), (), "the same name"),
        (("bicubic", "lanczos"), (), "'lanczos' is no method, weight file"),
        (("bicubic", "srresnet+srgan@much"), (), "must be a number from 0 to 1"),
        (("bicubic", "srresnet+srgan@2"), (), "between 0 and 1"),
        (("bicubic", "gone.safetensors"), (), "gone.safetensors does not exist"),
        (("bicubic", "nearest"), ("--pairs", "5"), "5 pairs asked for, and there are 4 photos"),
        (("bicubic", "nearest"), ("--pairs", "0"), "0 pairs asked for"),
    ],
)
def test_what_cannot_be_made_is_told(make, sides, more, reason):
    _, code, err = make(*sides, *more)
    assert code == 2
    assert reason in err


def test_sheets_are_never_replaced(make):
    out, code, _ = make("bicubic", "nearest")
    key = key_path(out).read_text()
    _, code, err = make("nearest", "bicubic", "--seed", "9")
    assert code == 2
    assert "is not empty" in err
    assert key_path(out).read_text() == key


@pytest.fixture
def tally(tmp_path, capsys):
    """Six sheets whose left is "new" in the odd ones."""
    out = tmp_path / "sheets"
    names = ("new", "old")
    sheets = {f"{n:02d}": {"left": names[(n + 1) % 2], "right": names[n % 2]} for n in range(1, 7)}
    key_path(out).write_text(json.dumps({"sides": names, "seed": 1, "sheets": sheets}))

    def run(*texts):
        files = []
        for name, text in zip("abc", texts, strict=False):
            files.append(tmp_path / f"{name}.txt")
            files[-1].write_text(text)
        code = main(["tally", str(out), *map(str, files)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_answers_are_counted_by_the_key(tally):
    code, out, _ = tally(
        "01 left\n2 right  # thin lines\n\n03 RIGHT\n04 tie\n05 left\n", "1 right\n"
    )
    assert code == 0
    lines = out.splitlines()
    low, high = stats.binomtest(3, 4).proportion_ci(method="wilson")
    interval = f"(75 %, 95 % interval {100 * low:.0f} to {100 * high:.0f})"
    assert lines[0] == f"a: new preferred to old in 3 of 4 {interval}, ties 1, not answered 1"
    assert lines[1].startswith("b: new preferred to old in 0 of 1 (0 %, ")
    assert lines[2].startswith("all: new preferred to old in 3 of 5 (60 %, ")
    assert lines[3] == "chosen at the left 2, at the right 3 times"


def test_ties_alone_have_no_share(tally):
    assert tally("1 tie\n")[1].splitlines()[0] == (
        "a: new preferred to old in 0 of 0, ties 1, not answered 5"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 left\n9 left\n", "line 2: there is no sheet 09"),
        ("1 left\n01 right\n", "line 2: sheet 01 is answered twice"),
        ("1 both\n", "line 1: '1 both', expected NN left"),
        ("left\n", "line 1: 'left'"),
    ],
)
def test_wrong_answers_are_named(tally, text, reason):
    code, out, err = tally(text)
    assert (code, out) == (2, "")
    assert reason in err


def test_no_key_is_told(tmp_path, capsys):
    assert main(["tally", str(tmp_path / "none"), str(tmp_path / "a.txt")]) == 2
    assert "is not the key of" in capsys.readouterr().err


def test_wilsons_interval():
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263, method 3."""
    rate = win_rate(81, 263 - 81)
    assert rate.rate == 81 / 263
    assert (rate.low, rate.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert win_rate(0, 0) is None
