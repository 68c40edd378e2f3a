import shutil
from itertools import islice
from threading import Semaphore

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from support.colour_files import PASSED_OVER, flat

from srgan.data import Patches, Photos, prefetch
from srgan.images import ImageError, crop_to_scale, shrink, to_hr, to_lr
from srgan.reading import read_image


def save(path, height, width, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Pillow.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "b.png", 50, 61, seed=1)
    save(tmp_path / "deep" / "er" / "a.png", 48, 40, seed=2)
    save(tmp_path / "c.jpg", 80, 40, seed=3)
    return tmp_path


def test_any_tree_is_read_and_the_rest_is_named(folder):
    save(folder / "small.png", 39, 100)
    (folder / "notes.txt").write_text("not a photo")
    (folder / "broken.png").write_bytes((folder / "b.png").read_bytes()[:200])
    (folder / "empty.jpg").touch()
    (folder / ".hidden").mkdir()
    save(folder / ".hidden" / "x.png", 64, 64)
    photos = Photos(folder, 40)
    assert [p.relative_to(folder).as_posix() for p in photos.paths] == [
        *("b.png", "c.jpg", "deep/er/a.png")
    ]
    reasons = {path.name: reason for path, reason in photos.skipped.items()}
    assert reasons.keys() == {"small.png", "notes.txt", "broken.png", "empty.jpg"}
    assert "100 × 39 pixels; a side needs at least 40" in reasons["small.png"]
    assert all(len(reason) > 10 for reason in reasons.values())  # worded by `read_image`


def test_content_decides_and_names_may_be_odd(tmp_path):
    jpeg = save(tmp_path / "real.jpg", 48, 40)
    names = ["noext", "photo.jpg-large", "scan.jpg_large", "two\nlines", "ünï 写真.txt"]
    for name in names:
        shutil.copy(jpeg, tmp_path / name)
    for cache_gb in (8, 0):
        photos = Photos(tmp_path, 40, cache_gb=cache_gb)
        assert sorted(path.name for path in photos.paths) == sorted([*names, "real.jpg"])
        assert photos.skipped == {}
        assert all((pair[1] == photos[0][1]).all() for pair in map(photos.__getitem__, range(6)))


def test_what_was_changed_in_the_photos_is_counted(folder):
    for name in ("x", "y"):
        (folder / f"{name}.jpg").write_bytes(flat(65535))
    photos = Photos(folder, 8)
    assert photos.notes == {PASSED_OVER.format("EXIF: uncalibrated"): 2}
    assert photos.hold_out(1).notes == {}
    assert Photos(folder, 8, cache_gb=0).notes == {}  # nothing was decoded


def test_pairs_are_what_is_scored(folder):
    photos = Photos(folder, 40)
    hr = crop_to_scale(read_image(folder / "b.png"))
    assert hr.shape == (48, 60, 3)
    np.testing.assert_array_equal(photos[0][1], hr)
    np.testing.assert_array_equal(photos[0][0], shrink(hr))


