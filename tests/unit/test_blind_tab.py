"""The blind test without a browser: pictures that tell nothing, votes that count once, results."""

import base64
import gzip
import io
import re
from xml.etree import ElementTree

import gradio as gr
import numpy as np
import PIL.Image
import pytest

from demo.blind.pictures import ANCHORS, HEIGHT, PHOTOS, WIDTH, encode, picture, weights_version
from demo.blind.report import report
from demo.blind.session import PARTS, Session
from demo.blind.statistics import MIN_RATERS, results
from demo.blind.store import Store, StoreError
from demo.blind.tab import AGAIN, BEHIND, INVALID, SECOND_HALF, BlindTab, Shown
from demo.blind.trials import METHODS, new_ticket
from demo.engine.examples import NAMES, original_path
from srgan.images import repeat
from srgan.reading import read_image

IMAGES = [(photo, method) for photo in (*PHOTOS, *ANCHORS) for method in METHODS]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "ratings.db", patience=0.1)


@pytest.fixture
def tab(store):
    with gr.Blocks():
        return BlindTab(store)


def decode(text):
    """The picture as the browser has it: the generator is written out here once more."""
    data = base64.b64decode(text)
    state, png = int.from_bytes(data[:4], "little"), bytearray()
    for value in data[4:]:
        state = (1664525 * state + 1013904223) % 2**32
        png.append(value ^ (state >> 24))
    return np.asarray(PIL.Image.open(io.BytesIO(png)))


# ---- Pictures ------------------------------------------------------------------------------------


def test_the_photos_show_fur_a_face_a_building_and_grass_and_none_is_an_anchor():
    shown = [NAMES[photo] for photo in PHOTOS]
    assert shown == ["Fur", "Face", "Building", "Grass"]
    assert not {*PHOTOS} & {*ANCHORS}
    assert {*PHOTOS, *ANCHORS} == {*NAMES}


@pytest.mark.parametrize(("photo", "method"), IMAGES)
def test_all_pictures_have_one_size_and_show_one_place(photo, method):
    shown, original = picture(photo, method), picture(photo, "Original")
    assert shown.shape == original.shape == (HEIGHT, WIDTH, 3)
    other_places = [np.roll(original, by, axis=axis) for by in (-8, 8) for axis in (0, 1)]
    here = np.abs(shown.astype(int) - original).mean()
    assert all(here < np.abs(shown.astype(int) - other).mean() for other in other_places)


def test_the_pictures_are_the_stored_ones():
    left, top = PHOTOS["cat"]
    piece = np.s_[top : top + HEIGHT, left : left + WIDTH]
    folder = original_path("cat").parent
    assert (picture("cat", "SRGAN") == read_image(folder / "cat_srgan_x4.png")[piece]).all()
    small = read_image(folder / "cat_small.png")
    assert (picture("cat", "Nearest") == repeat(small)[piece]).all()


@pytest.mark.parametrize("method", METHODS)
def test_what_is_sent_is_the_picture_without_loss(method):
    assert (decode(encode("grass", method)) == picture("grass", method)).all()


def test_what_is_sent_of_any_picture_has_one_length_and_is_never_the_same():
    sent = [encode(*image) for image in IMAGES]
    assert len({*map(len, sent)}) == 1
    assert encode(*IMAGES[0])[:100] != sent[0][:100]


def test_nor_does_compression_tell_the_methods_apart():
    """A proxy that compresses leaves a length that is noise: as long for the same picture."""
    lengths = {
        image: [len(gzip.compress(encode(*image).encode())) for _ in range(3)]
        for image in IMAGES[::4]
    }
    means = [np.mean(found) for found in lengths.values()]
    assert max(means) - min(means) < 100  # of 120,000; plain PNGs differ by a thousand


def test_the_version_is_that_of_the_weights_that_made_the_pictures():
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{8}", weights_version())
    stored = (original_path("cat").parent / "scores.json").read_text()
    assert all(f'"{part}' in stored for part in weights_version().split("-"))


# ---- Votes ---------------------------------------------------------------------------------------


