"""The benchmarks run and judge; what they measure is for quiet machines, not for tests."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from support.browser import finish, serve
from support.mocks import methods

from benchmarks import crowd, machine, precision, request, runtimes, scaling, sets
from benchmarks.crowd import Diary, Light, Usage
from benchmarks.request import Request
from benchmarks.running import App
from benchmarks.scaling import Row
from demo.blind.store import Store
from demo.compare.waiting import BUSY, MAX_WAITING
from demo.page import LAUNCH, build_page
from srgan.images import enlarge, repeat, write_png


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(runtimes, "REST", 0)


@pytest.fixture(params=[True, False], ids=["bf16", "fp32 alone"])
def has_bf16(request, monkeypatch):
    """Whether the processor computes in bf16, or says so."""
    monkeypatch.setattr(machine, "has_native_bf16", lambda: request.param)
    return request.param


def run_runtimes(capsys):
    """Rows by precision and name, and what stands below the table."""
    runtimes.main(["--side", "8", "--rounds", "1"])
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith(machine.describe())
    lines = lines[3:]
    rows = {line[:21].strip(): line.split() for line in lines if line[:4] in ("fp32", "bf16")}
    return rows, lines[len(rows) :]


def test_every_runtime_has_a_row_in_what_the_processor_has_or_is_named_as_missing(capsys, has_bf16):
    rows, below = run_runtimes(capsys)
    precisions = ("fp32", "bf16")[: 1 + has_bf16]
    for name in ("ours", "PyTorch, eager", "limit"):
        assert [row[:4] for row in rows if row.endswith(name)] == [*precisions]
    assert {row[:4] for row in rows} == {*precisions}
    assert [row[-2] for name, row in rows.items() if "ours" in name] == ["1.00"] * len(precisions)
    assert rows["fp32 PyTorch, eager"][-1] == "0"
    assert not has_bf16 or int(rows["bf16 ours"][-1]) <= 8
    for peer in runtimes.PEERS:
        assert (f"fp32 {peer}" in rows) != any(line.startswith(f"{peer}:") for line in below)


def test_a_missing_peer_is_named_with_what_it_lacks(capsys, monkeypatch):
    monkeypatch.setattr(runtimes, "NEEDS", {peer: ("no_such",) for peer in runtimes.PEERS})
    rows, below = run_runtimes(capsys)
    assert len(rows) == 3 * len(machine.precisions())
    assert below == [
        f"{peer}: not installed, lacks no_such (extra bench)" for peer in runtimes.PEERS
    ]


def test_an_output_is_compared_as_pixels():
    pixels = np.array([[[0, 128, 255]]], np.uint8)
    floats = (pixels.transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
    assert np.array_equal(runtimes.levels(floats), runtimes.levels(pixels))


def test_scaling_measures_in_a_process_of_its_own(capsys):
    code = scaling.main(["--megapixels", "0.01", "--rounds", "1", "--precision", "fp32"])
    first, *lines = capsys.readouterr().out.splitlines()
    megapixels, seconds, pace, memory = map(float, lines[3].split())
    assert first == machine.describe()
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


def test_no_round_begins_when_the_time_is_up(monkeypatch):
    done = []
    key = ("fp32", "ours")
    assert runtimes.medians({key: lambda: done.append(1)}, 5)[1] == 5
    monkeypatch.setattr(runtimes, "PATIENCE", 0)
    assert runtimes.medians({key: lambda: done.append(1)}, 5)[1] == 1  # after one to warm up
    assert len(done) == 6 + 2


def test_precision_prints_both_and_judges(capsys, monkeypatch, tmp_path, has_bf16):
    write_png(skimage.data.astronaut()[60:92, 200:248], tmp_path / "face.png")
    code = precision.main(["--images", str(tmp_path)])
    _, *lines = capsys.readouterr().out.splitlines()
    if not has_bf16:
        assert (code, len(lines)) == (0, 1)
        return
    assert code in (0, 1)
    rows = [line.split() for line in lines[1:3]]
    assert [row[0] for row in rows] == ["SRResNet", "SRGAN"]
    for _, _, fp32, bf16, change, levels in rows:
        assert 20 < float(fp32) < 50
        assert float(bf16) - float(fp32) == pytest.approx(float(change), abs=1.1e-4)
        assert 1 <= int(levels) < 10
    monkeypatch.setattr(precision, "LARGEST_DB", -1)
    assert precision.main(["--images", str(tmp_path)]) == 1


def test_a_request_is_judged_by_what_it_costs_beside_the_networks(capsys):
    parts = {"upload": 0.05, "scoring": 0.1, "keeping results": 0.01}
    slow, fast = Request(2.4, 2.0, parts), Request(2.2, 2.0, parts)
    assert slow.overhead == pytest.approx(0.2)
    assert request.report([fast, slow, fast])
    rows = {line[:26].strip(): line[26:].split() for line in capsys.readouterr().out.splitlines()}
    assert rows["networks"] == ["2.000", "100.0%"]
    assert rows["events, transfer, drawing"] == ["0.150", "7.5%"]
    assert rows["afterwards: scoring"] == ["0.100", "5.0%"]
    assert not request.report([slow])


def test_photos_of_a_benchmark_are_all_different():
    first, second = (request.photo(number, 600) for number in (0, 1))
    assert first.shape == second.shape == (600, 600, 3)
    assert (first != second).any()
    assert request.photo(0, 1024).shape == (1024, 1024, 3)


def test_the_parts_of_a_server_are_told_apart(tmp_path):
    hr = skimage.data.astronaut()[:64, :64]
    write_png(hr, tmp_path / "face.png")
    parts = request.server_parts(tmp_path / "face.png", [hr, hr, hr], tmp_path / "results")
    assert list(parts) == [
        *("reading", "shrinking, bicubic", "scoring", "keeping results", "writing PNG"),
    ]
    assert min(parts.values()) > 0


USUAL = Usage(memory=1000, temporary=0, uploads=5, results=5)


def test_a_crowd_is_judged_by_faults_light_actions_and_what_stays():
    grown = USUAL._replace(memory=1090, uploads=900, results=500)
    assert crowd.faults(Diary(), USUAL, grown) == []
    lights = [Light("a vote", 0.1, MAX_WAITING)] * 99 + [Light("a vote", 9.0, 0)]
    assert crowd.faults(Diary(lights=lights), USUAL, USUAL) == []
    lights = [Light("an example", 0.4, MAX_WAITING)]
    (late,) = crowd.faults(Diary(faults=[], lights=lights), USUAL, USUAL)
    assert late == "an example while the queue is full: 95 % within 0.40 s"
    (heavy,) = crowd.faults(Diary(), USUAL, USUAL._replace(memory=1150))
    assert heavy == "memory: 1000 MiB before, 1150 MiB after"
    assert crowd.faults(Diary(faults=["lost"]), USUAL, USUAL._replace(temporary=3)) == [
        "lost",
        "temporary: 0 MiB before, 3 MiB after",
    ]


def test_a_small_crowd_is_served(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(crowd, "SIDES", (20, 40))
    monkeypatch.setattr(crowd, "RUSH", 0.05)
    mocks = methods(Bicubic=enlarge, SRResNet=repeat, SRGAN=repeat)
    page = build_page(mocks, store=Store(tmp_path / "ratings.db"))
    with serve(page, **LAUNCH) as url:
        app = App(SimpleNamespace(pid=os.getpid()), url, tmp_path)
        diary, before, after = finish(crowd.crowd(app, 2, 1 / 60, tmp_path))
    assert diary.faults == []
    assert diary.outcomes["done, with their own pictures"] > 0
    assert {light.name for light in diary.lights} == {"a vote", "an example", "an upload's event"}
    crowd.report(diary, before, after)
    assert "done, with their own pictures" in capsys.readouterr().out


def test_a_picture_of_somebody_else_is_a_fault(tmp_path):
    photo = skimage.data.astronaut()[:21, :34]
    write_png(photo, tmp_path / "mine.png")
    wanted = crowd.expected(tmp_path / "mine.png")
    assert wanted["input"].shape == (5, 8, 3)
    assert (wanted["original"] == photo[:20, :32]).all()
    assert (wanted["bicubic"] == enlarge(wanted["input"])).all()
    assert BUSY.startswith(str(MAX_WAITING))


def test_the_memory_of_a_set_is_judged_after_the_tenth_photo():
    rising = [100.0 + i for i in range(10)]
    assert sets.flat([*rising, *10 * [112.0]]) == (
        True,
        "memory: 109 MiB in the first ten, 112 MiB after them (+2.8%): flat after the tenth",
    )
    assert sets.flat([*rising, 120.0])[0] is False
    is_flat, said = sets.flat(rising)
    assert is_flat
    assert "11 photos show" in said
