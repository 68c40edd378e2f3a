"""What a client can send to the strip's events: anything; and what comes of it."""

import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.utils import get_upload_folder
from support.mocks import methods, noise, save
from support.networks import random_generator
from support.outputs import NOTHING, OUTPUTS

from demo.compare.sets import BUSY, SetHandlers, Visit, _uploaded
from demo.compare.strip import strip_data
from demo.compare.table import TableHandlers
from demo.compare.turn import Turn
from demo.engine import sets as sets_module
from demo.engine.pace import Pace
from demo.engine.photo_set import Photo, PhotoSet
from demo.engine.sets import Sets
from srgan.evaluate import Tools, evaluate
from srgan.evaluation.image_sets import find_set
from srgan.evaluation.report import MEASURES
from srgan.images import enlarge, shrink
from srgan.own_models import load_models
from srgan.reading import read_image
from srgan.weights import save_weights


@pytest.fixture
def handlers(tmp_path):
    return SetHandlers(Sets(tmp_path), methods(Bicubic=enlarge), 10**6, OUTPUTS, Pace())


def visitor(number=0):
    visit = Visit()
    visit.token = f"{number:032x}"
    return visit


def uploaded(image, name="a.png", folder="0" * 64):
    path = Path(get_upload_folder()) / folder
    path.mkdir(parents=True, exist_ok=True)
    return str(save(path, image, name))


def added(*files, refused=()):
    return SimpleNamespace(_data={"files": list(files), "refused": list(refused)})


def add(handlers, visit, *paths, turn=None):
    event = added(*({"name": Path(path).name, "path": path} for path in paths))
    *_, last = handlers.add("original", visit, turn or Turn(), event)
    return last


@pytest.mark.parametrize(
    "data",
    [None, [], {"files": 5, "refused": []}, {"files": [{"name": "a"}], "refused": []},
     {"files": [{"name": "a", "path": "/etc/passwd"}], "refused": []},
     {"files": [{"name": "a", "path": "https://example.org/a.png"}], "refused": []},
     {"files": [{"name": "a" * 2000, "path": "/a"}], "refused": []}],
)  # fmt: skip
def test_what_is_no_upload_is_refused(handlers, data):
    with pytest.raises(gr.Error, match="uploaded file"):
        list(handlers.add("original", visitor(), Turn(), SimpleNamespace(_data=data)))


def test_a_visitor_without_a_token_has_no_set(handlers):
    visit = visitor()
    visit.token = "guess"
    with pytest.raises(gr.Error):
        add(handlers, visit, uploaded(noise()))


def test_results_of_a_set_are_no_uploads(tmp_path):
    deep = Path(get_upload_folder()) / "sets" / "one" / "two"
    deep.mkdir(parents=True, exist_ok=True)
    with pytest.raises(ValueError, match="upload"):
        _uploaded(str(save(deep, noise())))
    with pytest.raises(ValueError, match="upload"):
        _uploaded(str(save(tmp_path, noise())))
    assert _uploaded(uploaded(noise())).is_file()


def test_photos_are_worked_on_one_at_a_time(handlers):
    visit, turn = visitor(), Turn()
    strip = add(handlers, visit, uploaded(noise(), "a.png"), uploaded(noise(seed=1), "b.png"),
                turn=turn)  # fmt: skip
    assert [photo.state for photo in strip.photos] == ["waiting", "waiting"]
    assert strip.wants_work
    assert strip.chosen == strip.photos[0].id
    first = list(handlers.work(visit))[-1]
    assert [photo.state for photo in first.photos] == ["done", "waiting"]
    shown = handlers.look(visit, turn)
    assert shown["comparer"].id == strip.chosen
    turn.begin()  # another picture was asked for
    assert handlers.look(visit, turn) == NOTHING
    second = list(handlers.work(visit))[-1]
    assert [photo.state for photo in second.photos] == ["done", "done"]
    assert not second.wants_work


