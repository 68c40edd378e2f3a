"""Tiles without seams, steps that can be stopped, and what the upscalers promise."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from support.networks import random_generator, shift_generator

import srgan.upscale
from srgan.images import enlarge, repeat, to_image, to_lr
from srgan.reading import read_image
from srgan.upscale import (
    BICUBIC,
    BODY_HALO,
    NETWORKS,
    TAIL_HALO,
    WEIGHTS,
    NetworkUpscaler,
    Plain,
    finish,
    has_native_bf16,
    load_upscaler,
    load_upscalers,
)
from srgan.weights import load_weights, save_weights

SMALL_PHOTO = Path(__file__).parents[2] / "demo/examples/cat_small.png"
HUGE = 10_000
# Sizes by tile: one pixel more than a tile, nearly two tiles, and strips.
CASES = [
    (tile, size)
    for tile in (64, 96, 127)
    for size in ((tile + 1, tile + 1), (2 * tile - 1, 2 * tile - 1), (1, 300), (300, 1))
]


def noise(height, width, seed=0):
    """Noise over a gradient, (height, width, 3): every pixel of it matters somewhere."""
    ramp = np.linspace(0, 128, width)[None, :, None]
    extra = np.random.default_rng(seed).integers(0, 128, (height, width, 3))
    return (ramp + extra).astype(np.uint8)


@pytest.fixture(scope="module")
def generator():
    """As deep as the real one, so that it looks as far, but narrow."""
    return random_generator(channels=8)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("tile", "size"), CASES)
def test_tiles_leave_no_trace(generator, tile, size, precision):
    lr = noise(*size)
    whole = NetworkUpscaler(generator, HUGE, precision)(lr)
    assert whole.shape == (4 * size[0], 4 * size[1], 3)
    assert np.array_equal(NetworkUpscaler(generator, tile, precision)(lr), whole)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [(97, 101), (1, 100), (100, 1)])
def test_tiles_see_as_far_as_the_network(sign, size):
    """Every output pixel comes from 39.5 small pixels away, which is beyond most tiles of 16."""
    lr = noise(*size)
    sr = NetworkUpscaler(shift_generator(sign), 16, "fp32")(lr)
    far = round(39.5 * 4)
    gray = np.rint(lr.mean(axis=2, keepdims=True)).astype(np.uint8).repeat(3, axis=2)
    expected = np.pad(repeat(gray), ((far, far), (far, far), (0, 0)))
    top = far + sign * far
    expected = expected[top : top + len(sr), top : top + sr.shape[1]]
    assert np.abs(expected.astype(int) - sr).max() <= 1
    assert (sr.max() > 0) == (min(size) > 40)


@pytest.mark.long
@pytest.mark.parametrize("name", ["BODY_HALO", "TAIL_HALO"])
def test_a_smaller_halo_would_show(monkeypatch, name):
    lr = noise(97, 101)
    whole = NetworkUpscaler(shift_generator(1), HUGE, "fp32")(lr)
    assert np.array_equal(NetworkUpscaler(shift_generator(1), 16, "fp32")(lr), whole)
    monkeypatch.setattr(srgan.upscale, name, getattr(srgan.upscale, name) - 1)
    assert not np.array_equal(NetworkUpscaler(shift_generator(1), 16, "fp32")(lr), whole)


@torch.inference_mode()
def test_the_upscaler_is_the_plain_generator():
    generator, lr = random_generator(), noise(41, 40)
    sr = NetworkUpscaler(generator, 24, "fp32")(lr)
    plain = to_image(generator(to_lr(lr)))
    assert np.abs(plain.astype(int) - sr).max() <= 1
    assert plain.std() > 20


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (4, 4), (13, 7)])
@torch.inference_mode()
def test_tiny_images(generator, size):
    lr = noise(*size)
    sr = NetworkUpscaler(generator, precision="fp32")(lr)
    assert sr.shape == (4 * size[0], 4 * size[1], 3)
    assert np.abs(to_image(generator(to_lr(lr))).astype(int) - sr).max() <= 1


@pytest.mark.parametrize("tile", [16, HUGE])
def test_gray_comes_back_gray(generator, tile):
    gray = noise(20, 24)[..., :1].repeat(3, axis=2)
    upscaler = NetworkUpscaler(generator, tile, "fp32")
    sr = upscaler(gray)
    assert (sr == sr[..., :1]).all()
    gray[7, 9, 2] ^= 1  # one colour anywhere, and the network's colours stay
    sr_colour = upscaler(gray)
    assert (sr_colour != sr_colour[..., :1]).any()
    assert np.abs(sr_colour.mean(axis=2) - sr[..., 0])[:20].max() <= 1


def test_the_input_is_left_alone(generator):
    lr = noise(9, 9)
    before = lr.copy()
    NetworkUpscaler(generator, 4, "fp32")(lr)
    assert np.array_equal(lr, before)


@pytest.mark.parametrize("view", ["flipped", "crop", "read-only"])
def test_views_of_other_arrays(generator, view):
    whole = noise(24, 24)
    lr = {"flipped": whole[::-1, ::-1], "crop": whole[3:20, 5:], "read-only": whole}[view]
    if view == "read-only":
        lr.flags.writeable = False
    upscaler = NetworkUpscaler(generator, precision="fp32")
    assert np.array_equal(upscaler(lr), upscaler(lr.copy()))


@pytest.mark.parametrize("size", [(5, 5), (40, 33)])
def test_the_fractions_rise_to_one(generator, size):
    upscaler = NetworkUpscaler(generator, 16, "fp32")
    work, fractions = upscaler.steps(noise(*size)), []
    while True:
        try:
            fractions.append(next(work))
        except StopIteration as end:
            image = end.value
            break
    assert all(a < b for a, b in zip(fractions, fractions[1:], strict=False))
    assert 0 < fractions[0] < 0.1
    assert fractions[-1] == pytest.approx(1)
    assert np.array_equal(image, upscaler(noise(*size)))


def test_closing_the_steps_ends_the_work(generator, monkeypatch):
    runs = []
    run = srgan.upscale._run
    monkeypatch.setattr(srgan.upscale, "_run", lambda *args: runs.append(1) or run(*args))
    upscaler = NetworkUpscaler(generator, 16, "fp32")
    upscaler(noise(40, 40))
    all_of_it, runs[:] = len(runs), []
    work = upscaler.steps(noise(40, 40))
    next(work)
    next(work)
    work.close()
    assert 0 < len(runs) < all_of_it / 20
    with pytest.raises(StopIteration):
        next(work)


def test_steps_may_change_threads(generator):
    """As in a web server, where each step runs on whatever thread is free."""
    upscaler = NetworkUpscaler(generator, 16, "fp32")
    work, images = upscaler.steps(noise(40, 20)), []

    def one_step():
        try:
            next(work)
        except StopIteration as end:
            images.append(end.value)

    while not images:
        thread = threading.Thread(target=one_step)
        thread.start()
        thread.join()
    assert np.array_equal(images[0], upscaler(noise(40, 20)))


def test_two_at_once_get_their_own_pictures(generator):
    """Real-ESRGAN issue 658: two requests mixed their pictures."""
    upscaler = NetworkUpscaler(generator, 16, "fp32")
    inputs = [noise(20, 17, seed) for seed in range(2)]
    expected, results = [upscaler(lr) for lr in inputs], {}

    def enlarge_one(index):
        results[index] = [upscaler(inputs[index]) for _ in range(3)]

    threads = [threading.Thread(target=enlarge_one, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, image in enumerate(expected):
        assert all(np.array_equal(result, image) for result in results[index])


def test_any_function_can_be_stepped(generator):
    lr = noise(5, 6)
    assert np.array_equal(Plain("Any", enlarge)(lr), enlarge(lr))
    assert list(BICUBIC.steps(lr)) == [1.0]
    upscaler = NetworkUpscaler(generator, precision="fp32")
    assert np.array_equal(finish(upscaler.steps(lr)), upscaler(lr))


def test_precisions(generator, monkeypatch):
    for native, chosen in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(srgan.upscale, "has_native_bf16", lambda native=native: native)
        assert NetworkUpscaler(generator, device="cpu").precision == chosen
    lr = noise(24, 24)
    exact, fast = (
        NetworkUpscaler(generator, precision=p)(lr).astype(int) for p in ("fp32", "bf16")
    )
    assert 0 < np.abs(exact - fast).max() <= 16  # noise is harder than a photo
    assert np.abs(exact - fast).mean() < 2


@pytest.mark.long
@pytest.mark.parametrize("method", NETWORKS)
def test_half_floats_move_a_photo_by_one_level_at_most(method):
    """As on a GPU, but on the processor, which is slow in them."""
    lr = read_image(SMALL_PHOTO)[:48, :48]
    network = load_weights(WEIGHTS / NETWORKS[method])
    exact, half = (
        NetworkUpscaler(network, precision=p, device="cpu")(lr).astype(int)
        for p in ("fp32", "fp16")
    )
    assert 0 < np.abs(exact - half).max() <= 1
    assert np.mean(exact != half) < 0.03


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("method", NETWORKS)
def test_a_gpu_is_taken_and_gives_the_processors_picture(method):
    lr = read_image(SMALL_PHOTO)
    exact = NetworkUpscaler(load_weights(WEIGHTS / NETWORKS[method]), HUGE, "fp32", "cpu")(lr)
    versions = set()
    for precision in ("auto", "fp32"):
        upscaler = load_upscaler(method, WEIGHTS, precision)
        assert upscaler.precision == {"auto": "fp16"}.get(precision, precision)
        assert np.abs(exact.astype(int) - upscaler(lr)).max() <= 1
        versions.add(upscaler.version)
    assert all(version.endswith(" cuda") for version in versions)
    assert len(versions) == 2


def test_devices_are_told_apart(generator):
    """What one has made is not taken for what another makes; `meta` computes nothing."""
    versions = {NetworkUpscaler(generator, 64, "fp32", d).version for d in ("cpu", "meta")}
    assert len(versions) == 2


def test_bf16_is_recognised_by_its_instructions(monkeypatch):
    for features, native in [
        ({}, False),
        ({"avx512_f": True}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"sve_bf16": True}, True),
    ]:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda features=features: features)
        assert has_native_bf16() is native


def test_the_upscaler_keeps_a_copy_of_the_weights():
    generator, lr = random_generator(blocks=1, channels=4), noise(6, 6)
    upscaler = NetworkUpscaler(generator, precision="fp32")
    before = upscaler(lr)
    with torch.no_grad():
        generator.tail.bias += 1
    assert np.array_equal(upscaler(lr), before)


def test_the_halos_are_what_the_layers_see():
    kernels = [9] + 32 * [3] + [3]
    assert sum(k // 2 for k in kernels) == BODY_HALO
    assert np.ceil(1 + 1 / 2 + 4 / 4) == TAIL_HALO


def test_the_three_upscalers_come_in_their_order(tmp_path):
    networks = {
        name: random_generator(seed, blocks=1, channels=4)
        for seed, name in enumerate(("srresnet", "srgan"))
    }
    for name, network in networks.items():
        save_weights(network, tmp_path / f"{name}.safetensors", {})
    upscalers = {u.name: u for u in load_upscalers(tmp_path, precision="fp32")}
    assert list(upscalers) == ["Bicubic", "SRResNet", "SRGAN"]
    assert upscalers["Bicubic"] is BICUBIC
    lr = noise(6, 6)
    for name, network in networks.items():
        expected = NetworkUpscaler(network, precision="fp32")(lr)
        loaded = {key.lower(): value for key, value in upscalers.items()}[name]
        assert loaded.precision == "fp32"
        assert np.array_equal(loaded(lr), expected)


def test_a_missing_weight_file_is_named(tmp_path):
    save_weights(random_generator(blocks=1, channels=4), tmp_path / "srresnet.safetensors", {})
    with pytest.raises(ValueError, match=r"srgan\.safetensors does not exist"):
        load_upscalers(tmp_path)


def test_a_precision_that_is_none_is_named():
    with pytest.raises(ValueError, match="auto, bf16, fp16 or fp32, got 'half'"):
        NetworkUpscaler(random_generator(blocks=1, channels=4), precision="half")
