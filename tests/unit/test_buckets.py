"""Files in buckets: found as a folder's are, read and written whole, named in what goes wrong."""

import pytest
import skimage.data
from PIL import Image as PillowImage
from support import bucket

from srgan.buckets import Url, heads
from srgan.enlarge_files import main

PHOTO = skimage.data.astronaut()[100:116, 200:220]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv(bucket.ROOT, str(tmp_path))
    bucket.register()
    for name in ("a.png", "a.jpg", "deep/b.png", ".hidden/c.png", "deep/.d.png", "out/e.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.fromarray(PHOTO).save(path)
    return tmp_path


def names(url, **options):
    return [(str(found), subfolder.as_posix()) for found, subfolder in Url(url).find(**options)]


def test_a_folder_a_pattern_and_a_file_are_found(root):
    assert names("bucket://photos", without="bucket://photos/out") == [
        ("bucket://photos/a.jpg", "."),
        ("bucket://photos/a.png", "."),
        ("bucket://photos/deep/b.png", "deep"),
    ]
    assert names("bucket://photos/**/*.png", without="bucket://photos/out") == [
        ("bucket://photos/a.png", "."),
        ("bucket://photos/deep/b.png", "deep"),
    ]
    assert names("bucket://photos/a.png") == [("bucket://photos/a.png", ".")]
    assert names("bucket://photos/none") == []
    first, second = heads([Url("bucket://photos/a.png"), Url("bucket://photos/none")], 4)
    assert (first, second) == (b"\x89PNG", b"")


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("form", ["png", "webp", "tiff"])
def test_the_outputs_are_those_of_a_folder_and_a_run_goes_on(root, form, capsys):
    (root / "photos/bad.png").write_bytes(b"no picture")
    common = ["--method", "bicubic", "--format", form]
    main([str(root / "photos"), "--out", str(root / "here"), *common])
    capsys.readouterr()
    there = ["bucket://photos", "--out", "bucket://there", *common]
    assert main(there) == 1
    said = capsys.readouterr()
    assert "skipped bucket://photos/bad.png: This is no picture" in said.err
    assert "bucket://there/deep/b_bicubic_x4" in said.out
    assert files(root / "there") == files(root / "here")
    assert len(files(root / "there")) == 4
    (root / "photos/bad.png").unlink()
    assert main(there) == 0
    assert "0 enlarged, 0 skipped, 4 there already" in capsys.readouterr().err
    PillowImage.fromarray(255 - PHOTO).save(root / "photos/deep/b.png")
    assert main(there) == 1
    err = capsys.readouterr().err
    assert "bucket://there/deep/b_bicubic_x4" in err
    assert "made of another file" in err


def test_a_pattern_that_no_shell_has_expanded_is_expanded(root, capsys):
    args = [str(root / "photos/*.png"), str(root / "photos/[z]"), "--out", str(root / "out")]
    assert main([*args, "--method", "bicubic"]) == 1
    assert "a_bicubic_x4.png" in capsys.readouterr().out


def test_what_is_not_there_is_told(root, capsys):
    args = ["--out", str(root / "out"), "--method", "bicubic"]
    assert main(["bucket://photos/none.png", *args]) == 1
    assert "skipped bucket://photos/none.png: " in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["nonesuch://photos", *args])
    assert stop.value.code == 2
    assert "error: nonesuch://photos: Protocol not known" in capsys.readouterr().err
