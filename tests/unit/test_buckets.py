"""Files in buckets: found as a folder's are, read and written whole, named in what goes wrong."""

import pytest
import skimage.data
from PIL import Image as PillowImage

from srgan.buckets import Url, heads
from srgan.enlarge_files import main

PHOTO = skimage.data.astronaut()[100:116, 200:220]


@pytest.fixture
def root(tmp_path):
    for name in ("a.png", "a.jpg", "deep/b.png", ".hidden/c.png", "deep/.d.png", "out/e.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.fromarray(PHOTO).save(path)
    return tmp_path


@pytest.fixture
def bucket(root):
    """To fsspec a folder of this machine is a bucket like any other."""
    return f"file://{root}"


def names(url, **options):
    return [(str(found), subfolder.as_posix()) for found, subfolder in Url(url).find(**options)]


def test_a_folder_a_pattern_and_a_file_are_found(bucket):
    assert names(f"{bucket}/photos", without=f"{bucket}/photos/out") == [
        (f"{bucket}/photos/a.jpg", "."),
        (f"{bucket}/photos/a.png", "."),
        (f"{bucket}/photos/deep/b.png", "deep"),
    ]
    assert names(f"{bucket}/photos/**/*.png", without=f"{bucket}/photos/out") == [
        (f"{bucket}/photos/a.png", "."),
        (f"{bucket}/photos/deep/b.png", "deep"),
    ]
    assert names(f"{bucket}/photos/a.png") == [(f"{bucket}/photos/a.png", ".")]
    assert names(f"{bucket}/photos/none") == []
    first, second = heads([Url(f"{bucket}/photos/a.png"), Url(f"{bucket}/photos/none")], 4)
    assert (first, second) == (b"\x89PNG", b"")


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("form", ["png", "webp", "tiff"])
def test_the_outputs_are_those_of_a_folder_and_a_run_goes_on(root, bucket, form, capsys):
    (root / "photos/bad.png").write_bytes(b"no picture")
    common = ["--method", "bicubic", "--format", form]
    main([str(root / "photos"), "--out", str(root / "here"), *common])
    capsys.readouterr()
    there = [f"{bucket}/photos", "--out", f"{bucket}/there", *common]
    assert main(there) == 1
    said = capsys.readouterr()
    assert f"skipped {bucket}/photos/bad.png: This is no picture" in said.err
    assert f"{bucket}/there/deep/b_bicubic_x4" in said.out
    assert files(root / "there") == files(root / "here")
    assert len(files(root / "there")) == 4
    (root / "photos/bad.png").unlink()
    assert main(there) == 0
    assert "0 enlarged, 0 skipped, 4 there already" in capsys.readouterr().err
    PillowImage.fromarray(255 - PHOTO).save(root / "photos/deep/b.png")
    assert main(there) == 1
    err = capsys.readouterr().err
    assert f"{bucket}/there/deep/b_bicubic_x4" in err
    assert "made of another file" in err


def test_a_pattern_that_no_shell_has_expanded_is_expanded(root, capsys):
    args = [str(root / "photos/*.png"), str(root / "photos/[z]"), "--out", str(root / "out")]
    assert main([*args, "--method", "bicubic"]) == 1
    assert "a_bicubic_x4.png" in capsys.readouterr().out


def test_what_is_not_there_is_told(root, bucket, capsys):
    args = ["--out", str(root / "out"), "--method", "bicubic"]
    assert main([f"{bucket}/photos/none.png", *args]) == 1
    assert f"skipped {bucket}/photos/none.png: " in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["nonesuch://photos", *args])
    assert stop.value.code == 2
    assert "error: nonesuch://photos: Protocol not known" in capsys.readouterr().err
