"""Pictures in memory: never more than the limit, never longer than their files."""

import pytest
from support.mocks import noise, save

from demo.engine import held
from demo.engine.held import Held
from srgan.images import ImageError

SIZE = noise().nbytes


@pytest.fixture
def paths(tmp_path):
    return [save(tmp_path, noise(seed=seed), f"{seed}.png") for seed in range(4)]


@pytest.fixture
def decoded(monkeypatch):
    """The files that were decoded."""
    read, seen = held.read_image, []

    def noted(path):
        seen.append(path)
        return read(path)

    monkeypatch.setattr(held, "read_image", noted)
    return seen


def test_what_was_written_here_is_not_decoded(paths, decoded):
    kept, image = Held(), noise()
    kept.put(paths[0], image)
    assert kept.get(paths[0]) is image
    assert decoded == []


def test_beyond_the_limit_what_was_not_used_for_long_is_read_again(paths, decoded):
    kept = Held(max_bytes=2 * SIZE)
    for seed in (0, 1):
        kept.put(paths[seed], noise(seed=seed))
    kept.get(paths[0])
    kept.put(paths[2], noise(seed=2))
    assert [(kept.get(paths[seed]) == noise(seed=seed)).all() for seed in (0, 2, 1)] == [True] * 3
    assert decoded == [paths[1]]
    assert sum(image.nbytes for image in kept._images.values()) <= 2 * SIZE


def test_nothing_stays_longer_than_its_file(paths):
    kept = Held()
    for seed in (0, 1):
        kept.put(paths[seed], noise(seed=seed))
        paths[seed].unlink()
    with pytest.raises(ImageError):
        kept.get(paths[1])
    kept.put(paths[2], noise(seed=2))
    assert list(kept._images) == [str(paths[2])]
