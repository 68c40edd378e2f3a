"""The speed benchmarks run and judge; what they measure is for quiet machines, not for tests."""

import numpy as np
import pytest
import skimage.data

from benchmarks import precision, runtimes, scaling
from benchmarks.scaling import Row
from srgan.images import write_png


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(runtimes, "REST", 0)


def run_runtimes(capsys):
    """Rows by precision and name, and what stands below the table."""
    runtimes.main(["--side", "8", "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()[4:]
    rows = {line[:21].strip(): line.split() for line in lines if line[:4] in ("fp32", "bf16")}
    return rows, lines[len(rows) :]


def test_every_runtime_has_a_row_or_is_named_as_missing(capsys):
    rows, below = run_runtimes(capsys)
    for name in ("ours", "PyTorch, eager", "limit"):
        assert {f"fp32 {name}", f"bf16 {name}"} <= rows.keys()
    assert [row[-2] for name, row in rows.items() if "ours" in name] == ["1.00"] * 2
    assert rows["fp32 PyTorch, eager"][-1] == "0"
    assert int(rows["bf16 ours"][-1]) <= 8
    for peer in runtimes.PEERS:
        assert (f"fp32 {peer}" in rows) != any(line.startswith(f"{peer}:") for line in below)


def test_a_missing_peer_is_named_with_what_it_lacks(capsys, monkeypatch):
    monkeypatch.setattr(runtimes, "NEEDS", {peer: ("no_such",) for peer in runtimes.PEERS})
    rows, below = run_runtimes(capsys)
    assert len(rows) == 6
    assert below == [
        f"{peer}: not installed, lacks no_such (requirements-bench.txt)" for peer in runtimes.PEERS
    ]


def test_an_output_is_compared_as_pixels():
    pixels = np.array([[[0, 128, 255]]], np.uint8)
    floats = (pixels.transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
    assert np.array_equal(runtimes.levels(floats), runtimes.levels(pixels))


def test_scaling_measures_in_a_process_of_its_own(capsys):
    code = scaling.main(["--megapixels", "0.01", "--rounds", "1", "--precision", "fp32"])
    megapixels, seconds, pace, memory = map(float, capsys.readouterr().out.splitlines()[3].split())
    assert code == 0  # one size is linear
    assert megapixels == 0.01
    assert seconds == pytest.approx(pace * megapixels, abs=1e-3)
    assert 0 < memory < 400


def test_scaling_judges_time_and_memory():
    fine = [Row(0.25, 0.1, 50), Row(4, 1.9, 200)]
    assert scaling.faults(fine) == []
    (slow,) = scaling.faults([*fine, Row(16, 9, 200)])
    assert "up to 1.41 times as long" in slow
    (large,) = scaling.faults([*fine, Row(16, 7, 401)])
    assert "401 MB, over 400" in large


def test_precision_prints_both_and_judges(capsys, monkeypatch, tmp_path):
    write_png(skimage.data.astronaut()[60:92, 200:248], tmp_path / "face.png")
    assert precision.main(["--images", str(tmp_path)]) in (0, 1)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:3]]
    assert [row[0] for row in rows] == ["SRResNet", "SRGAN"]
    for _, _, fp32, bf16, change, levels in rows:
        assert 20 < float(fp32) < 50
        assert float(bf16) - float(fp32) == pytest.approx(float(change), abs=1.1e-4)
        assert 1 <= int(levels) < 10
    monkeypatch.setattr(precision, "LARGEST_DB", -1)
    assert precision.main(["--images", str(tmp_path)]) == 1
