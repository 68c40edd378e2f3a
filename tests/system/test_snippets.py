"""The snippets of docs/api.md, and those of the page, do what they say in a real shell."""

import re
import subprocess
import sys

import numpy as np
import PIL.Image
import pytest
from support.browser import serve
from support.mocks import Counting, methods, noise
from support.pages import opened

from benchmarks.running import ROOT
from demo.page import LAUNCH, build_page
from srgan.images import repeat, shrink

TEXT = (ROOT / "docs" / "api.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:7860"
PHOTO = noise(64, 48)


@pytest.fixture(scope="module")
def url():
    mocks = methods(Bicubic=Counting(1), SRResNet=Counting(1), SRGAN=Counting(1))
    with serve(build_page(mocks), **LAUNCH) as address:
        yield address.rstrip("/")


@pytest.fixture
def shell(tmp_path):
    """Runs a program on a text, in a folder with a photo; returns what it prints."""
    PIL.Image.fromarray(PHOTO).save(tmp_path / "photo.jpg", "png")  # exact; its name is no matter

    def run(text, *program):
        done = subprocess.run(
            program, input=text, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def is_right(path):
    with PIL.Image.open(path) as image:
        return (np.asarray(image) == repeat(shrink(PHOTO))).all()


def snippet(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert ADDRESS in found
    return found


def test_python(shell, url):
    said = shell(snippet("python").replace(ADDRESS, url), sys.executable, "-")
    path, numbers = said.splitlines()[-2:]
    assert is_right(path)
    assert re.fullmatch(r"\d+\.\d+ \[\]", numbers)


def test_curl(shell, url, tmp_path):
    said = shell(snippet("bash").replace(ADDRESS, url), "bash", "-eu")
    assert "event: complete" in said
    assert is_right(tmp_path / "srgan.png")


def test_those_of_the_page(browser, shell, url):
    with opened(browser, url) as page:
        page.get_by_role("button", name="Use via API").click()
        python = page.locator("pre", has_text="handle_file").first.inner_text()
        page.get_by_text("cURL", exact=True).click()
        curl = page.locator("pre", has_text="EVENT_ID").first.inner_text()
    assert "srgan_x4.png" in shell(python, sys.executable, "-")
    assert "event: complete" in shell(curl, "bash", "-eu")
