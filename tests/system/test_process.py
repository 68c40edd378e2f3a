"""The demo as a process of its own: how it starts, and how it ends."""

import resource
import shutil
import signal
from http import HTTPStatus

import PIL.Image
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import expect
from support.browser import drop_file
from support.mocks import noise, save
from support.pages import opened, wait_for
from support.process import compare, refused

from benchmarks.running import LOG, ROOT
from demo.parts.disk import FULL
from srgan.upscale import NETWORKS, WEIGHTS


@pytest.mark.parametrize("seconds", ["0", "60"])
def test_sigterm_during_work_ends_it_and_the_next_start_works(start, tmp_path, seconds):
    photo = save(tmp_path, noise(512, 512))
    with start(SRGAN_DRAIN_SECONDS=seconds) as (process, url):
        client = Client(url, verbose=False)
        job = client.submit(handle_file(str(photo)), "original", None, api_name="/compare")
        next(iter(job))  # it has begun
        process.send_signal(signal.SIGTERM)
        if seconds == "60":
            assert job.result()[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0
        else:
            with pytest.raises(AppError, match="renewed"):
                job.result()
        assert process.wait(timeout=60) == 0
    assert "Traceback" not in (tmp_path / LOG).read_text()
    with start() as (_, url):
        assert compare(url, photo)[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0


def test_without_its_temporary_folder_it_goes_on(start, settings, tmp_path):
    photo = save(tmp_path, noise(64, 64))
    with start() as (_, url):
        before = compare(url, photo)
        shutil.rmtree(settings["GRADIO_TEMP_DIR"])
        shutil.rmtree(settings["RESULTS_DIR"])
        after = compare(url, photo)
        assert after[-1]["scores"]["SRGAN"]["today"] == before[-1]["scores"]["SRGAN"]["today"]


def test_a_full_disk_is_told_and_it_goes_on_when_there_is_room(start, tmp_path):
    """No file of the process can grow beyond a size, as in test_blind_store.py."""
    photo = tmp_path / "photo.jpg"  # smaller than the pictures that are made of it
    PIL.Image.fromarray(noise(64, 64)).save(photo, quality=50)
    room = photo.stat().st_size + 1000
    with start() as (process, url):
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, -1))
        with pytest.raises(AppError, match="no room left"):
            compare(url, photo)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        assert compare(url, photo)[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0


def test_a_full_disk_at_upload_is_told_and_it_goes_on_when_there_is_room(browser, start, tmp_path):
    photo = save(tmp_path, noise(64, 48))
    answers = []
    with start() as (process, url), opened(browser, url) as page:
        page.on("response", lambda r: "/upload?" in r.url and answers.append(r.status))
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, -1))
        drop_file(page, "#photo button[aria-dropeffect]", photo)
        expect(page.locator("#status")).to_contain_text(FULL)
        assert answers == [HTTPStatus.INSUFFICIENT_STORAGE]
        toast = page.locator(".toast-body")
        expect(toast).to_contain_text(FULL)
        assert "HTTP" not in toast.inner_text()
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        drop_file(page, "#photo button[aria-dropeffect]", photo)
        wait_for(page, "photo")
        expect(page.locator("#status")).to_contain_text("Done.")


@pytest.mark.parametrize("broken", ["missing", "cut", "a pickle"])
def test_without_sound_weights_it_does_not_start_and_says_which(settings, tmp_path, broken):
    copy = tmp_path / "copy"
    for folder in ("demo", "srgan", "weights"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", copy)
    path = copy / "weights" / NETWORKS["SRGAN"]
    content = {
        "cut": (WEIGHTS / NETWORKS["SRGAN"]).read_bytes()[:1000],
        "a pickle": b"\x80\x02}q\0.",
    }
    path.unlink()
    if broken in content:
        path.write_bytes(content[broken])
    said = refused(settings, copy)
    assert said.startswith("Cannot start: ")
    assert NETWORKS["SRGAN"] in said
    assert "Traceback" not in said
