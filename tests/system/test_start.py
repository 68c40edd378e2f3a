"""The demo starts anywhere, or ends with one line that says why not, and what to do."""

import ctypes
import os
import re
import shutil
import socket
import stat
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support import web
from support.mocks import noise, save
from support.process import compare, refused

from benchmarks.running import LOG, ROOT, started

ANOTHER = 54321  # a user
PLACES = ("GRADIO_TEMP_DIR", "RATINGS_DB", "RESULTS_DIR", "SRGAN_DATA", "XDG_DATA_HOME")
NOWHERE = "/dev/null/folder"  # which not even root can make


@pytest.fixture
def at_home(settings, tmp_path):
    """An environment that names no places, with a home and a folder of temporary files."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    kept = {name: value for name, value in settings.items() if name not in PLACES}
    return kept | {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path, noise(64, 48))


# ---- It ends in one line -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("GRADIO_SERVER_PORT", "http", "'http' is no port"),
        ("GRADIO_SERVER_PORT", "70000", "'70000' is no port"),
        ("GRADIO_SERVER_PORT", "-1", "'-1' is no port"),
        ("GRADIO_SERVER_NAME", "no.such.host.invalid", "cannot listen at 'no.such.host.invalid'"),
        ("GRADIO_SERVER_NAME", "a" * 70, "no such name"),
        ("GRADIO_SERVER_NAME", "203.0.113.7", "cannot listen at '203.0.113.7'"),
        ("GRADIO_SERVER_NAME", "2001:db8::7", "cannot listen at '2001:db8::7'"),
        ("GRADIO_TEMP_DIR", NOWHERE, f"GRADIO_TEMP_DIR={NOWHERE} cannot be written"),
        ("SRGAN_DATA", NOWHERE, f"SRGAN_DATA={NOWHERE} cannot be written"),
        ("RESULTS_DIR", NOWHERE, f"RESULTS_DIR={NOWHERE} cannot be written"),
        ("RATINGS_DB", f"{NOWHERE}/votes.db", f"RATINGS_DB={NOWHERE}/votes.db cannot be written"),
        ("SRGAN_PRECISION", "double", "double"),
    ],
)
def test_what_was_asked_for_and_cannot_be_is_said(at_home, setting, value, reason):
    said = refusal(at_home | {setting: value})
    assert reason in said
    if setting != "SRGAN_PRECISION":
        assert f"et {setting}" in said  # "Set …", which is what to do


def test_a_port_that_was_asked_for_and_is_taken(at_home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refusal(at_home | {"GRADIO_SERVER_PORT": str(port)})
    assert f"port {port} is taken" in said
    assert "GRADIO_SERVER_PORT" in said


def refusal(settings):
    """The one line with which it ends."""
    (line,) = refused(settings, ROOT).splitlines()
    assert line.startswith("Cannot start: ")
    return line


# ---- It starts -----------------------------------------------------------------------------------


def test_a_default_port_that_is_taken_is_passed_over_in_a_line(at_home, tmp_path):
    at_home.pop("GRADIO_SERVER_PORT", None)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # right after another test
        with suppress(OSError):  # another program has it already
            other.bind(("127.0.0.1", 7860))
            other.listen()
        with started(ROOT, at_home, tmp_path / LOG) as (_, url):
            (port,) = re.findall(
                r"^Port 7860 is taken; (\d+) is used instead\.$",
                (tmp_path / LOG).read_text(),
                re.MULTILINE,
            )
            assert url.endswith(f":{port}")
            assert web.get(url).status_code == 200


def test_no_proxy_stands_before_the_page(start, photo, tmp_path):
    """Not one that refuses, and not one of a kind that httpx does not know."""
    asked = []

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(403)

        do_HEAD = do_POST = do_CONNECT = do_GET  # noqa: N815 - their names

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{proxy.server_port}"
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")
        proxies = dict.fromkeys(names, address) | {"ALL_PROXY": "socks5://127.0.0.1:9"}
        with start(**proxies, NO_PROXY="example.org", no_proxy="example.org") as (_, url):
            assert compare(url, photo)[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0
        proxy.shutdown()
    assert not asked
    assert "Traceback" not in (tmp_path / LOG).read_text()


@pytest.mark.parametrize("host", ["[::1]", "localhost"])
def test_at_an_address_as_people_write_it(start, photo, host):
    with start(GRADIO_SERVER_NAME=host) as (_, url):
        assert url.startswith("http://127.0.0.1:" if host == "localhost" else "http://[::1]:")
        assert compare(url, photo)[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0


def test_what_it_writes_is_for_its_user_alone_and_in_the_users_folders(at_home, photo, tmp_path):
    with started(ROOT, at_home, tmp_path / LOG) as (_, url):
        compare(url, photo)
        pictures = tmp_path / "tmp" / f"srgan-{os.getuid()}"
        data = tmp_path / "home" / ".local" / "share" / "srgan"
        if sys.platform == "darwin":
            data = tmp_path / "home" / "Library" / "Application Support" / "srgan"
        assert len(list(pictures.rglob("photo*.png"))) == 4  # with the upload
        assert list(data.glob("results/*.npz"))
        for path in (pictures, *pictures.rglob("*"), data, *data.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path
    assert "emptied" not in (tmp_path / LOG).read_text()


def test_where_neither_home_nor_working_directory_can_be_written(at_home, photo, tmp_path):
    """And another user has made folders of the names that it would take."""
    work, own = tmp_path / "work", tmp_path / "tmp" / f"srgan-{os.getuid()}"
    taken = [work, tmp_path / "tmp" / "gradio", own]
    for folder in taken:
        folder.mkdir(mode=0o555)
    if os.getuid() == 0:
        for folder in taken:
            os.chown(folder, ANOTHER, ANOTHER)
    else:  # who can give none away
        own.rmdir()
        own.write_text("no folder")
    at_home["HOME"] = NOWHERE
    options = {"cwd": work, "preexec_fn": obey_permissions}
    with started(ROOT, at_home, tmp_path / LOG, **options) as (_, url):
        for _ in range(2):
            assert compare(url, photo)[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0
        assert "Votes are not kept here for long" in web.get(f"{url}/config").text
    assert not any(list(folder.iterdir()) for folder in taken if folder.is_dir())
    log = (tmp_path / LOG).read_text()
    assert log.count("which may be emptied") == 1
    assert not re.search("Traceback|cannot be kept|Permission", log)


def obey_permissions():
    """Take from root what lets it write everywhere: CAP_DAC_OVERRIDE and two like it."""
    if os.getuid() == 0:
        for capability in (1, 2, 3):
            assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def test_where_the_working_directory_is_gone(settings, photo, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    command = f"rmdir '{folder}'; exec '{sys.executable}' '{ROOT / 'app.py'}'"
    shell = tmp_path / "python"
    shell.write_text(f"#!/bin/sh\n{command}\n")
    shell.chmod(0o755)
    with started(ROOT, settings, tmp_path / LOG, str(shell), cwd=folder) as (_, url):
        assert compare(url, photo)[-1]["scores"]["SRGAN"]["today"]["psnr"] > 0
    shutil.rmtree(folder, ignore_errors=True)
