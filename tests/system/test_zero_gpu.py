"""On ZeroGPU: one call for a photo, the same pictures, and words for what goes wrong there."""

import gc
import os
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client.exceptions import AppError
from playwright.sync_api import expect
from support import zero_gpu_stand_in as stand_in
from support.browser import drop_file, serve
from support.mocks import noise, save
from support.networks import random_generator
from support.outputs import OUTPUTS
from support.process import compare as compare_at

from demo.compare import zero_gpu
from demo.compare.dial import DialHandler
from demo.compare.outputs import BROKEN
from demo.compare.turn import Turn
from demo.engine.cache import Cache
from demo.engine.comparison import Comparison, compare
from demo.engine.pace import Pace
from demo.engine.seen import Seen
from demo.page import LAUNCH, build_page
from demo.viewer.gallery import STORED
from srgan.interpolation import blend
from srgan.reading import read_image
from srgan.upscale import BICUBIC, NetworkUpscaler

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
SIZE = {"blocks": 2, "channels": 4}
QUOTA = gr.Error(
    "You have exceeded your free ZeroGPU quota (10s requested vs. 0s left). Try again in 3:20:00. ",
    title="ZeroGPU quota exceeded",
    print_exception=False,
)


class Broken(NetworkUpscaler):
    """Fails, or ends its process, in the forked process alone."""

    how = None

    def __call__(self, lr):
        if self.how == "killed":
            os._exit(1)
        if self.how == "unpicklable":
            return torch.zeros(1)
        if self.how:
            raise ZeroDivisionError
        return super().__call__(lr)


@pytest.fixture(scope="module")
def networks():
    return [random_generator(seed, **SIZE) for seed in range(2)]


@pytest.fixture
def plain(networks):
    """Upscalers and dial as they are loaded."""
    mse, gan = (
        NetworkUpscaler(network, precision="fp32", device="cpu", name=name)
        for name, network in zip(("SRResNet", "SRGAN"), networks, strict=True)
    )
    return [BICUBIC, mse, gan], lambda at: NetworkUpscaler(blend(*networks, at), precision="fp32")


@pytest.fixture
def spaces(monkeypatch):
    """The stand-in in place of the package, on what looks like ZeroGPU."""
    monkeypatch.setattr(zero_gpu, "spaces", stand_in)
    monkeypatch.setattr(stand_in, "calls", [])
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    yield stand_in
    stand_in.refusal = None
    for process in stand_in.processes:  # the browser would wait for them: they hold its pipes
        process.kill()
        process.join()
    stand_in.processes.clear()


def last(upscalers, image, has_original=True, results=None):
    *_, end = compare(Comparison.of(image, has_original), upscalers, results)
    return end


def equal(a, b):
    assert list(a.images) == list(b.images)
    assert all(np.array_equal(a.images[name], b.images[name]) for name in a.images)
    untimed = [
        {k: s.model_copy(update={"seconds": 0}) for k, s in end.scores.items()} for end in (a, b)
    ]
    return untimed[0] == untimed[1]


@pytest.mark.parametrize("there", ["nothing", "the package", "ZeroGPU alone"])
def test_elsewhere_everything_is_as_it_was(plain, spaces, monkeypatch, there):
    if there != "ZeroGPU alone":
        monkeypatch.delenv("SPACES_ZERO_GPU")
    if there != "the package":
        monkeypatch.setattr(zero_gpu, "spaces", None)
    assert all(a is b for a, b in zip(zero_gpu.borrow(*plain), plain, strict=True))


@pytest.mark.parametrize("has_original", [True, False])
def test_a_photo_is_one_call_with_the_same_pictures(plain, spaces, has_original):
    lent, _ = zero_gpu.borrow(*plain)
    assert [u.name for u in lent] == [u.name for u in plain[0]]
    assert lent[0] is BICUBIC
    for seed in range(2):
        photo = noise(64, 48, seed)
        end = last(lent, photo, has_original)
        assert equal(end, last(plain[0], photo, has_original))
        assert all(scores.seconds > 0 for scores in end.scores.values())
    assert [name for name, *_ in spaces.calls] == ["all_networks"] * 2
    assert all(0 < seconds <= 10 for _, seconds, _ in spaces.calls)


def test_the_networks_run_in_the_other_process_alone(plain, spaces, monkeypatch):
    lent, dial = zero_gpu.borrow(*plain)
    last(lent, noise()), dial(0.3)(noise(8, 8))  # they are forked
    monkeypatch.setattr(NetworkUpscaler, "steps", None)
    last(lent, noise(seed=1)), dial(0.7)(noise(8, 8))
    assert len(spaces.calls) == 4


