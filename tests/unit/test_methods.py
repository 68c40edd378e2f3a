"""Methods of a page: what is added, what is left out, and the built-in photos by them."""

import zipfile

import numpy as np
import pytest
from support.foreign import save_network
from support.networks import random_generator

from demo.analysis.panel import Analysis, explain
from demo.blind.pictures import HEIGHT, PHOTOS, WIDTH, Rivals, encode, picture, weights_version
from demo.blind.report import report
from demo.blind.session import PARTS, Session
from demo.blind.statistics import results
from demo.blind.store import Store
from demo.blind.trials import METHODS, PAIRS, new_ticket, pairs_of
from demo.engine.cache import Cache
from demo.engine.examples import load_example, weights_digests
from demo.engine.seen import Seen
from demo.engine.table import tables
from demo.start import StartError
from demo.start.methods import find_methods
from srgan.metrics import score
from srgan.own_models import load_models
from srgan.reading import read_image
from srgan.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A network of ours and one of another architecture, by name."""
    folder = tmp_path_factory.mktemp("networks")
    save_weights(random_generator(blocks=2, channels=4), folder / "mine.safetensors", {})
    return [
        ("mine", folder / "mine.safetensors"),
        ("SPAN mini", save_network(folder / "span.pth", "SPAN")),
    ]


@pytest.fixture(scope="module")
def methods(given, tmp_path_factory):
    folder, cache = tmp_path_factory.mktemp("examples"), tmp_path_factory.mktemp("cache")
    return find_methods(given, (), "fp32", folder, Cache(cache))


def test_what_is_added_comes_last_and_the_photos_are_shown_by_it(methods, given):
    names = ["Bicubic", "SRResNet", "SRGAN", "mine", "SPAN mini"]
    assert [upscaler.name for upscaler in methods.upscalers] == names
    assert methods.dial
    panes, scores = methods.gallery.show("cat")
    keys = ["input", "bicubic", "srresnet", "srgan", "mine", "span_mini", "original"]
    assert [pane.key for pane in panes.panes] == keys
    assert list(scores) == names
    example = load_example("cat")
    files = {pane.name: pane.file for pane in panes.panes}
    for model in load_models(given, "fp32"):
        sr = model.upscaler(example.lr)
        assert np.array_equal(read_image(files[model.name].path), sr)
        assert scores[model.name].psnr_today == pytest.approx(score(sr, example.hr).psnr)
        assert scores[model.name].seconds > 0
    assert files["SPAN mini"].orig_name == "cat_span_mini_x4.png"
    assert np.array_equal(read_image(files["SRGAN"].path), example.images["SRGAN"])
    assert all("| SPAN mini |" in table for table in tables(scores))
    assert "mine and SPAN mini those of this machine" in methods.gallery.note


def test_what_is_taken_home_names_its_weights(methods, given):
    panes, scores = methods.gallery.show("grass")
    analysis = Analysis(methods.weights)
    with zipfile.ZipFile(analysis.everything(panes, scores)) as archive:
        assert {"grass_mine_x4.png", "grass_span_mini_x4.png"} <= {*archive.namelist()}
        readme, table = (archive.read(name).decode() for name in ("README.txt", "scores.csv"))
    for model in load_models(given, "fp32"):
        assert f"{model.digest}  {model.name} ({model.file.name})" in readme
        assert f"grass,{model.name}," in table
    assert all(digest in readme for digest in weights_digests().values())
    quality, spectrum, _ = explain(panes, scores, Seen())
    for plot in (quality, spectrum):
        assert "SPAN mini" in plot
        assert "#408910" in plot  # each has a colour of its own
        assert "#e0268f" in plot


def test_what_is_left_out(given, tmp_path):
    only = find_methods(given, ["MINE", "bicubic"], "fp32", tmp_path, Cache(tmp_path / "cache"))
    assert [upscaler.name for upscaler in only.upscalers] == ["Bicubic", "mine"]
    assert only.dial is None
    assert list(only.gallery.show("cat")[1]) == ["Bicubic", "mine"]
    assert [*only.weights] == ["mine (mine.safetensors)"]
    assert only.rivals.names == ("mine",)


def test_a_method_that_there_is_not_is_named(given, tmp_path):
    with pytest.raises(StartError, match="'other': there are Bicubic, SRResNet, SRGAN, mine, SPAN"):
        find_methods(given, ["other"], "fp32", tmp_path, Cache(tmp_path / "cache"))


# ---- Blind test ----------------------------------------------------------------------------------


def test_the_blind_test_pairs_it_with_the_shipped_networks(methods, tmp_path):
    rivals, store = methods.rivals, Store(tmp_path / "ratings.db")
    session = Session(store, new_ticket(), rivals)
    pairs = [t for t in session.trials("pairs") if t.role == "test"]
    expected = [("SRResNet", "mine"), ("SRGAN", "mine"), ("SRResNet", "SPAN mini")]
    expected += [("SRGAN", "SPAN mini"), ("mine", "SPAN mini")]
    assert pairs_of(rivals.names) == (*PAIRS, *expected)
    for kind in ("real", "closer"):
        shown = [frozenset((t.left, t.right)) for t in pairs if t.kind == kind]
        assert all(shown.count(frozenset(pair)) == 4 for pair in (*PAIRS, *expected))
    assert {t.left for t in session.trials("ratings")} == {*METHODS}
    sent = {len(encode("cat", method, rivals)) for method in (*METHODS, *rivals.names)}
    assert len(sent) == 1
    made = picture("cat", "mine", rivals)
    assert made.shape == (HEIGHT, WIDTH, 3)
    left, top = PHOTOS["cat"]
    whole = methods.gallery.picture("cat", "mine")
    assert np.array_equal(made, whole[top : top + HEIGHT, left : left + WIDTH])
    for trial in session.trials("pairs"):
        assert session.answer(trial, "right", 2.0)
    found = report(
        results(store.votes(weights=session.weights), rivals.names), session.votes, PARTS
    )
    assert "SPAN mini over SRGAN" in found
    assert "SPAN mini over mine" in found


def test_votes_on_other_networks_are_not_counted_together(methods, tmp_path):
    versions = {
        weights_version(),
        weights_version(methods.rivals),
        weights_version(Rivals.of({"mine": "0" * 64}, methods.gallery.picture)),
        weights_version(Rivals.of({"other": "0" * 64}, methods.gallery.picture)),
    }
    assert len(versions) == 4
    assert all(len(version) <= 64 for version in versions)
    assert Rivals.of({}, methods.gallery.picture) == Rivals()
