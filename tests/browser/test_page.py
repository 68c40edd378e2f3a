"""The page in a real browser: a photo is dropped, pixels and scores come out."""

import errno
import re
from base64 import b64encode

import numpy as np
import pytest
from playwright.sync_api import expect
from skimage import data
from support.browser import PHONE, serve
from support.mocks import Counting, Held, methods, noise, save
from support.outputs import NOTHING, OUTPUTS
from support.pages import DESKTOP, drop, opened, opened_over, rows, served, wait_for
from support.states import until

from demo.compare import handlers
from demo.compare.turn import Turn
from demo.engine.examples import NAMES
from demo.engine.scores import Scores
from demo.engine.table import caption
from demo.page import LAUNCH, build_page
from demo.viewer.gallery import Gallery
from srgan.images import enlarge, repeat, shrink
from srgan.metrics import agreement, detail, paper_score, score


@pytest.fixture(scope="module")
def app(upscalers):
    with serve(build_page(list(upscalers.values())), **LAUNCH) as url:
        yield url


# ---- From a dropped photo to pixels and scores ---------------------------------------------------


@pytest.mark.parametrize("context", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_dropped_photo_is_restored_shown_and_scored(browser, app, upscalers, tmp_path, context):
    hr = data.astronaut()
    assert hr.shape == (512, 512, 3)
    lr = shrink(hr)
    with opened(browser, app, context) as page:
        drop(page, save(tmp_path, hr, "eileen.png"))
        wait_for(page, "eileen")
        assert (served(page, "input") == lr).all()
        assert (served(page, "original") == hr).all()
        expect(page.locator("#today")).to_contain_text("SRGAN")  # the table comes after the panes
        table = rows(page)
        page.get_by_label("The paper's protocol").check()
        paper = rows(page, "#paper")
        for method, upscale in upscalers.items():
            sr = served(page, method.lower())
            assert (sr == upscale(lr)).all()
            today, by_paper = score(sr, hr), paper_score(sr, hr)
            assert table[method][:2] == [f"{today.psnr:.2f}", f"{today.ssim:.3f}"]
            assert table[method][2:4] == [f"{detail(sr, hr):.0f}", f"{agreement(sr, lr):.1f}"]
            assert paper[method][:2] == [f"{by_paper.psnr:.2f}", f"{by_paper.ssim:.3f}"]
            figure = page.locator(f"#comparer figure[data-key={method.lower()}]")
            expect(figure).to_contain_text(method)
            expect(figure).to_contain_text("512 × 512")
            expect(figure).to_contain_text(caption(Scores.of(0, 0, today), "today"))
            download = figure.locator("a").get_attribute("download")
            assert download == f"eileen_{method.lower()}_x4.png"
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]
        if context is PHONE:
            boxes = [f.bounding_box() for f in page.locator("#comparer figure").all()]
            assert len({round(box["x"]) for box in boxes}) == 1


def test_the_methods_fill_in_their_order_and_the_panes_stay(browser, tmp_path):
    slow = Held(1)
    with opened_over(browser, methods(Bicubic=enlarge, SRGAN=slow)) as page:
        drop(page, save(tmp_path, noise()))
        working = page.locator("#comparer figure[data-key=srgan][data-state=working]")
        expect(working).to_be_visible()
        expect(page.locator("#comparer figure[data-key=bicubic]")).to_have_attribute(
            "data-state", "ready"
        )
        expect(page.locator("#comparer figure[data-key=bicubic] canvas")).to_be_visible()
        expect(page.locator("#status")).to_contain_text("SRGAN")
        expect(working.locator(".note")).to_contain_text("99%")
        slow.go.set()
        wait_for(page, "photo", 4)