def test_a_network_that_was_added_works_on_a_set_and_stands_in_its_table(tmp_path):
    save_weights(random_generator(blocks=2, channels=4), tmp_path / "mine.safetensors", {})
    (model,) = load_models([("mine", tmp_path / "mine.safetensors")], "fp32")
    upscalers, sets = [*methods(Bicubic=enlarge), model.upscaler], Sets(tmp_path / "sets")
    handlers = SetHandlers(sets, upscalers, 10**6, OUTPUTS, Pace())
    weights = {"mine (mine.safetensors)": model.digest}
    tables = TableHandlers(sets, [u.name for u in upscalers], weights)
    visit, turn, photos = visitor(), Turn(), {"a": noise(), "b": noise(seed=1)}
    (tmp_path / "photos").mkdir()
    for name, image in photos.items():
        save(tmp_path / "photos", image, f"{name}.png")
    add(handlers, visit, *(uploaded(p, f"{n}.png") for n, p in photos.items()), turn=turn)
    for _ in photos:
        *_, strip = handlers.work(visit)
    assert [photo.state for photo in strip.photos] == ["done", "done"]
    panes = {pane.key: pane for pane in handlers.look(visit, turn)["comparer"].panes}
    assert [*panes] == ["input", "bicubic", "mine", "original"]
    pixels = read_image(panes["mine"].file.path)
    assert (pixels == model.upscaler(shrink(photos["a"]))).all()

    table = tables.show(visit)
    assert table.methods == ["Bicubic", "mine"]
    expected = evaluate(find_set(tmp_path / "photos"), Tools({u.name: u for u in upscalers}))
    for key in ("psnr_today", "ssim_today", "psnr_paper", "ssim_paper", "agreement"):
        mean = expected["methods"]["mine"]["mean"][key]
        assert table.mean.cells[f"{key} mine"] == format(mean, MEASURES[key].form)
    assert [row.cells["psnr_today mine"] for row in table.rows] == [
        format(expected["methods"]["mine"]["images"][name]["psnr_today"], ".2f") for name in photos
    ]
    saved = tables.save("today", visit, SimpleNamespace(_data={"file": "zip"}))
    with zipfile.ZipFile(saved) as archive:
        names = archive.namelist()
        assert sum(name.endswith("_mine_x4.png") for name in names) == len(photos)
        scores = json.loads(archive.read(next(n for n in names if n.endswith(".json"))))
    assert scores["weights"] == weights


def test_nobody_reaches_the_photos_of_another(handlers):
    mine, other = visitor(), visitor(1)
    photo = add(handlers, mine, uploaded(noise())).photos[0]
    event = SimpleNamespace(_data={"id": photo.id, "choice": 1})
    assert handlers.choose(other, Turn(), event).photos == []
    assert handlers.look(other, Turn()) == NOTHING
    assert list(handlers.work(other))[-1].photos == []
    for data in (None, [], {"id": ["x"], "choice": True}, {"id": photo.id, "choice": "1"}):
        handlers.choose(mine, Turn(), SimpleNamespace(_data=data))
    assert mine.choice == 1  # as it was chosen when it came


def test_a_photo_whose_results_are_gone_is_made_again(handlers):
    visit, turn = visitor(), Turn()
    strip = add(handlers, visit, uploaded(noise()), turn=turn)
    *_, strip = handlers.work(visit)
    shown = handlers.look(visit, turn)["comparer"]
    Path(shown.panes[1].file.path).unlink()
    handlers.look(visit, turn)
    strip = handlers.halt(visit)
    assert strip.photos[0].state == "waiting"
    assert strip.is_stopped
    assert handlers.resume(visit).wants_work


def test_too_many_sets_and_photos_are_named(handlers, monkeypatch):
    monkeypatch.setattr("demo.compare.sets.MAX_PHOTOS", 1)
    paths = [uploaded(noise(seed=seed), f"{seed}.png") for seed in range(2)]
    strip = add(handlers, visitor(), *paths)
    assert [each.name for each in strip.refused] == ["1.png"]
    monkeypatch.setattr(sets_module, "MAX_AT_WORK", 1)
    late = add(handlers, visitor(1), paths[0])
    assert [each.reason for each in late.refused] == [BUSY]


def test_the_line_says_how_far_the_set_is_and_what_is_left(tmp_path):
    photo_set = PhotoSet(tmp_path / "set")
    for seed in range(3):
        name = f"{seed}.png"
        photo = Photo(name, save(tmp_path, noise(seed=seed), name))
        photo_set.read(photo, 10**6, 10**6)
    page = {"chosen": "", "choice": 0, "is_worker": True}
    strip = strip_data(photo_set, 40.4, **page)
    assert strip.line == "0 of 3, about 40 s left"
    assert strip.wants_work
    assert strip.is_working
    first = photo_set.take(photo_set.claim())
    assert not strip_data(photo_set, None, **page).wants_work
    first.state = "done"
    assert strip_data(photo_set, None, **page).line == "1 of 3"
    assert not strip_data(photo_set, None, **page | {"is_worker": False}).wants_work
    photo_set.is_stopped = True
    strip = strip_data(photo_set, 5, **page)
    assert strip.line == "Stopped at 1 of 3"
    assert strip.is_stopped
    assert not strip.is_working
    for photo in photo_set.photos:
        photo.state = "done"
    assert strip_data(photo_set, 0, **page).line == "3 photos, all done"
