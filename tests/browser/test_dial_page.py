"""The dial on the page: one more pane, and what has been seen comes back."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from support.browser import serve
from support.mocks import Counting, Held, methods, noise, save
from support.outputs import NOTHING, OUTPUTS
from support.pages import DESKTOP, drop, opened, rows, served, wait_for

from demo.compare.dial import DialHandler
from demo.compare.handlers import Handlers
from demo.compare.turn import Turn
from demo.engine.fit import MAX_OUTPUT_PIXELS
from demo.engine.seen import Seen
from demo.page import LAUNCH, build_page
from demo.viewer.gallery import STORED
from srgan.images import enlarge, repeat, shrink
from srgan.metrics import score
from srgan.reading import read_image
from srgan.upscale import Plain

UPSCALERS = methods(Bicubic=enlarge, SRResNet=enlarge, SRGAN=repeat)


class Blends:
    """A dial over mock networks, darker by a level for every step, that keeps what was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, share):
        self.asked.append(share)
        darker = np.uint8(round(10 * share))
        return Plain(f"Dial {share:g}", lambda lr: np.maximum(repeat(lr), 12) - darker)


@pytest.fixture
def blends():
    return Blends()


def turned(handler, share, shown, scores, seen=None):
    """The values after the dial was turned: shown, scores, seen."""
    *_, last = handler.run(share, shown, scores, seen or Seen(), Turn())
    return last["shown"], last["scores"], last["seen"]


def pixels(shown):
    """Of the dial's pane, the last."""
    assert shown.panes[-1].key == "dial"
    return read_image(shown.panes[-1].file.path)


def test_the_pane_stands_last_with_scores_of_its_own(blends):
    shown, scores = STORED.show("cat")
    after, own, _ = turned(DialHandler(blends, OUTPUTS), 0.3, shown, scores)
    lr, hr = (read_image(shown.panes[i].file.path) for i in (0, -1))
    assert after.panes[:-1] == shown.panes
    assert (pixels(after) == np.maximum(repeat(lr), 12) - 3).all()
    assert own["Dial 0.3"].today == score(pixels(after), hr)
    assert {m: own[m] for m in scores} == scores
    assert after.photo == "cat"  # links to the example still work


@pytest.mark.parametrize(("share", "method"), [(0, "srresnet"), (1, "srgan")])
def test_the_ends_are_the_two_networks_to_the_bit(blends, share, method):
    shown, scores = STORED.show("bricks")
    after, own, _ = turned(DialHandler(blends, OUTPUTS), share, shown, scores)
    pane = next(p for p in shown.panes if p.key == method)
    assert (pixels(after) == read_image(pane.file.path)).all()
    assert own[f"Dial {share}"] == scores[pane.name]
    assert blends.asked == []


def test_a_position_that_was_seen_is_not_computed_again(blends):
    handler = DialHandler(blends, OUTPUTS)
    shown, scores = STORED.show("cat")
    now, own, seen = turned(handler, 0.3, shown, scores)
    first = pixels(now)
    now, own, seen = turned(handler, 0.7, now, own, seen)
    now, own, seen = turned(handler, 0.3, now, own, seen)
    assert blends.asked == [0.3, 0.7]
    assert (pixels(now) == first).all()
    assert "Dial 0.7" not in own


def test_there_are_eleven_positions_whatever_a_client_sends(blends):
    handler = DialHandler(blends, OUTPUTS)
    now, own = STORED.show("cat")
    seen = Seen()
    for share in np.linspace(0, 1, 35):
        now, own, seen = turned(handler, share, now, own, seen)
    assert sorted(seen.positions) == [i / 10 for i in range(11)]
    assert len(blends.asked) == 9


def test_a_picture_that_was_deleted_is_computed_again(blends):
    handler = DialHandler(blends, OUTPUTS)
    shown, scores = STORED.show("cat")
    now, own, seen = turned(handler, 0.4, shown, scores)
    Path(now.panes[-1].file.path).unlink()
    now, *_ = turned(handler, 0.4, now, own, seen)
    assert blends.asked == [0.4, 0.4]
    assert pixels(now).size


def test_another_photo_has_positions_of_its_own(blends):
    handler = DialHandler(blends, OUTPUTS)
    *_, seen = turned(handler, 0.4, *STORED.show("cat"))
    shown, _, seen = turned(handler, 0.4, *STORED.show("grass"), seen)
    assert blends.asked == [0.4, 0.4]
    assert len(seen.positions) == 3
    assert len(seen.quality(shown.id)) == 3


def test_without_an_original_there_is_a_pane_without_scores(blends):
    shown, scores = STORED.show("cat")
    small = shown.model_copy(update={"panes": shown.panes[:-1]})
    after, own, _ = turned(DialHandler(blends, OUTPUTS), 0.5, small, scores)
    assert own["Dial 0.5"].today is None
    assert own["Dial 0.5"].agreement > 0
    assert "agrees with the input" in after.panes[-1].caption


def test_nothing_happens_before_the_comparison_is_complete(blends):
    shown, scores = STORED.show("cat")
    shown.panes[2].file = None
    assert list(DialHandler(blends, OUTPUTS).run(0.5, shown, scores, Seen(), Turn())) == [NOTHING]


