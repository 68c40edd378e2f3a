"""The lesson's answers: what it shows of a spot, what is missing, and what it tells of the code."""

import math
import re

import gradio as gr
import numpy as np
import pytest
from support.lesson import TILE, chosen, comparison, question, tiles
from support.mocks import noise

from demo.engine.examples import NAMES
from demo.lesson import story, tab
from demo.lesson.plausible import MOST, SIDE
from demo.lesson.tab import STARTS, answer, asked
from demo.viewer.gallery import STORED
from srgan.evaluation.report import PUBLISHED
from srgan.images import enlarge, repeat, shrink
from srgan.metrics import BT601
from srgan.reading import read_image

TEXTS = (story.OPENING, story.FORMULAS, story.NETWORKS, story.NUMBERS)


def psnr(patch, truth):
    error = np.square((patch.astype(float) - truth) @ BT601).mean()
    return 10 * math.log10(255**2 / error)


def decibels(text):
    return float(re.fullmatch(r"(\d+\.\d\d) dB", text)[1])


@pytest.fixture(scope="module")
def cat():
    return STORED.show("cat")[0]


@pytest.fixture(scope="module")
def first(cat):
    return answer(cat, question(number=7))


@pytest.fixture
def flat():
    """A photo that is quickly searched, large and small."""
    hr = 64 + noise(80, 96) // 4
    return hr, shrink(hr)