def test_a_small_image_takes_its_pictures_along(plain, spaces):
    lent, _ = zero_gpu.borrow(*plain)
    together = lent[2]._call.func.__self__
    lr = noise(8, 8)
    lent[1](lr)
    assert together._outputs
    del lr
    gc.collect()
    assert not together._outputs


def test_the_dial_is_one_call(plain, spaces):
    _, dial = zero_gpu.borrow(*plain)
    shown, scores = STORED.show("bricks")
    *_, update = DialHandler(dial, OUTPUTS).run(0.3, shown, scores, Seen(), Turn())
    lr = read_image(next(pane.file.path for pane in shown.panes if pane.key == "input"))
    assert np.array_equal(read_image(update["shown"].panes[-1].file.path), plain[1](0.3)(lr))
    assert [name for name, *_ in spaces.calls] == ["at_share"]


def test_what_is_kept_needs_no_call(plain, spaces, tmp_path):
    lent, dial = zero_gpu.borrow(*plain)
    results, photo = Cache(tmp_path), noise()
    first = last(lent, photo, results=results)
    assert equal(last(lent, photo, results=results), first)
    assert len(spaces.calls) == 1
    versions = {dial(share).version for share in (0.1, 0.2)} | {lent[2].version}
    assert len(versions) == 3


def test_nothing_is_tried_out_at_a_visitors_expense(plain, spaces):
    lent, _ = zero_gpu.borrow(*plain)
    assert list(Pace().try_out(noise(600, 600), lent, has_original=True)) == []
    assert spaces.calls == []


@pytest.mark.parametrize("how", ["error", "killed", "unpicklable"])
def test_what_fails_there_is_told_and_the_next_works(networks, plain, spaces, how):
    broken = Broken(networks[1], precision="fp32", device="cpu", name="SRGAN")
    lent, _ = zero_gpu.borrow([*plain[0][:2], broken], plain[1])
    broken.how = how  # is forked with it
    with pytest.raises(RuntimeError, match="On the GPU: "):
        last(lent, noise())
    broken.how = None
    if how == "killed":  # the others live on, as they were forked
        assert equal(last(lent, noise()), last(plain[0], noise()))


def page(upscalers, dial):
    return serve(build_page(upscalers, dial=dial), **LAUNCH)


def test_without_a_gpu_the_page_says_why_and_goes_on(browser, plain, spaces, tmp_path):
    photo = save(tmp_path, noise(128, 128))
    with page(*zero_gpu.borrow(*plain)) as url, browser.new_page() as tab:
        tab.goto(url)
        spaces.refusal = QUOTA
        drop_file(tab, "#photo button", photo)
        expect(tab.locator("#status")).to_contain_text("ZeroGPU quota exceeded. You have exceeded")
        expect(tab.locator("#status")).to_contain_text("Try again in 3:20:00")
        with pytest.raises(AppError, match="Try again in 3:20:00"):
            compare_at(url, photo)
        spaces.refusal = None
        drop_file(tab, "#photo button", photo)
        expect(tab.locator("#status")).to_contain_text("Done.")
        expect(tab.locator("#comparer figure[data-state=ready]")).to_have_count(5)
    assert all(knows for _, _, knows in spaces.calls)
    assert len(spaces.calls) == 3


def test_a_failure_there_is_no_news_of_the_inside(browser, networks, plain, spaces, tmp_path):
    broken = Broken(networks[1], precision="fp32", device="cpu", name="SRGAN")
    lent, dial = zero_gpu.borrow([*plain[0][:2], broken], plain[1])
    broken.how = "killed"
    with page(lent, dial) as url, browser.new_page() as tab:
        tab.goto(url)
        drop_file(tab, "#photo button", save(tmp_path, noise()))
        expect(tab.locator("#status")).to_contain_text(BROKEN)


def test_the_app_borrows(start, tmp_path):
    package = Path(stand_in.__file__).read_text() + 'refusal = failure("was asked")\n'
    (tmp_path / "spaces.py").write_text(package)
    photo = save(tmp_path, noise(64, 64))
    with start(PYTHONPATH=str(tmp_path)) as (_, url):
        assert compare_at(url, photo)[-1]["scores"]["SRGAN"]["seconds"] > 0
    lent = {"SPACES_ZERO_GPU": "true", "RESULTS_DIR": str(tmp_path / "none")}
    with start(PYTHONPATH=str(tmp_path), **lent) as (_, url), pytest.raises(AppError):
        compare_at(url, photo)
