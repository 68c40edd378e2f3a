"""The score table and the captions."""

import math

from demo.engine.scores import Scores
from demo.engine.table import caption, table
from srgan.metrics import Score

ROWS = {
    "Bicubic": Scores.of(0.001, 37.21, Score(28.43, 0.8113), Score(28.42, 0.8211), 7.0),
    "SRResNet": Scores.of(2.0, 36.4, Score(30.201, 0.85), Score(30.1, 0.86), 30.0),
    "SRGAN": Scores.of(2.1, 35.0, Score(28.4, 0.79), Score(28.3, 0.80), 108.0),
}


def cells(text):
    return [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()]


def test_every_method_is_a_row_and_the_best_of_each_column_is_marked():
    head, _, bicubic, srresnet, srgan = cells(table(ROWS, "today"))
    assert head == ["Method", "PSNR [dB]", "SSIM", "Detail [%]", "Agreement [dB]", "Time [s]"]
    assert bicubic == ["Bicubic", "28.43", "0.811", "7", "**37.2** ★", "**0.00** ★"]
    assert srresnet == ["SRResNet", "**30.20** ★", "**0.850** ★", "30", "36.4", "2.00"]
    assert srgan == ["SRGAN", "28.40", "0.790", "**108** ★", "35.0", "2.10"]


def test_the_protocols_are_not_mixed():
    assert cells(table(ROWS, "paper"))[2][1:3] == ["28.42", "0.821"]
    assert caption(ROWS["Bicubic"], "paper") == "28.42 dB · SSIM 0.821"
    assert caption(ROWS["Bicubic"], "today") == "28.43 dB · SSIM 0.811"


def test_without_an_original_only_what_is_known_is_shown():
    rows = {"Bicubic": Scores.of(0.1, 37.2), "SRGAN": Scores.of(2.0, math.inf)}
    head, _, first, second = cells(table(rows, "today"))
    assert head == ["Method", "Agreement [dB]", "Time [s]"]
    assert first == ["Bicubic", "37.2", "**0.10** ★"]
    assert second == ["SRGAN", "**∞** ★", "2.00"]
    assert caption(rows["Bicubic"], "today") == "agrees with the input to 37.2 dB"


def test_equal_values_share_the_mark_and_a_single_row_has_none():
    same = Scores.of(1.0, 40.0, Score(30.0, 0.9), Score(30.0, 0.9), 50.0)
    assert table({"A": same, "B": same}, "today").count("★") == 10
    assert "★" not in table({"A": same}, "today")
    flat = Scores.of(1.0, 40.0, Score(math.inf, 1.0), Score(math.inf, 1.0), math.nan)
    assert "| ∞ | 1.000 | – |" in table({"A": flat}, "today")


def test_no_scores_no_table():
    assert table({}, "today") == ""
