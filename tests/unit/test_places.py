"""The choice of address and folders, without a server."""

import os
import socket
import stat
from pathlib import Path

import pytest

from demo.start import StartError, folders
from demo.start.address import find_address, without_proxies
from demo.start.folders import find_folders, own_temporary

NAMES = (
    *("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_TEMP_DIR", "SPACE_ID"),
    *("SRGAN_DATA", "RESULTS_DIR", "RATINGS_DB", "XDG_DATA_HOME", "HOME", "LOCALAPPDATA"),
)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that what the functions set is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "_CHECKOUT", tmp_path / "checkout")
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.fixture
def free():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def test_an_option_goes_before_the_environment(monkeypatch, free):
    monkeypatch.setenv("GRADIO_SERVER_NAME", "203.0.113.7")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "nonsense")
    assert find_address("127.0.0.1", free) == ("127.0.0.1", free, "")
    assert os.environ["GRADIO_SERVER_PORT"] == str(free)


def test_an_ipv6_address_is_in_brackets_afterwards_and_gradio_tries_an_ipv4_one(monkeypatch):
    monkeypatch.setenv("GRADIO_SERVER_NAME", "::1")
    assert find_address(port=0).host == "[::1]"
    assert find_address("[::1]", 0).host == "[::1]"
    assert os.environ["GRADIO_SERVER_NAME"] == "127.0.0.1"


def test_port_0_is_any(monkeypatch):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "0")
    assert find_address().port > 0


def test_what_others_set_of_ports_does_no_harm(monkeypatch):
    monkeypatch.setenv("GRADIO_NUM_PORTS", "many")
    find_address(port=0)
    assert "GRADIO_NUM_PORTS" not in os.environ


def test_the_proxies_are_back_afterwards(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.delenv("no_proxy", raising=False)
    with without_proxies():
        assert os.environ["NO_PROXY"] == "*"
    assert os.environ["NO_PROXY"] == "example.org"
    assert "no_proxy" not in os.environ


def test_the_named_data_folder_has_results_and_votes(monkeypatch, tmp_path):
    monkeypatch.setenv("SRGAN_DATA", str(tmp_path / "data"))
    found = find_folders()
    assert found == (tmp_path / "data" / "results", tmp_path / "data" / "ratings.db", True, "")


def test_the_older_names_go_before_it(monkeypatch, tmp_path):
    monkeypatch.setenv("SRGAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("RESULTS_DIR", str(tmp_path / "a"))
    assert find_folders()[:2] == (tmp_path / "a", tmp_path / "data" / "ratings.db")
    monkeypatch.setenv("RATINGS_DB", str(tmp_path / "b" / "votes.db"))
    assert find_folders()[:2] == (tmp_path / "a", tmp_path / "b" / "votes.db")


def test_votes_from_before_are_not_left_behind(tmp_path):
    old = tmp_path / "checkout" / "data" / "ratings.db"
    assert find_folders().votes != old
    old.parent.mkdir(parents=True)
    old.touch()
    assert find_folders().votes == old


def test_a_space_keeps_nothing_unless_a_place_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SPACE_ID", "user/name")
    assert not find_folders().is_lasting
    monkeypatch.setenv("SRGAN_DATA", str(tmp_path / "data"))
    assert find_folders().is_lasting


def test_gradio_gets_a_whole_path(monkeypatch, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "link/pictures")
    find_folders()
    assert os.environ["GRADIO_TEMP_DIR"] == str((tmp_path / "real" / "pictures").resolve())


def test_the_temporary_folder_is_the_same_every_time_and_closed_to_others():
    folder = own_temporary()
    folder.chmod(0o755)
    assert own_temporary() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_is_not_taken_for_it(tmp_path):
    name = own_temporary()
    name.rmdir()
    name.symlink_to(tmp_path)
    assert own_temporary() not in (name, tmp_path)


def test_without_a_place_for_temporary_files(monkeypatch):
    def gettempdir():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", gettempdir)
    with pytest.raises(StartError, match="Set TMPDIR"):
        find_folders()


def test_without_a_home_the_data_are_temporary_and_that_is_said(monkeypatch):
    def home():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", home)
    monkeypatch.delenv("LOCALAPPDATA")
    found = find_folders()
    assert found.votes.parent == own_temporary() / "data"
    assert not found.is_lasting
    assert "Set SRGAN_DATA" in found.notice
