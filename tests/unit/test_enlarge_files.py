"""`python -m srgan.upscale`: every file is enlarged or named, and transparency is kept clean."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as PillowImage
from support.networks import random_generator

from srgan import enlarging
from srgan.alpha import enlarge_alpha, fill_transparent
from srgan.enlarge_files import main
from srgan.images import enlarge
from srgan.reading import read_image, read_picture
from srgan.upscale import NetworkUpscaler
from srgan.weights import save_weights

ROOT = Path(__file__).parents[2]
PHOTO = skimage.data.astronaut()[::16, ::16]  # 32 x 32


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for seed, name in enumerate(("srresnet", "srgan")):
        save_weights(random_generator(seed, 2, 4), folder / f"{name}.safetensors", {})
    return folder


@pytest.fixture
def cli(tmp_path, weights, capsys):
    """Run the command in a folder of its own; returns exit code, stdout, stderr."""

    def run(*args):
        code = main([*map(str, args), "--out", str(tmp_path / "out"), "--weights", str(weights)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    return run


def save(path, array=PHOTO, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(array).save(path, **options)
    return path


def load(path):
    """The file as it is, (h, w, 3) or (h, w, 4)."""
    with PillowImage.open(path) as image:
        return np.array(image)


def outputs(tmp_path):
    return sorted(
        str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()
    )


@pytest.mark.parametrize("method", ["bicubic", "srresnet", "srgan"])
def test_each_method_writes_what_it_makes(cli, tmp_path, weights, method):
    photo = save(tmp_path / "a photo.png")
    code, out, err = cli(photo, "--method", method, "--precision", "fp32")
    assert code == 0
    target = tmp_path / f"out/a photo_{method}_x4.png"
    assert out.startswith(f"{target}  128 x 128  ")
    assert out.endswith(" s\n")
    assert err == "1 enlarged, 0 skipped\n"
    if method == "bicubic":
        expected = enlarge(PHOTO)
    else:
        seed = ["srresnet", "srgan"].index(method)
        expected = NetworkUpscaler(random_generator(seed, 2, 4), precision="fp32")(PHOTO)
    assert np.array_equal(read_image(target), expected)
    assert load(target).shape == (128, 128, 3)


def test_srgan_is_the_default(cli, tmp_path):
    cli(save(tmp_path / "photo.png"))
    assert outputs(tmp_path) == ["photo_srgan_x4.png"]


def sprite(hidden, size=(24, 31)):
    """A red and yellow disc with hard edges, a hole and a half-transparent bar, (h, w, 4)."""
    y, x = np.indices(size)
    r = np.hypot(y - 11, x - 12)
    alpha = np.where((r < 9) & (r > 3), 255, 0).astype(np.uint8)
    alpha[20:22, 4:28] = 128
    colours = np.stack([200 + x, 40 + 4 * y, np.full(size, 30)], axis=2).astype(np.uint8)
    colours[alpha == 0] = hidden
    return np.dstack([colours, alpha])


@pytest.mark.parametrize("method", ["bicubic", "srresnet", "srgan"])
def test_hidden_colours_leave_no_fringe(cli, tmp_path, method):
    """What lies under full transparency cannot be seen in any output pixel."""
    for name, hidden in (("green", (0, 255, 0)), ("blue", (0, 0, 255)), ("black", (0, 0, 0))):
        save(tmp_path / f"{name}.png", sprite(hidden))
    code, *_ = cli(*tmp_path.glob("*.png"), "--method", method, "--precision", "fp32")
    assert code == 0
    black, blue, green = (load(tmp_path / "out" / name) for name in outputs(tmp_path))
    assert green.shape == (96, 124, 4)
    assert np.array_equal(green, blue)
    assert np.array_equal(green, black)


def test_premultiplied_colours_are_right_at_a_hard_edge(cli, tmp_path):
    """Laid on anything, the output looks as if the premultiplied input had been enlarged."""
    source = sprite((0, 255, 0))
    cli(save(tmp_path / "sprite.png", source), "--method", "bicubic")
    result = load(tmp_path / "out/sprite_bicubic_x4.png").astype(float)
    assert np.array_equal(result[..., 3], enlarge_alpha(source[..., 3]))
    premultiplied = np.rint(source[..., :3] * (source[..., 3:] / 255.0)).astype(np.uint8)
    expected, alpha = enlarge(premultiplied), result[..., 3:] / 255
    difference = np.abs(result[..., :3] * alpha - expected)
    unfilled = np.abs(enlarge(source[..., :3].copy()) * alpha - expected)
    assert difference.max() < 40  # bicubic overshoots elsewhere when it sees the edge
    assert difference.mean() < 1
    assert unfilled.max() > 50
    assert unfilled.mean() > 3
    visible = result[..., 3] > 0
    assert result[visible][:, 1].max() < 150  # red to yellow; no green from outside
    assert result[visible][:, 0].min() > 180


def test_flat_transparency_stays_flat():
    alpha = np.zeros((20, 20), np.uint8)
    alpha[8:] = 255
    large = enlarge_alpha(alpha)
    assert large.shape == (80, 80)
    assert (large[:24] == 0).all()
    assert (large[40:] == 255).all()


@pytest.mark.parametrize("size", [(1, 2), (5, 7), (16, 16), (33, 3)])
def test_filling_changes_only_what_is_fully_transparent(size):
    rng = np.random.default_rng(0)
    colours = rng.integers(100, 120, (*size, 3), np.uint8)
    alpha = rng.choice(np.array([0, 0, 0, 1, 128, 255], np.uint8), size)
    alpha[0, 0], alpha[-1, -1] = 255, 0
    colours[alpha == 0] = 255
    filled = fill_transparent(colours, alpha)
    assert np.array_equal(filled[alpha > 0], colours[alpha > 0])
    assert (filled < 120).all()
    assert (filled >= 100).all()


def test_filling_takes_the_nearest_colours():
    colours = np.full((64, 64, 3), 255, np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    colours[:, :8], colours[:, -8:], alpha[:, :8], alpha[:, -8:] = 10, 200, 255, 255
    filled = fill_transparent(colours, alpha)
    assert (filled[:, 8:12] == 10).all()
    assert (filled[:, -12:-8] == 200).all()


def test_nothing_to_fill():
    colours = PHOTO.copy()
    assert fill_transparent(colours, np.full(PHOTO.shape[:2], 7, np.uint8)) is colours
    assert fill_transparent(colours, np.zeros(PHOTO.shape[:2], np.uint8)) is colours


def test_other_kinds_of_transparency(cli, tmp_path):
    la = np.dstack([PHOTO[..., 0], sprite(0, (32, 32))[..., 3]])
    save(tmp_path / "gray.png", la)
    palette = PillowImage.fromarray(PHOTO).quantize(16)
    palette.save(tmp_path / "palette.png", transparency=3)
    save(tmp_path / "nothing.png", np.zeros((6, 5, 4), np.uint8))
    save(tmp_path / "opaque.png", np.dstack([PHOTO, np.full((32, 32), 255, np.uint8)]))
    code, out, _ = cli(*sorted(tmp_path.glob("*.png")), "--precision", "fp32")
    assert code == 0
    assert "white" not in out
    gray, nothing, opaque, mapped = (
        load(tmp_path / f"out/{name}_srgan_x4.png")
        for name in ("gray", "nothing", "opaque", "palette")
    )
    assert gray.shape == (128, 128, 2)
    assert not nothing[..., 3].any()
    assert opaque.shape == (128, 128, 3)
    alpha = read_picture(tmp_path / "palette.png").alpha
    assert np.array_equal(mapped[..., 3], enlarge_alpha(alpha))


def test_folders_are_walked_and_mirrored(cli, tmp_path):
    for name in ("a.png", "deep/er/b.jpg", "deep/a.png", ".hidden/c.png", ".d.png"):
        save(tmp_path / "photos" / name)
    code, out, _ = cli(tmp_path / "photos", "--method", "bicubic")
    assert code == 0
    expected = ["a_bicubic_x4.png", "deep/a_bicubic_x4.png", "deep/er/b_bicubic_x4.png"]
    assert outputs(tmp_path) == expected
    assert out.count(" s\n") == 3


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("noext", "noext"),
        ("scan.jpg_large", "scan"),
        ("photo.jpg-large", "photo"),
        ("写真 ünï.PNG", "写真 ünï"),
        (' -rf & "$(x)" 100%.tar.png', ' -rf & "$(x)" 100%.tar'),
        ("two\nlines.png", "two\nlines"),
        (os.fsdecode(b"latin\xe9.jpg"), os.fsdecode(b"latin\xe9")),
    ],
)
def test_content_decides_and_odd_names_are_kept(cli, tmp_path, name, output):
    (tmp_path / "in").mkdir()
    try:
        shutil.copy(save(tmp_path / "real.png"), tmp_path / "in" / name)
    except OSError:
        pytest.skip("this file system has no such names")
    code, out, err = cli(tmp_path / "in", "--method", "bicubic")
    assert (code, err) == (0, "1 enlarged, 0 skipped\n")
    assert out
    assert outputs(tmp_path) == [f"{output}_bicubic_x4.png"]
    assert np.array_equal(read_image(tmp_path / "out" / outputs(tmp_path)[0]), enlarge(PHOTO))


def test_outputs_are_no_inputs(tmp_path, weights, capsys):
    """Whatever method, format and folder they were made with, beside the pictures or below."""
    save(tmp_path / "photo.png")
    for out in (tmp_path, tmp_path / "deep/er"):
        for form in ("png", "webp", "jpeg", "tiff"):
            for method in ("srgan", "bicubic", "srresnet"):
                args = [tmp_path, "--out", out, "--method", method, "--format", form]
                assert main([*map(str, args), "--weights", str(weights)]) == 0
                assert not [*tmp_path.rglob("*_x4*_x4*")]
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == 1 + 2 * 4 * 3
    assert "12 outputs of this command passed over" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["png", "webp", "jpeg", "tiff"])
def test_a_renamed_output_is_known_by_its_mark(cli, tmp_path, form):
    cli(save(tmp_path / "photo.png"), "--method", "bicubic", "--format", form)
    (output,) = (tmp_path / "out").iterdir()
    renamed = output.rename(tmp_path / f"summer{output.suffix}")
    code, out, err = cli(renamed, "--method", "srgan")
    assert (code, out) == (0, "")
    assert f"passed over {renamed}: it is an output of this command: --again enlarges" in err
    assert cli(renamed, "--method", "bicubic", "--again")[0] == 0
    assert outputs(tmp_path) == ["summer_bicubic_x4.png"]
    assert load(tmp_path / "out/summer_bicubic_x4.png").shape == (512, 512, 3)


def test_a_folder_of_outputs_is_nothing_to_do(cli, tmp_path):
    cli(save(tmp_path / "photo.png"), "--method", "bicubic")
    code, out, err = cli(tmp_path / "out", "--method", "bicubic")
    assert (code, out) == (0, "")
    assert err == "0 enlarged, 0 skipped, 1 outputs of this command passed over\n"


def test_a_batch_that_is_complete_is_right(cli, tmp_path):
    photos = [save(tmp_path / "in" / f"{i}.png", PHOTO + np.uint8(i)) for i in range(3)]
    assert cli(tmp_path / "in", "--method", "bicubic")[0] == 0
    code, out, err = cli(tmp_path / "in", "--method", "bicubic")
    assert (code, out) == (0, "")
    assert err == "0 enlarged, 0 skipped, 3 there already (--overwrite does them again)\n"
    (tmp_path / "out/1_bicubic_x4.png").unlink()
    (tmp_path / "in/broken.png").write_bytes(photos[0].read_bytes()[:100])
    code, out, err = cli(tmp_path / "in", "--method", "bicubic")
    assert (code, out.count("\n")) == (1, 1)
    assert err.endswith("1 enlarged, 1 skipped, 2 there already (--overwrite does them again)\n")
    assert cli(tmp_path / "in", "--method", "bicubic", "--overwrite")[1].count("\n") == 3


def test_an_output_without_a_mark_is_finished_too(cli, tmp_path):
    """As of an earlier version, or stripped."""
    photo = save(tmp_path / "photo.png")
    assert cli(photo, "--method", "bicubic", "--strip")[0] == 0
    assert cli(photo, "--method", "bicubic")[:2] == (0, "")


def test_what_cannot_be_enlarged_is_named_and_the_rest_goes_on(cli, tmp_path):
    good = save(tmp_path / "good.png")
    bad = {
        "notes.txt": (b"hello", "picture"),
        "text.png": (b"hello", "picture"),
        "empty.jpg": (b"", "empty"),
        "cut.png": (good.read_bytes()[:200], "damaged"),
        "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    }
    for name, (data, _) in bad.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "void").mkdir()
    names = [*bad, "gone.png", "void"]
    code, out, err = cli(*(tmp_path / name for name in names), good, "--method", "bicubic")
    assert code == 1
    assert outputs(tmp_path) == ["good_bicubic_x4.png"]
    lines = err.splitlines()
    assert lines[-1] == "1 enlarged, 7 skipped"
    for line, name in zip(lines, names, strict=False):
        assert line.startswith(f"skipped {tmp_path / name}: ")
        assert bad.get(name, (b"", ""))[1] in line
    assert "no such file" in err
    assert "holds no files" in err


def test_nothing_is_overwritten_unasked(cli, tmp_path):
    photo = save(tmp_path / "photo.png")
    cli(photo, "--method", "bicubic")
    target = tmp_path / "out/photo_bicubic_x4.png"
    before = target.read_bytes()
    save(photo, 255 - PHOTO)
    code, out, err = cli(photo, "--method", "bicubic")
    assert (code, out) == (1, "")
    assert f"skipped {photo}: {target} is there already, made of another file: --overwrite" in err
    assert target.read_bytes() == before
    code, *_ = cli(photo, "--method", "bicubic", "--overwrite")
    assert code == 0
    assert np.array_equal(read_image(target), enlarge(255 - PHOTO))


@pytest.mark.parametrize(
    ("second", "names"),
    [
        ("photo.bmp", ["photo.bmp_bicubic_x4.png", "photo.png_bicubic_x4.png"]),
        ("PHOTO.png", ["PHOTO.png-2_bicubic_x4.png", "photo.png_bicubic_x4.png"]),
        ("other/photo.png", ["photo.png-2_bicubic_x4.png", "photo.png_bicubic_x4.png"]),
    ],
)
def test_two_inputs_never_share_an_output(cli, tmp_path, second, names):
    first = save(tmp_path / "photo.png")
    other = save(tmp_path / second, 255 - PHOTO)
    code, *_ = cli(first, other, "--method", "bicubic")
    assert code == 0
    assert outputs(tmp_path) == names
    of_first, of_other = names[::-1]
    assert np.array_equal(read_image(tmp_path / "out" / of_first), enlarge(PHOTO))
    assert np.array_equal(read_image(tmp_path / "out" / of_other), enlarge(255 - PHOTO))
    code, out, err = cli(first, other, "--method", "bicubic")
    assert (code, out) == (0, "")
    assert "2 there already" in err


def test_what_is_no_picture_takes_no_name(cli, tmp_path):
    save(tmp_path / "in/photo.png")
    (tmp_path / "in/photo.a").write_text("its sidecar")
    assert cli(tmp_path / "in", "--method", "bicubic")[0] == 1
    assert outputs(tmp_path) == ["photo_bicubic_x4.png"]


def test_a_file_that_does_not_exist_takes_no_name(cli, tmp_path):
    photo = save(tmp_path / "photo.png")
    code, _, err = cli(tmp_path / "photo.jpg", photo, "--method", "bicubic")
    assert code == 1
    assert "1 enlarged, 1 skipped" in err


def test_an_input_given_twice_is_enlarged_once(cli, tmp_path, monkeypatch):
    photo = save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    code, out, _ = cli(photo, "photo.png", "./photo.png", ".", "--method", "bicubic")
    assert (code, out.count("\n")) == (0, 1)


def test_absurd_outputs_are_refused(cli, tmp_path):
    photo = save(tmp_path / "photo.png")  # 32 x 32 becomes 0.016 megapixels
    code, _, err = cli(photo, "--method", "bicubic", "--max-megapixels", "0.016")
    assert code == 1
    assert "128 x 128 pixels" in err
    assert "the limit is 0.016: --max-megapixels raises it" in err
    assert cli(photo, "--method", "bicubic", "--max-megapixels", "0.0164")[0] == 0


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError()])
def test_a_full_disk_or_memory_is_named(cli, tmp_path, monkeypatch, error):
    def fail(*args):
        raise error

    photos = [save(tmp_path / f"{i}.png") for i in range(2)]
    monkeypatch.setattr(enlarging, "write_picture", fail)
    code, _, err = cli(*photos, "--method", "bicubic")
    assert code == 1
    assert err.count("No space left" if isinstance(error, OSError) else "not enough memory") == 2
    assert outputs(tmp_path) == []


def test_notes_of_the_picture_are_told(cli, tmp_path):
    frames = [PillowImage.fromarray(PHOTO), PillowImage.fromarray(255 - PHOTO)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    exif = PillowImage.Exif()
    exif[0x112] = 6
    save(tmp_path / "phone.jpg", PHOTO[:16], exif=exif)
    code, out, _ = cli(tmp_path / "moving.gif", tmp_path / "phone.jpg", "--method", "bicubic")
    assert code == 0
    moving, phone = out.splitlines()
    assert "Only the first frame" in moving
    assert "64 x 128" in phone
    assert "upright" in phone


def test_ctrl_c_ends_cleanly(cli, tmp_path, monkeypatch):
    photos = [save(tmp_path / f"{i}.png") for i in range(4)]
    original = enlarging.read_picture

    def interrupted(path, *args):
        if path == photos[2]:
            raise KeyboardInterrupt
        return original(path, *args)

    monkeypatch.setattr(enlarging, "read_picture", interrupted)
    code, out, err = cli(*photos, "--method", "bicubic")
    assert code == 130
    assert out.count("\n") == 2
    assert err == "stopped: 2 enlarged, 0 skipped, 2 left\n"


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--weights", "/nowhere"], "/nowhere/srgan.safetensors does not exist"),
        (["--out", __file__], __file__),
        (["--max-megapixels", "0"], "positive"),
        (["--max-megapixels", "nan"], "positive"),
        (["--method", "lanczos"], "lanczos"),
        (["--precision", "fp16"], "fp16"),
    ],
)
def test_wrong_commands(tmp_path, weights, capsys, args, reason):
    command = [str(save(tmp_path / "photo.png")), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--weights", str(weights), *args])
    assert stop.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.long
def test_the_module_is_the_command_and_stops_at_ctrl_c(tmp_path):
    for i in range(200):
        save(tmp_path / f"photos/{i:03}.png", np.kron(PHOTO, np.ones((16, 16, 1), np.uint8)))
    command = [sys.executable, "-m", "srgan.upscale", tmp_path / "photos", "--method", "bicubic"]
    process = subprocess.Popen(
        [*command, "--out", tmp_path / "out"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    assert "000_bicubic_x4.png  2048 x 2048" in process.stdout.readline()
    process.stdout.readline()  # another one has begun
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.startswith("stopped: ")
    assert "Traceback" not in err
    assert not [name for name in outputs(tmp_path) if not name.endswith("_bicubic_x4.png")]
    assert 0 < len(outputs(tmp_path)) < 200