def test_an_event_that_was_kept_back_does_not_bring_the_last_photo_again(blends):
    shown, scores = STORED.show("cat")
    turn = Turn()
    begun = turn.begin()
    late = DialHandler(blends, OUTPUTS).run(0.5, shown, scores, Seen(), turn)
    next(late)  # before the next photo's run
    assert turn.take(begun.number)
    assert list(late) == [NOTHING]
    early = DialHandler(blends, OUTPUTS).run(0.5, shown, scores, Seen(), turn)
    assert list(early) == [NOTHING]  # while it runs
    turn.finish(begun.number)
    assert list(DialHandler(blends, OUTPUTS).run(0.5, shown, scores, Seen(), turn)) != [NOTHING]


@pytest.mark.filterwarnings("ignore:There is no such file")
@pytest.mark.parametrize("photo", ["gone.png", None])
def test_the_dial_goes_on_when_another_photo_could_not_be_used(photo):
    turn = Turn()
    handlers = Handlers(UPSCALERS, MAX_OUTPUT_PIXELS, OUTPUTS)
    assert list(handlers.run(photo, "original", turn, turn.begin()))
    assert not turn.is_running


def test_another_run_ends_it():
    slow, turn = Counting(50, wait=0.05), Turn()
    shown, scores = STORED.show("cat")
    work = DialHandler(lambda share: slow, OUTPUTS).run(0.5, shown, scores, Seen(), turn)
    next(work)
    next(work)
    turn.begin()
    assert list(work) == [NOTHING]
    assert slow.made < 50


def test_an_error_is_told_and_the_comparison_stays():
    def broken(share):
        raise RuntimeError("out of memory")

    shown, scores = STORED.show("cat")
    (update,) = DialHandler(broken, OUTPUTS).run(0.5, shown, scores, Seen(), Turn())
    assert "went wrong" in update["status"]
    assert "out of memory" not in update["status"]


@pytest.fixture(scope="module")
def url():
    with serve(build_page(UPSCALERS, dial=Blends()), **LAUNCH) as address:
        yield address


@pytest.fixture
def page(browser, url):
    with opened(browser, url, DESKTOP) as page:
        yield page


def turn_to(page, position):
    """With the arrow keys, from 0."""
    dial = page.locator("#dial input[type=range]")
    expect(dial).to_be_enabled()  # after the scores, which come after the pictures
    dial.focus()
    for _ in range(position):
        page.keyboard.press("ArrowRight")


def test_the_dial_is_turned_by_the_keyboard(page):
    turn_to(page, 3)
    expect(page.locator("figure")).to_have_count(6)
    expect(page.locator("figure").last).to_contain_text("Dial 0.3")
    expect(page.locator("#today")).to_contain_text("Dial 0.3")  # it comes after the panes
    assert "Dial 0.3" in rows(page)
    assert (served(page, "dial") == np.maximum(repeat(served(page, "input")), 12) - 3).all()


def test_it_takes_part_in_every_view_and_in_the_plots(page):
    page.get_by_text("Why numbers and eyes disagree").click()
    expect(page.locator("#plots svg")).to_have_count(2)
    expect(page.locator("#plots svg").first).to_contain_text("Nearest")
    turn_to(page, 2)
    expect(page.locator("#plots svg").first).to_contain_text("Dial 0.2")
    page.locator(".viewer").focus()
    page.keyboard.press("6")
    expect(page.locator(".single .captions")).to_contain_text("Dial 0.2")
    turn_to(page, 1)  # goes on from 0.2
    expect(page.locator(".single .captions")).to_contain_text("Dial 0.3")


def test_a_marked_region_is_scored_for_the_new_pane(page):
    page.locator(".viewer").focus()
    page.keyboard.press("r")
    expect(page.locator("#region")).to_contain_text("SSIM region")
    turn_to(page, 4)
    expect(page.locator("#region")).to_contain_text("Dial 0.4")


def test_another_photo_turns_it_back(page, tmp_path):
    turn_to(page, 5)
    expect(page.locator("figure")).to_have_count(6)
    expect(page.locator("#today")).to_contain_text("Dial 0.5")  # the last of five turns
    photo = noise(96, 128)
    drop(page, save(tmp_path, photo))
    wait_for(page, "photo")
    expect(page.locator("figure")).to_have_count(5)
    expect(page.locator("#dial input[type=range]")).to_have_value("0")
    turn_to(page, 1)
    expect(page.locator("figure").last).to_contain_text("Dial 0.1")
    expect(page.locator("#today")).to_contain_text("Dial 0.1")  # it comes after the panes
    assert (served(page, "dial") == np.maximum(repeat(shrink(photo)), 12) - 1).all()


def test_it_waits_for_the_comparison(browser, tmp_path):
    slow = Held(1)
    upscalers = methods(Bicubic=enlarge, SRResNet=enlarge, SRGAN=slow)
    with (
        serve(build_page(upscalers, dial=Blends()), **LAUNCH) as url,
        opened(browser, url, DESKTOP) as page,
    ):
        drop(page, save(tmp_path, noise(96, 128)))
        expect(page.locator("figure[data-state=working]")).to_have_count(1)
        expect(page.locator("#dial input[type=range]")).to_be_disabled()
        slow.go.set()
        wait_for(page, "photo")
        expect(page.locator("#dial input[type=range]")).to_be_enabled()
