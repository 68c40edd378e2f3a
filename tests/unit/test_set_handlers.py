"""What a client can send to the strip's events: anything; and what comes of it."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.utils import get_upload_folder
from support.mocks import methods, noise, save
from support.outputs import NOTHING, OUTPUTS

from demo.compare.sets import BUSY, SetHandlers, Visit, _uploaded
from demo.compare.strip import strip_data
from demo.compare.turn import Turn
from demo.engine import sets as sets_module
from demo.engine.pace import Pace
from demo.engine.photo_set import Photo, PhotoSet
from demo.engine.sets import Sets
from srgan.images import enlarge


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
