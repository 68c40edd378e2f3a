"""Which files are a photo and its small version."""

import pytest

from demo.engine.names import Given, pair


@pytest.mark.parametrize(
    "names",
    [
        ("baby_HR.png", "baby_LR.png"),
        ("baby.png", "babyx4.png"),
        ("baby.png", "baby_x4.png"),
        ("baby.png", "baby_LR.png"),
        ("Set5/HR/baby.png", "Set5/LR/baby.png"),
        ("HR/baby.png", "LR/babyx4.png"),
        ("GTmod12/baby.png", "LRbicx4/baby.png"),
        ("Set5/GTmod12/baby.png", "Set5/LRbicx4/baby.jpg"),
        ("DIV2K_valid_HR/0801.png", "DIV2K_valid_LR_bicubic/X4/0801x4.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_LR.png"),
        ("cat_original.png", "cat_small.png"),
        ("hr\\Baby.PNG", "lr\\baby.png"),
    ],
)
def test_the_usual_names_go_together(names):
    assert pair(names) == [Given(0, 1)]
    assert pair(names[::-1]) == [Given(1, 0)]


@pytest.mark.parametrize(
    "names",
    [
        ("a.png", "b.png"),
        ("one/a.png", "two/a.png"),
        ("linux4.png", "lin.png"),
        ("x4.png", "a.png"),
        ("chr.png", "clr.png"),
        ("three/HR/a.png", "four/LR/b.png"),
    ],
)
def test_others_do_not(names):
    assert [(g.photo, g.small) for g in pair(names)] == [(0, None), (1, None)]


def test_a_small_image_alone_is_one_only_where_its_name_says_so():
    assert pair(["LR/a.png", "b_LR.png", "cx4.png", "d.png"]) == [
        Given(0, is_small=True),
        Given(1, is_small=True),
        Given(2),
        Given(3),
    ]


def test_small_versions_for_another_scale_and_second_ones_are_named():
    names = ["GTmod12/a.png", "LRbicx2/a.png", "LRbicx4/a.png", "LR/a.png"]
    first, other, second = pair(names)
    assert first == Given(0, 2)
    assert other.photo == 1
    assert "another scale" in other.problem
    assert second.photo == 3
    assert names[2] in second.problem


def test_the_original_beside_its_cropped_version_is_a_photo_of_its_own():
    assert pair(["s/GTmod12/a.png", "s/LRbicx4/a.png", "s/original/a.png"]) == [
        Given(0, 1),
        Given(2),
    ]