def test_unusable_folders(tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        Photos(tmp_path / "nowhere", 8)
    with pytest.raises(ValueError, match=r"no usable photo: it has no file"):
        Photos(tmp_path, 8)
    save(tmp_path / "small.png", 7, 7)
    with pytest.raises(ValueError, match=r"(?s)no usable photo.*small.png: 7 × 7 pixels"):
        Photos(tmp_path, 8)


def test_crops_are_cut_from_both_images_at_the_same_place(folder):
    photos = Photos(folder, 40)
    lr, hr = Patches(photos, size=6, batch=8)[3]
    assert lr.shape == (8, 3, 6, 6)
    assert hr.shape == (8, 3, 24, 24)
    assert lr.dtype == hr.dtype == torch.float32
    assert lr.min() >= 0
    assert hr.min() < -0.5
    assert lr.is_contiguous(memory_format=torch.channels_last)
    for small, large in zip(lr, hr, strict=True):
        assert any(_holds(pair, small, large) for pair in map(photos.__getitem__, range(3)))


def _holds(pair, small, large):
    """Whether some place of a photo, turned and mirrored somehow, is this crop."""
    for turns in range(4):
        for mirrored in (False, True):
            a, b = (torch.flip(x, [2]) if mirrored else x for x in (small, large))
            a, b = (torch.rot90(x, -turns, (1, 2)) for x in (a, b))
            lr, hr = to_lr(pair[0])[0], to_hr(pair[1])[0]
            for y in range(lr.shape[1] - 5):
                for x in range(lr.shape[2] - 5):
                    if torch.equal(lr[:, y : y + 6, x : x + 6], a):
                        return torch.equal(hr[:, 4 * y : 4 * y + 24, 4 * x : 4 * x + 24], b)
    return False


def test_a_batch_is_a_function_of_seed_step_and_rank(folder):
    photos = Photos(folder, 40)
    patches = Patches(photos, 6, 4, seed=5)
    again = Patches(Photos(folder, 40), 6, 4, seed=5)
    assert torch.equal(patches[7][1], again[7][1])
    assert not torch.equal(patches[7][1], patches[8][1])
    assert not torch.equal(patches[7][1], Patches(photos, 6, 4, seed=6)[7][1])
    shares = [Patches(photos, 6, 4, 5, rank, 2)[7][1] for rank in (0, 1)]
    assert torch.equal(patches[7][1], torch.cat(shares))


def test_a_batch_that_cannot_be_shared(folder):
    with pytest.raises(ValueError, match="a batch of 5 cannot be shared evenly by 2"):
        Patches(Photos(folder, 40), 6, 5, processes=2)


def test_crops_of_a_step_and_of_steps_differ(folder):
    crops = torch.cat([Patches(Photos(folder, 40), 6, 16)[step][1] for step in range(3)])
    assert len({crop.numpy().tobytes() for crop in crops}) > len(crops) - 4


def test_photos_are_drawn_in_proportion_to_area(tmp_path):
    for name, side in (("large.png", 120), ("small.png", 60)):
        save(tmp_path / name, side, side)
    photos = Photos(tmp_path, 40)
    rng = np.random.default_rng(0)
    sizes = [photos.draw(rng)[1].shape[0] for _ in range(2000)]
    assert np.mean(np.equal(sizes, 120)) == pytest.approx(0.8, abs=0.03)


def test_a_photo_as_small_as_the_crop(tmp_path):
    save(tmp_path / "exact.png", 24, 24)
    lr, hr = Patches(Photos(tmp_path, 24), 6, 2)[0]
    assert hr.shape == (2, 3, 24, 24)


def test_without_memory_the_batches_are_the_same(folder):
    kept, read = Photos(folder, 40), Photos(folder, 40, cache_gb=0)
    assert kept.paths == read.paths
    for step in range(3):
        for a, b in zip(Patches(kept, 6, 4)[step], Patches(read, 6, 4)[step], strict=True):
            assert torch.equal(a, b)


def test_photos_that_break_later_are_each_told_once_and_drawn_no_more(folder):
    save(folder / "d.png", 60, 60, seed=4)
    save(folder / "e.png", 60, 60, seed=5)
    photos = Photos(folder, 40, cache_gb=0)
    assert photos.usable == 5
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:2000])  # its head is whole
    (folder / "c.jpg").unlink()
    (folder / "d.png").unlink()
    save(folder / "d.png", 30, 30)
    (folder / "e.png").unlink()
    (folder / "e.png").mkdir()
    for step in range(8):
        assert Patches(photos, 6, 4)[step][0].shape == (4, 3, 6, 6)
    news = dict(line.split(": ", 1) for line in photos.news())
    reasons = {"b.png": "damaged", "c.jpg": "no such", "d.png": "30 × 30", "e.png": "a folder"}
    assert news.keys() == {str(folder / name) for name in reasons}
    for name, reason in reasons.items():
        assert reason in news[str(folder / name)]
        assert reason in photos.skipped[folder / name]
    for step in range(8):
        Patches(photos, 6, 4)[step]
    assert photos.news() == []
    assert photos.usable == 1
    assert photos.megapixels == pytest.approx(48 * 40 / 1e6)


def test_a_photo_exchanged_for_another_is_not_taken_for_it(folder):
    photos = Photos(folder, 40, cache_gb=0)
    save(folder / "b.png", 400, 400, seed=9)
    with pytest.raises(ImageError, match="another picture than at the start, of 400 × 400"):
        photos[0]


def test_one_small_photo_that_is_left_is_found(tmp_path):
    """However improbable: of the area it has a thousandth."""
    save(tmp_path / "small.png", 40, 40)
    large = save(tmp_path / "wide.png", 1200, 1400)
    photos = Photos(tmp_path, 40, cache_gb=0)
    large.unlink()
    for seed in range(20):
        assert photos.draw(np.random.default_rng(seed))[1].shape == (40, 40, 3)


def test_photos_that_are_gone_do_not_hang(folder):
    photos = Photos(folder, 40, cache_gb=0)
    for path in photos.paths:
        path.unlink()
    with pytest.raises(ImageError, match=f"no photo of {folder} can be read any more"):
        Patches(photos, 6, 4)[0]
    assert photos.usable == 0


def test_of_pairs_only_the_originals_are_photos(folder):
    save(folder / "Set/HR/x.png", 60, 60)
    save(folder / "Set/LR/x.png", 15, 15)
    photos = Photos(folder / "Set", 8)
    assert [path.relative_to(folder).as_posix() for path in photos.paths] == ["Set/HR/x.png"]
    assert photos.skipped == {}


def test_prefetch_keeps_the_order_and_works_ahead(folder):
    patches = Patches(Photos(folder, 40), 6, 2)
    batches = prefetch(patches, 5)
    for step, (lr, _) in zip(range(5, 9), batches, strict=False):
        assert torch.equal(lr, patches[step][0])

    class Counted:
        def __init__(self):
            self.made = Semaphore(0)

        def __getitem__(self, step):
            self.made.release()
            return step, step

    counted = Counted()
    batches = prefetch(counted, 0)
    assert next(batches) == (0, 0)
    for _ in range(5):  # two at work, two ready, and the one that took the place of the first
        assert counted.made.acquire(timeout=60)
    assert [step for step, _ in islice(batches, 2)] == [1, 2]


def test_errors_in_the_background_come_to_the_front():
    class Broken:
        def __getitem__(self, step):
            raise RuntimeError("no such step")

    with pytest.raises(RuntimeError, match="no such step"):
        next(prefetch(Broken(), 0))