class Visitor:
    """One window on the test, without the browser."""

    def __init__(self, tab, ticket=""):
        self.tab, self.ticket, self.shown = tab, ticket, None

    def send(self, name, **details):
        data = {"ticket": self.ticket, **details}
        updates = getattr(self.tab, name)(data, self.shown)
        self.ticket, self.shown, self.now = updates.blind.ticket, updates.shown, updates.blind
        self.report = updates.report
        return self.now

    def begin(self, part="ratings"):
        return self.send("begin", part=part, calibrated=True)

    def vote(self, answer=None, seconds=2.0, trial=None):
        answer = answer or ("3" if self.now.kind == "rating" else "same")
        if self.shown:  # as long ago as it takes
            self.shown = Shown(self.shown.trial, self.shown.time - 60)
        trial = trial or self.now.trial
        return self.send("vote", part=self.now.part, trial=trial, answer=answer, seconds=seconds)


@pytest.fixture
def visitor(tab):
    return Visitor(tab)


def test_a_whole_run_of_both_parts_is_stored_and_ends_with_the_results(store, visitor):
    for part in PARTS:
        places = [visitor.begin(part).place]
        while visitor.vote().screen == "trial":
            assert visitor.report == ""
            places.append(visitor.now.place)
        assert places == [*range(1, 26)]
        assert visitor.now.screen == "results"
        assert visitor.report
    votes = store.votes()
    assert len(votes) == len({vote.trial for vote in votes}) == 50
    assert len({vote.rater for vote in votes}) == 1
    assert {vote.weights for vote in votes} == {weights_version()}
    assert votes[0].rater != visitor.ticket


def test_the_calibration_comes_before_the_first_rating_and_not_again(visitor):
    screen = visitor.send("begin", part="ratings", calibrated=False)
    assert screen.screen == "calibration"
    for text, answer in zip(screen.pictures, screen.answers, strict=True):
        method = {"1": "Nearest", "5": "Original"}[answer]
        assert any((decode(text) == picture(photo, method)).all() for photo in ANCHORS)
    visitor.begin()
    visitor.vote()
    assert visitor.send("begin", part="ratings", calibrated=False).screen == "trial"


def test_a_run_goes_on_where_it_was_left(tab, visitor):
    visitor.begin()
    trial = visitor.vote().trial
    again = Visitor(tab, visitor.ticket)
    assert again.send("look").done == {"ratings": 1, "pairs": 0}
    assert again.begin().trial == trial
    assert again.now.place == 2


def test_only_the_current_trial_takes_a_vote(store, visitor):
    first = visitor.begin().trial
    second = visitor.vote("4").trial
    assert visitor.vote("1", trial=first).message == BEHIND  # repeated, or gone back
    assert visitor.now.trial == second
    session = Session(store, visitor.ticket)
    later = session.trials("ratings")[5].id
    assert visitor.vote("1", trial=later).message == BEHIND
    assert [vote.answer for vote in store.votes()] == ["4"]


def test_a_second_window_is_brought_to_the_current_trial_and_nothing_counts_twice(tab, visitor):
    visitor.begin()
    other = Visitor(tab, visitor.ticket)
    assert other.begin().trial == visitor.now.trial
    visitor.vote("5")
    assert other.vote("1").message == BEHIND
    assert other.now.trial == visitor.now.trial
    assert not other.vote("2").message
    assert [vote.answer for vote in tab._store.votes()] == ["5", "2"]


def test_a_trial_that_this_server_has_not_shown_is_shown_before_it_is_answered(store, visitor):
    trial = visitor.begin().trial
    visitor.shown = None  # the server was started anew
    assert visitor.vote().message == AGAIN
    assert visitor.now.trial == trial
    assert store.votes() == []
    assert not visitor.vote().message
    assert len(store.votes()) == 1


def test_an_answer_took_no_longer_than_the_server_saw(store, visitor):
    visitor.begin()
    visitor.tab.vote(
        {
            **{"ticket": visitor.ticket, "part": "ratings", "trial": visitor.now.trial},
            **{"answer": "3", "seconds": 500.0},
        },
        visitor.shown,
    )
    (vote,) = store.votes()
    assert vote.seconds < 60
    other = Visitor(visitor.tab)
    other.begin()
    other.vote(seconds=0.4)
    assert store.votes()[-1].quick


def test_the_original_is_shown_in_the_second_half_of_the_pairs_only(visitor):
    visitor.begin("pairs")
    kinds = []
    while visitor.now.screen == "trial":
        kinds.append((visitor.now.kind, bool(visitor.now.reference)))
        assert len(visitor.now.pictures) == 2
        assert (visitor.now.message == SECOND_HALF) == (visitor.now.place == 14)
        visitor.vote("left")
    assert kinds == [("real", False)] * 13 + [("closer", True)] * 12