WATCH = """() => {
  window.passed = [];
  const look = () => {
    const figures = [...document.querySelectorAll("#comparer figure[data-state]")];
    const states = figures.map(f => `${f.dataset.key} ${f.dataset.state}`);
    const said = document.querySelector("#status").textContent;
    for (const each of [...states, said]) {
      if (!window.passed.includes(each)) window.passed.push(each);
    }
  };
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def test_every_method_is_seen_waiting_working_and_ready_however_fast_it_is(browser, tmp_path):
    with opened_over(browser, methods(One=enlarge, Two=enlarge, Three=enlarge)) as page:
        page.evaluate(WATCH)
        drop(page, save(tmp_path, noise()))
        expect(page.locator("#status")).to_contain_text("Done.")
        wait_for(page, "photo")
        passed = page.evaluate("window.passed")
        for name in ("one", "two", "three"):
            places = [passed.index(f"{name} {state}") for state in ("working", "ready")]
            assert places == sorted(places)
        assert {"two waiting", "three waiting"} <= set(passed)
        for name in ("One", "Two", "Three"):
            assert any(f"{name} …" in text for text in passed), passed


def test_a_photo_is_pasted_or_chosen(browser, tmp_path):
    with opened_over(browser, methods(Bicubic=enlarge)) as page:
        page.evaluate(
            """bytes => {
                const data = new DataTransfer();
                const content = Uint8Array.from(atob(bytes), c => c.charCodeAt(0));
                data.items.add(new File([content], "pasted.png", {type: "image/png"}));
                document.body.dispatchEvent(
                    new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
            }""",
            b64encode(save(tmp_path, noise()).read_bytes()).decode(),
        )
        wait_for(page, "pasted", 3)
        page.locator("#photo input[type=file]").set_input_files(save(tmp_path, noise(), "a b.png"))
        wait_for(page, "a_b", 3)


def test_a_small_image_is_enlarged_and_the_page_says_why_there_are_no_scores(
    browser, app, upscalers, tmp_path
):
    lr = noise(20, 33)
    with opened(browser, app) as page:
        drop(page, save(tmp_path, lr))
        wait_for(page, "photo")
        page.get_by_label("This is a small image").check()
        wait_for(page, "photo", 4)  # changing it runs again
        expect(page.locator("#status")).to_contain_text("nobody knows")
        assert (served(page, "input") == lr).all()
        for method, upscale in upscalers.items():
            assert (served(page, method.lower()) == upscale(lr)).all()
        head = page.locator("#today thead").inner_text()
        assert "PSNR" not in head
        assert "Agreement" in head
        page.get_by_label("This is the original").check()
        wait_for(page, "photo")


def test_what_was_changed_is_said(browser, app, tmp_path):
    rgba = np.dstack([noise(67, 50), np.full((67, 50), 128, np.uint8)])
    with opened(browser, app) as page:
        drop(page, save(tmp_path, rgba))
        wait_for(page, "photo")
        status = page.locator("#status")
        expect(status).to_contain_text("from 50×67 to 48×64")
        expect(status).to_contain_text("white")


def test_a_photo_over_the_limit_waits_for_a_choice(browser, tmp_path):
    image = noise(100, 200)
    with opened_over(browser, methods(Bicubic=enlarge), max_output_pixels=96 * 96) as page:
        expect(page.locator("#placer")).to_be_hidden()
        drop(page, save(tmp_path, image))
        expect(page.locator("#status")).to_contain_text("200×100")
        page.get_by_role("button", name="Compare this piece").click()
        wait_for(page, "photo", 3)
        assert (served(page, "original") == image[18:82, 34:166]).all()
        expect(page.locator("#status")).to_contain_text("132×64 at 34, 18 of 200×100")
        page.get_by_role("button", name="Shrink the whole photo").click()
        expect(page.locator("#status")).to_contain_text("Shrunk from 200×100 to 132×64")
        assert served(page, "original").shape == (64, 132, 3)
        drop(page, save(tmp_path, noise(), "next.png"))  # the choice was for that photo
        wait_for(page, "next", 3)
        expect(page.locator("#placer")).to_be_hidden()


def test_the_protocol_is_switched(browser, app):
    with opened(browser, app) as page:
        expect(page.locator("#paper table")).to_be_hidden()
        today = rows(page)
        page.get_by_label("The paper's protocol").check()
        expect(page.locator("#paper table")).to_be_visible()
        expect(page.locator("#today table")).to_be_hidden()
        assert rows(page, "#paper")["SRGAN"] != today["SRGAN"]


def test_the_examples_are_there_at_once(browser, tmp_path):
    never = Counting()
    with opened_over(browser, methods(Bicubic=never, SRResNet=never, SRGAN=never)) as page:
        for name, label in NAMES.items():
            page.locator("#examples").get_by_role("button", name=label).click()
            wait_for(page, name)
            expect(page.locator("#today tbody tr")).to_have_count(3)
            expect(page.locator("#comparer").get_by_text("dB · SSIM")).to_have_count(3)
        assert never.made == 0
        page.get_by_label("This is a small image").check()  # now there is something to do
        wait_for(page, list(NAMES)[-1], 4)
        assert never.made > 0


def test_the_tools_stay_in_sight_of_the_last_pane(browser, app):
    with opened(browser, app) as page:
        page.locator("#comparer figure").last.evaluate("figure => figure.scrollIntoView()")
        assert page.evaluate("scrollY") > page.locator("#examples").bounding_box()["height"]
        assert page.locator("#comparer .tools").bounding_box()["y"] == 0


# ---- What cannot be used -------------------------------------------------------------------------


def refused(folder):
    """Files that a page must refuse, by the word that its message must contain."""
    text, cut, heic = folder / "text.png", folder / "cut.png", folder / "phone.jpg"
    text.write_text("hello")
    whole = save(folder, noise(), "whole.png").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    heic.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    small = save(folder, noise(3, 3), "small.png")
    return {"picture": text, "cut off": cut, "HEIC": heic, "4 × 4": small}


def test_a_refused_file_leaves_the_page_usable_and_the_drop_zone_empty(browser, app, tmp_path):
    with opened(browser, app) as page:
        for word, path in refused(tmp_path).items():
            drop(page, path)
            status = page.locator("#status")
            expect(status).to_contain_text("Cannot use this file")
            expect(status).to_contain_text(word)
            expect(page.locator("#photo img")).to_have_count(0)
            said = page.locator("body").inner_text()
            assert not re.search(r"Traceback|site-packages|/tmp|\.py|PIL|Errno", said)
            good = save(tmp_path, noise(16, 16), f"after-{path.stem}.png")
            drop(page, good)
            wait_for(page, f"after-{path.stem}")
            expect(status).not_to_contain_text("Cannot use this file")


def test_an_unexpected_error_is_a_message_without_its_text(browser, tmp_path):
    def broken(lr):
        raise RuntimeError("secret /path/in.py")

    with opened_over(browser, methods(Broken=broken)) as page:
        drop(page, save(tmp_path, noise()))
        expect(page.locator("#status")).to_contain_text("went wrong on our side")
        assert "secret" not in page.content()


# ---- Several people, Stop, leaving ---------------------------------------------------------------


def test_two_people_get_their_own_pictures(browser, app, upscalers, tmp_path):
    photos = [noise(120, 120, seed) for seed in (1, 2)]
    with opened(browser, app) as one, opened(browser, app) as two:
        drop(one, save(tmp_path, photos[0], "one.png"))
        drop(two, save(tmp_path, photos[1], "two.png"))
        wait_for(one, "one")
        wait_for(two, "two")
        for page, hr in zip((one, two), photos, strict=True):
            assert (served(page, "original") == hr).all()
            assert (served(page, "srgan") == upscalers["SRGAN"](shrink(hr))).all()


def test_two_tabs_of_one_browser_do_not_mix(browser, tmp_path):
    photos = {name: noise(seed=seed) for seed, name in enumerate(("one", "two"))}
    with opened_over(browser, methods(Slow=Counting(5, wait=0.02))) as one:
        two = one.context.new_page()
        two.goto(one.url)
        expect(two.locator("#comparer figure[data-state=ready]")).to_have_count(5)
        tabs = {"one": one, "two": two}
        for name, page in tabs.items():
            drop(page, save(tmp_path, photos[name], f"{name}.png"))
        for name, page in tabs.items():
            wait_for(page, name, 3)
            expect(page.locator("#status")).to_contain_text("Done.")
            assert (served(page, "slow") == repeat(shrink(photos[name]))).all()


def test_a_run_out_of_turn_changes_nothing():
    """And says so: Gradio empties the outputs of a run without any update."""
    turn = Turn()
    page = handlers.Handlers([], 10**6, OUTPUTS)
    late, last = turn.begin(), turn.begin()
    assert list(page.run("photo.png", "original", turn, late)) == [NOTHING]
    assert turn.take(last.number)
    assert list(page.run("photo.png", "original", turn, last)) == [NOTHING]  # asked for twice


def test_a_photo_may_have_any_name(browser, tmp_path):
    names = ["ünï 写真.jpg", "a \"b\" & 'c' #1 100%.tar.png", "<b onload=x>.webp", "-.png"]
    slow = Counting(1)
    with opened_over(browser, methods(SRGAN=slow)) as page:
        for count, name in enumerate(names, start=1):
            drop(page, save(tmp_path, noise(), name))
            until(lambda count=count: slow.made >= count)
            expect(page.locator("#status")).to_contain_text("Done.")
            until(lambda count=count: slow.made == count and not slow.under_way)
        for name in page.locator("#comparer a[download]").all():
            assert re.fullmatch(r"[\w.-]+\.png", name.get_attribute("download"))


@pytest.mark.parametrize("way", ["stop", "close", "drop another", "reload"])
def test_the_work_ends_within_two_steps(browser, tmp_path, way):
    slow = Counting(10_000, wait=0.05)
    with opened_over(browser, methods(Slow=slow)) as page:
        drop(page, save(tmp_path, noise()))
        expect(page.locator("#comparer figure[data-key=slow][data-state=working]")).to_be_visible()
        if way == "stop":
            page.locator("#stop").click()
            expect(page.locator("#status")).to_contain_text("Stopped")
            made = slow.made
            expect(page.locator("#comparer figure[data-key=slow]")).to_have_attribute(
                "data-state", "stopped"
            )
            until(lambda: not slow.under_way)
            assert slow.made <= made + 2
            drop(page, save(tmp_path, noise(), "again.png"))  # and the page goes on
            expect(page.locator("#comparer a[download^='again_']")).to_have_count(2)
        elif way == "close":
            page.close()
            until(lambda: not slow.under_way)  # all steps would take 500 s
        else:
            if way == "reload":
                page.reload()
                expect(page.locator("#comparer figure[data-state=ready]")).to_have_count(5)
            drop(page, save(tmp_path, noise(seed=1), "other.png"))
            # The queue lets one run at a time: that the second works shows that the first ended.
            expect(page.locator("#comparer a[download^='other_']")).to_have_count(2)
            expect(page.locator("#comparer figure[data-key=slow]")).to_contain_text("%")
            page.locator("#stop").click()
            until(lambda: not slow.under_way)
            assert slow.most == 1


def test_a_second_job_waits_for_the_first(browser, tmp_path):
    slow = Counting(30, wait=0.03)
    with (
        serve(build_page(methods(Slow=slow)), **LAUNCH) as url,
        opened(browser, url) as one,
        opened(browser, url) as two,
    ):
        drop(one, save(tmp_path, noise(seed=1), "one.png"))
        drop(two, save(tmp_path, noise(seed=2), "two.png"))
        wait_for(one, "one", 3)
        wait_for(two, "two", 3)
        assert slow.made == 60
        assert slow.most == 1


def test_the_updates_name_every_method_in_every_state(tmp_path):
    """And each has all that those before had: Gradio sends the difference alone."""
    turn = Turn()
    page = handlers.Handlers(methods(One=enlarge, Two=enlarge), 10**6, OUTPUTS)
    updates = list(page.run(str(save(tmp_path, noise())), "original", turn, turn.begin()))
    told = [update["status"] for update in updates]
    assert told == ["One …", "Two …", "Scores …", "Scores …", "Scores …", "Done."]
    states = [[pane.state for pane in update["comparer"].panes[1:3]] for update in updates]
    assert states == [["working", "waiting"], ["ready", "working"], *[["ready", "ready"]] * 4]
    assert len({frozenset(update) for update in updates}) == 1


def test_of_two_examples_the_one_that_was_chosen_last_stays():
    """Though the first takes longer to read."""
    turn, last = Turn(), []

    class Slow(Gallery):
        def show(self, name):
            if name == "cat":
                last.append(page.example("grass", turn))
            return super().show(name)

    page = handlers.Handlers([], 10**6, OUTPUTS, gallery=Slow())
    assert page.example("cat", turn) == NOTHING
    assert last[0]["comparer"].photo == "grass"


@pytest.mark.parametrize(
    ("error", "said"),
    [(OSError(errno.ENOSPC, "/tmp"), "no room left"), (RuntimeError("/tmp"), "went wrong")],
)
def test_what_fails_on_the_server_is_said_without_its_secrets(tmp_path, monkeypatch, error, said):
    def fails(*_):
        raise error

    monkeypatch.setattr(handlers, "compare", fails)
    turn = Turn()
    work = handlers.Handlers(methods(Bicubic=enlarge), 10**6, OUTPUTS)
    *_, last = work.run(str(save(tmp_path, noise())), "original", turn, turn.begin())
    assert said in last["status"]
    assert "/tmp" not in last["status"]
