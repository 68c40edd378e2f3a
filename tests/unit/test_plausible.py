"""Sharp patches that shrink to the same small one: exactly, and what their average scores."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.mocks import noise

from demo.engine.examples import EXAMPLES
from demo.lesson import plausible as module
from demo.lesson.back_projection import shrinking
from demo.lesson.candidates import search, surroundings
from demo.lesson.plausible import MOST, SIDE, plausible
from srgan.images import ImageError, crop_to_scale, enlarge, shrink
from srgan.metrics import BT601
from srgan.reading import read_image

PATCH = 4 * SIDE


def example(name):
    """An example photo, and the same small."""
    hr = crop_to_scale(read_image(EXAMPLES / f"{name}_original.png"))
    return hr, shrink(hr)


def with_patch(photo, found, number):
    """The whole photo with one of the patches in its place."""
    piece = found.placed[number]
    top, left = (
        4 * (start - inside.start)
        for start, inside in zip((found.top, found.left), found.place.inside, strict=True)
    )
    changed = photo.copy()
    changed[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
    return changed


def detail(patch):
    """What shrinking loses of a patch, as a mean square."""
    return np.square(patch - enlarge(shrink(patch)).astype(float)).mean()


@pytest.fixture(scope="module")
def cat():
    return example("cat")


@pytest.fixture(scope="module")
def fur(cat):
    """As many patches as there can be, for a spot of fur."""
    hr, lr = cat
    return plausible(lr, (30, 45), MOST, hr)


@pytest.mark.parametrize("spot", [(30, 45), (0, 0), (111, 74), (0, 74), (60, 1), (34, 28)])
def test_with_every_patch_the_whole_photo_shrinks_to_the_same_small_one(cat, spot):
    hr, lr = cat
    found = plausible(lr, spot, 8, hr)
    assert len(found.placed) == 8
    assert found.patches.shape == (8, PATCH, PATCH, 3)
    for i in range(8):
        changed = with_patch(hr, found, i)
        assert (found.crop(changed) == found.patches[i]).all()
        assert (found.patches[i] != found.truth).any()
        assert (shrink(changed) == lr).all()


@pytest.mark.parametrize("spot", [(48, 58), (47, 45)])
def test_they_do_so_next_to_black_where_there_is_little_room(spot):
    hr, lr = example("astronaut")
    found = plausible(lr, spot, 8, hr)
    assert len({patch.tobytes() for patch in (*found.patches, found.truth)}) == 9
    for i in range(8):
        assert (shrink(with_patch(hr, found, i)) == lr).all()


def test_without_an_original_the_patches_shrink_to_the_small_photo(cat):
    _, lr = cat
    found = plausible(lr, (30, 45), 8)
    top, left = found.top - 4, found.left - 4  # two for the ring, two that see it
    for piece in found.placed:
        # The outermost two small pixels of a piece also depend on what lies beyond.
        inner = shrink(piece)[2:-2, 2:-2]
        assert (inner == lr[top : top + SIDE + 8, left : left + SIDE + 8]).all()
    assert (found.small == lr[found.top : found.top + SIDE, found.left : found.left + SIDE]).all()
    assert (found.truth, found.psnr, found.mean_psnr, found.average_psnr) == (None,) * 4
    assert found.score(found.average) is None


def test_a_piece_that_is_a_level_off_does_not_fit(fur):
    piece = fur.placed[0].copy()
    assert fur.place.fits(piece)
    rows, columns = (slice(4 * part.start, 4 * part.stop) for part in fur.place.inside)
    piece[rows, columns] = np.clip(piece[rows, columns].astype(int) + 1, 0, 255)
    assert not fur.place.fits(piece)


def test_the_patch_lies_around_the_spot(cat):
    hr, lr = cat
    found = plausible(lr, (30, 45), 1, hr)
    assert (found.left, found.top) == (25, 40)
    assert (found.truth == hr[160:200, 100:140]).all()
    corner = plausible(lr, (111, 0), 1, hr)
    assert (corner.left, corner.top) == (112 - SIDE, 0)


def test_the_patches_differ_and_are_sharp_and_their_average_is_soft(fur):
    assert len(fur.placed) == MOST
    assert (fur.patches @ BT601).var(axis=0).mean() > 12.75  # levels^2: 34 dB between any two
    single = np.mean([detail(patch) for patch in fur.patches])
    four, all_ = detail(fur.first(4).average), detail(fur.average)
    assert single > 0.2 * detail(fur.truth)
    assert single > 1.5 * four > 2 * all_


def test_fewer_patches_are_the_first_of_more(cat, fur):
    hr, lr = cat
    few = plausible(lr, (30, 45), 5, hr)
    assert (few.placed == fur.first(5).placed).all()
    assert few.psnr == fur.first(5).psnr == fur.psnr[:5]


def test_the_average_scores_more_than_the_patches_do_on_average(fur):
    for count in range(2, MOST + 1):
        some = fur.first(count)
        assert some.average_psnr > some.mean_psnr
    assert fur.score(fur.average) == pytest.approx(fur.average_psnr, abs=0.02)
    assert fur.average_psnr > max(fur.psnr) - 1


@given(
    count=st.integers(1, 6),
    spread=st.sampled_from([0, 1, 2, 20, 255]),
    away=st.sampled_from([0, 1, 2, 20, 255]),
    seed=st.integers(0, 2**32 - 1),
)
def test_whatever_the_patches_their_average_scores_no_less(fur, count, spread, away, seed):
    random = np.random.default_rng(seed)

    def near(image, levels):
        change = random.integers(-levels, levels + 1, (count, *image.shape))
        return np.clip(image + change, 0, 255).astype(np.uint8)

    truth = near(fur.truth, away)[0]
    some = replace(fur, placed=near(fur.placed[0], spread), truth=truth)
    assert some.average_psnr >= some.mean_psnr
    luma = (some.patches.astype(float) - truth) @ [65.481 / 255, 128.553 / 255, 24.966 / 255]
    error = np.square(luma.mean(axis=0)).mean()
    if error > 1e-9:
        assert some.average_psnr == pytest.approx(10 * math.log10(255**2 / error))
    if count == 1:
        assert some.average_psnr == some.mean_psnr == some.psnr[0] == some.score(some.average)


def test_the_mean_of_the_decibels_would_not_keep_that_order(fur):
    rows, columns = (slice(4 * part.start, 4 * part.stop) for part in fur.place.inside)
    placed = fur.placed[:2].copy()
    placed[0, rows, columns] = fur.truth
    lucky = replace(fur, placed=placed)
    assert lucky.psnr[0] == np.mean(lucky.psnr) == math.inf
    assert lucky.psnr[1] < lucky.mean_psnr <= lucky.average_psnr < math.inf


def test_whether_the_rounded_average_fits_is_found_by_shrinking_it(fur):
    rows, columns = fur.place.inside
    found = set()
    for count in (1, 2, 3, 5, 16, 64):
        some = fur.first(count)
        shrunk = shrink(np.rint(some.placed.mean(axis=0)).astype(np.uint8))[rows, columns]
        assert some.average_fits == (shrunk == some.small).all()
        assert abs(shrunk.astype(int) - some.small).max() <= 1
        found.add(some.average_fits)
    assert found == {True, False}


@pytest.mark.parametrize("name", ["grass", "page"])
@pytest.mark.parametrize("change", [lambda x: x, lambda x: x[6:, 11:], lambda x: x[:, ::-1]])
def test_an_example_photo_s_own_place_is_left_out(name, change):
    hr = crop_to_scale(change(example(name)[0]))
    found = plausible(shrink(hr), (20, 20), 8, hr)
    assert max(found.psnr) < found.score(found.truth) == math.inf
    assert max(found.psnr) < 30


def test_a_face_is_not_made_of_letters():
    _, lr = example("astronaut")
    y, x = 30, 45
    wanted = lr[y - 7 : y + 7, x - 7 : x + 7].astype(np.float32)
    found = search(wanted, surroundings(lr)[y, x], 16)
    names = [path.name for path in sorted(EXAMPLES.glob("*_original.png"))]
    assert {names[i] for i in found.photo} & {"cat_original.png", "astronaut_original.png"}
    assert "page_original.png" not in {names[i] for i in found.photo}


def test_a_gray_photo_gets_gray_patches():
    hr, lr = example("page")
    assert (lr == lr[..., :1]).all()
    patches = plausible(lr, (30, 15), 8, hr).patches
    assert (patches == patches[..., :1]).all()


@pytest.mark.parametrize("level", [0, 7, 128, 255])
def test_a_flat_photo_gets_patches_that_fit(level):
    lr = np.full((14, 12, 3), level, np.uint8)
    found = plausible(lr, (3, 3), 4, lr.repeat(4, axis=0).repeat(4, axis=1))
    for i in range(4):
        assert (shrink(with_patch(np.full((56, 48, 3), level, np.uint8), found, i)) == lr).all()


def test_a_photo_just_large_enough_works():
    hr = 64 + noise(PATCH, PATCH) // 4
    found = plausible(shrink(hr), (9, 0), 3, hr)
    assert found.placed.shape == (3, PATCH, PATCH, 3)
    for patch in found.patches:
        assert (shrink(patch) == shrink(hr)).all()


def test_what_cannot_be_is_said_to_the_person(cat):
    hr, lr = cat
    with pytest.raises(ImageError, match="112 × 9 pixels; a patch needs at least 10 × 10"):
        plausible(lr[:9], (3, 3), 4)
    for spot in ((112, 3), (3, 75), (-1, 3)):
        with pytest.raises(ImageError, match="outside this small image of 112 × 75 pixels"):
            plausible(lr, spot, 4)
    for count in (0, MOST + 1):
        with pytest.raises(ValueError, match="1 to 64"):
            plausible(lr, (3, 3), count)


@pytest.mark.parametrize("wrong", [lambda hr: hr[:-4], lambda hr: hr[:, :-1], lambda hr: hr[::-1]])
def test_an_original_of_another_photo_is_refused(cat, wrong):
    hr, lr = cat
    with pytest.raises(ValueError, match="does not shrink"):
        plausible(lr, (30, 70), 4, wrong(hr))


def test_fewer_patches_than_asked_are_returned_as_what_they_are(cat, monkeypatch):
    hr, lr = cat
    search = module.search
    monkeypatch.setattr(module, "search", lambda *_: search(*_).take(slice(3)))
    found = plausible(lr, (30, 45), 16, hr)
    assert len(found.placed) == len(found.psnr) == 3


def test_where_nothing_fits_it_says_so():
    board = (np.indices((20, 20)).sum(axis=0) % 2 * 255).astype(np.uint8)  # no photo shrinks to it
    with pytest.raises(ImageError, match="No patch fits here"):
        plausible(np.stack([board] * 3, axis=-1), (10, 10), 4)


def test_the_matrix_shrinks_as_shrink_does():
    column = np.random.default_rng(0).integers(0, 256, 48)
    picture = np.broadcast_to(column[:, None, None], (48, 4, 3)).astype(np.uint8)
    shrunk = np.clip(np.floor(shrinking(12) @ column + 0.5), 0, 255)
    assert (shrink(picture)[:, 0, 0] == shrunk).all()