def test_deleted_votes_are_gone_and_the_ticket_is_used_up(store, visitor):
    visitor.begin()
    visitor.vote()
    visitor.vote()
    old = visitor.ticket
    screen = visitor.send("erase")
    assert (screen.screen, screen.ticket, screen.message) == (
        *("start", ""),
        "Your 2 votes are deleted.",
    )
    assert store.votes() == []
    visitor.begin()
    assert visitor.ticket not in ("", old)
    with pytest.raises(ValueError, match="deleted"):
        Session(store, old)


def listener(tab, name):
    """The function that Gradio calls for an event of the component."""
    return next(f.fn for f in tab.blind.parent.fns.values() if f.targets[0][1] == name)


@pytest.mark.parametrize(
    "data",
    [
        *(None, "text", [], {}),
        {"part": "ratings"},
        {"part": "ratings", "ticket": "x"},
        {"part": "ratings", "ticket": ["a"]},
        {"part": "calibration", "ticket": "a" * 32},
    ],
)
def test_a_request_without_a_ticket_or_a_part_leads_back_to_the_start(store, tab, data):
    updates = listener(tab, "vote")(None, gr.EventData(tab.blind, data))
    assert updates.blind.screen == "start"
    assert updates.blind.message == INVALID
    assert store.votes() == []


@pytest.mark.parametrize(
    "change",
    [
        *({"answer": "6"}, {"answer": "left"}, {"answer": ["3"]}, {"answer": None}),
        *({"seconds": "2"}, {"seconds": None}, {"seconds": -1}, {"seconds": float("nan")}),
    ],
)
def test_what_is_no_answer_is_asked_for_again(store, visitor, change):
    trial = visitor.begin().trial
    data = {
        "ticket": visitor.ticket,
        "part": "ratings",
        "trial": trial,
        "answer": "3",
        "seconds": 2,
    }
    updates = listener(visitor.tab, "vote")(
        visitor.shown, gr.EventData(visitor.tab.blind, data | change)
    )
    assert updates.blind.message == AGAIN
    assert updates.blind.trial == trial
    assert updates.blind.ticket == visitor.ticket
    assert store.votes() == []


def test_a_failing_store_gives_its_reason_and_leaves_the_page_as_it_is(tab, visitor, monkeypatch):
    visitor.begin()

    def fail(_):
        raise StoreError("the disk is full or failing.")

    monkeypatch.setattr(tab._store, "add", fail)
    data = {"ticket": visitor.ticket, "part": "ratings", "trial": visitor.now.trial}
    data |= {"answer": "3", "seconds": 2.0}
    event = gr.EventData(tab.blind, data)
    updates = listener(tab, "vote")(visitor.shown, event)
    assert updates.blind.screen == "failure"
    assert "disk is full" in updates.blind.message
    assert updates.shown == updates.report == gr.skip()
    monkeypatch.undo()
    assert listener(tab, "vote")(visitor.shown, event).blind.place == 2


def test_the_git_history_is_mentioned_where_votes_are_synced_and_only_there(tab, monkeypatch):
    assert not Visitor(tab).send("look").is_synced
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    monkeypatch.setenv("RATINGS_REPO", "me/votes")
    assert Visitor(tab).send("look").is_synced


@pytest.mark.parametrize("is_lasting", [True, False])
@pytest.mark.parametrize("is_synced", [True, False])
def test_votes_that_will_be_lost_are_said_to_be(monkeypatch, tmp_path, is_lasting, is_synced):
    for name in ("HF_TOKEN", "RATINGS_REPO"):
        monkeypatch.setenv(name, "me/votes" if is_synced else "")
    with gr.Blocks() as page:
        BlindTab(Store(tmp_path / "ratings.db", is_lasting=is_lasting))
    is_said = any(
        "not kept here for long" in str(b.value)
        for b in page.blocks.values()
        if hasattr(b, "value")
    )
    assert is_said == (not is_lasting and not is_synced)


# ---- Results -------------------------------------------------------------------------------------

OPINIONS = dict(zip(METHODS, (1, 2, 3, 4, 5), strict=True))
FIDELITY = dict(zip(METHODS, (0, 1, 3, 2, 9), strict=True))


