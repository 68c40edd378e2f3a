"""What is installed: a wheel of the working tree, in an environment of its own."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import PIL.Image
import pytest
from gradio_client import Client, handle_file
from huggingface_hub import ModelCard
from support import web
from support.checkout import ROOT, TRACKED
from support.mocks import noise

import srgan
from benchmarks.running import started
from srgan.weights import NETWORKS

THREE_LINES = """
from PIL import Image
from srgan import SRGAN
net = SRGAN.from_pretrained()
sr = net.enlarge(Image.open("photo.png"))
print(sr.size, __import__("srgan").__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs of an environment that has the wheel, and this one's packages for the rest."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    options = ["--ignore-installed", "--no-deps", "--no-index", "-q"]
    program = folder / "bin/python"
    subprocess.run([program, "-m", "pip", "install", *options, wheel], check=True)
    return folder / "bin"


@pytest.fixture
def settings(tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}


def test_all_that_the_programs_read_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    code = {path for path in TRACKED if path.split("/")[0] in ("demo", "srgan")}
    assert code <= names  # the page's html, css, js and example photos with their licences, too
    assert {f"srgan/shipped/{weights}" for weights in NETWORKS.values()} <= names
    assert "srgan/py.typed" in names
    (info,) = {name.split("/")[0] for name in names} - {"demo", "srgan"}
    assert info == f"srgan-{srgan.__version__}.dist-info"
    assert wheel.stat().st_size < 20 * 2**20


def test_each_network_lies_there_with_its_card(wheel):
    with zipfile.ZipFile(wheel) as file:
        for weights in NETWORKS.values():
            card = file.read(f"srgan/shipped/{weights}".replace("model.safetensors", "README.md"))
            assert ModelCard(card.decode()).data.library_name == "srgan"


def test_three_lines_and_the_command_enlarge_a_photo(installed, settings, tmp_path):
    def run(*command):
        call = {"cwd": tmp_path, "env": settings, "capture_output": True, "text": True}
        done = subprocess.run(command, check=False, **call)
        assert done.returncode == 0, done.stderr
        return done.stdout

    PIL.Image.fromarray(noise(16, 24)).save(tmp_path / "photo.png")
    size, _, place = run(installed / "python", "-c", THREE_LINES).strip().partition(") ")
    assert size == "(96, 64"
    assert Path(place).is_relative_to(installed.parent)
    assert run(installed / "srgan", "--version") == f"srgan {srgan.__version__}\n"
    run(installed / "srgan", "enlarge", "photo.png", "--out", "large")
    with PIL.Image.open(tmp_path / "large/photo_srgan_x4.png") as large:
        assert large.size == (96, 64)


def test_the_page_is_served_and_keeps_nothing_among_the_programs(installed, settings, tmp_path):
    before = {path for path in installed.parent.rglob("*") if "__pycache__" not in path.parts}
    settings |= {"GRADIO_ANALYTICS_ENABLED": "False", "TMPDIR": str(tmp_path)}
    command = [str(installed / "srgan"), "demo", "--host", "127.0.0.1"]
    with started(tmp_path, settings, tmp_path / "log", command=command) as (_, url):
        page = web.get(url)
        assert page.status_code == 200
        assert f"srgan {srgan.__version__}" in page.text
        photo = next(path for path in TRACKED if path.endswith("cat_small.png"))
        *files, report = Client(url, verbose=False).predict(
            handle_file(str(ROOT / photo)), "original", None, api_name="/compare"
        )
    assert len(files) == len(report["scores"]) == 3
    after = {path for path in installed.parent.rglob("*") if "__pycache__" not in path.parts}
    assert {path for path in after - before if path.suffix != ".pyi"} == set()  # Gradio's stubs
    assert (tmp_path / "home/.local/share/srgan").is_dir()
