"""`--wrap`: textures that tile come out as textures that tile, to the pixel."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from support.networks import random_generator

from srgan.alpha import enlarge_alpha
from srgan.enlarge_files import main
from srgan.images import enlarge
from srgan.models import Generator
from srgan.reading import read_image, read_picture
from srgan.upscale import NetworkUpscaler
from srgan.wrap import HALO, unwrapped, wrapped


def texture(height, width, seed=0):
    """Smooth noise that tiles without a seam, (height, width, 3)."""
    rng = np.random.default_rng(seed)
    noise = np.fft.fft2(rng.normal(size=(height, width, 3)), axes=(0, 1))
    y, x = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    noise *= np.exp(-((np.hypot(y, x) / 0.12) ** 2))[..., None]
    noise = np.fft.ifft2(noise, axes=(0, 1)).real
    return np.rint(128 + 40 * noise / noise.std()).clip(0, 255).astype(np.uint8)


def picture_of(array, tmp_path):
    Pillow.fromarray(array).save(tmp_path / "texture.png")
    return read_picture(tmp_path / "texture.png")


def enlarged(array, tmp_path, upscaler):
    return unwrapped(upscaler(wrapped(picture_of(array, tmp_path)).colours))


@pytest.fixture(scope="module")
def network():
    """As deep as the shipped ones, so that it looks as far."""
    return NetworkUpscaler(random_generator(0, 16, 4), precision="fp32")


@pytest.mark.parametrize("size", [(24, 30), (60, 50)])  # less and more than the network sees
@pytest.mark.parametrize("method", ["bicubic", "network"])
def test_a_texture_and_its_turn_around_the_edge_are_enlarged_alike(tmp_path, network, size, method):
    """Nothing in the output tells where the edge was."""
    upscaler = network if method == "network" else enlarge
    whole = enlarged(texture(*size), tmp_path, upscaler)
    assert whole.shape == (4 * size[0], 4 * size[1], 3)
    turned = enlarged(np.roll(texture(*size), (7, 11), (0, 1)), tmp_path, upscaler)
    difference = np.abs(np.roll(whole, (28, 44), (0, 1)).astype(int) - turned)
    assert difference.max() <= (method == "network")  # floats are summed in another order


def test_it_is_what_lies_in_the_middle_of_a_large_floor(tmp_path, network):
    tile = texture(48, 44)
    floor = network(np.tile(tile, (3, 3, 1)))[192:384, 176:352]
    assert np.abs(enlarged(tile, tmp_path, network).astype(int) - floor).max() <= 1


def test_the_halo_is_how_far_the_shipped_architecture_looks():
    """A pixel farther away changes nothing, one at that distance may."""
    generator = random_generator(1, Generator().blocks, 4)
    upscaler = NetworkUpscaler(generator, precision="fp32")
    size = 2 * HALO + 21
    calm = np.full((size, 8, 3), 128, np.uint8)
    loud = calm.copy()
    loud[0] = 255
    changed = np.abs(upscaler(loud).astype(int) - upscaler(calm)).max((1, 2)) > 1
    assert not changed[4 * (HALO + 1) :].any()
    assert changed[:4].any()


def step_across(large):
    """Mean difference of the columns beside the edge, and inside the picture [levels]."""
    values = large.astype(float)
    return np.abs(values[:, 0] - values[:, -1]).mean(), np.abs(np.diff(values, axis=1)).mean()


def test_the_step_across_the_edge_is_that_of_the_inside(tmp_path, capsys):
    """With the shipped SRGAN; without --wrap it is several times as large."""
    Pillow.fromarray(texture(40, 40, 3)).save(tmp_path / "texture.png")
    steps = {}
    for option in ([], ["--wrap"]):
        args = [tmp_path / "texture.png", "--precision", "fp32", "--overwrite", *option]
        assert main([*map(str, args), "--out", str(tmp_path / "out")]) == 0
        steps[bool(option)] = step_across(read_image(tmp_path / "out/texture_srgan_x4.png"))
    across, inside = steps[True]
    assert across < 1.25 * inside
    assert steps[False][0] > 1.5 * across
    assert abs(steps[False][1] - inside) < 0.5


def test_transparency_wraps_too(tmp_path):
    alpha = np.zeros((20, 20), np.uint8)
    alpha[:, :5] = alpha[:, 15:] = 255  # one bar over the edge
    Pillow.fromarray(np.dstack([texture(20, 20), alpha])).save(tmp_path / "a.png")
    args = [tmp_path / "a.png", "--method", "bicubic", "--wrap", "--out", tmp_path / "out"]
    assert main([*map(str, args)]) == 0
    large = np.asarray(Pillow.open(io.BytesIO((tmp_path / "out/a_bicubic_x4.png").read_bytes())))
    assert large.shape == (80, 80, 4)
    assert (large[:, :12, 3] == 255).all()
    assert (large[:, -12:, 3] == 255).all()
    for cut in (4, 10):  # a floor that is cut elsewhere is the same floor
        turned = np.roll(np.dstack([texture(20, 20), ramp()]), cut, (0, 1))
        whole = picture_of(np.dstack([texture(20, 20), ramp()]), tmp_path)
        other = picture_of(turned, tmp_path)
        large = [unwrapped(enlarge_alpha(wrapped(p).alpha)) for p in (whole, other)]
        assert np.array_equal(np.roll(large[0], 4 * cut, (0, 1)), large[1])


def ramp():
    """Transparency that is full at one edge and none at the other, (20, 20)."""
    return np.add.outer(np.arange(20), np.arange(20)).astype(np.uint8) * 6


def test_off_by_default(tmp_path):
    Pillow.fromarray(texture(20, 20)).save(tmp_path / "a.png")
    args = [tmp_path / "a.png", "--method", "bicubic", "--out", tmp_path / "out"]
    assert main([*map(str, args)]) == 0
    assert np.array_equal(read_image(tmp_path / "out/a_bicubic_x4.png"), enlarge(texture(20, 20)))