def simulated(store, raters):
    """Votes of people who agree: SRGAN looks better, SRResNet is closer; returns the last one's."""
    votes = []
    for _ in range(raters):
        session, last = Session(store, new_ticket()), len(votes)
        for trial in (*session.trials("ratings"), *session.trials("pairs")):
            value = FIDELITY if trial.kind == "closer" else OPINIONS
            answer = str(value[trial.left])
            if trial.right:
                answer = "left" if value[trial.left] > value[trial.right] else "right"
            votes.append(trial.vote(session.rater, answer, 2.0, session.weights))
    return votes, votes[last:]


def tables(html):
    """Rows of each table by the text of the first column."""
    found = ElementTree.fromstring(html).iter("table")
    cells = [[[cell.text for cell in row] for row in table] for table in found]
    return [{name: row for name, *row in table} for table in cells]


def test_the_results_show_everybodys_means_beside_ones_own_and_the_papers(store):
    votes, own = simulated(store, 8)
    html = report(results(votes), own, PARTS)
    ratings, real, closer, *_ = tables(html)
    assert ratings["SRGAN"][0] == "4.00"
    assert ratings["SRGAN"][1].startswith("4.00 (")
    assert ratings["SRGAN"][2:] == ["32", "3.56"]
    assert real["SRGAN over SRResNet"][0] == "4\xa0:\xa00 (0)"
    assert real["SRGAN over SRResNet"][1].startswith("100\xa0%")
    assert real["SRGAN over SRResNet"][2] == "32\xa0:\xa00 (0)"
    assert closer["SRGAN over SRResNet"][1].startswith("0\xa0%")
    assert "SRGAN: mean 4.00" in html
    assert "Of 24 pictures rated twice, 100% got the same rating again" in html
    assert "not enough" not in html


def test_a_share_of_wins_is_that_of_the_method_named_first(store):
    votes, own = simulated(store, 10)
    odd = [
        vote._replace(answer={"left": "right", "right": "left"}[vote.answer])
        if vote.kind == "real" and vote.role == "test" and i % 4 == 0
        else vote
        for i, vote in enumerate(votes)
    ]
    found = results(odd)
    rate = next(r for r in found.win_rates if (r.kind, r.first) == ("real", "SRResNet"))
    row = tables(report(found, own, PARTS))[1]["SRGAN over SRResNet"]
    mean, low, high = map(int, re.findall(r"\d+", row[1]))
    assert mean == round(100 * rate.losses / (rate.wins + rate.losses))
    assert low < mean < high
    assert row[2] == f"{rate.losses}\xa0:\xa0{rate.wins} (0)"


def test_the_first_visitor_sees_the_own_ratings_and_how_many_votes_are_missing(store):
    votes, own = simulated(store, 1)
    html = report(results(votes), own, PARTS)
    assert f"Not enough votes yet (1 of {MIN_RATERS} people)." in html
    ratings, real, *_ = tables(html)
    assert ratings["Bicubic"] == ["2.00", "–", "4", "1.47"]
    assert real["SRGAN over Bicubic"][:2] == ["4\xa0:\xa00 (0)", "–"]


def test_a_part_that_is_not_finished_is_not_told(store):
    votes, own = simulated(store, 8)
    assert "SRGAN over" not in report(results(votes), own, ["ratings"])
    assert "opinion scores" not in report(results(votes), own, ["pairs"])


def test_who_does_not_count_is_told_so(store):
    votes, own = simulated(store, 2)
    quick = [vote._replace(seconds=0.1) for vote in own]
    assert "do not count" in report(results(quick), quick, PARTS)
    assert "do not count" not in report(results(votes), own, PARTS)


def test_the_distribution_lies_where_the_scale_says(store):
    votes, own = simulated(store, 7)
    svg = ElementTree.fromstring(report(results(votes), own, PARTS)).find("figure/svg")
    texts = {t.text: float(t.get("y")) for t in svg.findall("text")}
    steps = [texts[f"{i} {name}"] for i, name in enumerate(("bad", "poor", "fair", "good"), 1)]
    assert steps == sorted(steps, reverse=True)
    dots = [float(dot.get("cy")) + 4.5 for dot in svg.findall("circle") if not dot.get("fill")]
    assert dots[:4] == pytest.approx(steps, abs=0.2)  # all gave SRGAN a 4, and so on
