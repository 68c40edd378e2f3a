"""Walking folders: every file once, whatever links to whatever."""

import numpy as np
import pytest
from PIL import Image as Pillow

from srgan.data import Photos
from srgan.enlarge_files import main as enlarge
from srgan.evaluation.fingerprint import find_copies
from srgan.evaluation.image_sets import find_set
from srgan.folders import walk


@pytest.fixture
def tree(tmp_path):
    """photos/ with links to a folder outside, twice, to itself, to a part of it and to nothing."""
    for seed, name in enumerate(
        ("photos/b.png", "photos/deep/a.png", "disk/c.png", "disk/in/d.png")
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 44, 3), np.uint8)
        Pillow.fromarray(pixels).save(path)
    photos = tmp_path / "photos"
    (photos / "again").symlink_to(tmp_path / "disk")
    (photos / "disk").symlink_to(tmp_path / "disk")
    (photos / "deep/round").symlink_to(photos)
    (photos / "also").symlink_to(photos / "deep")
    (tmp_path / "disk/in/back").symlink_to(tmp_path / "disk")
    (photos / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (photos / ".hidden").symlink_to(tmp_path / "disk")
    return photos


USED = ["again/c.png", "again/in/d.png", "b.png", "deep/a.png"]


def test_linked_folders_are_followed_once(tree):
    found = sorted(path.relative_to(tree).as_posix() for path in walk(tree))
    assert found == sorted([*USED, "gone.png"])


def test_real_folders_keep_their_own_place(tree):
    """However early the link to one comes: the order of a data set does not change by it."""
    assert [p.relative_to(tree).as_posix() for p in walk(tree)][:3] == [
        *("b.png", "gone.png", "deep/a.png")
    ]


def test_a_folder_is_left_out_by_what_it_is(tree, tmp_path):
    found = {path.name for path in walk(tree, without=tmp_path / "disk")}
    assert found == {"b.png", "a.png", "gone.png"}


def test_a_link_as_the_folder_itself(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    assert len([*walk(tmp_path / "link")]) == 5


def test_training_learns_from_linked_folders(tree):
    photos = Photos(tree, 8)
    assert [path.relative_to(tree).as_posix() for path in photos.paths] == USED
    assert [*photos.skipped] == [tree / "gone.png"]
    assert [*Photos(tree, 8, cache_gb=0).skipped] == [tree / "gone.png"]


def test_the_folder_command_enlarges_linked_folders(tree, tmp_path, capsys):
    assert enlarge([str(tree), "--method", "bicubic", "--out", str(tmp_path / "out")]) == 1
    out = tmp_path / "out"
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png"))
    assert found == [name.replace(".png", "_bicubic_x4.png") for name in USED]
    assert f"skipped {tree / 'gone.png'}: There is no such file" in capsys.readouterr().err


def test_copies_are_found_in_linked_folders(tree, tmp_path):
    copies, summary = find_copies([tmp_path / "disk/in/d.png"], [tree], lambda line: None)
    assert len(copies) == 1
    assert "among 4 photos" in summary


def test_a_linked_set_has_the_links_name(tree, tmp_path):
    (tmp_path / "Set5").symlink_to(tree)
    assert find_set(tmp_path / "Set5").name == "Set5"