def test_the_cat_s_fur_is_what_one_sees_first(cat, first):
    assert (first.number, first.id, first.message, first.notes) == (7, cat.id, "", [])
    assert (first.left + SIDE // 2, first.top + SIDE // 2) == (30, 45)
    assert (first.width, first.height) == (112, 75)
    assert first.photo.path == cat.panes[0].file.path
    assert len(first.patches) == len(first.averages) == MOST
    assert first.is_whole


def test_the_sheet_holds_the_small_patch_and_patches_that_shrink_to_it(cat, first):
    small, _, patches, rest = tiles(first)
    lr = read_image(cat.panes[0].file.path)
    top, left = first.top, first.left
    assert (small == repeat(lr[top : top + SIDE, left : left + SIDE])).all()
    inner = slice(2, -2)  # the outermost small pixels also depend on what lies around the patch
    for patch in patches:
        assert (shrink(patch)[inner, inner] == small[::4, ::4][inner, inner]).all()
    for pane in cat.panes[-3:]:
        image = read_image(pane.file.path)
        crop = image[4 * top : 4 * top + TILE, 4 * left : 4 * left + TILE]
        assert (rest[pane.name] == crop).all()


def test_each_average_is_that_of_so_many_patches(first):
    _, averages, patches, _ = tiles(first)
    for count in range(1, MOST + 1):
        assert (averages[count - 1] == np.rint(patches[:count].mean(axis=0))).all()


def test_the_scores_are_those_of_the_pictures(first):
    _, averages, patches, rest = tiles(first)
    truth = rest["Original"]
    assert first.patches == [f"{psnr(patch, truth):.2f} dB" for patch in patches]
    for picture in first.pictures[:-1]:
        assert picture.psnr == f"{psnr(rest[picture.name], truth):.2f} dB"
    assert [p.name for p in first.pictures] == ["SRResNet", "SRGAN", "Original"]
    assert first.pictures[-1].psnr == "∞ dB"
    for count in (1, 2, 16, MOST):
        average = first.averages[count - 1]
        assert decibels(average.psnr) == pytest.approx(psnr(averages[count - 1], truth), abs=0.03)
        errors = [10 ** (-psnr(patch, truth) / 10) for patch in patches[:count]]
        assert decibels(average.patches) == pytest.approx(
            -10 * math.log10(np.mean(errors)), abs=0.01
        )
        assert decibels(average.psnr) >= decibels(average.patches)


def test_a_chosen_spot_is_answered_and_a_second_look_at_the_same_is_not(flat):
    hr, lr = flat
    shown = comparison(lr, hr, SRResNet=enlarge(lr), SRGAN=repeat(lr))
    data = answer(shown, chosen(shown, 9, 12))
    assert (data.left, data.top) == (4, 7)
    assert answer(shown, question(id=shown.id, is_whole=True)) is None


def test_at_the_border_the_square_stays_inside(flat):
    hr, lr = flat
    shown = comparison(lr, hr, SRResNet=enlarge(lr))
    data = answer(shown, chosen(shown, 23, 0))
    assert (data.left, data.top) == (24 - SIDE, 0)


def test_another_photo_starts_at_a_spot_of_its_own(flat):
    hr, lr = flat
    shown = comparison(lr, hr)
    data = answer(shown, question(id="another", is_whole=True, is_chosen=True, x=23, y=19))
    assert (data.id, data.left, data.top) == (shown.id, 12 - SIDE // 2, 10 - SIDE // 2)


def test_every_built_in_photo_starts_inside(cat):
    assert STARTS.keys() == NAMES.keys()
    for name, (x, y) in STARTS.items():
        small = STORED.show(name)[0].panes[0]
        assert SIDE // 2 <= x <= small.width - SIDE // 2
        assert SIDE // 2 <= y <= small.height - SIDE // 2


def test_what_is_not_computed_yet_is_left_out_and_asked_for_again(flat):
    hr, lr = flat
    early = comparison(lr, hr, Bicubic=enlarge(lr), SRResNet=enlarge(lr))
    data = answer(early, question())
    assert [p.name for p in data.pictures] == ["SRResNet", "Original"]
    assert len(data.notes) == 1
    assert "SRGAN" in data.notes[0]
    assert not data.is_whole
    again = answer(early, question(id=early.id, is_whole=data.is_whole, x=9, y=9))
    assert (again.left, again.top) == (9 - SIDE // 2, 9 - SIDE // 2)


def test_without_an_original_there_is_neither_truth_nor_psnr(flat):
    _, lr = flat
    data = answer(comparison(lr, SRResNet=enlarge(lr), SRGAN=repeat(lr)), question())
    assert [p.name for p in data.pictures] == ["SRResNet", "SRGAN"]
    scores = [*data.patches, *(p.psnr for p in data.pictures)]
    scores += [text for average in data.averages for text in (average.psnr, average.patches)]
    assert set(scores) == {""}
    assert data.notes == [tab.NO_ORIGINAL]
    assert data.is_whole


def test_what_cannot_be_is_told_beside_the_photo(flat):
    hr, lr = flat
    shown = comparison(lr, hr)
    outside = answer(shown, chosen(shown, 24, 3))
    tiny = answer(comparison(lr[:6]), question())
    for data, words in ((outside, "outside this small image"), (tiny, "at least 10 × 10")):
        assert words in data.message
        assert data.sheet is None
        assert data.photo.path


def test_a_picture_that_is_deleted_is_missed_in_words(flat, tmp_path):
    hr, lr = flat
    shown = comparison(lr, hr)
    shown.panes[-1].file.path = str(tmp_path / "gone.png")
    assert answer(shown, question()).message == tab.GONE


def test_fewer_patches_are_told(flat, monkeypatch):
    hr, lr = flat
    find = tab.plausible
    monkeypatch.setattr(tab, "plausible", lambda lr, spot, _, hr: find(lr, spot, 3, hr))
    data = answer(comparison(lr, hr, SRResNet=hr, SRGAN=hr), question())
    assert len(data.patches) == len(data.averages) == 3
    assert data.notes == ["Only 3 of 64 patches could be found here."]


@pytest.mark.parametrize("sent", [None, [], {}, {"x": 1}, question().model_dump() | {"x": "?"}])
def test_made_up_questions_are_refused(sent):
    with pytest.raises(gr.Error, match="Choose the spot again"):
        asked(gr.EventData(None, sent))


def test_on_a_space_code_is_linked_to_the_line_that_defines_it():
    pattern = (
        r"\[`([\w/.]+)`\]\(https://huggingface.co/spaces/me/it/blob/main/([\w/.]+)(?:#L(\d+))?\)"
    )
    links = [link for text in TEXTS for link in re.findall(pattern, story.linked(text, "me/it"))]
    names = [name for name, _, line in links if line]
    assert {"ContentLoss", "adversarial_loss", "discriminator_loss", "Generator"} <= set(names)
    for name, file, line in links:
        lines = (story.REPOSITORY / file).read_text("utf-8").splitlines()
        if line:
            assert re.match(rf" *(class|def) {name}\b", lines[int(line) - 1])


def test_elsewhere_code_is_named():
    texts = [story.linked(text, None) for text in TEXTS]
    assert "`adversarial_loss` in `srgan/losses.py`" in texts[1]
    assert "`weights/README.md`" in texts[3]
    assert not any(re.search(r"@\w|huggingface|(?<= )#\w", text) for text in texts)


def test_a_name_that_is_gone_is_noticed():
    with pytest.raises(ValueError, match=r"srgan/losses.py has no loss_of_nothing"):
        story.linked("@srgan/losses.py:loss_of_nothing", "me/it")


def test_the_paper_s_numbers_are_those_of_the_model_card():
    rows = re.findall(r"^\| (\w+) \| \**([\d.∞]+)\** \| \**([\d.]+)\** \|$", story.NUMBERS, re.M)
    assert len(rows) == 4
    for method, decibels, opinion in rows:
        psnr, _, mos = PUBLISHED["BSD100"][method.lower()]
        assert (decibels, opinion) == ("∞" if math.isinf(psnr) else f"{psnr:.2f}", f"{mos:.2f}")
