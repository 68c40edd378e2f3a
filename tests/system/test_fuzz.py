"""Whatever a file holds, it is read as a picture or refused in words.

`python -m benchmarks.fuzz` runs many more, each in a process of bounded memory and time.
"""

import os
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mutants import HONEST, MUTANTS, ONCE_EACH

from srgan.images import ImageError
from srgan.reading import read_picture

CASES = int(os.environ.get("FUZZ_CASES", 500))
LIMIT = 1_000_000


def read_or_refuse(path):
    """The picture, or None if it was refused; all else fails."""
    try:
        picture = read_picture(path, LIMIT)
    except ImageError as error:
        message = str(error)
        assert message.endswith(".")
        assert path.name not in message
        return None
    image = picture.image
    assert image.dtype == picture.colours.dtype == np.uint8
    assert image.shape == picture.colours.shape
    assert image.shape[2:] == (3,)
    assert 0 < image.shape[0] * image.shape[1] <= LIMIT
    assert picture.alpha is None or picture.alpha.shape == image.shape[:2]
    return picture


@pytest.mark.parametrize("kind", HONEST)
def test_honest_files_are_read(tmp_path, kind):
    path = tmp_path / "honest"
    path.write_bytes(HONEST[kind])
    assert read_or_refuse(path)


@settings(max_examples=CASES, derandomize=True, **ONCE_EACH)
@given(mutant=MUTANTS, filters=st.sampled_from(("error", "ignore")))
def test_mutants_are_read_or_refused(tmp_path_factory, mutant, filters):
    (_, data), suffix = mutant
    path = tmp_path_factory.getbasetemp() / f"mutant{suffix}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter(filters)  # what Pillow warns of must not come out as an exception
        read_or_refuse(path)
