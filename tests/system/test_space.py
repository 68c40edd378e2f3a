"""A Space starts from what the README's command uploads, and from nothing else."""

import re
import shutil
import subprocess

import pytest
from playwright.sync_api import expect
from support.browser import drop_file
from support.checkout import ROOT, TRACKED
from support.mocks import noise, save

from benchmarks.space import copy_sent, running, sent

MAX_BYTES = 20 * 2**20
UNTRACKED = (
    *(".venv/lib/module.py", "data/ratings.db", "data/results/a.npz", "runs/srgan/a.safetensors"),
    *("srgan/__pycache__/data.cpython-312.pyc", "demo/comparer.pyi", ".gradio/certificate.pem"),
    *(".pytest_cache/README.md", ".hypothesis/examples/a"),
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone as people have it: with what installing, running and testing leave behind."""
    folder = tmp_path_factory.mktemp("space") / "clone"
    subprocess.run(["git", "init", "-q", folder], check=True)
    for path in TRACKED:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    for path in UNTRACKED:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("left behind")
    return folder


def test_only_what_a_space_needs_is_sent(clone):
    paths = sent(clone)
    assert set(paths) <= set(TRACKED)
    folders = {path.split("/")[0] for path in paths if "/" in path}
    assert folders == {"demo", "srgan", "weights"}
    assert sum((clone / path).stat().st_size for path in paths) < MAX_BYTES


def test_what_the_card_names_is_sent(clone):
    paths = sent(clone)
    card = (clone / "README.md").read_text("utf-8").split("---")[1]
    named = re.findall(r"^(?:app_file|thumbnail): (\S+)$", card, re.MULTILINE)
    assert "app.py" in named
    assert {*named, "README.md", "LICENSE", "requirements.txt"} <= set(paths)
    assert {f"weights/{name}/model.safetensors" for name in ("srresnet", "srgan")} <= set(paths)


def test_a_photo_comes_back_from_what_is_sent(browser, clone, tmp_path):
    space = tmp_path / "space"
    copy_sent(clone, space)
    with running(space, tmp_path) as url, browser.new_page() as page:
        page.goto(url)
        drop_file(page, "#photo button", save(tmp_path, noise(64, 64)))
        expect(page.locator("#status")).to_contain_text("Done.")
        expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        page.get_by_role("tab", name="Blind test").click()
        expect(page.get_by_role("tabpanel").filter(visible=True)).to_contain_text("bad")
